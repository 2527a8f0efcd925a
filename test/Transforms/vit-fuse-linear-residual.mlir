// RUN: vit-opt %s -vit-fuse-linear-residual -verify-diagnostics | FileCheck %s

// CHECK-LABEL: func @linear_residual(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<4x8xf32>, %[[W:[^ ]+]]: tensor<8x8xf32>, %[[B:[^ ]+]]: tensor<8xf32>, %[[R:[^ ]+]]: tensor<4x8xf32>
//       CHECK:   %[[Y:.*]] = vit.linear %[[X]], %[[W]] bias(%[[B]] : tensor<8xf32>) residual(%[[R]] : tensor<4x8xf32>)
//   CHECK-NOT:   arith.addf
//       CHECK:   return %[[Y]]
func.func @linear_residual(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %b: tensor<8xf32>, %r: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %0 = vit.linear %x, %w bias(%b : tensor<8xf32>) : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
  %1 = arith.addf %0, %r : tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// The residual may be the left operand, and computed after the linear layer.
// CHECK-LABEL: func @linear_residual_left_later(
//       CHECK:   %[[R:.*]] = vit.layer_norm
//       CHECK:   vit.linear %{{.*}} residual(%[[R]] : tensor<4x8xf32>)
//   CHECK-NOT:   arith.addf
func.func @linear_residual_left_later(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
  %r = vit.layer_norm %x epsilon 1.0e-06 : tensor<4x8xf32>
  %1 = arith.addf %r, %0 : tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// The activation stays before the addition.
// CHECK-LABEL: func @linear_residual_activation(
//       CHECK:   vit.linear %{{.*}} residual(%{{.*}}) activation gelu
func.func @linear_residual_activation(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %0 = vit.linear %x, %w activation gelu : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
  %1 = arith.addf %0, %x : tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// The first result is the value before the addition.
// CHECK-LABEL: func @negative_linear_residual_two_users(
//       CHECK:   vit.linear
//   CHECK-NOT:   residual
//       CHECK:   arith.addf
func.func @negative_linear_residual_two_users(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
  %1 = arith.addf %0, %x : tensor<4x8xf32>
  return %0, %1 : tensor<4x8xf32>, tensor<4x8xf32>
}

// A layer added to itself has two uses: it is twice the layer.
// CHECK-LABEL: func @negative_linear_residual_itself(
//       CHECK:   %[[Y:.*]] = vit.linear
//       CHECK:   arith.addf %[[Y]], %[[Y]]
func.func @negative_linear_residual_itself(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
  %1 = arith.addf %0, %0 : tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// CHECK-LABEL: func @negative_linear_residual_has_one(
//       CHECK:   %[[Y:.*]] = vit.linear %{{.*}} residual
//       CHECK:   arith.addf %[[Y]]
func.func @negative_linear_residual_has_one(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %r: tensor<4x8xf32>)
    -> tensor<4x8xf32> {
  %0 = vit.linear %x, %w residual(%x : tensor<4x8xf32>) : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
  %1 = arith.addf %0, %r : tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// Swin's block: the residual moves back to windows, the sum moves to the map.
// CHECK-LABEL: func @linear_residual_windows(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x16x4xf32>, %[[W:[^ ]+]]: tensor<4x4xf32>, %[[R:[^ ]+]]: tensor<?x8x8x4xf32>
//       CHECK:   %[[SHIFTED:.*]] = vit.cyclic_shift %[[R]] shift [2, 2]
//       CHECK:   %[[PARTS:.*]] = vit.window_partition %[[SHIFTED]] window [4, 4] : tensor<?x8x8x4xf32> -> tensor<?x16x4xf32>
//       CHECK:   %[[Y:.*]] = vit.linear %[[X]], %[[W]] residual(%[[PARTS]] : tensor<?x16x4xf32>)
//       CHECK:   %[[MAP:.*]] = vit.window_reverse %[[Y]] window [4, 4] size [8, 8]
//       CHECK:   %[[SUM:.*]] = vit.cyclic_shift %[[MAP]] shift [-2, -2]
//   CHECK-NOT:   arith.addf
//       CHECK:   return %[[SUM]]
func.func @linear_residual_windows(%x: tensor<?x16x4xf32>, %w: tensor<4x4xf32>, %r: tensor<?x8x8x4xf32>)
    -> tensor<?x8x8x4xf32> {
  %0 = vit.linear %x, %w : tensor<?x16x4xf32>, tensor<4x4xf32> -> tensor<?x16x4xf32>
  %1 = vit.window_reverse %0 window [4, 4] size [8, 8] : tensor<?x16x4xf32> -> tensor<?x8x8x4xf32>
  %2 = vit.cyclic_shift %1 shift [-2, -2] : tensor<?x8x8x4xf32>
  %3 = arith.addf %r, %2 : tensor<?x8x8x4xf32>
  return %3 : tensor<?x8x8x4xf32>
}

// A 1x1 convolution written as a linear layer between transposes, of a dynamic
// batch.
// CHECK-LABEL: func @linear_residual_transpose(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x6x8xf32>, %[[W:[^ ]+]]: tensor<4x8xf32>, %[[R:[^ ]+]]: tensor<?x4x2x3xf32>
//       CHECK:   %[[FLAT:.*]] = tensor.collapse_shape %[[R]] {{\[\[}}0], [1], [2, 3]]
//       CHECK:   %[[BACK:.*]] = linalg.transpose ins(%[[FLAT]] : tensor<?x4x6xf32>) {{.*}} permutation = [0, 2, 1]
//       CHECK:   %[[Y:.*]] = vit.linear %[[X]], %[[W]] residual(%[[BACK]] : tensor<?x6x4xf32>)
//       CHECK:   linalg.transpose ins(%[[Y]]
//       CHECK:   %[[SUM:.*]] = tensor.expand_shape
//       CHECK:   return %[[SUM]]
func.func @linear_residual_transpose(%x: tensor<?x6x8xf32>, %w: tensor<4x8xf32>, %r: tensor<?x4x2x3xf32>)
    -> tensor<?x4x2x3xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x6x8xf32>
  %0 = vit.linear %x, %w : tensor<?x6x8xf32>, tensor<4x8xf32> -> tensor<?x6x4xf32>
  %empty = tensor.empty(%b) : tensor<?x4x6xf32>
  %1 = linalg.transpose ins(%0 : tensor<?x6x4xf32>) outs(%empty : tensor<?x4x6xf32>) permutation = [0, 2, 1]
  %2 = tensor.expand_shape %1 [[0], [1], [2, 3]] output_shape [%b, 4, 2, 3] : tensor<?x4x6xf32> into tensor<?x4x2x3xf32>
  %3 = arith.addf %2, %r : tensor<?x4x2x3xf32>
  return %3 : tensor<?x4x2x3xf32>
}

// Both are products: the one whose result is not moved adds the other.
// CHECK-LABEL: func @linear_residual_nearer(
//       CHECK:   %[[FAR:.*]] = tensor.collapse_shape
//       CHECK:   vit.linear %{{.*}}, %{{.*}} residual(%[[FAR]] : tensor<4x8xf32>)
func.func @linear_residual_nearer(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %x3 = tensor.expand_shape %x [[0, 1], [2]] output_shape [2, 2, 8] : tensor<4x8xf32> into tensor<2x2x8xf32>
  %0 = vit.linear %x3, %w : tensor<2x2x8xf32>, tensor<8x8xf32> -> tensor<2x2x8xf32>
  %1 = tensor.collapse_shape %0 [[0, 1], [2]] : tensor<2x2x8xf32> into tensor<4x8xf32>
  %2 = vit.linear %x, %w : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
  %3 = arith.addf %1, %2 : tensor<4x8xf32>
  return %3 : tensor<4x8xf32>
}

// CHECK-LABEL: func @conv2d_residual(
//       CHECK:   vit.conv2d %{{.*}}, %{{.*}} residual(%{{.*}} : tensor<1x4x5x5xf32>) pad [1, 1, 1, 1]
//   CHECK-NOT:   arith.addf
func.func @conv2d_residual(%x: tensor<1x4x5x5xf32>, %w: tensor<4x4x3x3xf32>) -> tensor<1x4x5x5xf32> {
  %0 = vit.conv2d %x, %w pad [1, 1, 1, 1] : tensor<1x4x5x5xf32>, tensor<4x4x3x3xf32> -> tensor<1x4x5x5xf32>
  %1 = arith.addf %0, %x : tensor<1x4x5x5xf32>
  return %1 : tensor<1x4x5x5xf32>
}

// CHECK-LABEL: func @conv2d_residual_groups(
//       CHECK:   vit.conv2d {{.*}} residual(%{{.*}}) pad [1, 1, 1, 1] groups 4
//   CHECK-NOT:   arith.addf
func.func @conv2d_residual_groups(%x: tensor<1x4x5x5xf32>, %w: tensor<4x1x3x3xf32>) -> tensor<1x4x5x5xf32> {
  %0 = vit.conv2d %x, %w pad [1, 1, 1, 1] groups 4 : tensor<1x4x5x5xf32>, tensor<4x1x3x3xf32> -> tensor<1x4x5x5xf32>
  %1 = arith.addf %0, %x : tensor<1x4x5x5xf32>
  return %1 : tensor<1x4x5x5xf32>
}

// The map was padded to whole windows: a part of the layer's result is dropped.
// CHECK-LABEL: func @negative_linear_residual_crop(
//       CHECK:   vit.linear
//   CHECK-NOT:   residual
//       CHECK:   arith.addf
func.func @negative_linear_residual_crop(%x: tensor<4x16x4xf32>, %w: tensor<4x4xf32>, %r: tensor<1x7x7x4xf32>)
    -> tensor<1x7x7x4xf32> {
  %0 = vit.linear %x, %w : tensor<4x16x4xf32>, tensor<4x4xf32> -> tensor<4x16x4xf32>
  %1 = vit.window_reverse %0 window [4, 4] size [8, 8] : tensor<4x16x4xf32> -> tensor<1x8x8x4xf32>
  %2 = tensor.extract_slice %1[0, 0, 0, 0] [1, 7, 7, 4] [1, 1, 1, 1] : tensor<1x8x8x4xf32> to tensor<1x7x7x4xf32>
  // expected-remark @below {{not added in the product before it: a slice to 'tensor<1x7x7x4xf32>' drops a part of its result, 'tensor<1x8x8x4xf32>'}}
  %3 = arith.addf %2, %r : tensor<1x7x7x4xf32>
  return %3 : tensor<1x7x7x4xf32>
}

// The map of the layer's windows is a result, too.
// CHECK-LABEL: func @negative_linear_residual_moved_users(
//       CHECK:   vit.linear
//   CHECK-NOT:   residual
//       CHECK:   arith.addf
func.func @negative_linear_residual_moved_users(%x: tensor<4x16x4xf32>, %w: tensor<4x4xf32>, %r: tensor<1x8x8x4xf32>)
    -> (tensor<1x8x8x4xf32>, tensor<1x8x8x4xf32>) {
  %0 = vit.linear %x, %w : tensor<4x16x4xf32>, tensor<4x4xf32> -> tensor<4x16x4xf32>
  %1 = vit.window_reverse %0 window [4, 4] size [8, 8] : tensor<4x16x4xf32> -> tensor<1x8x8x4xf32>
  %2 = arith.addf %1, %r : tensor<1x8x8x4xf32>
  return %1, %2 : tensor<1x8x8x4xf32>, tensor<1x8x8x4xf32>
}
