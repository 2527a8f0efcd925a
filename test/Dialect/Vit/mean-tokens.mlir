// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// CHECK-LABEL: func @mean_tokens_skip(
//       CHECK:   vit.mean_tokens %{{.*}} skip 1 : tensor<?x50x128xf32> -> tensor<?x128xf32>
func.func @mean_tokens_skip(%x: tensor<?x50x128xf32>) -> tensor<?x128xf32> {
  %p = vit.mean_tokens %x skip 1 : tensor<?x50x128xf32> -> tensor<?x128xf32>
  return %p : tensor<?x128xf32>
}

// CHECK-LABEL: func @mean_tokens(
//       CHECK:   vit.mean_tokens %{{.*}} : tensor<2x9x8xf16> -> tensor<2x8xf16>
func.func @mean_tokens(%x: tensor<2x9x8xf16>) -> tensor<2x8xf16> {
  %p = vit.mean_tokens %x : tensor<2x9x8xf16> -> tensor<2x8xf16>
  return %p : tensor<2x8xf16>
}
