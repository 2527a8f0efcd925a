// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
#tokens = affine_map<(b, y, x, c) -> (b, y * 5 + x, c)>

// CHECK-DAG: #[[$PLACES:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK-DAG: #[[$TOKENS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1 * 5 + d2, d3)>

// CHECK-LABEL: func @grouped_conv(
//       CHECK:   kernel.grouped_conv batch(%{{[^ ]+}}) size [5, 5] input_size [9, 9] groups 8 stride [2, 2] dilation [1, 1] pad [1, 1]
//  CHECK-SAME:       input(%{{[^ ]+}} at #[[$PLACES]] : memref<?x9x9x8xf32>) filter(%{{[^ ]+}} : memref<3x3x1x8xf32>)
//  CHECK-SAME:       bias(%{{[^ ]+}} : memref<8xf32>) residual(%{{[^ ]+}} at #[[$TOKENS]] : memref<?x25x8xf32>)
//  CHECK-SAME:       init(%{{[^ ]+}} at #[[$PLACES]] : memref<?x5x5x8xf32>) activation gelu
func.func @grouped_conv(%b: index, %x: memref<?x9x9x8xf32>, %w: memref<3x3x1x8xf32>, %c: memref<8xf32>,
                        %r: memref<?x25x8xf32>, %y: memref<?x5x5x8xf32>) {
  kernel.grouped_conv batch(%b) size [5, 5] input_size [9, 9] groups 8 stride [2, 2] dilation [1, 1] pad [1, 1]
      input(%x at #places : memref<?x9x9x8xf32>) filter(%w : memref<3x3x1x8xf32>) bias(%c : memref<8xf32>)
      residual(%r at #tokens : memref<?x25x8xf32>) init(%y at #places : memref<?x5x5x8xf32>) activation gelu
  return
}

// CHECK-LABEL: func @grouped_conv_plain(
//       CHECK:   filter(%{{[^ ]+}} : tensor<3x1x4x16xf32>) init(%{{[^ ]+}} at #[[$PLACES]] : tensor<2x7x9x16xf32>)
//  CHECK-SAME:       tiling <columns = 3, vectors = 1, taps = 1, rows = 7, channels = 16> -> tensor<2x7x9x16xf32>
func.func @grouped_conv_plain(%b: index, %x: tensor<2x9x9x8xf32>, %w: tensor<3x1x4x16xf32>,
                              %y: tensor<2x7x9x16xf32>) -> tensor<2x7x9x16xf32> {
  %0 = kernel.grouped_conv batch(%b) size [7, 9] input_size [9, 9] groups 2 stride [1, 1] dilation [1, 1] pad [0, 0]
      input(%x at #places : tensor<2x9x9x8xf32>) filter(%w : tensor<3x1x4x16xf32>)
      init(%y at #places : tensor<2x7x9x16xf32>)
      tiling <columns = 3, vectors = 1, taps = 1, rows = 7, channels = 16> -> tensor<2x7x9x16xf32>
  return %0 : tensor<2x7x9x16xf32>
}
