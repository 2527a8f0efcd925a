// RUN: vit-opt %s -convert-vit-to-kernel -canonicalize -split-input-file | FileCheck %s

// 8 x 8 tokens in windows of 4 x 4, shifted by 2: each token's region is
// computed from its window, b mod 4, and its place in it. No mask is stored.
// CHECK: #[[$REGIONS:.*]] = affine_map<(d0, d1) -> ({{.*}} mod 4{{.*}} floordiv 8{{.*}})>
// CHECK-LABEL: func @shift_mask(
//   CHECK-NOT:   -1.0
//       CHECK:   kernel.attention {{.*}} bias(%{{.*}}) groups #[[$REGIONS]] group_bias -1.000000e+02 init(
//   CHECK-NOT:   shift_mask
func.func @shift_mask(%q: tensor<?x2x16x4xf32>, %bias: tensor<1x2x16x16xf32>) -> tensor<?x2x16x4xf32> {
  %mask = vit.shift_mask size [8, 8] window [4, 4] shift [2, 2] value -1.000000e+02 : tensor<4x1x16x16xf32>
  %0 = vit.attention %q, %q, %q bias(%bias : tensor<1x2x16x16xf32>) mask(%mask : tensor<4x1x16x16xf32>) scale 5.000000e-01
      : tensor<?x2x16x4xf32>, tensor<?x2x16x4xf32>, tensor<?x2x16x4xf32> -> tensor<?x2x16x4xf32>
  return %0 : tensor<?x2x16x4xf32>
}

// -----

// Without a shift all tokens are of one region.
// CHECK-LABEL: func @shift_mask_of_no_shift(
//       CHECK:   kernel.attention
//   CHECK-NOT:   groups
//       CHECK:   return
func.func @shift_mask_of_no_shift(%q: tensor<?x2x16x4xf32>) -> tensor<?x2x16x4xf32> {
  %mask = vit.shift_mask size [8, 8] window [4, 4] shift [0, 0] value -1.000000e+02 : tensor<4x1x16x16xf32>
  %0 = vit.attention %q, %q, %q mask(%mask : tensor<4x1x16x16xf32>) scale 5.000000e-01
      : tensor<?x2x16x4xf32>, tensor<?x2x16x4xf32>, tensor<?x2x16x4xf32> -> tensor<?x2x16x4xf32>
  return %0 : tensor<?x2x16x4xf32>
}

// -----

// CHECK: #[[$ITEM:.*]] = affine_map<(d0) -> (d0)>
// CHECK-LABEL: func @limits(
//  CHECK-SAME:     %{{[^:]*}}: tensor<?x2x16x4xf32>, %[[N:[^:]*]]: tensor<?xi64>
//       CHECK:   kernel.attention {{.*}} causal 3 softcap 5.000000e+01 {{.*}} key_length(%[[N]] at #[[$ITEM]] : tensor<?xi64>)
func.func @limits(%q: tensor<?x2x16x4xf32>, %n: tensor<?xi64>) -> tensor<?x2x16x4xf32> {
  %0 = vit.attention %q, %q, %q key_length(%n : tensor<?xi64>) scale 5.000000e-01 causal 3 softcap 50.0
      : tensor<?x2x16x4xf32>, tensor<?x2x16x4xf32>, tensor<?x2x16x4xf32> -> tensor<?x2x16x4xf32>
  return %0 : tensor<?x2x16x4xf32>
}

// -----

// The scores are the bias of a product that is 0; two heads share a value head.
// CHECK: #[[$SHARED:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1 floordiv 2, d2, d3)>
// CHECK-LABEL: func @softmax_matmul(
//  CHECK-SAME:     %[[S:[^:]*]]: tensor<?x4x5x7xf32>, %[[V:[^:]*]]: tensor<?x2x7x8xf32>
//       CHECK:   kernel.attention {{.*}} heads 4 head_dim 0 value_dim 8 scale 1.000000e+00
//  CHECK-SAME:       value(%[[V]] at #[[$SHARED]] : tensor<?x2x7x8xf32>) bias(%[[S]] at #{{.*}} : tensor<?x4x5x7xf32>)
func.func @softmax_matmul(%s: tensor<?x4x5x7xf32>, %v: tensor<?x2x7x8xf32>) -> tensor<?x4x5x8xf32> {
  %0 = vit.softmax_matmul %s, %v : tensor<?x4x5x7xf32>, tensor<?x2x7x8xf32> -> tensor<?x4x5x8xf32>
  return %0 : tensor<?x4x5x8xf32>
}
