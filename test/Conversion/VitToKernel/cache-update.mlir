// RUN: vit-opt %s -convert-vit-to-kernel | FileCheck %s

// CHECK-DAG: #[[$ROW:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG: #[[$PLACE:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1 + d3, d2)>

// A state is updated where it lies: nothing writes the destination of its result.
// CHECK-LABEL: func @cache_update_in_place(
//  CHECK-SAME:     %[[CACHE:[^ ]*]]: tensor<?x64x8xf32> {vit.name = "keys"}, %[[ROW_IN:[^ ]*]]: tensor<?x1x8xf32>, %[[P:[^ ]*]]: tensor<1xi64>
//       CHECK:   %[[GIVEN:.*]] = tensor.extract %[[P]]
//       CHECK:   %[[AT:.*]] = arith.minsi
//       CHECK:   %[[NEXT:.*]] = kernel.gather {{.*}} sizes [1, 8] offsets(%[[AT]]) input(%[[ROW_IN]] at #[[$ROW]] {{.*}} init(%[[CACHE]] at #[[$PLACE]]
//   CHECK-NOT:   kernel.gather
//       CHECK:   return %[[NEXT]]
func.func @cache_update_in_place(%cache: tensor<?x64x8xf32> {vit.name = "keys"}, %row: tensor<?x1x8xf32>, %p: tensor<1xi64>)
    -> (tensor<?x64x8xf32> {vit.name = "keys"}) {
  %c = vit.cache_update %cache, %row at %p : tensor<?x64x8xf32>, tensor<?x1x8xf32>, tensor<1xi64>
  return %c : tensor<?x64x8xf32>
}

// It is returned under another name: the caller's cache stays as it is.
// CHECK-LABEL: func @negative_cache_update_in_place_name(
//  CHECK-SAME:     %[[CACHE:[^ ]*]]: tensor<?x64x8xf32>
//       CHECK:   %[[COPY:.*]] = kernel.gather {{.*}} input(%[[CACHE]]
//       CHECK:   kernel.gather {{.*}} offsets({{.*}} init(%[[COPY]]
func.func @negative_cache_update_in_place_name(%cache: tensor<?x64x8xf32> {vit.name = "keys"}, %row: tensor<?x1x8xf32>, %p: tensor<1xi64>)
    -> (tensor<?x64x8xf32> {vit.name = "new_keys"}) {
  %c = vit.cache_update %cache, %row at %p : tensor<?x64x8xf32>, tensor<?x1x8xf32>, tensor<1xi64>
  return %c : tensor<?x64x8xf32>
}

// The cache before the update is read, too.
// CHECK-LABEL: func @negative_cache_update_in_place_two_users(
//  CHECK-SAME:     %[[CACHE:[^ ]*]]: tensor<?x64x8xf32>
//       CHECK:   %[[COPY:.*]] = kernel.gather {{.*}} input(%[[CACHE]]
//       CHECK:   kernel.gather {{.*}} offsets({{.*}} init(%[[COPY]]
func.func @negative_cache_update_in_place_two_users(%cache: tensor<?x64x8xf32> {vit.name = "keys"}, %row: tensor<?x1x8xf32>, %p: tensor<1xi64>)
    -> (tensor<?x64x8xf32> {vit.name = "keys"}, tensor<?x8xf32>) {
  %c = vit.cache_update %cache, %row at %p : tensor<?x64x8xf32>, tensor<?x1x8xf32>, tensor<1xi64>
  %m = vit.mean_tokens %cache : tensor<?x64x8xf32> -> tensor<?x8xf32>
  return %c, %m : tensor<?x64x8xf32>, tensor<?x8xf32>
}
