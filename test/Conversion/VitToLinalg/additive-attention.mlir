// RUN: vit-opt %s -convert-vit-to-linalg | FileCheck %s

// The scores, their softmax and its product with the values.
// CHECK-LABEL: func @additive_attention(
//  CHECK-SAME:     %[[Q:.*]]: tensor<?x3x8xf32>, %[[K:.*]]: tensor<?x5x8xf32>, %[[W:.*]]: tensor<8xf32>, %[[V:.*]]: tensor<?x5x6xf32>
//       CHECK:   linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]{{.*}} ins(%[[Q]], %[[K]], %[[W]] :
//       CHECK:   math.tanh
//       CHECK:   math.exp
//       CHECK:   arith.divf
//       CHECK:   tensor.collapse_shape %{{.*}} into tensor<?x3x6xf32>
//   CHECK-NOT:   vit.
func.func @additive_attention(%q: tensor<?x3x8xf32>, %k: tensor<?x5x8xf32>, %w: tensor<8xf32>, %v: tensor<?x5x6xf32>)
    -> tensor<?x3x6xf32> {
  %c = vit.additive_attention %q, %k, %w, %v
      : tensor<?x3x8xf32>, tensor<?x5x8xf32>, tensor<8xf32>, tensor<?x5x6xf32> -> tensor<?x3x6xf32>
  return %c : tensor<?x3x6xf32>
}
