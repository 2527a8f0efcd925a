// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// CHECK-DAG: #[[$ROWS:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#rows = affine_map<(b, i, l) -> (b, i, l)>

// CHECK-LABEL: func @gemm(
//       CHECK:   kernel.gemm batch(%{{[^ ]+}}) rows(%{{[^ ]+}}) n 16 k 8 lhs(%{{[^ ]+}} at #[[$ROWS]] : memref<?x4x8xf32>)
//  CHECK-SAME:       weights(%{{[^ ]+}} : memref<256xf32>) bias(%{{[^ ]+}} : memref<16xf32>)
//  CHECK-SAME:       init(%{{[^ ]+}} at #[[$ROWS]] : memref<?x4x16xf32>) activation gelu
//   CHECK-NOT:   ->
func.func @gemm(%b: index, %m: index, %x: memref<?x4x8xf32>, %w: memref<256xf32>, %c: memref<16xf32>,
                %y: memref<?x4x16xf32>) {
  kernel.gemm batch(%b) rows(%m) n 16 k 8 lhs(%x at affine_map<(b, i, l) -> (b, i, l)> : memref<?x4x8xf32>)
      weights(%w : memref<256xf32>) bias(%c : memref<16xf32>)
      init(%y at affine_map<(b, i, j) -> (b, i, j)> : memref<?x4x16xf32>) activation gelu
  return
}

// On tensors the result is the updated init. No activation is printed for none.
// CHECK-LABEL: func @gemm_residual_tensor(
//       CHECK:   kernel.gemm {{.*}} residual(%{{[^ ]+}} at #[[$ROWS]] : tensor<?x4x16xf32>) init(%{{[^ ]+}} at #[[$ROWS]] : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
func.func @gemm_residual_tensor(%b: index, %m: index, %x: tensor<?x4x8xf32>, %w: tensor<256xf32>,
                                %r: tensor<?x4x16xf32>, %y: tensor<?x4x16xf32>) -> tensor<?x4x16xf32> {
  %0 = kernel.gemm batch(%b) rows(%m) n 16 k 8 lhs(%x at #rows : tensor<?x4x8xf32>) weights(%w : tensor<256xf32>)
      residual(%r at #rows : tensor<?x4x16xf32>) init(%y at #rows : tensor<?x4x16xf32>) activation none -> tensor<?x4x16xf32>
  return %0 : tensor<?x4x16xf32>
}

// CHECK-LABEL: func @gemm_norm(
//       CHECK:   kernel.gemm {{.*}} norm <epsilon = 1.000000e-05 : f64>{{$}}
//       CHECK:   kernel.gemm {{.*}} norm <epsilon = 1.000000e-05 : f64, rms = true> tiling
//  CHECK-SAME:       rowBlock = 256, panels = 4>
func.func @gemm_norm(%b: index, %m: index, %x: memref<?x4x8xf32>, %w: memref<256xf32>, %y: memref<?x4x16xf32>) {
  kernel.gemm batch(%b) rows(%m) n 16 k 8 lhs(%x at #rows : memref<?x4x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #rows : memref<?x4x16xf32>) norm <epsilon = 1.000000e-05 : f64>
  kernel.gemm batch(%b) rows(%m) n 16 k 8 lhs(%x at #rows : memref<?x4x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #rows : memref<?x4x16xf32>) norm <epsilon = 1.000000e-05 : f64, rms = true>
      tiling <provider = vector, rows = 6, columns = 64, kBlock = 1536, unroll = 8, rowBlock = 256, panels = 4>
  return
}

// CHECK-LABEL: func @gemm_tiling(
//       CHECK:   activation gelu_tanh tiling <provider = onednn, rows = 6, columns = 64, kBlock = 1536, unroll = 8, rowBlock = 256>
func.func @gemm_tiling(%b: index, %m: index, %x: memref<?x4x8xf32>, %w: memref<256xf32>, %y: memref<?x4x16xf32>) {
  kernel.gemm batch(%b) rows(%m) n 16 k 8 lhs(%x at #rows : memref<?x4x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #rows : memref<?x4x16xf32>) activation gelu_tanh
      tiling <provider = onednn, rows = 6, columns = 64, kBlock = 1536, unroll = 8, rowBlock = 256>
  return
}

// CHECK-LABEL: func @gemm_weights_per_item(
//       CHECK:   kernel.gemm {{.*}} weights(%{{[^ ]+}} : tensor<?x256xf32>)
func.func @gemm_weights_per_item(%b: index, %m: index, %x: tensor<?x4x8xf32>, %w: tensor<?x256xf32>,
                                 %y: tensor<?x4x16xf32>) -> tensor<?x4x16xf32> {
  %0 = kernel.gemm batch(%b) rows(%m) n 16 k 8 lhs(%x at affine_map<(b, i, l) -> (b, i, l)> : tensor<?x4x8xf32>)
      weights(%w : tensor<?x256xf32>) init(%y at affine_map<(b, i, j) -> (b, i, j)> : tensor<?x4x16xf32>)
      -> tensor<?x4x16xf32>
  return %0 : tensor<?x4x16xf32>
}

// A convolution of a group norm's map, and the sums of what it writes.
// CHECK-LABEL: func @gemm_taps(
//       CHECK:   kernel.gemm {{.*}} lhs(%{{[^ ]+}} at #{{.*}} : tensor<?x4x4x8xf32>) zero_outside
//  CHECK-SAME:       lhs_scale(%{{[^ ]+}} at #{{.*}} : tensor<?x8xf32>) lhs_shift(%{{[^ ]+}} : tensor<?x8xf32>) lhs_activation relu
//  CHECK-SAME:       weights(%{{[^ ]+}} : tensor<1280xf32>) init(%{{[^ ]+}} at #{{.*}} : tensor<?x16x16xf32>)
//  CHECK-SAME:       statistics(%{{[^ ]+}} : tensor<?x2x2x16xf32>) -> tensor<?x16x16xf32>, tensor<?x2x2x16xf32>
func.func @gemm_taps(%b: index, %m: index, %x: tensor<?x4x4x8xf32>, %s: tensor<?x8xf32>, %t: tensor<?x8xf32>,
                     %w: tensor<1280xf32>, %y: tensor<?x16x16xf32>, %z: tensor<?x2x2x16xf32>)
    -> (tensor<?x16x16xf32>, tensor<?x2x2x16xf32>) {
  %0:2 = kernel.gemm batch(%b) rows(%m) n 16 k 72
      lhs(%x at affine_map<(b, i, l) -> (b, i floordiv 4 + l floordiv 24 - 1, i mod 4 + (l floordiv 8) mod 3 - 1, l mod 8)>
          : tensor<?x4x4x8xf32>) zero_outside
      lhs_scale(%s at affine_map<(b, l) -> (b, l mod 8)> : tensor<?x8xf32>) lhs_shift(%t : tensor<?x8xf32>)
      lhs_activation relu weights(%w : tensor<1280xf32>) init(%y at #rows : tensor<?x16x16xf32>)
      statistics(%z : tensor<?x2x2x16xf32>) -> tensor<?x16x16xf32>, tensor<?x2x2x16xf32>
  return %0#0, %0#1 : tensor<?x16x16xf32>, tensor<?x2x2x16xf32>
}
