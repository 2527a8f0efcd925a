// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// CHECK-LABEL: func @additive_attention(
//       CHECK:   vit.additive_attention %{{[^:]*}}
//  CHECK-SAME:       : tensor<?x1x64xf32>, tensor<?x25x64xf32>, tensor<64xf32>, tensor<?x25x32xf32> -> tensor<?x1x32xf32>
func.func @additive_attention(%q: tensor<?x1x64xf32>, %k: tensor<?x25x64xf32>, %w: tensor<64xf32>,
                              %v: tensor<?x25x32xf32>) -> tensor<?x1x32xf32> {
  %c = vit.additive_attention %q, %k, %w, %v
      : tensor<?x1x64xf32>, tensor<?x25x64xf32>, tensor<64xf32>, tensor<?x25x32xf32> -> tensor<?x1x32xf32>
  return %c : tensor<?x1x32xf32>
}
