// RUN: vit-opt %s -convert-vit-to-kernel -canonicalize | FileCheck %s

vit.weight @b : tensor<8xf32> seed(2 mean 0.0 scale 1.0)

// What no kernel writes into its output is copied there.
// CHECK-LABEL: func @argument(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x8xf32>, %[[Y:[^ ]+]]: tensor<?x8xf32>
//       CHECK:   kernel.gather batch(%{{.*}}) sizes [8] input(%[[X]] at #{{.*}}) init(%[[Y]] at #{{.*}})
func.func @argument(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}

// CHECK-LABEL: func @constant(
//       CHECK:   %[[B:.*]] = kernel.constant
//       CHECK:   kernel.gather {{.*}} input(%[[B]]
func.func @constant() -> tensor<8xf32> {
  %b = vit.constant #vit.expr<ref, [@b]> : tensor<8xf32>
  return %b : tensor<8xf32>
}

// CHECK-LABEL: func @same_result_twice(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<2x8xf32>, %[[Y:[^ ]+]]: tensor<2x8xf32> {{{.*}}}, %[[Z:[^ ]+]]: tensor<2x8xf32> {{{.*}}}) -> (tensor<2x8xf32>, tensor<2x8xf32>)
//       CHECK:   %[[N:.*]] = kernel.norm
//       CHECK:   %[[R0:.*]] = kernel.gather {{.*}} input(%[[N]] {{.*}} init(%[[Y]]
//       CHECK:   %[[R1:.*]] = kernel.gather {{.*}} input(%[[N]] {{.*}} init(%[[Z]]
//       CHECK:   return %[[R0]], %[[R1]]
func.func @same_result_twice(%x: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x8xf32>) {
  %0 = vit.layer_norm %x epsilon 1.0e-06 : tensor<2x8xf32>
  return %0, %0 : tensor<2x8xf32>, tensor<2x8xf32>
}

// An argument is the caller's: the insertion goes into a copy.
// CHECK-LABEL: func @negative_insert_into_argument(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<2x1x8xf32>, %[[D:[^ ]+]]: tensor<2x2x8xf32>
//       CHECK:   %[[N:.*]] = kernel.norm
//       CHECK:   %[[COPY:.*]] = kernel.gather {{.*}} input(%[[D]]
//       CHECK:   kernel.gather {{.*}} sizes [1, 8] input(%[[N]] {{.*}} init(%[[COPY]]
func.func @negative_insert_into_argument(%x: tensor<2x1x8xf32>, %d: tensor<2x2x8xf32>) -> tensor<2x2x8xf32> {
  %0 = vit.layer_norm %x epsilon 1.0e-06 : tensor<2x1x8xf32>
  %1 = tensor.insert_slice %0 into %d[0, 1, 0] [2, 1, 8] [1, 1, 1] : tensor<2x1x8xf32> into tensor<2x2x8xf32>
  return %1 : tensor<2x2x8xf32>
}

// The value before the insertion is read, too.
// CHECK-LABEL: func @negative_insert_two_users(
//       CHECK:   %[[D:.*]] = kernel.norm
//       CHECK:   %[[N:.*]] = kernel.norm
//       CHECK:   %[[COPY:.*]] = kernel.gather {{.*}} input(%[[D]]
//       CHECK:   kernel.gather {{.*}} input(%[[N]] {{.*}} init(%[[COPY]]
func.func @negative_insert_two_users(%x: tensor<2x1x8xf32>, %y: tensor<2x2x8xf32>) -> (tensor<2x2x8xf32>, tensor<2x2x8xf32>) {
  %d = vit.layer_norm %y epsilon 1.0e-06 : tensor<2x2x8xf32>
  %0 = vit.layer_norm %x epsilon 1.0e-06 : tensor<2x1x8xf32>
  %1 = tensor.insert_slice %0 into %d[0, 1, 0] [2, 1, 8] [1, 1, 1] : tensor<2x1x8xf32> into tensor<2x2x8xf32>
  return %d, %1 : tensor<2x2x8xf32>, tensor<2x2x8xf32>
}

// Kernels write whole rows; a column goes there by a gather.
// CHECK-LABEL: func @negative_insert_column(
//       CHECK:   %[[N:.*]] = kernel.norm
//       CHECK:   kernel.gather {{.*}} input(%[[N]]
func.func @negative_insert_column(%x: tensor<2x8xf32>) -> tensor<2x8x3xf32> {
  %e = tensor.empty() : tensor<2x8x3xf32>
  %0 = vit.layer_norm %x epsilon 1.0e-06 : tensor<2x8xf32>
  %1 = tensor.insert_slice %0 into %e[0, 0, 1] [2, 8, 1] [1, 1, 1] : tensor<2x8xf32> into tensor<2x8x3xf32>
  return %1 : tensor<2x8x3xf32>
}
