// RUN: vit-opt %s -convert-vit-to-kernel -canonicalize | FileCheck %s

// Both parts of a concatenation are written in place.
// CHECK-DAG: #[[$PLAIN:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[$BEHIND:.*]] = affine_map<(d0, d1, d2) -> (d0, d1 + 3, d2)>
// CHECK-LABEL: func @concat(
//  CHECK-SAME:     %[[OUT:[^ ]+]]: tensor<?x8x4xf32> {bufferization.writable = true})
//       CHECK:   %[[FIRST:.*]] = kernel.norm {{.*}} init(%[[OUT]] at #[[$PLAIN]]
//       CHECK:   %[[SECOND:.*]] = kernel.norm {{.*}} init(%[[FIRST]] at #[[$BEHIND]]
//  CHECK-NEXT:   return %[[SECOND]]
func.func @concat(%x: tensor<?x3x4xf32>, %y: tensor<?x5x4xf32>) -> tensor<?x8x4xf32> {
  %0 = vit.layer_norm %x epsilon 1.0e-05 : tensor<?x3x4xf32>
  %1 = vit.layer_norm %y epsilon 1.0e-05 : tensor<?x5x4xf32>
  %2 = tensor.concat dim(1) %0, %1 : (tensor<?x3x4xf32>, tensor<?x5x4xf32>) -> tensor<?x8x4xf32>
  return %2 : tensor<?x8x4xf32>
}

// What somebody else reads, too, is copied; so is an argument.
// CHECK-LABEL: func @concat_two_users(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x3x4xf32>, %[[OUT:[^ ]+]]: tensor<?x6x4xf32> {bufferization.writable = true}, %[[OTHER:[^ ]+]]: tensor<?x3x4xf32>
//       CHECK:   %[[NORM:.*]] = kernel.norm {{.*}} init(%{{.*}} at #[[$PLAIN]]
//       CHECK:   %[[FIRST:.*]] = kernel.gather {{.*}} input(%[[NORM]] at #[[$PLAIN]] {{.*}} init(%[[OUT]] at #[[$PLAIN]]
//       CHECK:   kernel.gather {{.*}} input(%[[X]] at #[[$PLAIN]] {{.*}} init(%[[FIRST]] at #[[$BEHIND]]
func.func @concat_two_users(%x: tensor<?x3x4xf32>) -> (tensor<?x6x4xf32>, tensor<?x3x4xf32>) {
  %0 = vit.layer_norm %x epsilon 1.0e-05 : tensor<?x3x4xf32>
  %1 = tensor.concat dim(1) %0, %x : (tensor<?x3x4xf32>, tensor<?x3x4xf32>) -> tensor<?x6x4xf32>
  return %1, %0 : tensor<?x6x4xf32>, tensor<?x3x4xf32>
}

// The border is filled, before and behind at once, then the inner part is copied.
// CHECK-LABEL: func @pad(
//       CHECK:   %[[V:.*]] = arith.constant 2.000000e+00 : f32
//       CHECK:   %[[FILLED:.*]] = kernel.generic {{.*}} sizes [4, 4]
//  CHECK-NEXT:     kernel.yield %[[V]]
//       CHECK:   kernel.gather {{.*}} sizes [3, 4] {{.*}} init(%[[FILLED]] at #[[$BEHIND]]
func.func @pad(%x: tensor<?x3x4xf32>) -> tensor<?x7x4xf32> {
  %v = arith.constant 2.0 : f32
  %0 = tensor.pad %x low[0, 3, 0] high[0, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index):
    tensor.yield %v : f32
  } : tensor<?x3x4xf32> to tensor<?x7x4xf32>
  return %0 : tensor<?x7x4xf32>
}
