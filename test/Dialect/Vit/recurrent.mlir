// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// CHECK-LABEL: func @gru_cell(
//       CHECK:   vit.gru_cell %{{.*}}, %{{.*}}, %{{.*}} order [0, 1, 2] : tensor<?x24xf32>, tensor<?x8xf32>
func.func @gru_cell(%x: tensor<?x24xf32>, %r: tensor<?x24xf32>, %h: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = vit.gru_cell %x, %r, %h order [0, 1, 2] : tensor<?x24xf32>, tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// CHECK-LABEL: func @lstm_cell(
//       CHECK:   %{{.*}}, %{{.*}} = vit.lstm_cell %{{.*}}, %{{.*}} order [0, 2, 3, 1] : tensor<2x32xf16>, tensor<2x8xf16>
func.func @lstm_cell(%g: tensor<2x32xf16>, %c: tensor<2x8xf16>) -> (tensor<2x8xf16>, tensor<2x8xf16>) {
  %h, %d = vit.lstm_cell %g, %c order [0, 2, 3, 1] : tensor<2x32xf16>, tensor<2x8xf16>
  return %h, %d : tensor<2x8xf16>, tensor<2x8xf16>
}
