// RUN: vit-opt %s -vit-fuse-norm -split-input-file -verify-diagnostics | FileCheck %s

vit.weight @w : tensor<16x8xf32> seed(1 mean 0.0 scale 1.0)

// CHECK-LABEL: func @norm(
//  CHECK-SAME:     %[[X:.*]]: tensor<?x5x8xf32>
//   CHECK-NOT:   vit.layer_norm
//       CHECK:   vit.linear %[[X]], %{{[^ ]+}} activation gelu norm <epsilon = 1.000000e-05 : f64> :
func.func @norm(%x: tensor<?x5x8xf32>) -> tensor<?x5x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %0 = vit.layer_norm %x epsilon 1.0e-05 : tensor<?x5x8xf32>
  %1 = vit.linear %0, %w activation gelu : tensor<?x5x8xf32>, tensor<16x8xf32> -> tensor<?x5x16xf32>
  return %1 : tensor<?x5x16xf32>
}

// CHECK-LABEL: func @norm_rms(
//   CHECK-NOT:   vit.rms_norm
//       CHECK:   vit.linear %{{[^ ]+}}, %{{[^ ]+}} norm <epsilon = 1.000000e-05 : f64, rms = true> :
func.func @norm_rms(%x: tensor<5x8xf32>) -> tensor<5x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %0 = vit.rms_norm %x epsilon 1.0e-05 : tensor<5x8xf32>
  %1 = vit.linear %0, %w : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  return %1 : tensor<5x16xf32>
}

// Shifted windows of the rows, and the same rows in one more product.
// CHECK-LABEL: func @norm_moved_rows_twice(
//  CHECK-SAME:     %[[X:.*]]: tensor<1x4x4x8xf32>
//       CHECK:   %[[S:.*]] = vit.cyclic_shift %[[X]]
//       CHECK:   %[[P:.*]] = vit.window_partition %[[S]]
//       CHECK:   vit.linear %[[P]], %{{[^ ]+}} norm <epsilon = 1.000000e-05 : f64>
//       CHECK:   vit.linear %[[X]], %{{[^ ]+}} norm <epsilon = 1.000000e-05 : f64>
func.func @norm_moved_rows_twice(%x: tensor<1x4x4x8xf32>) -> (tensor<4x4x16xf32>, tensor<1x4x4x16xf32>) {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %0 = vit.layer_norm %x epsilon 1.0e-05 : tensor<1x4x4x8xf32>
  %1 = vit.cyclic_shift %0 shift [1, 1] : tensor<1x4x4x8xf32>
  %2 = vit.window_partition %1 window [2, 2] : tensor<1x4x4x8xf32> -> tensor<4x4x8xf32>
  %3 = vit.linear %2, %w : tensor<4x4x8xf32>, tensor<16x8xf32> -> tensor<4x4x16xf32>
  %4 = vit.linear %0, %w : tensor<1x4x4x8xf32>, tensor<16x8xf32> -> tensor<1x4x4x16xf32>
  return %3, %4 : tensor<4x4x16xf32>, tensor<1x4x4x16xf32>
}

// vit-fold-norm-affine says why the scale is there.
// CHECK-LABEL: func @negative_norm_scale(
//       CHECK:   vit.layer_norm
func.func @negative_norm_scale(%x: tensor<5x8xf32>, %g: tensor<8xf32>) -> tensor<5x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %0 = vit.layer_norm %x scale(%g : tensor<8xf32>) epsilon 1.0e-05 : tensor<5x8xf32>
  %1 = vit.linear %0, %w : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  return %1 : tensor<5x16xf32>
}

// CHECK-LABEL: func @negative_norm_shift(
//       CHECK:   vit.layer_norm
func.func @negative_norm_shift(%x: tensor<5x8xf32>, %s: tensor<8xf32>) -> tensor<5x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %0 = vit.layer_norm %x shift(%s : tensor<8xf32>) epsilon 1.0e-05 : tensor<5x8xf32>
  %1 = vit.linear %0, %w : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  return %1 : tensor<5x16xf32>
}

// -----

vit.weight @w : tensor<16x8xf32> seed(1 mean 0.0 scale 1.0)

// CHECK-LABEL: func @negative_norm_other_reader(
//       CHECK:   vit.layer_norm
//   CHECK-NOT:   norm <
func.func @negative_norm_other_reader(%x: tensor<5x8xf32>) -> (tensor<5x8xf32>, tensor<5x16xf32>) {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  // expected-remark @+1 {{not fused into the linear layers behind it: 'func.return' op reads its result}}
  %0 = vit.layer_norm %x epsilon 1.0e-05 : tensor<5x8xf32>
  %1 = vit.linear %0, %w : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  return %0, %1 : tensor<5x8xf32>, tensor<5x16xf32>
}

// -----

vit.weight @w : tensor<8x8xf32> seed(1 mean 0.0 scale 1.0)

// CHECK-LABEL: func @negative_norm_residual(
//       CHECK:   vit.layer_norm
func.func @negative_norm_residual(%x: tensor<5x8xf32>) -> tensor<5x8xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x8xf32>
  // expected-remark @+1 {{not fused into the linear layers behind it: 'vit.linear' op reads its result}}
  %0 = vit.layer_norm %x epsilon 1.0e-05 : tensor<5x8xf32>
  %1 = vit.linear %0, %w residual(%0 : tensor<5x8xf32>) : tensor<5x8xf32>, tensor<8x8xf32> -> tensor<5x8xf32>
  return %1 : tensor<5x8xf32>
}

// -----

// Its rows would be normalised by loops of their own.
// CHECK-LABEL: func @negative_norm_computed_weight(
//       CHECK:   vit.layer_norm
func.func @negative_norm_computed_weight(%x: tensor<5x8xf32>, %w: tensor<16x8xf32>) -> tensor<5x16xf32> {
  // expected-remark @+1 {{a linear layer that reads its result has a computed weight}}
  %0 = vit.layer_norm %x epsilon 1.0e-05 : tensor<5x8xf32>
  %1 = vit.linear %0, %w : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  return %1 : tensor<5x16xf32>
}

// -----

vit.weight @w : tensor<16x8xf32> seed(1 mean 0.0 scale 1.0)

// CHECK-LABEL: func @negative_norm_normalised_again(
//       CHECK:   vit.layer_norm
func.func @negative_norm_normalised_again(%x: tensor<5x8xf32>) -> tensor<5x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  // expected-remark @+1 {{a linear layer normalises its result again}}
  %0 = vit.layer_norm %x epsilon 1.0e-05 : tensor<5x8xf32>
  %1 = vit.linear %0, %w norm <epsilon = 0.5 : f64> : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  return %1 : tensor<5x16xf32>
}

// -----

vit.weight @w : tensor<16x8xf32> seed(1 mean 0.0 scale 1.0)

// CHECK-LABEL: func @negative_norm_infinite_epsilon(
//       CHECK:   vit.layer_norm
func.func @negative_norm_infinite_epsilon(%x: tensor<5x8xf32>) -> tensor<5x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  // expected-remark @+1 {{not fused into the linear layers behind it: its epsilon is infinite}}
  %0 = vit.layer_norm %x epsilon 0x7FF0000000000000 : tensor<5x8xf32>
  %1 = vit.linear %0, %w : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  return %1 : tensor<5x16xf32>
}

// -----

vit.weight @w : tensor<16x8xf32> seed(1 mean 0.0 scale 1.0)

// Four products would normalise each row four times.
// CHECK-LABEL: func @negative_norm_four_readers(
//       CHECK:   vit.layer_norm
func.func @negative_norm_four_readers(%x: tensor<5x8xf32>)
    -> (tensor<5x16xf32>, tensor<5x16xf32>, tensor<5x16xf32>, tensor<5x16xf32>) {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  // expected-remark @+1 {{not fused into the linear layers behind it: 4 of them read it; at most 3 normalise for themselves}}
  %0 = vit.layer_norm %x epsilon 1.0e-05 : tensor<5x8xf32>
  %1 = vit.linear %0, %w : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  %2 = vit.linear %0, %w activation gelu : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  %3 = vit.linear %0, %w activation gelu_tanh : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  %4 = vit.linear %0, %w activation gelu_quick : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  return %1, %2, %3, %4 : tensor<5x16xf32>, tensor<5x16xf32>, tensor<5x16xf32>, tensor<5x16xf32>
}
