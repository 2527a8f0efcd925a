// RUN: vit-opt %s -convert-vit-to-kernel -canonicalize | FileCheck %s

// The scores of all queries and keys, then attention that reads them.
// CHECK-DAG: #[[$QUERY:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG: #[[$KEY:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
// CHECK-DAG: #[[$WEIGHT:.*]] = affine_map<(d0, d1, d2, d3) -> (d3)>
// CHECK-DAG: #[[$SCORE:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-LABEL: func @additive_attention(
//  CHECK-SAME:     %[[Q:[^ ]+]]: tensor<?x3x8xf32>, %[[K:[^ ]+]]: tensor<?x5x8xf32>, %[[W:[^ ]+]]: tensor<8xf32>, %[[V:[^ ]+]]: tensor<?x5x6xf32>, %[[Y:[^ ]+]]: tensor<?x3x6xf32>
//       CHECK:   %[[S:.*]] = kernel.generic batch(%{{.*}}) sizes [3, 5] reduce [8] identity 0.000000e+00 : f32
//  CHECK-SAME:       inputs(%[[Q]], %[[K]], %[[W]] : {{.*}}) at [#[[$QUERY]], #[[$KEY]], #[[$WEIGHT]]] init(%{{.*}} at #[[$SCORE]]
//       CHECK:   ^bb0(%[[QUERY:.*]]: f32, %[[KEY:.*]]: f32, %[[WEIGHT:.*]]: f32, %[[SUM:.*]]: f32):
//       CHECK:     %[[ADD:.*]] = arith.addf %[[QUERY]], %[[KEY]]
//       CHECK:     %[[TANH:.*]] = math.tanh %[[ADD]]
//       CHECK:     %[[TERM:.*]] = arith.mulf %[[WEIGHT]], %[[TANH]]
//       CHECK:     arith.addf %[[SUM]], %[[TERM]]
//       CHECK:   kernel.attention batch(%{{.*}}) queries(%{{.*}}) keys(%{{.*}}) heads 1 head_dim 0 value_dim 6 scale 1.000000e+00
//  CHECK-SAME:       value(%[[V]] at #[[$KEY]] : tensor<?x5x6xf32>) bias(%[[S]] at #[[BIAS:.*]] : tensor<?x3x5xf32>) init(%[[Y]]
func.func @additive_attention(%q: tensor<?x3x8xf32>, %k: tensor<?x5x8xf32>, %w: tensor<8xf32>, %v: tensor<?x5x6xf32>)
    -> tensor<?x3x6xf32> {
  %c = vit.additive_attention %q, %k, %w, %v
      : tensor<?x3x8xf32>, tensor<?x5x8xf32>, tensor<8xf32>, tensor<?x5x6xf32> -> tensor<?x3x6xf32>
  return %c : tensor<?x3x6xf32>
}
