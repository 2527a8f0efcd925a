// RUN: vit-opt %s -vit-fold-constants=max-bytes=96 -verify-diagnostics | FileCheck %s

vit.weight @w : tensor<4x6xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @wide : tensor<4x7xf32> seed(2 mean 0.0 scale 1.0)

// CHECK-LABEL: func @at_the_limit(
//   CHECK-NOT:   math.absf
//       CHECK:   vit.constant #vit.expr<data
func.func @at_the_limit() -> tensor<4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<4x6xf32>
  %0 = math.absf %w : tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// CHECK-LABEL: func @negative_too_large(
//       CHECK:   math.absf
func.func @negative_too_large() -> tensor<4x7xf32> {
  %w = vit.constant #vit.expr<ref, [@wide]> : tensor<4x7xf32>
  // expected-remark @+1 {{depends on constants alone but is computed at run time: a tensor of it has 112 bytes; at most 96 are folded}}
  %0 = math.absf %w : tensor<4x7xf32>
  return %0 : tensor<4x7xf32>
}

// Movement has no limit.
// CHECK-LABEL: func @too_large_to_compute_transpose(
//       CHECK:   vit.constant #vit.expr<transpose
func.func @too_large_to_compute_transpose() -> tensor<7x4xf32> {
  %w = vit.constant #vit.expr<ref, [@wide]> : tensor<4x7xf32>
  %empty = tensor.empty() : tensor<7x4xf32>
  %0 = linalg.transpose ins(%w : tensor<4x7xf32>) outs(%empty : tensor<7x4xf32>) permutation = [1, 0]
  return %0 : tensor<7x4xf32>
}
