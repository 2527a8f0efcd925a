// RUN: vit-opt %s -vit-fold-norm-affine -canonicalize -split-input-file -verify-diagnostics | FileCheck %s

vit.weight @w : tensor<16x8xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @b : tensor<16xf32> seed(2 mean 0.0 scale 1.0)
vit.weight @g : tensor<8xf32> seed(3 mean 1.0 scale 0.5)
vit.weight @s : tensor<8xf32> seed(4 mean 0.0 scale 1.0)

// CHECK-LABEL: func @norm_affine(
//  CHECK-SAME:     %[[X:.*]]: tensor<?x5x8xf32>
//   CHECK-DAG:   %[[W:.*]] = vit.constant #vit.expr<scale, [#vit.expr<ref, [@w]> : tensor<16x8xf32>, #vit.expr<ref, [@g]> : tensor<8xf32>], params = [1]> : tensor<16x8xf32>
//   CHECK-DAG:   %[[B:.*]] = vit.constant #vit.expr<add, [#vit.expr<ref, [@b]> : tensor<16xf32>, #vit.expr<product, [#vit.expr<ref, [@w]> : tensor<16x8xf32>, #vit.expr<ref, [@s]> : tensor<8xf32>]> : tensor<16xf32>]> : tensor<16xf32>
//       CHECK:   %[[N:.*]] = vit.layer_norm %[[X]] epsilon 1.000000e-05 : tensor<?x5x8xf32>
//       CHECK:   %[[Y:.*]] = vit.linear %[[N]], %[[W]] bias(%[[B]] : tensor<16xf32>) activation gelu
//       CHECK:   return %[[Y]]
func.func @norm_affine(%x: tensor<?x5x8xf32>) -> tensor<?x5x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %b = vit.constant #vit.expr<ref, [@b]> : tensor<16xf32>
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<8xf32>
  %s = vit.constant #vit.expr<ref, [@s]> : tensor<8xf32>
  %0 = vit.layer_norm %x scale(%g : tensor<8xf32>) shift(%s : tensor<8xf32>) epsilon 1.0e-05 : tensor<?x5x8xf32>
  %1 = vit.linear %0, %w bias(%b : tensor<16xf32>) activation gelu : tensor<?x5x8xf32>, tensor<16x8xf32> -> tensor<?x5x16xf32>
  return %1 : tensor<?x5x16xf32>
}

// A layer without a bias gets one.
// CHECK-LABEL: func @norm_affine_no_bias(
//   CHECK-DAG:   %[[B:.*]] = vit.constant #vit.expr<product, [#vit.expr<ref, [@w]> : tensor<16x8xf32>, #vit.expr<ref, [@s]> : tensor<8xf32>]> : tensor<16xf32>
//   CHECK-DAG:   %[[W:.*]] = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
//       CHECK:   vit.layer_norm %{{[^ ]+}} epsilon
//       CHECK:   vit.linear %{{[^ ]+}}, %[[W]] bias(%[[B]] : tensor<16xf32>)
func.func @norm_affine_no_bias(%x: tensor<5x8xf32>) -> tensor<5x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %s = vit.constant #vit.expr<ref, [@s]> : tensor<8xf32>
  %0 = vit.layer_norm %x shift(%s : tensor<8xf32>) epsilon 1.0e-05 : tensor<5x8xf32>
  %1 = vit.linear %0, %w : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  return %1 : tensor<5x16xf32>
}

// An RMS norm has no shift: no bias comes of it. Small weights are no references.
// CHECK-LABEL: func @norm_affine_rms(
//       CHECK:   %[[W:.*]] = vit.constant #vit.expr<scale, [#vit.expr<ref, [@w]> : tensor<16x8xf32>, #vit.expr<data, [dense<2.000000e+00> : tensor<8xf32>]> : tensor<8xf32>], params = [1]>
//       CHECK:   %[[N:.*]] = vit.rms_norm %{{[^ ]+}} epsilon
//       CHECK:   vit.linear %[[N]], %[[W]] : tensor<5x8xf32>
func.func @norm_affine_rms(%x: tensor<5x8xf32>) -> tensor<5x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %g = arith.constant dense<2.0> : tensor<8xf32>
  %0 = vit.rms_norm %x scale(%g : tensor<8xf32>) epsilon 1.0e-05 : tensor<5x8xf32>
  %1 = vit.linear %0, %w : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  return %1 : tensor<5x16xf32>
}

// A weight that two norms share is scaled by each on its own.
// CHECK-LABEL: func @norm_affine_shared_weight(
//   CHECK-DAG:   %[[G:.*]] = vit.constant #vit.expr<scale, [#vit.expr<ref, [@w]> : tensor<16x8xf32>, #vit.expr<ref, [@g]>
//   CHECK-DAG:   %[[S:.*]] = vit.constant #vit.expr<scale, [#vit.expr<ref, [@w]> : tensor<16x8xf32>, #vit.expr<ref, [@s]>
//       CHECK:   vit.linear %{{[^ ]+}}, %[[G]] :
//       CHECK:   vit.linear %{{[^ ]+}}, %[[S]] :
func.func @norm_affine_shared_weight(%x: tensor<5x8xf32>) -> (tensor<5x16xf32>, tensor<5x16xf32>) {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<8xf32>
  %s = vit.constant #vit.expr<ref, [@s]> : tensor<8xf32>
  %0 = vit.layer_norm %x scale(%g : tensor<8xf32>) epsilon 1.0e-05 : tensor<5x8xf32>
  %1 = vit.layer_norm %x scale(%s : tensor<8xf32>) epsilon 0.5 : tensor<5x8xf32>
  %2 = vit.linear %0, %w : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  %3 = vit.linear %1, %w : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  return %2, %3 : tensor<5x16xf32>, tensor<5x16xf32>
}

// Swin's way to its windows, and a transpose of the tokens.
// CHECK-LABEL: func @norm_affine_moved_rows(
//       CHECK:   vit.layer_norm %{{[^ ]+}} epsilon
// CHECK-COUNT-2: vit.linear %{{.*}} bias(
func.func @norm_affine_moved_rows(%x: tensor<?x16x8xf32>) -> (tensor<?x4x16xf32>, tensor<?x16xf32>) {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<8xf32>
  %s = vit.constant #vit.expr<ref, [@s]> : tensor<8xf32>
  %c0 = arith.constant 0 : index
  %0 = vit.layer_norm %x scale(%g : tensor<8xf32>) shift(%s : tensor<8xf32>) epsilon 1.0e-05 : tensor<?x16x8xf32>
  %n = tensor.dim %0, %c0 : tensor<?x16x8xf32>
  %1 = tensor.expand_shape %0 [[0], [1, 2], [3]] output_shape [%n, 4, 4, 8] : tensor<?x16x8xf32> into tensor<?x4x4x8xf32>
  %2 = vit.cyclic_shift %1 shift [1, 1] : tensor<?x4x4x8xf32>
  %3 = vit.window_partition %2 window [2, 2] : tensor<?x4x4x8xf32> -> tensor<?x4x8xf32>
  %4 = vit.linear %3, %w : tensor<?x4x8xf32>, tensor<16x8xf32> -> tensor<?x4x16xf32>
  %5 = tensor.extract_slice %0[0, 3, 0] [%n, 2, 8] [1, 1, 1] : tensor<?x16x8xf32> to tensor<?x2x8xf32>
  %e = tensor.empty(%n) : tensor<2x?x8xf32>
  %6 = linalg.transpose ins(%5 : tensor<?x2x8xf32>) outs(%e : tensor<2x?x8xf32>) permutation = [1, 0, 2]
  %7 = tensor.collapse_shape %6 [[0, 1], [2]] : tensor<2x?x8xf32> into tensor<?x8xf32>
  %8 = vit.linear %7, %w : tensor<?x8xf32>, tensor<16x8xf32> -> tensor<?x16xf32>
  return %4, %8 : tensor<?x4x16xf32>, tensor<?x16xf32>
}

// -----

vit.weight @w : tensor<16x8xf32> seed(1 mean 0.0 scale 1.0)

// The residual is scaled, too: only the product could take it.
// CHECK-LABEL: func @negative_norm_affine_other_reader(
//       CHECK:   vit.layer_norm %{{.*}} scale(
func.func @negative_norm_affine_other_reader(%x: tensor<5x8xf32>) -> (tensor<5x8xf32>, tensor<5x16xf32>) {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %g = arith.constant dense<2.0> : tensor<8xf32>
  // expected-remark @+1 {{its scale and shift are not folded into the next weights: 'arith.addf' op reads its result}}
  %0 = vit.layer_norm %x scale(%g : tensor<8xf32>) epsilon 1.0e-05 : tensor<5x8xf32>
  %1 = arith.addf %0, %x : tensor<5x8xf32>
  %2 = vit.linear %0, %w : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  return %1, %2 : tensor<5x8xf32>, tensor<5x16xf32>
}

// -----

vit.weight @w : tensor<8x8xf32> seed(1 mean 0.0 scale 1.0)

// CHECK-LABEL: func @negative_norm_affine_residual(
//       CHECK:   vit.layer_norm %{{.*}} scale(
func.func @negative_norm_affine_residual(%x: tensor<5x8xf32>) -> tensor<5x8xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x8xf32>
  %g = arith.constant dense<2.0> : tensor<8xf32>
  // expected-remark @+1 {{not folded into the next weights: 'vit.linear' op reads its result}}
  %0 = vit.layer_norm %x scale(%g : tensor<8xf32>) epsilon 1.0e-05 : tensor<5x8xf32>
  %1 = vit.linear %0, %w residual(%0 : tensor<5x8xf32>) : tensor<5x8xf32>, tensor<8x8xf32> -> tensor<5x8xf32>
  return %1 : tensor<5x8xf32>
}

// -----

// CHECK-LABEL: func @negative_norm_affine_computed_weight(
//       CHECK:   vit.layer_norm %{{.*}} scale(
func.func @negative_norm_affine_computed_weight(%x: tensor<5x8xf32>, %w: tensor<16x8xf32>) -> tensor<5x16xf32> {
  %g = arith.constant dense<2.0> : tensor<8xf32>
  // expected-remark @+1 {{a linear layer that reads its result has parameters that are not f32 constants}}
  %0 = vit.layer_norm %x scale(%g : tensor<8xf32>) epsilon 1.0e-05 : tensor<5x8xf32>
  %1 = vit.linear %0, %w : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  return %1 : tensor<5x16xf32>
}

// -----

vit.weight @w : tensor<16x8xf32> seed(1 mean 0.0 scale 1.0)

// CHECK-LABEL: func @negative_norm_affine_computed_bias(
//       CHECK:   vit.layer_norm %{{.*}} scale(
func.func @negative_norm_affine_computed_bias(%x: tensor<5x8xf32>, %b: tensor<16xf32>) -> tensor<5x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %g = arith.constant dense<2.0> : tensor<8xf32>
  // expected-remark @+1 {{a linear layer that reads its result has parameters that are not f32 constants}}
  %0 = vit.layer_norm %x scale(%g : tensor<8xf32>) epsilon 1.0e-05 : tensor<5x8xf32>
  %1 = vit.linear %0, %w bias(%b : tensor<16xf32>) : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  return %1 : tensor<5x16xf32>
}

// -----

vit.weight @w : tensor<16x8xf32> seed(1 mean 0.0 scale 1.0)

// CHECK-LABEL: func @negative_norm_affine_computed_scale(
//       CHECK:   vit.layer_norm %{{.*}} scale(
func.func @negative_norm_affine_computed_scale(%x: tensor<5x8xf32>, %g: tensor<8xf32>) -> tensor<5x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  // expected-remark @+1 {{its scale and shift are not folded into the next weights: they are not f32 constants}}
  %0 = vit.layer_norm %x scale(%g : tensor<8xf32>) epsilon 1.0e-05 : tensor<5x8xf32>
  %1 = vit.linear %0, %w : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  return %1 : tensor<5x16xf32>
}

// -----

// Expressions compute in f32 alone.
// CHECK-LABEL: func @negative_norm_affine_half(
//       CHECK:   vit.layer_norm %{{.*}} scale(
func.func @negative_norm_affine_half(%x: tensor<5x8xf16>) -> tensor<5x16xf16> {
  %w = arith.constant dense<1.0> : tensor<16x8xf16>
  %g = arith.constant dense<2.0> : tensor<8xf16>
  // expected-remark @+1 {{its scale and shift are not folded into the next weights: they are not f32 constants}}
  %0 = vit.layer_norm %x scale(%g : tensor<8xf16>) epsilon 1.0e-05 : tensor<5x8xf16>
  %1 = vit.linear %0, %w : tensor<5x8xf16>, tensor<16x8xf16> -> tensor<5x16xf16>
  return %1 : tensor<5x16xf16>
}

// -----

vit.weight @w : tensor<16x8xf32> seed(1 mean 0.0 scale 1.0)

// The second norm's statistics are those of scaled rows.
// CHECK-LABEL: func @negative_norm_affine_normalised_again(
//       CHECK:   vit.layer_norm %{{.*}} scale(
func.func @negative_norm_affine_normalised_again(%x: tensor<5x8xf32>) -> tensor<5x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %g = arith.constant dense<2.0> : tensor<8xf32>
  // expected-remark @+1 {{a linear layer normalises its result again}}
  %0 = vit.layer_norm %x scale(%g : tensor<8xf32>) epsilon 1.0e-05 : tensor<5x8xf32>
  %1 = vit.linear %0, %w norm <epsilon = 0.5 : f64> : tensor<5x8xf32>, tensor<16x8xf32> -> tensor<5x16xf32>
  return %1 : tensor<5x16xf32>
}

// -----

vit.weight @w : tensor<16x32xf32> seed(1 mean 0.0 scale 1.0)

// Four rows side by side are one of four times the length: the scale would repeat.
// CHECK-LABEL: func @negative_norm_affine_merged_rows(
//       CHECK:   vit.layer_norm %{{.*}} scale(
func.func @negative_norm_affine_merged_rows(%x: tensor<1x4x4x8xf32>) -> tensor<1x2x2x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x32xf32>
  %g = arith.constant dense<2.0> : tensor<8xf32>
  // expected-remark @+1 {{'vit.patch_merging' op reads its result}}
  %0 = vit.layer_norm %x scale(%g : tensor<8xf32>) epsilon 1.0e-05 : tensor<1x4x4x8xf32>
  %1 = vit.patch_merging %0 : tensor<1x4x4x8xf32> -> tensor<1x2x2x32xf32>
  %2 = vit.linear %1, %w : tensor<1x2x2x32xf32>, tensor<16x32xf32> -> tensor<1x2x2x16xf32>
  return %2 : tensor<1x2x2x16xf32>
}

// -----

vit.weight @w : tensor<16x4xf32> seed(1 mean 0.0 scale 1.0)

// Half a row of each token.
// CHECK-LABEL: func @negative_norm_affine_sliced_channels(
//       CHECK:   vit.layer_norm %{{.*}} scale(
func.func @negative_norm_affine_sliced_channels(%x: tensor<5x8xf32>) -> tensor<5x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x4xf32>
  %g = arith.constant dense<2.0> : tensor<8xf32>
  // expected-remark @+1 {{'tensor.extract_slice' op reads its result}}
  %0 = vit.layer_norm %x scale(%g : tensor<8xf32>) epsilon 1.0e-05 : tensor<5x8xf32>
  %1 = tensor.extract_slice %0[0, 4] [5, 4] [1, 1] : tensor<5x8xf32> to tensor<5x4xf32>
  %2 = vit.linear %1, %w : tensor<5x4xf32>, tensor<16x4xf32> -> tensor<5x16xf32>
  return %2 : tensor<5x16xf32>
}

// -----

vit.weight @w : tensor<16x5xf32> seed(1 mean 0.0 scale 1.0)

// The layer multiplies along the tokens.
// CHECK-LABEL: func @negative_norm_affine_transposed(
//       CHECK:   vit.layer_norm %{{.*}} scale(
func.func @negative_norm_affine_transposed(%x: tensor<5x8xf32>) -> tensor<8x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x5xf32>
  %g = arith.constant dense<2.0> : tensor<8xf32>
  // expected-remark @+1 {{'linalg.transpose' op reads its result}}
  %0 = vit.layer_norm %x scale(%g : tensor<8xf32>) epsilon 1.0e-05 : tensor<5x8xf32>
  %e = tensor.empty() : tensor<8x5xf32>
  %1 = linalg.transpose ins(%0 : tensor<5x8xf32>) outs(%e : tensor<8x5xf32>) permutation = [1, 0]
  %2 = vit.linear %1, %w : tensor<8x5xf32>, tensor<16x5xf32> -> tensor<8x16xf32>
  return %2 : tensor<8x16xf32>
}

// -----

vit.weight @w : tensor<16x8xf32> seed(1 mean 0.0 scale 1.0)

// Zeros around the rows stay zeros; the shift of a row would not.
// CHECK-LABEL: func @negative_norm_affine_padded(
//       CHECK:   vit.layer_norm %{{.*}} scale(
func.func @negative_norm_affine_padded(%x: tensor<5x8xf32>) -> tensor<6x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %g = arith.constant dense<2.0> : tensor<8xf32>
  %zero = arith.constant 0.0 : f32
  // expected-remark @+1 {{'tensor.pad' op reads its result}}
  %0 = vit.layer_norm %x scale(%g : tensor<8xf32>) epsilon 1.0e-05 : tensor<5x8xf32>
  %1 = tensor.pad %0 low[0, 0] high[1, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<5x8xf32> to tensor<6x8xf32>
  %2 = vit.linear %1, %w : tensor<6x8xf32>, tensor<16x8xf32> -> tensor<6x16xf32>
  return %2 : tensor<6x16xf32>
}
