// RUN: vit-opt %s -convert-vit-to-kernel -canonicalize | FileCheck %s

// Each gate is a map of the product that has it; PyTorch's order, then ONNX's.
// CHECK-DAG: #[[$FIRST:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[$SECOND:.*]] = affine_map<(d0, d1) -> (d0, d1 + 8)>
// CHECK-DAG: #[[$THIRD:.*]] = affine_map<(d0, d1) -> (d0, d1 + 16)>
// CHECK-DAG: #[[$FOURTH:.*]] = affine_map<(d0, d1) -> (d0, d1 + 24)>

// CHECK-LABEL: func @gru_cell(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x24xf32>, %[[R:[^ ]+]]: tensor<?x24xf32>, %[[H:[^ ]+]]: tensor<?x8xf32>, %[[Y:[^ ]+]]: tensor<?x8xf32>
//       CHECK:   kernel.generic batch(%{{.*}}) sizes [8] inputs(%[[X]], %[[R]], %[[X]], %[[R]], %[[X]], %[[R]], %[[H]]
//  CHECK-SAME:       at [#[[$FIRST]], #[[$FIRST]], #[[$SECOND]], #[[$SECOND]], #[[$THIRD]], #[[$THIRD]], #[[$FIRST]]]
//  CHECK-SAME:       init(%[[Y]] at #[[$FIRST]]
//   CHECK-NOT:   kernel.generic
func.func @gru_cell(%x: tensor<?x24xf32>, %r: tensor<?x24xf32>, %h: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = vit.gru_cell %x, %r, %h order [0, 1, 2] : tensor<?x24xf32>, tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// The next cell state, then the hidden one from it.
// CHECK-LABEL: func @lstm_cell(
//  CHECK-SAME:     %[[G:[^ ]+]]: tensor<?x32xf32>, %[[C:[^ ]+]]: tensor<?x8xf32>, %[[Y:[^ ]+]]: tensor<?x8xf32> {{.*}}, %[[D:[^ ]+]]: tensor<?x8xf32>
//       CHECK:   %[[NEXT:.*]] = kernel.generic batch(%{{.*}}) sizes [8] inputs(%[[G]], %[[G]], %[[G]], %[[C]]
//  CHECK-SAME:       at [#[[$FIRST]], #[[$THIRD]], #[[$FOURTH]], #[[$FIRST]]] init(%[[D]] at
//       CHECK:   kernel.generic batch(%{{.*}}) sizes [8] inputs(%[[G]], %[[NEXT]]
//  CHECK-SAME:       at [#[[$SECOND]], #[[$FIRST]]] init(%[[Y]] at
func.func @lstm_cell(%g: tensor<?x32xf32>, %c: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %h, %d = vit.lstm_cell %g, %c order [0, 2, 3, 1] : tensor<?x32xf32>, tensor<?x8xf32>
  return %h, %d : tensor<?x8xf32>, tensor<?x8xf32>
}

// A next cell state that its user places elsewhere is read from there.
// CHECK-LABEL: func @lstm_cell_placed(
//       CHECK:   %[[NEXT:.*]] = kernel.generic batch(%{{.*}}) sizes [8] {{.*}} init(%[[D:.*]] at #[[PLACE:.*]] : tensor<1x2x8xf32>) {
//       CHECK:   kernel.generic batch(%{{.*}}) sizes [8] inputs(%{{.*}}, %[[NEXT]] : tensor<2x32xf32>, tensor<1x2x8xf32>)
//  CHECK-SAME:       at [#[[$FOURTH]], #[[PLACE]]]
func.func @lstm_cell_placed(%g: tensor<2x32xf32>, %c: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<1x2x8xf32>) {
  %h, %d = vit.lstm_cell %g, %c order [0, 1, 2, 3] : tensor<2x32xf32>, tensor<2x8xf32>
  %r = tensor.expand_shape %d [[0, 1], [2]] output_shape [1, 2, 8] : tensor<2x8xf32> into tensor<1x2x8xf32>
  return %h, %r : tensor<2x8xf32>, tensor<1x2x8xf32>
}
