// RUN: vit-opt %s -convert-vit-to-linalg -canonicalize -cse | FileCheck %s

// Mean, then the mean of the squared differences, each a sum and a division.
// CHECK-DAG: #[[$ALL:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[$ROW:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[$CHANNEL:.*]] = affine_map<(d0, d1, d2) -> (d2)>
// CHECK-LABEL: func @layer_norm(
//  CHECK-SAME:     %[[X:.*]]: tensor<?x4x8xf32>, %[[SCALE:.*]]: tensor<8xf32>, %[[SHIFT:.*]]: tensor<8xf32>
//   CHECK-DAG:   %[[COUNT:.*]] = arith.constant 8.000000e+00 : f32
//   CHECK-DAG:   %[[EPSILON:.*]] = arith.constant 9.99999974E-6 : f32
//       CHECK:   %[[SUM:.*]] = linalg.generic {indexing_maps = [#[[$ALL]], #[[$ROW]]]{{.*}}ins(%[[X]]
//       CHECK:   %[[MEAN:.*]] = linalg.generic {{.*}}ins(%[[SUM]]
//       CHECK:     arith.divf %{{.*}}, %[[COUNT]]
//       CHECK:   %[[CENTRED:.*]] = linalg.generic {indexing_maps = [#[[$ALL]], #[[$ROW]], #[[$ALL]]]{{.*}}ins(%[[X]], %[[MEAN]]
//       CHECK:     arith.subf
//       CHECK:   %[[SQUARES:.*]] = linalg.generic {{.*}}ins(%[[CENTRED]]
//       CHECK:     arith.mulf
//       CHECK:   linalg.generic {indexing_maps = [#[[$ALL]], #[[$ROW]]]{{.*}}ins(%[[SQUARES]]
//       CHECK:   %[[VARIANCE:.*]] = linalg.generic
//       CHECK:     arith.divf %{{.*}}, %[[COUNT]]
//       CHECK:   %[[NORMAL:.*]] = linalg.generic {indexing_maps = [#[[$ALL]], #[[$ROW]], #[[$ALL]]]{{.*}}ins(%[[CENTRED]], %[[VARIANCE]]
//       CHECK:     arith.addf %{{.*}}, %[[EPSILON]]
//       CHECK:     math.sqrt
//       CHECK:     arith.divf
//       CHECK:   %[[SCALED:.*]] = linalg.generic {indexing_maps = [#[[$ALL]], #[[$CHANNEL]], #[[$ALL]]]{{.*}}ins(%[[NORMAL]], %[[SCALE]]
//       CHECK:     arith.mulf
//       CHECK:   linalg.generic {indexing_maps = [#[[$ALL]], #[[$CHANNEL]], #[[$ALL]]]{{.*}}ins(%[[SCALED]], %[[SHIFT]]
//       CHECK:     arith.addf
func.func @layer_norm(%x: tensor<?x4x8xf32>, %g: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<?x4x8xf32> {
  %0 = vit.layer_norm %x scale(%g : tensor<8xf32>) shift(%b : tensor<8xf32>) epsilon 1.0e-05 : tensor<?x4x8xf32>
  return %0 : tensor<?x4x8xf32>
}

// Statistics of f16 are in f32.
// CHECK-LABEL: func @layer_norm_f16(
//       CHECK:   arith.extf %{{.*}} : f16 to f32
//       CHECK:   math.sqrt %{{.*}} : f32
//       CHECK:   arith.truncf %{{.*}} : f32 to f16
func.func @layer_norm_f16(%x: tensor<8xf16>) -> tensor<8xf16> {
  %0 = vit.layer_norm %x epsilon 1.0e-05 : tensor<8xf16>
  return %0 : tensor<8xf16>
}

// The mean of the squares, no mean.
// CHECK-LABEL: func @rms_norm(
//  CHECK-SAME:     %[[X:.*]]: tensor<?x4x8xf32>, %[[SCALE:.*]]: tensor<8xf32>
//   CHECK-NOT:   arith.subf
//       CHECK:   %[[SQUARES:.*]] = linalg.generic {{.*}}ins(%[[X]]
//       CHECK:     arith.mulf
//       CHECK:   linalg.generic {{.*}}"reduction"{{.*}}ins(%[[SQUARES]]
//       CHECK:   %[[NORMAL:.*]] = linalg.generic {{.*}}ins(%[[X]], %{{.*}} :
//       CHECK:     math.sqrt
//       CHECK:     arith.divf
//       CHECK:   linalg.generic {{.*}}ins(%[[NORMAL]], %[[SCALE]]
//       CHECK:     arith.mulf
func.func @rms_norm(%x: tensor<?x4x8xf32>, %g: tensor<8xf32>) -> tensor<?x4x8xf32> {
  %0 = vit.rms_norm %x scale(%g : tensor<8xf32>) epsilon 1.0e-05 : tensor<?x4x8xf32>
  return %0 : tensor<?x4x8xf32>
}
