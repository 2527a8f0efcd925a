// RUN: vit-opt %s -convert-vit-to-linalg | FileCheck %s

// CHECK-LABEL: func @gru_cell(
//  CHECK-SAME:     %[[X:.*]]: tensor<?x24xf32>, %[[R:.*]]: tensor<?x24xf32>, %[[H:.*]]: tensor<?x8xf32>
//       CHECK:   %[[XR:.*]] = tensor.extract_slice %[[X]][0, 8] [%{{.*}}, 8] [1, 1]
//       CHECK:   %[[RR:.*]] = tensor.extract_slice %[[R]][0, 8] [%{{.*}}, 8] [1, 1]
//       CHECK:   linalg.generic {{.*}} ins(%[[XR]], %[[RR]] :
//       CHECK:   math.exp
//       CHECK:   tensor.extract_slice %[[X]][0, 0] [%{{.*}}, 8] [1, 1]
//       CHECK:   math.exp
//       CHECK:   tensor.extract_slice %[[X]][0, 16] [%{{.*}}, 8] [1, 1]
//       CHECK:   math.tanh
//   CHECK-NOT:   vit.
func.func @gru_cell(%x: tensor<?x24xf32>, %r: tensor<?x24xf32>, %h: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %y = vit.gru_cell %x, %r, %h order [1, 0, 2] : tensor<?x24xf32>, tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// Computed in f32, rounded at the end.
// CHECK-LABEL: func @lstm_cell_half(
//       CHECK:   math.tanh %{{.*}} : f32
//       CHECK:   arith.truncf %{{.*}} : f32 to f16
//       CHECK:   arith.truncf %{{.*}} : f32 to f16
func.func @lstm_cell_half(%g: tensor<2x32xf16>, %c: tensor<2x8xf16>) -> (tensor<2x8xf16>, tensor<2x8xf16>) {
  %h, %d = vit.lstm_cell %g, %c order [0, 1, 2, 3] : tensor<2x32xf16>, tensor<2x8xf16>
  return %h, %d : tensor<2x8xf16>, tensor<2x8xf16>
}
