// RUN: vit-opt %s -vit-move-batch-first | FileCheck %s

// The slice of the second of three goes before the transpose.
// CHECK-LABEL: func @move_batch_first_slice(
//  CHECK-SAME:   %[[X:[^:]*]]: tensor<?x5x3x4xf32>)
//       CHECK:   %[[S:.*]] = tensor.extract_slice %[[X]][0, 0, 1, 0]
//   CHECK-NOT:   tensor<3x?x5x4xf32>
//       CHECK:   return {{.*}} : tensor<?x5x4xf32>
func.func @move_batch_first_slice(%x: tensor<?x5x3x4xf32>) -> tensor<?x5x4xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x5x3x4xf32>
  %e = tensor.empty(%b) : tensor<3x?x5x4xf32>
  %0 = linalg.transpose ins(%x : tensor<?x5x3x4xf32>) outs(%e : tensor<3x?x5x4xf32>) permutation = [2, 0, 1, 3]
  %1 = tensor.extract_slice %0[1, 0, 0, 0] [1, %b, 5, 4] [1, 1, 1, 1] : tensor<3x?x5x4xf32> to tensor<1x?x5x4xf32>
  %2 = tensor.collapse_shape %1 [[0, 1], [2], [3]] : tensor<1x?x5x4xf32> into tensor<?x5x4xf32>
  return %2 : tensor<?x5x4xf32>
}

// Rows in the order of tokens, then images: the layer keeps [B, N, E], and so does what reads it.
// CHECK-LABEL: func @move_batch_first_linear(
//  CHECK-SAME:   %[[X:[^:]*]]: tensor<?x5x4xf32>
//       CHECK:   %[[Y:.*]] = vit.linear %[[X]], {{.*}} bias({{.*}}) : tensor<?x5x4xf32>, tensor<6x4xf32> -> tensor<?x5x6xf32>
//       CHECK:   return %[[Y]]
func.func @move_batch_first_linear(%x: tensor<?x5x4xf32>, %w: tensor<6x4xf32>, %c: tensor<6xf32>)
    -> tensor<?x5x6xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x5x4xf32>
  %e = tensor.empty(%b) : tensor<5x?x4xf32>
  %0 = linalg.transpose ins(%x : tensor<?x5x4xf32>) outs(%e : tensor<5x?x4xf32>) permutation = [1, 0, 2]
  %1 = tensor.collapse_shape %0 [[0, 1], [2]] : tensor<5x?x4xf32> into tensor<?x4xf32>
  %2 = vit.linear %1, %w bias(%c : tensor<6xf32>) : tensor<?x4xf32>, tensor<6x4xf32> -> tensor<?x6xf32>
  %3 = tensor.expand_shape %2 [[0, 1], [2]] output_shape [5, %b, 6] : tensor<?x6xf32> into tensor<5x?x6xf32>
  %f = tensor.empty(%b) : tensor<?x5x6xf32>
  %4 = linalg.transpose ins(%3 : tensor<5x?x6xf32>) outs(%f : tensor<?x5x6xf32>) permutation = [1, 0, 2]
  return %4 : tensor<?x5x6xf32>
}

// The residual has the rows' order, too.
// CHECK-LABEL: func @negative_move_batch_first_residual(
//       CHECK:   vit.linear {{.*}} -> tensor<?x4xf32>
func.func @negative_move_batch_first_residual(%x: tensor<?x5x4xf32>, %w: tensor<4x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x5x4xf32>
  %e = tensor.empty(%b) : tensor<5x?x4xf32>
  %0 = linalg.transpose ins(%x : tensor<?x5x4xf32>) outs(%e : tensor<5x?x4xf32>) permutation = [1, 0, 2]
  %1 = tensor.collapse_shape %0 [[0, 1], [2]] : tensor<5x?x4xf32> into tensor<?x4xf32>
  %2 = vit.linear %1, %w residual(%1 : tensor<?x4xf32>) : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  return %2 : tensor<?x4xf32>
}

// Rows of images, then tokens are the plain order.
// CHECK-LABEL: func @negative_move_batch_first_ordered(
//       CHECK:   %[[R:.*]] = tensor.collapse_shape
//       CHECK:   vit.linear %[[R]]
func.func @negative_move_batch_first_ordered(%x: tensor<?x5x4xf32>, %w: tensor<4x4xf32>) -> tensor<?x4xf32> {
  %1 = tensor.collapse_shape %x [[0, 1], [2]] : tensor<?x5x4xf32> into tensor<?x4xf32>
  %2 = vit.linear %1, %w : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  return %2 : tensor<?x4xf32>
}

// An input whose own batch is in another dim.
// CHECK-LABEL: func @negative_move_batch_first_input(
//       CHECK:   linalg.transpose
//       CHECK:   tensor.extract_slice
func.func @negative_move_batch_first_input(%x: tensor<3x?x4xf32>) -> tensor<?x2x4xf32> {
  %c1 = arith.constant 1 : index
  %b = tensor.dim %x, %c1 : tensor<3x?x4xf32>
  %e = tensor.empty(%b) : tensor<?x3x4xf32>
  %0 = linalg.transpose ins(%x : tensor<3x?x4xf32>) outs(%e : tensor<?x3x4xf32>) permutation = [1, 0, 2]
  %1 = tensor.extract_slice %0[0, 1, 0] [%b, 2, 4] [1, 1, 1] : tensor<?x3x4xf32> to tensor<?x2x4xf32>
  return %1 : tensor<?x2x4xf32>
}
