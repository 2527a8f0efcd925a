// RUN: vit-opt %s -convert-vit-to-linalg | FileCheck %s

// CHECK-LABEL: func @attention_softcap(
//       CHECK:   linalg.generic
//       CHECK:   %[[SCALED:.*]] = arith.mulf %{{.*}}, %[[SCALE:.*]] : f32
//       CHECK:   %[[CAP:.*]] = arith.constant 5.000000e+01 : f32
//       CHECK:   %[[SHARE:.*]] = arith.divf %[[SCALED]], %[[CAP]]
//       CHECK:   %[[TANH:.*]] = math.tanh %[[SHARE]]
//       CHECK:   arith.mulf %[[TANH]], %[[CAP]]
func.func @attention_softcap(%q: tensor<1x2x9x4xf32>) -> tensor<1x2x9x4xf32> {
  %r = vit.attention %q, %q, %q scale 0.5 softcap 50.0
      : tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32> -> tensor<1x2x9x4xf32>
  return %r : tensor<1x2x9x4xf32>
}

// Keys behind the causal form and behind the item's length are masked.
// CHECK-LABEL: func @attention_limits(
//       CHECK:   ^bb0(%[[S:.*]]: f32, %[[N:.*]]: i64, %{{.*}}: f32):
//   CHECK-DAG:   %[[MASKED:.*]] = arith.constant 0xFF800000 : f32
//   CHECK-DAG:   %[[J:.*]] = linalg.index 3
//   CHECK-DAG:   %[[I:.*]] = linalg.index 2
//   CHECK-DAG:   %[[OFFSET:.*]] = arith.constant -1 : index
//       CHECK:   %[[LAST:.*]] = arith.addi %[[I]], %[[OFFSET]]
//       CHECK:   %[[SEEN:.*]] = arith.cmpi sle, %[[J]], %[[LAST]]
//       CHECK:   %[[CAUSAL:.*]] = arith.select %[[SEEN]], %[[S]], %[[MASKED]]
//       CHECK:   %[[LENGTH:.*]] = arith.index_cast %[[N]]
//       CHECK:   %[[IS_KEY:.*]] = arith.cmpi slt, %[[J]], %[[LENGTH]]
//       CHECK:   %[[SCORE:.*]] = arith.select %[[IS_KEY]], %[[CAUSAL]], %[[MASKED]]
//       CHECK:   linalg.yield %[[SCORE]]
func.func @attention_limits(%q: tensor<?x2x9x4xf32>, %n: tensor<?xi64>) -> tensor<?x2x9x4xf32> {
  %r = vit.attention %q, %q, %q key_length(%n : tensor<?xi64>) scale 0.5 causal -1
      : tensor<?x2x9x4xf32>, tensor<?x2x9x4xf32>, tensor<?x2x9x4xf32> -> tensor<?x2x9x4xf32>
  return %r : tensor<?x2x9x4xf32>
}

// CHECK-LABEL: func @softmax_matmul(
//       CHECK:   arith.maximumf
//       CHECK:   math.exp
//       CHECK:   arith.divf
//       CHECK:   linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]
//   CHECK-NOT:   vit.
func.func @softmax_matmul(%s: tensor<?x6x7x9xf32>, %v: tensor<?x2x9x8xf32>) -> tensor<?x6x7x8xf32> {
  %r = vit.softmax_matmul %s, %v : tensor<?x6x7x9xf32>, tensor<?x2x9x8xf32> -> tensor<?x6x7x8xf32>
  return %r : tensor<?x6x7x8xf32>
}
