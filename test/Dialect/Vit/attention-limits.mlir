// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// CHECK-LABEL: func @attention_causal(
//       CHECK:   vit.attention %{{.*}} scale 5.000000e-01 causal -2 : tensor<1x2x9x4xf32>
func.func @attention_causal(%q: tensor<1x2x9x4xf32>) -> tensor<1x2x9x4xf32> {
  %r = vit.attention %q, %q, %q scale 0.5 causal -2
      : tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32> -> tensor<1x2x9x4xf32>
  return %r : tensor<1x2x9x4xf32>
}

// CHECK-LABEL: func @attention_softcap(
//       CHECK:   vit.attention %{{.*}} scale 5.000000e-01 causal 0 softcap 5.000000e+01 : tensor<1x2x9x4xf32>
func.func @attention_softcap(%q: tensor<1x2x9x4xf32>) -> tensor<1x2x9x4xf32> {
  %r = vit.attention %q, %q, %q scale 0.5 causal 0 softcap 50.0
      : tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32> -> tensor<1x2x9x4xf32>
  return %r : tensor<1x2x9x4xf32>
}

// CHECK-LABEL: func @attention_key_length(
//       CHECK:   vit.attention %{{.*}} mask(%{{.*}} : tensor<1x1x9x9xf32>) key_length(%{{.*}} : tensor<?xi64>) scale
func.func @attention_key_length(%q: tensor<?x2x9x4xf32>, %mask: tensor<1x1x9x9xf32>, %n: tensor<?xi64>)
    -> tensor<?x2x9x4xf32> {
  %r = vit.attention %q, %q, %q mask(%mask : tensor<1x1x9x9xf32>) key_length(%n : tensor<?xi64>) scale 0.5
      : tensor<?x2x9x4xf32>, tensor<?x2x9x4xf32>, tensor<?x2x9x4xf32> -> tensor<?x2x9x4xf32>
  return %r : tensor<?x2x9x4xf32>
}

// Two heads of values serve six of scores.
// CHECK-LABEL: func @softmax_matmul(
//       CHECK:   vit.softmax_matmul %{{.*}}, %{{.*}} : tensor<?x6x7x9xf32>, tensor<?x2x9x8xf32> -> tensor<?x6x7x8xf32>
func.func @softmax_matmul(%s: tensor<?x6x7x9xf32>, %v: tensor<?x2x9x8xf32>) -> tensor<?x6x7x8xf32> {
  %r = vit.softmax_matmul %s, %v : tensor<?x6x7x9xf32>, tensor<?x2x9x8xf32> -> tensor<?x6x7x8xf32>
  return %r : tensor<?x6x7x8xf32>
}
