// RUN: vit-opt %s -convert-vit-to-kernel -canonicalize | FileCheck %s

#id = affine_map<(b, c) -> (b, c)>
#column = affine_map<(b, c) -> (c)>

// A splat and a captured scalar become constants of the body; the index map of
// the slice is composed with the operand's.
// CHECK-DAG: #[[$ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[$SECOND:.*]] = affine_map<(d0, d1) -> (d0, 1, d1)>
// CHECK-LABEL: func @generic(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x2x8xf32>, %[[Y:[^ ]+]]: tensor<?x8xf32>
//   CHECK-DAG:   %[[TWO:.*]] = arith.constant 2.000000e+00 : f32
//   CHECK-DAG:   %[[THREE:.*]] = arith.constant 3.000000e+00 : f32
//       CHECK:   kernel.generic batch(%{{.*}}) sizes [8] inputs(%[[X]] : tensor<?x2x8xf32>) at [#[[$SECOND]]] init(%[[Y]] at #[[$ID]] : tensor<?x8xf32>)
//       CHECK:   ^bb0(%[[E:.*]]: f32):
//       CHECK:     %[[P:.*]] = arith.mulf %[[E]], %[[TWO]]
//       CHECK:     %[[S:.*]] = arith.addf %[[P]], %[[THREE]]
//       CHECK:     kernel.yield %[[S]]
func.func @generic(%x: tensor<?x2x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x2x8xf32>
  %three = arith.constant 3.0 : f32
  %two = arith.constant dense<2.0> : tensor<8xf32>
  %slice = tensor.extract_slice %x[0, 1, 0] [%n, 1, 8] [1, 1, 1] : tensor<?x2x8xf32> to tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %0 = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%slice, %two : tensor<?x8xf32>, tensor<8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %1, %three : f32
    linalg.yield %2 : f32
  } -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// A constant, and memory that nobody wrote, are values of their own.
// CHECK-LABEL: func @splat(
//       CHECK:   %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
//       CHECK:   %[[X:.*]] = kernel.generic {{.*}} sizes [8] at []
//       CHECK:     kernel.yield %[[ONE]]
//       CHECK:   kernel.norm {{.*}} input(%[[X]]
func.func @splat() -> tensor<2x8xf32> {
  %x = arith.constant dense<1.0> : tensor<2x8xf32>
  %0 = vit.layer_norm %x epsilon 1.0e-06 : tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// CHECK-LABEL: func @empty(
//       CHECK:   %[[X:.*]] = tensor.empty() : tensor<2x8xf32>
//       CHECK:   kernel.norm {{.*}} input(%[[X]]
func.func @empty() -> tensor<2x8xf32> {
  %x = tensor.empty() : tensor<2x8xf32>
  %0 = vit.layer_norm %x epsilon 1.0e-06 : tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}
