// RUN: vit-opt %s -convert-vit-to-linalg=without-kernel -verify-diagnostics -split-input-file | FileCheck %s

// What a kernel computes stays: f32 with constant weights, and what only moves.
// CHECK-LABEL: func @negative_kernels(
//   CHECK-NOT:   linalg
//       CHECK:   vit.linear
//   CHECK-NOT:   linalg
//       CHECK:   vit.gelu
//   CHECK-NOT:   linalg
//       CHECK:   vit.split_heads
//   CHECK-NOT:   linalg
//       CHECK:   return
vit.weight @w : tensor<8x8xf32> seed(1 mean 0.0 scale 1.0)
func.func @negative_kernels(%x: tensor<2x3x8xf32>, %y: tensor<2x3x8xf64>) -> (tensor<2x3x8xf32>, tensor<2x2x3x4xf64>) {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x8xf32>
  %0 = vit.linear %x, %w : tensor<2x3x8xf32>, tensor<8x8xf32> -> tensor<2x3x8xf32>
  %1 = vit.gelu %y : tensor<2x3x8xf64>
  %2 = vit.split_heads %1 heads 2 : tensor<2x3x8xf64> -> tensor<2x2x3x4xf64>
  return %0, %2 : tensor<2x3x8xf32>, tensor<2x2x3x4xf64>
}

// -----

// CHECK-LABEL: func @element_type(
//   CHECK-NOT:   vit
//       CHECK:   return
func.func @element_type(%x: tensor<2x3x8xf64>) -> tensor<2x8xf64> {
  // expected-remark @+1 {{vit.layer_norm becomes plain loops, which are slower: it has element type f64; its kernel is for f32}}
  %0 = vit.layer_norm %x epsilon 1.0e-06 : tensor<2x3x8xf64>
  // expected-remark @+1 {{vit.mean_tokens becomes plain loops, which are slower: it has element type f64}}
  %1 = vit.mean_tokens %0 : tensor<2x3x8xf64> -> tensor<2x8xf64>
  return %1 : tensor<2x8xf64>
}

// -----

// CHECK-LABEL: func @computed_weight(
//   CHECK-NOT:   vit
//       CHECK:   return
func.func @computed_weight(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>) -> tensor<2x4xf32> {
  // expected-remark @+1 {{vit.linear becomes plain loops, which are slower: it has a computed weight; its kernel needs constants}}
  %0 = vit.linear %x, %w : tensor<2x8xf32>, tensor<4x8xf32> -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: func @computed_filter(
//   CHECK-NOT:   vit
//       CHECK:   return
func.func @computed_filter(%x: tensor<2x3x8x8xf32>, %f: tensor<4x3x2x2xf32>) -> tensor<2x4x7x7xf32> {
  // expected-remark @+1 {{it has a computed filter}}
  %0 = vit.conv2d %x, %f : tensor<2x3x8x8xf32>, tensor<4x3x2x2xf32> -> tensor<2x4x7x7xf32>
  return %0 : tensor<2x4x7x7xf32>
}

// -----

// CHECK-LABEL: func @computed_tokens(
//   CHECK-NOT:   vit.patch_embed
//       CHECK:   return
vit.weight @f : tensor<4x3x4x4xf32> seed(1 mean 0.0 scale 1.0)
func.func @computed_tokens(%x: tensor<2x3x8x8xf32>, %t: tensor<1x4xf32>) -> tensor<2x5x4xf32> {
  %f = vit.constant #vit.expr<ref, [@f]> : tensor<4x3x4x4xf32>
  // expected-remark @+1 {{it has computed tokens}}
  %0 = vit.patch_embed %x, %f tokens(%t : tensor<1x4xf32>) : tensor<2x3x8x8xf32>, tensor<4x3x4x4xf32> -> tensor<2x5x4xf32>
  return %0 : tensor<2x5x4xf32>
}

// -----

// CHECK-LABEL: func @computed_bias(
//   CHECK-NOT:   vit
//       CHECK:   return
func.func @computed_bias(%t: tensor<9x3xf32>) -> (tensor<1x3x4x4xf32>, tensor<4x1x4x4xf32>) {
  // expected-remark @+1 {{it is computed at run time; kernels read it as a constant}}
  %0 = vit.relative_position_bias %t window [2, 2] : tensor<9x3xf32> -> tensor<1x3x4x4xf32>
  // expected-remark @+1 {{what reads it has no kernel that computes it}}
  %1 = vit.shift_mask size [4, 4] window [2, 2] shift [1, 1] value -1.0e+02 : tensor<4x1x4x4xf32>
  return %0, %1 : tensor<1x3x4x4xf32>, tensor<4x1x4x4xf32>
}

// -----

// CHECK-LABEL: func @one_row(
//   CHECK-NOT:   vit
//       CHECK:   return
func.func @one_row(%x: tensor<8xf32>) -> tensor<8xf32> {
  // expected-remark @+1 {{it has an input of rank 1; its kernel needs a batch and channels}}
  %0 = vit.layer_norm %x epsilon 1.0e-06 : tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

// The kernel of attention computes the mask, where it has one.
// CHECK-LABEL: func @shift_mask_of_attention(
//       CHECK:   vit.shift_mask
//       CHECK:   vit.attention
func.func @shift_mask_of_attention(%q: tensor<4x1x4x8xf32>) -> tensor<4x1x4x8xf32> {
  %0 = vit.shift_mask size [4, 4] window [2, 2] shift [1, 1] value -1.0e+02 : tensor<4x1x4x4xf32>
  %1 = vit.attention %q, %q, %q mask(%0 : tensor<4x1x4x4xf32>) scale 1.0
      : tensor<4x1x4x8xf32>, tensor<4x1x4x8xf32>, tensor<4x1x4x8xf32> -> tensor<4x1x4x8xf32>
  return %1 : tensor<4x1x4x8xf32>
}

// -----

// CHECK-LABEL: func @shift_mask_of_half(
//   CHECK-NOT:   vit.shift_mask
//   CHECK-NOT:   vit.attention
//       CHECK:   return
func.func @shift_mask_of_half(%q: tensor<4x1x4x8xf16>) -> tensor<4x1x4x8xf16> {
  // expected-remark @+1 {{what reads it has no kernel that computes it}}
  %0 = vit.shift_mask size [4, 4] window [2, 2] shift [1, 1] value -1.0e+02 : tensor<4x1x4x4xf16>
  // expected-remark @+1 {{it has element type f16; its kernel is for f32}}
  %1 = vit.attention %q, %q, %q mask(%0 : tensor<4x1x4x4xf16>) scale 1.0
      : tensor<4x1x4x8xf16>, tensor<4x1x4x8xf16>, tensor<4x1x4x8xf16> -> tensor<4x1x4x8xf16>
  return %1 : tensor<4x1x4x8xf16>
}

// -----

// CHECK-LABEL: func @conv2d_groups_epilogue(
//       CHECK:   vit.conv2d
func.func @conv2d_groups_epilogue(%x: tensor<1x4x5x5xf32>) -> tensor<1x4x5x5xf32> {
  %w = arith.constant dense<1.0> : tensor<4x1x3x3xf32>
  %y = vit.conv2d %x, %w pad [1, 1, 1, 1] groups 4 activation relu : tensor<1x4x5x5xf32>, tensor<4x1x3x3xf32> -> tensor<1x4x5x5xf32>
  return %y : tensor<1x4x5x5xf32>
}
