// RUN: vit-opt %s -vit-fuse-linear-residual | FileCheck %s

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
