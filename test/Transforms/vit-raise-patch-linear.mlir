// RUN: vit-opt %s -vit-raise-patch-linear -canonicalize -split-input-file -verify-diagnostics | FileCheck %s

// vit_pytorch's 'b c (h p1) (w p2) -> b (h w) (p1 p2 c)', Linear.
// CHECK-LABEL: func @patch_embed_linear_channels_last(
//       CHECK:   %[[F:.*]] = vit.constant #vit.expr<transpose, [#vit.expr<reshape, [#vit.expr<ref, [@w]> : tensor<16x48xf32>]> : tensor<16x4x4x3xf32>], params = [0, 3, 1, 2]> : tensor<16x3x4x4xf32>
//       CHECK:   %[[Y:.*]] = vit.patch_embed %{{.*}}, %[[F]] bias(%{{.*}} : tensor<16xf32>) : tensor<1x3x8x12xf32>, tensor<16x3x4x4xf32> -> tensor<1x6x16xf32>
//  CHECK-NEXT:   return %[[Y]]
vit.weight @w : tensor<16x48xf32> seed(1 mean 0.0 scale 1.0)
func.func @patch_embed_linear_channels_last(%x: tensor<1x3x8x12xf32>, %b: tensor<16xf32>) -> tensor<1x6x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x48xf32>
  %0 = tensor.expand_shape %x [[0], [1], [2, 3], [4, 5]] output_shape [1, 3, 2, 4, 3, 4] : tensor<1x3x8x12xf32> into tensor<1x3x2x4x3x4xf32>
  %e = tensor.empty() : tensor<1x2x3x4x4x3xf32>
  %1 = linalg.transpose ins(%0 : tensor<1x3x2x4x3x4xf32>) outs(%e : tensor<1x2x3x4x4x3xf32>) permutation = [0, 2, 4, 3, 5, 1]
  %2 = tensor.collapse_shape %1 [[0], [1, 2], [3, 4, 5]] : tensor<1x2x3x4x4x3xf32> into tensor<1x6x48xf32>
  %3 = vit.linear %2, %w bias(%b : tensor<16xf32>) : tensor<1x6x48xf32>, tensor<16x48xf32> -> tensor<1x6x16xf32>
  return %3 : tensor<1x6x16xf32>
}

// '... -> b h w (c p1 p2)', the filter's own order.
// CHECK-LABEL: func @patch_embed_linear_channels_first(
//       CHECK:   %[[F:.*]] = vit.constant #vit.expr<reshape, [#vit.expr<ref, [@w]> : tensor<16x48xf32>]> : tensor<16x3x4x4xf32>
//       CHECK:   %[[Y:.*]] = vit.patch_embed %{{.*}}, %[[F]] : tensor<?x3x8x12xf32>, tensor<16x3x4x4xf32> -> tensor<?x6x16xf32>
//       CHECK:   %[[M:.*]] = tensor.expand_shape %[[Y]] {{.*}} into tensor<?x2x3x16xf32>
//  CHECK-NEXT:   return %[[M]]
func.func @patch_embed_linear_channels_first(%x: tensor<?x3x8x12xf32>) -> tensor<?x2x3x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x3x8x12xf32>
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x48xf32>
  %0 = tensor.expand_shape %x [[0], [1], [2, 3], [4, 5]] output_shape [%n, 3, 2, 4, 3, 4] : tensor<?x3x8x12xf32> into tensor<?x3x2x4x3x4xf32>
  %e = tensor.empty(%n) : tensor<?x2x3x3x4x4xf32>
  %1 = linalg.transpose ins(%0 : tensor<?x3x2x4x3x4xf32>) outs(%e : tensor<?x2x3x3x4x4xf32>) permutation = [0, 2, 4, 1, 3, 5]
  %2 = tensor.collapse_shape %1 [[0], [1], [2], [3, 4, 5]] : tensor<?x2x3x3x4x4xf32> into tensor<?x2x3x48xf32>
  %3 = vit.linear %2, %w : tensor<?x2x3x48xf32>, tensor<16x48xf32> -> tensor<?x2x3x16xf32>
  return %3 : tensor<?x2x3x16xf32>
}

// -----

// vit_pytorch's ViT: Rearrange, LayerNorm, Linear, LayerNorm. The scale is along the
// pixels in the layer's order, before the filter is transposed.
// CHECK-LABEL: func @patch_embed_norm(
//   CHECK-DAG:   %[[F:.*]] = vit.constant #vit.expr<transpose, [#vit.expr<reshape, [#vit.expr<scale, [#vit.expr<ref, [@w]> : tensor<16x48xf32>, #vit.expr<ref, [@g]> : tensor<48xf32>], params = [1]> : tensor<16x48xf32>]> : tensor<16x4x4x3xf32>], params = [0, 3, 1, 2]>
//   CHECK-DAG:   %[[B:.*]] = vit.constant #vit.expr<add, [#vit.expr<ref, [@b]> : tensor<16xf32>, #vit.expr<product, [#vit.expr<ref, [@w]> : tensor<16x48xf32>, #vit.expr<ref, [@s]> : tensor<48xf32>]> : tensor<16xf32>]>
//       CHECK:   %[[Y:.*]] = vit.patch_embed %{{.*}}, %[[F]] bias(%[[B]] : tensor<16xf32>) norm <epsilon = 5.000000e-01 : f64> :
//       CHECK:   vit.layer_norm %[[Y]]
vit.weight @w : tensor<16x48xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @b : tensor<16xf32> seed(2 mean 0.0 scale 1.0)
vit.weight @g : tensor<48xf32> seed(3 mean 1.0 scale 0.5)
vit.weight @s : tensor<48xf32> seed(4 mean 0.0 scale 1.0)
func.func @patch_embed_norm(%x: tensor<1x3x8x8xf32>) -> tensor<1x4x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x48xf32>
  %b = vit.constant #vit.expr<ref, [@b]> : tensor<16xf32>
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<48xf32>
  %s = vit.constant #vit.expr<ref, [@s]> : tensor<48xf32>
  %0 = tensor.expand_shape %x [[0], [1], [2, 3], [4, 5]] output_shape [1, 3, 2, 4, 2, 4] : tensor<1x3x8x8xf32> into tensor<1x3x2x4x2x4xf32>
  %e = tensor.empty() : tensor<1x2x2x4x4x3xf32>
  %1 = linalg.transpose ins(%0 : tensor<1x3x2x4x2x4xf32>) outs(%e : tensor<1x2x2x4x4x3xf32>) permutation = [0, 2, 4, 3, 5, 1]
  %2 = tensor.collapse_shape %1 [[0], [1, 2], [3, 4, 5]] : tensor<1x2x2x4x4x3xf32> into tensor<1x4x48xf32>
  %3 = vit.layer_norm %2 scale(%g : tensor<48xf32>) shift(%s : tensor<48xf32>) epsilon 0.5 : tensor<1x4x48xf32>
  %4 = vit.linear %3, %w bias(%b : tensor<16xf32>) : tensor<1x4x48xf32>, tensor<16x48xf32> -> tensor<1x4x16xf32>
  %5 = vit.layer_norm %4 epsilon 1.0e-05 : tensor<1x4x16xf32>
  return %5 : tensor<1x4x16xf32>
}

// CHECK-LABEL: func @patch_embed_rms_norm_channels_first(
//       CHECK:   vit.patch_embed %{{[^ ]+}}, %{{[^ ]+}} norm <epsilon = 5.000000e-01 : f64, rms = true> : tensor<1x3x8x8xf32>
func.func @patch_embed_rms_norm_channels_first(%x: tensor<1x3x8x8xf32>) -> tensor<1x4x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x48xf32>
  %0 = tensor.expand_shape %x [[0], [1], [2, 3], [4, 5]] output_shape [1, 3, 2, 4, 2, 4] : tensor<1x3x8x8xf32> into tensor<1x3x2x4x2x4xf32>
  %e = tensor.empty() : tensor<1x2x2x3x4x4xf32>
  %1 = linalg.transpose ins(%0 : tensor<1x3x2x4x2x4xf32>) outs(%e : tensor<1x2x2x3x4x4xf32>) permutation = [0, 2, 4, 1, 3, 5]
  %2 = tensor.collapse_shape %1 [[0], [1, 2], [3, 4, 5]] : tensor<1x2x2x3x4x4xf32> into tensor<1x4x48xf32>
  %3 = vit.rms_norm %2 epsilon 0.5 : tensor<1x4x48xf32>
  %4 = vit.linear %3, %w : tensor<1x4x48xf32>, tensor<16x48xf32> -> tensor<1x4x16xf32>
  return %4 : tensor<1x4x16xf32>
}

// -----

// The filter would not be constant.
// CHECK-LABEL: func @negative_patch_embed_norm_computed_scale(
//   CHECK-NOT:   vit.patch_embed
vit.weight @w : tensor<16x48xf32> seed(1 mean 0.0 scale 1.0)
func.func @negative_patch_embed_norm_computed_scale(%x: tensor<1x3x8x8xf32>, %g: tensor<48xf32>) -> tensor<1x4x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x48xf32>
  %0 = tensor.expand_shape %x [[0], [1], [2, 3], [4, 5]] output_shape [1, 3, 2, 4, 2, 4] : tensor<1x3x8x8xf32> into tensor<1x3x2x4x2x4xf32>
  %e = tensor.empty() : tensor<1x2x2x4x4x3xf32>
  %1 = linalg.transpose ins(%0 : tensor<1x3x2x4x2x4xf32>) outs(%e : tensor<1x2x2x4x4x3xf32>) permutation = [0, 2, 4, 3, 5, 1]
  %2 = tensor.collapse_shape %1 [[0], [1, 2], [3, 4, 5]] : tensor<1x2x2x4x4x3xf32> into tensor<1x4x48xf32>
  %3 = vit.layer_norm %2 scale(%g : tensor<48xf32>) epsilon 0.5 : tensor<1x4x48xf32>
  // expected-remark @below {{not raised to vit.patch_embed: its bias, or the norm's scale or shift, is computed}}
  %4 = vit.linear %3, %w : tensor<1x4x48xf32>, tensor<16x48xf32> -> tensor<1x4x16xf32>
  return %4 : tensor<1x4x16xf32>
}

// -----

// CHECK-LABEL: func @negative_patch_embed_norm_computed_bias(
//   CHECK-NOT:   vit.patch_embed
vit.weight @w : tensor<16x48xf32> seed(1 mean 0.0 scale 1.0)
func.func @negative_patch_embed_norm_computed_bias(%x: tensor<1x3x8x8xf32>, %b: tensor<16xf32>) -> tensor<1x4x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x48xf32>
  %s = arith.constant dense<2.0> : tensor<48xf32>
  %0 = tensor.expand_shape %x [[0], [1], [2, 3], [4, 5]] output_shape [1, 3, 2, 4, 2, 4] : tensor<1x3x8x8xf32> into tensor<1x3x2x4x2x4xf32>
  %e = tensor.empty() : tensor<1x2x2x4x4x3xf32>
  %1 = linalg.transpose ins(%0 : tensor<1x3x2x4x2x4xf32>) outs(%e : tensor<1x2x2x4x4x3xf32>) permutation = [0, 2, 4, 3, 5, 1]
  %2 = tensor.collapse_shape %1 [[0], [1, 2], [3, 4, 5]] : tensor<1x2x2x4x4x3xf32> into tensor<1x4x48xf32>
  %3 = vit.layer_norm %2 shift(%s : tensor<48xf32>) epsilon 0.5 : tensor<1x4x48xf32>
  // expected-remark @below {{not raised to vit.patch_embed: its bias, or the norm's scale or shift, is computed}}
  %4 = vit.linear %3, %w bias(%b : tensor<16xf32>) : tensor<1x4x48xf32>, tensor<16x48xf32> -> tensor<1x4x16xf32>
  return %4 : tensor<1x4x16xf32>
}

// -----

// CHECK-LABEL: func @negative_patch_embed_norm_half(
//   CHECK-NOT:   vit.patch_embed
func.func @negative_patch_embed_norm_half(%x: tensor<1x3x8x8xf16>) -> tensor<1x4x16xf16> {
  %w = arith.constant dense<1.0> : tensor<16x48xf16>
  %g = arith.constant dense<2.0> : tensor<48xf16>
  %0 = tensor.expand_shape %x [[0], [1], [2, 3], [4, 5]] output_shape [1, 3, 2, 4, 2, 4] : tensor<1x3x8x8xf16> into tensor<1x3x2x4x2x4xf16>
  %e = tensor.empty() : tensor<1x2x2x4x4x3xf16>
  %1 = linalg.transpose ins(%0 : tensor<1x3x2x4x2x4xf16>) outs(%e : tensor<1x2x2x4x4x3xf16>) permutation = [0, 2, 4, 3, 5, 1]
  %2 = tensor.collapse_shape %1 [[0], [1, 2], [3, 4, 5]] : tensor<1x2x2x4x4x3xf16> into tensor<1x4x48xf16>
  %3 = vit.layer_norm %2 scale(%g : tensor<48xf16>) epsilon 0.5 : tensor<1x4x48xf16>
  // expected-remark @below {{not raised to vit.patch_embed: weights are folded in f32 alone}}
  %4 = vit.linear %3, %w : tensor<1x4x48xf16>, tensor<16x48xf16> -> tensor<1x4x16xf16>
  return %4 : tensor<1x4x16xf16>
}

// -----

// CHECK-LABEL: func @negative_patch_embed_norm_twice(
//   CHECK-NOT:   vit.patch_embed
vit.weight @w : tensor<16x48xf32> seed(1 mean 0.0 scale 1.0)
func.func @negative_patch_embed_norm_twice(%x: tensor<1x3x8x8xf32>) -> tensor<1x4x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x48xf32>
  %0 = tensor.expand_shape %x [[0], [1], [2, 3], [4, 5]] output_shape [1, 3, 2, 4, 2, 4] : tensor<1x3x8x8xf32> into tensor<1x3x2x4x2x4xf32>
  %e = tensor.empty() : tensor<1x2x2x4x4x3xf32>
  %1 = linalg.transpose ins(%0 : tensor<1x3x2x4x2x4xf32>) outs(%e : tensor<1x2x2x4x4x3xf32>) permutation = [0, 2, 4, 3, 5, 1]
  %2 = tensor.collapse_shape %1 [[0], [1, 2], [3, 4, 5]] : tensor<1x2x2x4x4x3xf32> into tensor<1x4x48xf32>
  %3 = vit.layer_norm %2 epsilon 0.5 : tensor<1x4x48xf32>
  // expected-remark @below {{not raised to vit.patch_embed: it normalises twice, or with an infinite epsilon}}
  %4 = vit.linear %3, %w norm <epsilon = 0.5 : f64> : tensor<1x4x48xf32>, tensor<16x48xf32> -> tensor<1x4x16xf32>
  return %4 : tensor<1x4x16xf32>
}

// -----

// CHECK-LABEL: func @negative_patch_embed_norm_infinite_epsilon(
//   CHECK-NOT:   vit.patch_embed
vit.weight @w : tensor<16x48xf32> seed(1 mean 0.0 scale 1.0)
func.func @negative_patch_embed_norm_infinite_epsilon(%x: tensor<1x3x8x8xf32>) -> tensor<1x4x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x48xf32>
  %0 = tensor.expand_shape %x [[0], [1], [2, 3], [4, 5]] output_shape [1, 3, 2, 4, 2, 4] : tensor<1x3x8x8xf32> into tensor<1x3x2x4x2x4xf32>
  %e = tensor.empty() : tensor<1x2x2x4x4x3xf32>
  %1 = linalg.transpose ins(%0 : tensor<1x3x2x4x2x4xf32>) outs(%e : tensor<1x2x2x4x4x3xf32>) permutation = [0, 2, 4, 3, 5, 1]
  %2 = tensor.collapse_shape %1 [[0], [1, 2], [3, 4, 5]] : tensor<1x2x2x4x4x3xf32> into tensor<1x4x48xf32>
  %3 = vit.layer_norm %2 epsilon 0x7FF0000000000000 : tensor<1x4x48xf32>
  // expected-remark @below {{not raised to vit.patch_embed: it normalises twice, or with an infinite epsilon}}
  %4 = vit.linear %3, %w : tensor<1x4x48xf32>, tensor<16x48xf32> -> tensor<1x4x16xf32>
  return %4 : tensor<1x4x16xf32>
}

// -----

// The filter of a computed weight is not known.
// CHECK-LABEL: func @negative_patch_embed_computed_weight(
//   CHECK-NOT:   vit.patch_embed
func.func @negative_patch_embed_computed_weight(%x: tensor<1x3x8x8xf32>, %w: tensor<16x48xf32>) -> tensor<1x4x16xf32> {
  %0 = tensor.expand_shape %x [[0], [1], [2, 3], [4, 5]] output_shape [1, 3, 2, 4, 2, 4] : tensor<1x3x8x8xf32> into tensor<1x3x2x4x2x4xf32>
  %e = tensor.empty() : tensor<1x2x2x4x4x3xf32>
  %1 = linalg.transpose ins(%0 : tensor<1x3x2x4x2x4xf32>) outs(%e : tensor<1x2x2x4x4x3xf32>) permutation = [0, 2, 4, 3, 5, 1]
  %2 = tensor.collapse_shape %1 [[0], [1, 2], [3, 4, 5]] : tensor<1x2x2x4x4x3xf32> into tensor<1x4x48xf32>
  // expected-remark @below {{not raised to vit.patch_embed: it has a computed weight}}
  %3 = vit.linear %2, %w : tensor<1x4x48xf32>, tensor<16x48xf32> -> tensor<1x4x16xf32>
  return %3 : tensor<1x4x16xf32>
}

// -----

// A residual would be added to the projected patches.
// CHECK-LABEL: func @negative_patch_embed_epilogue(
//   CHECK-NOT:   vit.patch_embed
vit.weight @w : tensor<16x48xf32> seed(1 mean 0.0 scale 1.0)
func.func @negative_patch_embed_epilogue(%x: tensor<1x3x8x8xf32>) -> tensor<1x4x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x48xf32>
  %0 = tensor.expand_shape %x [[0], [1], [2, 3], [4, 5]] output_shape [1, 3, 2, 4, 2, 4] : tensor<1x3x8x8xf32> into tensor<1x3x2x4x2x4xf32>
  %e = tensor.empty() : tensor<1x2x2x4x4x3xf32>
  %1 = linalg.transpose ins(%0 : tensor<1x3x2x4x2x4xf32>) outs(%e : tensor<1x2x2x4x4x3xf32>) permutation = [0, 2, 4, 3, 5, 1]
  %2 = tensor.collapse_shape %1 [[0], [1, 2], [3, 4, 5]] : tensor<1x2x2x4x4x3xf32> into tensor<1x4x48xf32>
  // expected-remark @below {{not raised to vit.patch_embed: it has an epilogue}}
  %3 = vit.linear %2, %w activation gelu : tensor<1x4x48xf32>, tensor<16x48xf32> -> tensor<1x4x16xf32>
  return %3 : tensor<1x4x16xf32>
}
