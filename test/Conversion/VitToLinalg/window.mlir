// RUN: vit-opt %s -convert-vit-to-linalg -canonicalize -cse | FileCheck %s

// CHECK: #[[$ROLL:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, (d1 + 2) mod 8, (d2 - 1) mod 8, d3)>
// CHECK-LABEL: func @cyclic_shift(
//  CHECK-SAME:     %[[X:.*]]: tensor<?x8x8x32xf32>
//       CHECK:   linalg.generic {indexing_maps = [#[[$ROLL]], #{{.*}}]{{.*}}ins(%[[X]]
func.func @cyclic_shift(%x: tensor<?x8x8x32xf32>) -> tensor<?x8x8x32xf32> {
  %0 = vit.cyclic_shift %x shift [2, -1] : tensor<?x8x8x32xf32>
  return %0 : tensor<?x8x8x32xf32>
}

// CHECK-LABEL: func @window_partition(
//       CHECK:   %[[CELLS:.*]] = tensor.expand_shape %{{.*}} {{\[\[}}0], [1, 2], [3, 4], [5]] {{.*}} : tensor<?x8x12x32xf32> into tensor<?x2x4x4x3x32xf32>
//       CHECK:   %[[T:.*]] = linalg.transpose ins(%[[CELLS]] : {{.*}} permutation = [0, 1, 3, 2, 4, 5]
//       CHECK:   tensor.collapse_shape %[[T]] {{\[\[}}0, 1, 2], [3, 4], [5]] : tensor<?x2x4x4x3x32xf32> into tensor<?x12x32xf32>
func.func @window_partition(%x: tensor<?x8x12x32xf32>) -> tensor<?x12x32xf32> {
  %0 = vit.window_partition %x window [4, 3] : tensor<?x8x12x32xf32> -> tensor<?x12x32xf32>
  return %0 : tensor<?x12x32xf32>
}

// The batch is the number of windows by 8 windows a map.
// CHECK-LABEL: func @window_reverse(
//   CHECK-DAG:   %[[C8:.*]] = arith.constant 8 : index
//       CHECK:   %[[B:.*]] = arith.divui %{{.*}}, %[[C8]]
//       CHECK:   %[[W:.*]] = tensor.expand_shape %{{.*}} {{\[\[}}0, 1, 2], [3, 4], [5]] output_shape [%[[B]], 2, 4, 4, 3, 32]
//       CHECK:   %[[T:.*]] = linalg.transpose ins(%[[W]] : {{.*}} permutation = [0, 1, 3, 2, 4, 5]
//       CHECK:   tensor.collapse_shape %[[T]] {{\[\[}}0], [1, 2], [3, 4], [5]] : tensor<?x2x4x4x3x32xf32> into tensor<?x8x12x32xf32>
func.func @window_reverse(%w: tensor<?x12x32xf32>) -> tensor<?x8x12x32xf32> {
  %0 = vit.window_reverse %w window [4, 3] size [8, 12] : tensor<?x12x32xf32> -> tensor<?x8x12x32xf32>
  return %0 : tensor<?x8x12x32xf32>
}

// Columns vary slower than rows.
// CHECK-LABEL: func @patch_merging(
//       CHECK:   %[[CELLS:.*]] = tensor.expand_shape {{.*}} into tensor<1x4x2x3x2x32xf32>
//       CHECK:   %[[T:.*]] = linalg.transpose ins(%[[CELLS]] : {{.*}} permutation = [0, 1, 3, 4, 2, 5]
//       CHECK:   tensor.collapse_shape %[[T]] {{\[\[}}0], [1], [2], [3, 4, 5]] : tensor<1x4x3x2x2x32xf32> into tensor<1x4x3x128xf32>
func.func @patch_merging(%x: tensor<1x8x6x32xf32>) -> tensor<1x4x3x128xf32> {
  %0 = vit.patch_merging %x : tensor<1x8x6x32xf32> -> tensor<1x4x3x128xf32>
  return %0 : tensor<1x4x3x128xf32>
}

// CHECK-LABEL: func @shift_mask(
//   CHECK-DAG:   %[[VALUE:.*]] = arith.constant -1.000000e+02 : f32
//   CHECK-DAG:   %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
//   CHECK-DAG:   %[[REGIONS:.*]] = arith.constant dense<{{.*}}> : tensor<4x16xi32>
//       CHECK:   linalg.generic {{.*}} ins(%[[REGIONS]], %[[REGIONS]] : {{.*}}outs(%{{.*}} : tensor<4x1x16x16xf32>)
//       CHECK:     %[[SAME:.*]] = arith.cmpi eq
//       CHECK:     arith.select %[[SAME]], %[[ZERO]], %[[VALUE]]
func.func @shift_mask() -> tensor<4x1x16x16xf32> {
  %0 = vit.shift_mask size [8, 8] window [4, 4] shift [2, 2] value -100.0 : tensor<4x1x16x16xf32>
  return %0 : tensor<4x1x16x16xf32>
}

// CHECK-LABEL: func @relative_position_bias(
//  CHECK-SAME:     %[[TABLE:.*]]: tensor<49x3xf32>
//       CHECK:   linalg.generic {{.*}}outs(%{{.*}} : tensor<1x3x16x16xf32>)
//       CHECK:     %[[H:.*]] = linalg.index 1
//       CHECK:     tensor.extract %[[TABLE]][%{{.*}}, %[[H]]]
func.func @relative_position_bias(%t: tensor<49x3xf32>) -> tensor<1x3x16x16xf32> {
  %0 = vit.relative_position_bias %t window [4, 4] : tensor<49x3xf32> -> tensor<1x3x16x16xf32>
  return %0 : tensor<1x3x16x16xf32>
}
