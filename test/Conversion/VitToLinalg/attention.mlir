// RUN: vit-opt %s -convert-vit-to-linalg -canonicalize -cse | FileCheck %s

// scale * Q·K^T, softmax along the keys, · V; head h reads key-value head h / 2.
// CHECK-DAG: #[[$Q:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d4)>
// CHECK-DAG: #[[$K:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1 floordiv 2, d3, d4)>
// CHECK-DAG: #[[$V:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1 floordiv 2, d4, d3)>
// CHECK-DAG: #[[$R:.*]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3)>
// CHECK-DAG: #[[$ALL:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK-DAG: #[[$ITEM:.*]] = affine_map<(d0, d1, d2, d3) -> (d0 mod 4, 0, d2, d3)>
// CHECK-DAG: #[[$ROW:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-LABEL: func @attention(
//  CHECK-SAME:     %[[QUERY:.*]]: tensor<?x4x7x8xf32>, %[[KEY:.*]]: tensor<?x2x5x8xf32>, %[[VALUE:.*]]: tensor<?x2x5x6xf32>
//   CHECK-DAG:   %[[LOWEST:.*]] = arith.constant 0xFF800000 : f32
//   CHECK-DAG:   %[[SCALE:.*]] = arith.constant 2.500000e-01 : f32
//   CHECK-DAG:   %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
//       CHECK:   linalg.generic {indexing_maps = [#[[$Q]], #[[$K]], #[[$R]]]
//  CHECK-SAME:       ins(%[[QUERY]], %[[KEY]]
//       CHECK:     arith.mulf
//       CHECK:     arith.addf
//       CHECK:   linalg.generic
//       CHECK:     arith.mulf %{{.*}}, %[[SCALE]]
//       CHECK:   linalg.generic {indexing_maps = [#[[$ALL]], #[[$ROW]]]
//       CHECK:     arith.maximumf
//       CHECK:   linalg.generic {indexing_maps = [#[[$ALL]], #[[$ROW]], #[[$ALL]]]
//       CHECK:   ^bb0(%[[S:.*]]: f32, %[[MAX:.*]]: f32, %{{.*}}: f32):
//       CHECK:     %[[MASKED:.*]] = arith.cmpf oeq, %[[MAX]], %[[LOWEST]]
//       CHECK:     %[[SHIFT:.*]] = arith.select %[[MASKED]], %[[ZERO]], %[[MAX]]
//       CHECK:     %[[D:.*]] = arith.subf %[[S]], %[[SHIFT]]
//       CHECK:     math.exp %[[D]]
//       CHECK:   linalg.generic {indexing_maps = [#[[$ALL]], #[[$ROW]]]
//       CHECK:     arith.addf
//       CHECK:   linalg.generic {indexing_maps = [#[[$ALL]], #[[$ROW]], #[[$ALL]]]
//       CHECK:   ^bb0(%[[E:.*]]: f32, %[[SUM:.*]]: f32, %{{.*}}: f32):
//       CHECK:     %[[EMPTY:.*]] = arith.cmpf oeq, %[[SUM]], %[[ZERO]]
//       CHECK:     %[[P:.*]] = arith.divf %[[E]], %[[SUM]]
//       CHECK:     arith.select %[[EMPTY]], %[[ZERO]], %[[P]]
//       CHECK:   %[[RESULT:.*]] = linalg.generic {indexing_maps = [#[[$Q]], #[[$V]], #[[$R]]]
//  CHECK-SAME:       ins(%{{.*}}, %[[VALUE]]
//       CHECK:   return %[[RESULT]]
func.func @attention(%q: tensor<?x4x7x8xf32>, %k: tensor<?x2x5x8xf32>, %v: tensor<?x2x5x6xf32>) -> tensor<?x4x7x6xf32> {
  %0 = vit.attention %q, %k, %v scale 0.25
      : tensor<?x4x7x8xf32>, tensor<?x2x5x8xf32>, tensor<?x2x5x6xf32> -> tensor<?x4x7x6xf32>
  return %0 : tensor<?x4x7x6xf32>
}

// A bias of one batch and one head is read at 0 there.
// CHECK-LABEL: func @attention_bias(
//  CHECK-SAME:     %[[BIAS:[a-z0-9]+]]: tensor<1x1x7x7xf64>
//       CHECK:   linalg.generic {indexing_maps = [#{{.*}}, #[[SHARED:.*]], #{{.*}}]{{.*}}ins(%{{.*}}, %[[BIAS]]
func.func @attention_bias(%q: tensor<3x4x7x8xf64>, %bias: tensor<1x1x7x7xf64>) -> tensor<3x4x7x8xf64> {
  %0 = vit.attention %q, %q, %q bias(%bias : tensor<1x1x7x7xf64>) scale 1.0
      : tensor<3x4x7x8xf64>, tensor<3x4x7x8xf64>, tensor<3x4x7x8xf64> -> tensor<3x4x7x8xf64>
  return %0 : tensor<3x4x7x8xf64>
}

// Item b of the batch reads item b mod 4 of the mask.
// CHECK-LABEL: func @attention_bias_mask(
//  CHECK-SAME:     %[[BIAS:[a-z0-9]+]]: tensor<1x4x7x7xf32>, %[[MASK:[a-z0-9]+]]: tensor<4x1x7x7xf32>
//       CHECK:   %[[S:.*]] = linalg.generic {{.*}}ins(%{{.*}}, %[[BIAS]]
//       CHECK:   linalg.generic {indexing_maps = [#[[$ALL]], #[[$ITEM]], #[[$ALL]]]{{.*}}ins(%[[S]], %[[MASK]]
//       CHECK:     arith.addf
func.func @attention_bias_mask(%q: tensor<?x4x7x8xf32>, %bias: tensor<1x4x7x7xf32>, %mask: tensor<4x1x7x7xf32>)
    -> tensor<?x4x7x8xf32> {
  %0 = vit.attention %q, %q, %q bias(%bias : tensor<1x4x7x7xf32>) mask(%mask : tensor<4x1x7x7xf32>) scale 1.0
      : tensor<?x4x7x8xf32>, tensor<?x4x7x8xf32>, tensor<?x4x7x8xf32> -> tensor<?x4x7x8xf32>
  return %0 : tensor<?x4x7x8xf32>
}

// With a mask of a size known at run time only, the item is computed in the body.
// CHECK-LABEL: func @attention_dynamic_mask(
//  CHECK-SAME:     %[[MASK:[a-z0-9]+]]: tensor<?x1x7x7xf32>
//       CHECK:   %[[ITEMS:.*]] = tensor.dim %[[MASK]]
//       CHECK:     %[[B:.*]] = linalg.index 0
//       CHECK:     %[[ITEM:.*]] = arith.remui %[[B]], %[[ITEMS]]
//       CHECK:     tensor.extract %[[MASK]][%[[ITEM]]
func.func @attention_dynamic_mask(%q: tensor<?x4x7x8xf32>, %mask: tensor<?x1x7x7xf32>) -> tensor<?x4x7x8xf32> {
  %0 = vit.attention %q, %q, %q mask(%mask : tensor<?x1x7x7xf32>) scale 1.0
      : tensor<?x4x7x8xf32>, tensor<?x4x7x8xf32>, tensor<?x4x7x8xf32> -> tensor<?x4x7x8xf32>
  return %0 : tensor<?x4x7x8xf32>
}

// Computes in f32 and rounds once.
// CHECK-LABEL: func @attention_f16(
//       CHECK:   arith.extf %{{.*}} : f16 to f32
//   CHECK-NOT:   arith.truncf
//       CHECK:   math.exp %{{.*}} : f32
//   CHECK-NOT:   arith.truncf
//       CHECK:   arith.truncf %{{.*}} : f32 to f16
//   CHECK-NOT:   arith.truncf
//       CHECK:   return
func.func @attention_f16(%q: tensor<1x2x7x8xf16>) -> tensor<1x2x7x8xf16> {
  %0 = vit.attention %q, %q, %q scale 1.0
      : tensor<1x2x7x8xf16>, tensor<1x2x7x8xf16>, tensor<1x2x7x8xf16> -> tensor<1x2x7x8xf16>
  return %0 : tensor<1x2x7x8xf16>
}

// All rows and their mean; then those that the selection asks for, in order.
// CHECK-LABEL: func @attention_map(
//  CHECK-SAME:     %[[Q:[^ ]+]]: tensor<?x4x7x8xf32>, %[[S:[^ ]+]]: tensor<3x2xi64>
//       CHECK:   %[[P:.*]] = linalg.generic
//       CHECK:     arith.divf
//       CHECK:   iterator_types = ["parallel", "parallel", "reduction", "parallel"]
//       CHECK:   %[[MEAN:.*]] = linalg.generic
//       CHECK:     arith.divf
//       CHECK:   tensor.extract %[[S]]
//       CHECK:   arith.divui
//       CHECK:   tensor.empty(%{{.*}}) : tensor<?x2x4x7x7xf32>
//       CHECK:   linalg.generic
//   CHECK-DAG:     tensor.extract %{{.*}} : tensor<?x4x7xf32>
//   CHECK-DAG:     tensor.extract %{{.*}} : tensor<?x4x7x7xf32>
//       CHECK:     arith.select
func.func @attention_map(%q: tensor<?x4x7x8xf32>, %s: tensor<3x2xi64>) -> tensor<?x2x4x7x7xf32> {
  %0 = vit.attention_map %q, %q scale 1.0 selection(%s[1] : tensor<3x2xi64>) windows 2
      : tensor<?x4x7x8xf32>, tensor<?x4x7x8xf32> -> tensor<?x2x4x7x7xf32>
  return %0 : tensor<?x2x4x7x7xf32>
}

// CHECK-LABEL: func @split_heads(
//       CHECK:   %[[SPLIT:.*]] = tensor.expand_shape %{{.*}} {{\[\[}}0], [1], [2, 3]] {{.*}} : tensor<?x9x24xf32> into tensor<?x9x3x8xf32>
//       CHECK:   linalg.transpose ins(%[[SPLIT]] : {{.*}} permutation = [0, 2, 1, 3]
func.func @split_heads(%x: tensor<?x9x24xf32>) -> tensor<?x3x9x8xf32> {
  %0 = vit.split_heads %x heads 3 : tensor<?x9x24xf32> -> tensor<?x3x9x8xf32>
  return %0 : tensor<?x3x9x8xf32>
}

// CHECK-LABEL: func @merge_heads(
//       CHECK:   %[[T:.*]] = linalg.transpose {{.*}} permutation = [0, 2, 1, 3]
//       CHECK:   tensor.collapse_shape %[[T]] {{\[\[}}0], [1], [2, 3]] : tensor<?x9x3x8xf32> into tensor<?x9x24xf32>
func.func @merge_heads(%x: tensor<?x3x9x8xf32>) -> tensor<?x9x24xf32> {
  %0 = vit.merge_heads %x : tensor<?x3x9x8xf32> -> tensor<?x9x24xf32>
  return %0 : tensor<?x9x24xf32>
}
