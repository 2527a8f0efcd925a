// RUN: vit-opt %s -convert-vit-to-kernel -canonicalize | FileCheck %s

// Shift and windows are in the map that the norm writes through; the product
// behind it reads rows of windows, of which there are 4 an image.
// CHECK-DAG: #[[$ROWS:.*]] = affine_map<(d0, d1, d2) -> (d0, d1 floordiv 8, d1 mod 8, d2)>
// CHECK-DAG: #[[$PLAIN:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-LABEL: func @windows(
//       CHECK:   %[[B:.*]] = tensor.dim
//       CHECK:   %[[M:.*]] = arith.muli %[[B]], %{{.*}} : index
//       CHECK:   %[[W:.*]] = kernel.norm batch(%[[B]]) rows(%{{.*}}) {{.*}} at #[[$ROWS]] {{.*}} init(%{{.*}} : tensor<?x16x32xf32>)
//   CHECK-NOT:   kernel.gather
//       CHECK:   kernel.gemm batch(%[[M]]) {{.*}} lhs(%[[W]] at #[[$PLAIN]] : tensor<?x16x32xf32>)
//  CHECK-SAME:       init(%{{.*}} : tensor<?x8x8x32xf32>)
//  CHECK-NEXT:   return
vit.weight @w : tensor<32x32xf32> seed(1 mean 0.0 scale 1.0)
func.func @windows(%x: tensor<?x8x8x32xf32>) -> tensor<?x8x8x32xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<32x32xf32>
  %0 = vit.layer_norm %x epsilon 1.0e-05 : tensor<?x8x8x32xf32>
  %1 = vit.cyclic_shift %0 shift [2, 2] : tensor<?x8x8x32xf32>
  %2 = vit.window_partition %1 window [4, 4] : tensor<?x8x8x32xf32> -> tensor<?x16x32xf32>
  %3 = vit.linear %2, %w : tensor<?x16x32xf32>, tensor<32x32xf32> -> tensor<?x16x32xf32>
  %4 = vit.window_reverse %3 window [4, 4] size [8, 8] : tensor<?x16x32xf32> -> tensor<?x8x8x32xf32>
  %5 = vit.cyclic_shift %4 shift [-2, -2] : tensor<?x8x8x32xf32>
  return %5 : tensor<?x8x8x32xf32>
}

// Reshapes that undo each other leave nothing behind.
// CHECK-LABEL: func @reshapes(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x6x4xf32>, %[[Y:[^ ]+]]: tensor<?x6x4xf32>
//       CHECK:   %[[R:.*]] = kernel.gather batch(%{{.*}}) sizes [6, 4] input(%[[X]] at #[[$PLAIN]] : tensor<?x6x4xf32>) init(%[[Y]] at #[[$PLAIN]]
//  CHECK-NEXT:   return %[[R]]
func.func @reshapes(%x: tensor<?x6x4xf32>) -> tensor<?x6x4xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x6x4xf32>
  %0 = tensor.collapse_shape %x [[0], [1, 2]] : tensor<?x6x4xf32> into tensor<?x24xf32>
  %1 = tensor.expand_shape %0 [[0], [1, 2]] output_shape [%b, 3, 8] : tensor<?x24xf32> into tensor<?x3x8xf32>
  %2 = tensor.collapse_shape %1 [[0], [1, 2]] : tensor<?x3x8xf32> into tensor<?x24xf32>
  %3 = tensor.expand_shape %2 [[0], [1, 2]] output_shape [%b, 6, 4] : tensor<?x24xf32> into tensor<?x6x4xf32>
  return %3 : tensor<?x6x4xf32>
}

// A transpose puts the batch behind another dim, but only for a moment.
// CHECK-LABEL: func @batch_in_the_middle(
//       CHECK:   kernel.gather batch(%{{.*}}) sizes [2, 5, 4] input(%{{.*}} at #[[HEADS:[^ ]+]] : tensor<?x5x24xf32>)
func.func @batch_in_the_middle(%x: tensor<?x5x24xf32>) -> tensor<?x2x5x4xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x5x24xf32>
  %0 = tensor.expand_shape %x [[0], [1], [2, 3, 4]] output_shape [%b, 5, 3, 2, 4]
      : tensor<?x5x24xf32> into tensor<?x5x3x2x4xf32>
  %e = tensor.empty(%b) : tensor<3x?x2x5x4xf32>
  %1 = linalg.transpose ins(%0 : tensor<?x5x3x2x4xf32>) outs(%e : tensor<3x?x2x5x4xf32>)
      permutation = [2, 0, 3, 1, 4]
  %2 = tensor.extract_slice %1[1, 0, 0, 0, 0] [1, %b, 2, 5, 4] [1, 1, 1, 1, 1]
      : tensor<3x?x2x5x4xf32> to tensor<?x2x5x4xf32>
  return %2 : tensor<?x2x5x4xf32>
}

// A broadcast is read, not written.
// CHECK-LABEL: func @broadcast(
//       CHECK:   %[[C:.*]] = kernel.constant #vit.expr<data, [dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>]>
//       CHECK:   kernel.gather {{.*}} input(%[[C]] at #{{.*}} : tensor<2xf32>)
func.func @broadcast(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x2xf32>
  %c = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %e = tensor.empty(%b) : tensor<?x2xf32>
  %0 = linalg.broadcast ins(%c : tensor<2xf32>) outs(%e : tensor<?x2xf32>) dimensions = [0]
  return %0 : tensor<?x2xf32>
}
