// RUN: vit-opt %s -convert-group-norm-to-linalg | FileCheck %s

// Sums of the rows of pixels, of a group, and what they make for each channel,
// twice; then the normalisation, element by element.
// CHECK-LABEL: func @group_norm_convolution(
//       CHECK:   %[[MAP:.*]] = vit.conv2d
//   CHECK-NOT:   vit.layer_norm
//       CHECK:   %[[ROWS:.*]] = linalg.generic {{.*}}"parallel", "parallel", "parallel", "reduction"{{.*}} ins(%[[MAP]] :
//       CHECK:     arith.addf
//       CHECK:   %[[GROUPED:.*]] = tensor.expand_shape %[[ROWS]] {{.*}} into tensor<2x4x2x6xf32>
//       CHECK:   linalg.generic {{.*}} ins(%[[GROUPED]] :
//       CHECK:   %[[MEAN:.*]] = linalg.map {{.*}} outs({{.*}} : tensor<2x8xf32>)
//       CHECK:     arith.divf
//       CHECK:   linalg.generic {{.*}} ins(%[[MAP]], %[[MEAN]] :
//       CHECK:     arith.subf
//       CHECK:     arith.mulf
//       CHECK:   %[[RECIPROCAL:.*]] = linalg.map
//       CHECK:     math.sqrt
//       CHECK:   linalg.generic {{.*}} ins(%[[MAP]], %[[MEAN]], %[[RECIPROCAL]] :
func.func @group_norm_convolution(%x: tensor<2x3x6x5xf32>, %w: tensor<8x3x1x1xf32>) -> tensor<2x4x60xf32> {
  %0 = vit.conv2d %x, %w : tensor<2x3x6x5xf32>, tensor<8x3x1x1xf32> -> tensor<2x8x6x5xf32>
  %1 = tensor.collapse_shape %0 [[0], [1, 2, 3]] : tensor<2x8x6x5xf32> into tensor<2x240xf32>
  %2 = tensor.expand_shape %1 [[0], [1, 2]] output_shape [2, 4, 60] : tensor<2x240xf32> into tensor<2x4x60xf32>
  %3 = vit.layer_norm %2 epsilon 1.0e-05 : tensor<2x4x60xf32>
  return %3 : tensor<2x4x60xf32>
}

// A 1x1 convolution may be a product of tokens.
// CHECK-LABEL: func @group_norm_linear(
//   CHECK-NOT:   vit.layer_norm
func.func @group_norm_linear(%x: tensor<2x30x3xf32>, %w: tensor<8x3xf32>) -> tensor<2x4x60xf32> {
  %0 = vit.linear %x, %w : tensor<2x30x3xf32>, tensor<8x3xf32> -> tensor<2x30x8xf32>
  %init = tensor.empty() : tensor<2x8x30xf32>
  %1 = linalg.transpose ins(%0 : tensor<2x30x8xf32>) outs(%init : tensor<2x8x30xf32>) permutation = [0, 2, 1]
  %2 = tensor.expand_shape %1 [[0], [1], [2, 3]] output_shape [2, 8, 6, 5] : tensor<2x8x30xf32> into tensor<2x8x6x5xf32>
  %3 = tensor.collapse_shape %2 [[0], [1, 2, 3]] : tensor<2x8x6x5xf32> into tensor<2x240xf32>
  %4 = tensor.expand_shape %3 [[0], [1, 2]] output_shape [2, 4, 60] : tensor<2x240xf32> into tensor<2x4x60xf32>
  %5 = vit.layer_norm %4 epsilon 1.0e-05 : tensor<2x4x60xf32>
  return %5 : tensor<2x4x60xf32>
}

// An argument lies in the order of its dims: rows are contiguous.
// CHECK-LABEL: func @negative_group_norm_argument(
//       CHECK:   vit.layer_norm
func.func @negative_group_norm_argument(%x: tensor<2x8x6x5xf32>) -> tensor<2x4x60xf32> {
  %0 = tensor.collapse_shape %x [[0], [1, 2, 3]] : tensor<2x8x6x5xf32> into tensor<2x240xf32>
  %1 = tensor.expand_shape %0 [[0], [1, 2]] output_shape [2, 4, 60] : tensor<2x240xf32> into tensor<2x4x60xf32>
  %2 = vit.layer_norm %1 epsilon 1.0e-05 : tensor<2x4x60xf32>
  return %2 : tensor<2x4x60xf32>
}

// Five groups of 48 elements would split channels.
// CHECK-LABEL: func @negative_group_norm_split_channel(
//       CHECK:   vit.layer_norm
func.func @negative_group_norm_split_channel(%x: tensor<2x3x6x5xf32>, %w: tensor<8x3x1x1xf32>) -> tensor<2x5x48xf32> {
  %0 = vit.conv2d %x, %w : tensor<2x3x6x5xf32>, tensor<8x3x1x1xf32> -> tensor<2x8x6x5xf32>
  %1 = tensor.collapse_shape %0 [[0], [1, 2, 3]] : tensor<2x8x6x5xf32> into tensor<2x240xf32>
  %2 = tensor.expand_shape %1 [[0], [1, 2]] output_shape [2, 5, 48] : tensor<2x240xf32> into tensor<2x5x48xf32>
  %3 = vit.layer_norm %2 epsilon 1.0e-05 : tensor<2x5x48xf32>
  return %3 : tensor<2x5x48xf32>
}

// CHECK-LABEL: func @negative_group_norm_f64(
//       CHECK:   vit.layer_norm
func.func @negative_group_norm_f64(%x: tensor<2x3x6x5xf64>, %w: tensor<8x3x1x1xf64>) -> tensor<2x4x60xf64> {
  %0 = vit.conv2d %x, %w : tensor<2x3x6x5xf64>, tensor<8x3x1x1xf64> -> tensor<2x8x6x5xf64>
  %1 = tensor.collapse_shape %0 [[0], [1, 2, 3]] : tensor<2x8x6x5xf64> into tensor<2x240xf64>
  %2 = tensor.expand_shape %1 [[0], [1, 2]] output_shape [2, 4, 60] : tensor<2x240xf64> into tensor<2x4x60xf64>
  %3 = vit.layer_norm %2 epsilon 1.0e-05 : tensor<2x4x60xf64>
  return %3 : tensor<2x4x60xf64>
}

// A scale for each element of a row is none for each channel.
// CHECK-LABEL: func @negative_group_norm_scale(
//       CHECK:   vit.layer_norm
func.func @negative_group_norm_scale(%x: tensor<2x3x6x5xf32>, %w: tensor<8x3x1x1xf32>, %s: tensor<60xf32>) -> tensor<2x4x60xf32> {
  %0 = vit.conv2d %x, %w : tensor<2x3x6x5xf32>, tensor<8x3x1x1xf32> -> tensor<2x8x6x5xf32>
  %1 = tensor.collapse_shape %0 [[0], [1, 2, 3]] : tensor<2x8x6x5xf32> into tensor<2x240xf32>
  %2 = tensor.expand_shape %1 [[0], [1, 2]] output_shape [2, 4, 60] : tensor<2x240xf32> into tensor<2x4x60xf32>
  %3 = vit.layer_norm %2 scale(%s : tensor<60xf32>) epsilon 1.0e-05 : tensor<2x4x60xf32>
  return %3 : tensor<2x4x60xf32>
}
