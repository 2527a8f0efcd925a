// RUN: vit-opt %s -vit-raise-causal-mask -verify-diagnostics | FileCheck %s

// Three queries are the last of four tokens: query i sees key i + 1.
// CHECK-LABEL: func @causal_mask(
//   CHECK-NOT:   arith.constant
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} scale 5.000000e-01 causal 1 :
func.func @causal_mask(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x4xf32>) -> tensor<2x2x3x4xf32> {
  %m = arith.constant dense<[[[[0.0, 0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000], [0.0, 0.0, 0.0, 0.0]]]]> : tensor<1x1x3x4xf32>
  %r = vit.attention %q, %k, %k mask(%m : tensor<1x1x3x4xf32>) scale 5.000000e-01
      : tensor<2x2x3x4xf32>, tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32> -> tensor<2x2x3x4xf32>
  return %r : tensor<2x2x3x4xf32>
}

// The least float, as transformers adds it.
// CHECK-LABEL: func @causal_mask_lowest_bias(
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} scale 5.000000e-01 causal 0 :
func.func @causal_mask_lowest_bias(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x4xf32>) -> tensor<2x2x3x4xf32> {
  %m = arith.constant dense<[[[[0.0, 0xFF7FFFFF, 0xFF7FFFFF, 0xFF7FFFFF], [0.0, 0.0, 0xFF7FFFFF, 0xFF7FFFFF], [0.0, 0.0, 0.0, 0xFF7FFFFF]]]]> : tensor<1x1x3x4xf32>
  %r = vit.attention %q, %k, %k bias(%m : tensor<1x1x3x4xf32>) scale 5.000000e-01
      : tensor<2x2x3x4xf32>, tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32> -> tensor<2x2x3x4xf32>
  return %r : tensor<2x2x3x4xf32>
}

// Each item and head has the same.
// CHECK-LABEL: func @causal_mask_heads_items(
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} scale 5.000000e-01 causal 0 :
func.func @causal_mask_heads_items(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x4xf32>) -> tensor<2x2x3x4xf32> {
  %m = arith.constant dense<[[[[0.0, -1.0e9, -1.0e9, -1.0e9], [0.0, 0.0, -1.0e9, -1.0e9], [0.0, 0.0, 0.0, -1.0e9]], [[0.0, -1.0e9, -1.0e9, -1.0e9], [0.0, 0.0, -1.0e9, -1.0e9], [0.0, 0.0, 0.0, -1.0e9]]], [[[0.0, -1.0e9, -1.0e9, -1.0e9], [0.0, 0.0, -1.0e9, -1.0e9], [0.0, 0.0, 0.0, -1.0e9]], [[0.0, -1.0e9, -1.0e9, -1.0e9], [0.0, 0.0, -1.0e9, -1.0e9], [0.0, 0.0, 0.0, -1.0e9]]]]> : tensor<2x2x3x4xf32>
  %r = vit.attention %q, %k, %k mask(%m : tensor<2x2x3x4xf32>) scale 5.000000e-01
      : tensor<2x2x3x4xf32>, tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32> -> tensor<2x2x3x4xf32>
  return %r : tensor<2x2x3x4xf32>
}

// Queries without a key give zeros, both ways.
// CHECK-LABEL: func @causal_mask_rows_without_keys(
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} scale 5.000000e-01 causal -2 :
func.func @causal_mask_rows_without_keys(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x4xf32>) -> tensor<2x2x3x4xf32> {
  %m = arith.constant dense<[[[[0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0xFF800000, 0xFF800000, 0xFF800000]]]]> : tensor<1x1x3x4xf32>
  %r = vit.attention %q, %k, %k mask(%m : tensor<1x1x3x4xf32>) scale 5.000000e-01
      : tensor<2x2x3x4xf32>, tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32> -> tensor<2x2x3x4xf32>
  return %r : tensor<2x2x3x4xf32>
}

// A row of one number is no mask at all.
// CHECK-LABEL: func @negative_causal_mask_finite_rows_without_keys(
//       CHECK:   vit.attention %{{.*}} mask(
//   CHECK-NOT:   causal
func.func @negative_causal_mask_finite_rows_without_keys(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x4xf32>) -> tensor<2x2x3x4xf32> {
  %m = arith.constant dense<[[[[-1.0e9, -1.0e9, -1.0e9, -1.0e9], [0.0, -1.0e9, -1.0e9, -1.0e9], [0.0, 0.0, -1.0e9, -1.0e9]]]]> : tensor<1x1x3x4xf32>
  // expected-remark @below {{its mask is not raised to a causal form: query 0 has no key but its masks are finite}}
  %r = vit.attention %q, %k, %k mask(%m : tensor<1x1x3x4xf32>) scale 5.000000e-01
      : tensor<2x2x3x4xf32>, tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32> -> tensor<2x2x3x4xf32>
  return %r : tensor<2x2x3x4xf32>
}

// CHECK-LABEL: func @negative_causal_mask_hole(
//       CHECK:   vit.attention %{{.*}} mask(
//   CHECK-NOT:   causal
func.func @negative_causal_mask_hole(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x4xf32>) -> tensor<2x2x3x4xf32> {
  %m = arith.constant dense<[[[[0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0xFF800000, 0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000]]]]> : tensor<1x1x3x4xf32>
  // expected-remark @below {{its mask is not raised to a causal form: query 1 does not see key 0; with offset 0 it must}}
  %r = vit.attention %q, %k, %k mask(%m : tensor<1x1x3x4xf32>) scale 5.000000e-01
      : tensor<2x2x3x4xf32>, tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32> -> tensor<2x2x3x4xf32>
  return %r : tensor<2x2x3x4xf32>
}

// CHECK-LABEL: func @negative_causal_mask_later_key(
//       CHECK:   vit.attention %{{.*}} mask(
//   CHECK-NOT:   causal
func.func @negative_causal_mask_later_key(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x4xf32>) -> tensor<2x2x3x4xf32> {
  %m = arith.constant dense<[[[[0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000]]]]> : tensor<1x1x3x4xf32>
  // expected-remark @below {{its mask is not raised to a causal form: query 1 sees key 2; with offset 0 it must not}}
  %r = vit.attention %q, %k, %k mask(%m : tensor<1x1x3x4xf32>) scale 5.000000e-01
      : tensor<2x2x3x4xf32>, tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32> -> tensor<2x2x3x4xf32>
  return %r : tensor<2x2x3x4xf32>
}

// CHECK-LABEL: func @negative_causal_mask_all(
//       CHECK:   vit.attention %{{.*}} mask(
//   CHECK-NOT:   causal
func.func @negative_causal_mask_all(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x4xf32>) -> tensor<2x2x3x4xf32> {
  %m = arith.constant dense<[[[[0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000], [0xFF800000, 0xFF800000, 0xFF800000, 0xFF800000]]]]> : tensor<1x1x3x4xf32>
  // expected-remark @below {{its mask is not raised to a causal form: it masks all keys}}
  %r = vit.attention %q, %k, %k mask(%m : tensor<1x1x3x4xf32>) scale 5.000000e-01
      : tensor<2x2x3x4xf32>, tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32> -> tensor<2x2x3x4xf32>
  return %r : tensor<2x2x3x4xf32>
}

// No mask: scores may differ by 100.
// CHECK-LABEL: func @negative_causal_mask_numbers(
//       CHECK:   vit.attention %{{.*}} mask(
//   CHECK-NOT:   causal
func.func @negative_causal_mask_numbers(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x4xf32>) -> tensor<2x2x3x4xf32> {
  %m = arith.constant dense<[[[[0.0, -100.0, -100.0, -100.0], [0.0, 0.0, -100.0, -100.0], [0.0, 0.0, 0.0, -100.0]]]]> : tensor<1x1x3x4xf32>
  %r = vit.attention %q, %k, %k mask(%m : tensor<1x1x3x4xf32>) scale 5.000000e-01
      : tensor<2x2x3x4xf32>, tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32> -> tensor<2x2x3x4xf32>
  return %r : tensor<2x2x3x4xf32>
}

// Nothing is masked.
// CHECK-LABEL: func @negative_causal_mask_nothing(
//       CHECK:   vit.attention %{{.*}} mask(
//   CHECK-NOT:   causal
func.func @negative_causal_mask_nothing(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x4xf32>) -> tensor<2x2x3x4xf32> {
  %m = arith.constant dense<[[[[-0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]]]> : tensor<1x1x3x4xf32>
  %r = vit.attention %q, %k, %k mask(%m : tensor<1x1x3x4xf32>) scale 5.000000e-01
      : tensor<2x2x3x4xf32>, tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32> -> tensor<2x2x3x4xf32>
  return %r : tensor<2x2x3x4xf32>
}

// One causal form is there.
// CHECK-LABEL: func @negative_causal_mask_twice(
//       CHECK:   vit.attention %{{.*}} mask(%{{.*}}) scale 5.000000e-01 causal 1 :
func.func @negative_causal_mask_twice(%q: tensor<2x2x3x4xf32>, %k: tensor<2x2x4x4xf32>) -> tensor<2x2x3x4xf32> {
  %m = arith.constant dense<[[[[0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0.0, 0xFF800000]]]]> : tensor<1x1x3x4xf32>
  %r = vit.attention %q, %k, %k mask(%m : tensor<1x1x3x4xf32>) scale 5.000000e-01 causal 1
      : tensor<2x2x3x4xf32>, tensor<2x2x4x4xf32>, tensor<2x2x4x4xf32> -> tensor<2x2x3x4xf32>
  return %r : tensor<2x2x3x4xf32>
}
