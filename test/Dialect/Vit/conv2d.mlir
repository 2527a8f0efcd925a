// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// CHECK-LABEL: func @conv2d(
//       CHECK:   vit.conv2d %{{.*}}, %{{.*}} bias(%{{.*}} : tensor<16xf32>) stride [2, 2] pad [1, 1, 1, 1]
//  CHECK-SAME:       : tensor<?x8x32x32xf32>, tensor<16x8x3x3xf32> -> tensor<?x16x16x16xf32>
func.func @conv2d(%x: tensor<?x8x32x32xf32>, %w: tensor<16x8x3x3xf32>, %b: tensor<16xf32>) -> tensor<?x16x16x16xf32> {
  %y = vit.conv2d %x, %w bias(%b : tensor<16xf32>) stride [2, 2] pad [1, 1, 1, 1]
      : tensor<?x8x32x32xf32>, tensor<16x8x3x3xf32> -> tensor<?x16x16x16xf32>
  return %y : tensor<?x16x16x16xf32>
}

// CHECK-LABEL: func @conv2d_plain(
//       CHECK:   vit.conv2d %{{.*}}, %{{.*}} : tensor<1x8x5x6xf16>, tensor<4x8x2x3xf16> -> tensor<1x4x4x4xf16>
func.func @conv2d_plain(%x: tensor<1x8x5x6xf16>, %w: tensor<4x8x2x3xf16>) -> tensor<1x4x4x4xf16> {
  %y = vit.conv2d %x, %w : tensor<1x8x5x6xf16>, tensor<4x8x2x3xf16> -> tensor<1x4x4x4xf16>
  return %y : tensor<1x4x4x4xf16>
}

// Height: 10 rows and 2 above, a filter of 5 rows, two apart at each step.
// CHECK-LABEL: func @conv2d_grouped_dilated(
//       CHECK:   vit.conv2d %{{.*}}, %{{.*}} stride [2, 1] pad [2, 0, 0, 1] dilation [2, 3] groups 4
//  CHECK-SAME:       : tensor<?x8x10x9xf32>, tensor<12x2x3x2xf32> -> tensor<?x12x4x7xf32>
func.func @conv2d_grouped_dilated(%x: tensor<?x8x10x9xf32>, %w: tensor<12x2x3x2xf32>) -> tensor<?x12x4x7xf32> {
  %y = vit.conv2d %x, %w stride [2, 1] pad [2, 0, 0, 1] dilation [2, 3] groups 4
      : tensor<?x8x10x9xf32>, tensor<12x2x3x2xf32> -> tensor<?x12x4x7xf32>
  return %y : tensor<?x12x4x7xf32>
}

// CHECK-LABEL: func @conv2d_epilogue(
//       CHECK:   vit.conv2d %{{.*}}, %{{.*}} residual(%{{.*}} : tensor<1x8x5x5xf32>) pad [1, 1, 1, 1] activation relu
//  CHECK-SAME:       : tensor<1x8x5x5xf32>, tensor<8x8x3x3xf32> -> tensor<1x8x5x5xf32>
func.func @conv2d_epilogue(%x: tensor<1x8x5x5xf32>, %w: tensor<8x8x3x3xf32>) -> tensor<1x8x5x5xf32> {
  %y = vit.conv2d %x, %w residual(%x : tensor<1x8x5x5xf32>) pad [1, 1, 1, 1] activation relu
      : tensor<1x8x5x5xf32>, tensor<8x8x3x3xf32> -> tensor<1x8x5x5xf32>
  return %y : tensor<1x8x5x5xf32>
}
