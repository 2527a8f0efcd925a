// RUN: vit-opt %s -convert-vit-to-linalg | FileCheck %s

// The position is that of the nearest row from which all rows fit.
// CHECK-LABEL: func @cache_update(
//  CHECK-SAME:     %[[CACHE:.*]]: tensor<?x64x8xf32>, %[[ROWS:.*]]: tensor<?x2x8xf32>, %[[P:.*]]: tensor<1xi64>
//       CHECK:   %[[GIVEN:.*]] = tensor.extract %[[P]][%{{.*}}]
//       CHECK:   %[[INDEX:.*]] = arith.index_cast %[[GIVEN]] : i64 to index
//       CHECK:   %[[LOW:.*]] = arith.maxsi %[[INDEX]], %{{.*}} : index
//       CHECK:   %[[LAST:.*]] = arith.constant 62 : index
//       CHECK:   %[[AT:.*]] = arith.minsi %[[LOW]], %[[LAST]] : index
//       CHECK:   tensor.insert_slice %[[ROWS]] into %[[CACHE]][0, %[[AT]], 0] [%{{.*}}, 2, 8] [1, 1, 1]
func.func @cache_update(%cache: tensor<?x64x8xf32>, %rows: tensor<?x2x8xf32>, %p: tensor<1xi64>) -> tensor<?x64x8xf32> {
  %c = vit.cache_update %cache, %rows at %p : tensor<?x64x8xf32>, tensor<?x2x8xf32>, tensor<1xi64>
  return %c : tensor<?x64x8xf32>
}
