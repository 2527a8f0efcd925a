// RUN: vit-opt %s -vit-raise-softmax-matmul -split-input-file -verify-diagnostics | FileCheck %s

#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// Additive attention, talking heads before the softmax: scores from anywhere.
// CHECK-LABEL: func @softmax_matmul(
//  CHECK-SAME:     %[[S:[^:]*]]: tensor<2x3x4x5xf32>, %[[V:.*]]: tensor<2x3x5x6xf32>
//       CHECK:   %[[R:.*]] = vit.softmax_matmul %[[S]], %[[V]] : tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32> -> tensor<2x3x4x6xf32>
//       CHECK:   return %[[R]]
func.func @softmax_matmul(%s: tensor<2x3x4x5xf32>, %v: tensor<2x3x5x6xf32>) -> tensor<2x3x4x6xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x6xf32>
  %0 = linalg.softmax dimension(3) ins(%s : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = linalg.contract indexing_maps = [#p, #v, #o] ins(%0, %v : tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32>)
      outs(%z1 : tensor<2x3x4x6xf32>) -> tensor<2x3x4x6xf32>
  return %1 : tensor<2x3x4x6xf32>
}

// Values that are split from tokens.
// CHECK-LABEL: func @softmax_matmul_tokens(
//  CHECK-SAME:     %[[S:[^:]*]]: tensor<?x3x4x5xf32>, %[[X:.*]]: tensor<?x5x18xf32>
//       CHECK:   %[[V:.*]] = vit.split_heads %[[X]] heads 3
//       CHECK:   %[[R:.*]] = vit.softmax_matmul %[[S]], %[[V]] : tensor<?x3x4x5xf32>, tensor<?x3x5x6xf32> -> tensor<?x3x4x6xf32>
//       CHECK:   linalg.transpose ins(%[[R]] :
func.func @softmax_matmul_tokens(%s: tensor<?x3x4x5xf32>, %x: tensor<?x5x18xf32>) -> tensor<?x4x18xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %s, %c0 : tensor<?x3x4x5xf32>
  %e0 = tensor.empty(%b) : tensor<?x3x4x5xf32>
  %e1 = tensor.empty(%b) : tensor<?x3x5x6xf32>
  %e2 = tensor.empty(%b) : tensor<?x3x4x6xf32>
  %e3 = tensor.empty(%b) : tensor<?x4x3x6xf32>
  %z2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<?x3x4x6xf32>) -> tensor<?x3x4x6xf32>
  %0 = tensor.expand_shape %x [[0], [1], [2, 3]] output_shape [%b, 5, 3, 6] : tensor<?x5x18xf32> into tensor<?x5x3x6xf32>
  %v = linalg.transpose ins(%0 : tensor<?x5x3x6xf32>) outs(%e1 : tensor<?x3x5x6xf32>) permutation = [0, 2, 1, 3]
  %1 = linalg.softmax dimension(3) ins(%s : tensor<?x3x4x5xf32>) outs(%e0 : tensor<?x3x4x5xf32>) -> tensor<?x3x4x5xf32>
  %2 = linalg.contract indexing_maps = [#p, #v, #o] ins(%1, %v : tensor<?x3x4x5xf32>, tensor<?x3x5x6xf32>)
      outs(%z2 : tensor<?x3x4x6xf32>) -> tensor<?x3x4x6xf32>
  %3 = linalg.transpose ins(%2 : tensor<?x3x4x6xf32>) outs(%e3 : tensor<?x4x3x6xf32>) permutation = [0, 2, 1, 3]
  %y = tensor.collapse_shape %3 [[0], [1], [2, 3]] : tensor<?x4x3x6xf32> into tensor<?x4x18xf32>
  return %y : tensor<?x4x18xf32>
}

// -----

#p = affine_map<(b, h, g, i, j) -> (b, h, i, j)>
#w = affine_map<(b, h, g, i, j) -> (h, g)>
#m = affine_map<(b, h, g, i, j) -> (b, g, i, j)>

// Talking heads behind the softmax: the probabilities are mixed. The remark is
// vit-raise-attention's.
// CHECK-LABEL: func @negative_softmax_matmul_talking_heads(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.softmax_matmul
func.func @negative_softmax_matmul_talking_heads(%s: tensor<2x3x4x5xf32>, %w: tensor<3x3xf32>) -> tensor<2x3x4x5xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %0 = linalg.softmax dimension(3) ins(%s : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = linalg.contract indexing_maps = [#p, #w, #m] ins(%0, %w : tensor<2x3x4x5xf32>, tensor<3x3xf32>)
      outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %1 : tensor<2x3x4x5xf32>
}

// -----

#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// CHECK-LABEL: func @negative_softmax_matmul_types(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.softmax_matmul
func.func @negative_softmax_matmul_types(%s: tensor<2x3x4x5xf64>, %v: tensor<2x3x5x6xf32>) -> tensor<2x3x4x6xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf64>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x6xf32>
  // expected-remark @below {{softmax is not raised to vit.softmax_matmul: the scores are 'f64', values or result 'f32'}}
  %0 = linalg.softmax dimension(3) ins(%s : tensor<2x3x4x5xf64>) outs(%z0 : tensor<2x3x4x5xf64>) -> tensor<2x3x4x5xf64>
  %1 = arith.truncf %0 : tensor<2x3x4x5xf64> to tensor<2x3x4x5xf32>
  %2 = linalg.contract indexing_maps = [#p, #v, #o] ins(%1, %v : tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32>)
      outs(%z1 : tensor<2x3x4x6xf32>) -> tensor<2x3x4x6xf32>
  return %2 : tensor<2x3x4x6xf32>
}
