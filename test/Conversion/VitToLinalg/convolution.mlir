// RUN: vit-opt %s -convert-vit-to-linalg -canonicalize -cse | FileCheck %s

// CHECK-LABEL: func @conv2d(
//  CHECK-SAME:     %[[X:.*]]: tensor<?x8x32x32xf32>, %[[W:.*]]: tensor<16x8x3x3xf32>, %[[BIAS:.*]]: tensor<16xf32>
//       CHECK:   %[[PADDED:.*]] = tensor.pad %[[X]] low[0, 0, 1, 0] high[0, 0, 2, 1]
//       CHECK:   %[[Y:.*]] = linalg.conv_2d_nchw_fchw {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>}
//  CHECK-SAME:       ins(%[[PADDED]], %[[W]]
//       CHECK:   linalg.generic {{.*}}ins(%[[Y]], %[[BIAS]]
//       CHECK:     arith.addf
func.func @conv2d(%x: tensor<?x8x32x32xf32>, %w: tensor<16x8x3x3xf32>, %b: tensor<16xf32>) -> tensor<?x16x17x16xf32> {
  %0 = vit.conv2d %x, %w bias(%b : tensor<16xf32>) stride [2, 2] pad [1, 0, 2, 1]
      : tensor<?x8x32x32xf32>, tensor<16x8x3x3xf32> -> tensor<?x16x17x16xf32>
  return %0 : tensor<?x16x17x16xf32>
}

// CHECK-LABEL: func @conv2d_grouped(
//   CHECK-NOT:   tensor.pad
//       CHECK:   tensor.expand_shape {{.*}} : tensor<?x8x10x9xf16> into tensor<?x4x2x10x9xf16>
//       CHECK:   tensor.expand_shape {{.*}} : tensor<12x2x3x2xf16> into tensor<4x3x2x3x2xf16>
//       CHECK:   linalg.conv_2d_ngchw_gfchw {dilations = dense<[2, 3]> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
//  CHECK-SAME:       -> tensor<?x4x3x6x6xf32>
//       CHECK:   tensor.collapse_shape {{.*}} : tensor<?x4x3x6x6xf32> into tensor<?x12x6x6xf32>
//       CHECK:   arith.truncf
func.func @conv2d_grouped(%x: tensor<?x8x10x9xf16>, %w: tensor<12x2x3x2xf16>) -> tensor<?x12x6x6xf16> {
  %0 = vit.conv2d %x, %w dilation [2, 3] groups 4 : tensor<?x8x10x9xf16>, tensor<12x2x3x2xf16> -> tensor<?x12x6x6xf16>
  return %0 : tensor<?x12x6x6xf16>
}
