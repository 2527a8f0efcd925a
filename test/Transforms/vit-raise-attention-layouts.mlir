// RUN: vit-opt %s -vit-raise-attention -canonicalize -cse -split-input-file | FileCheck %s

// The dims of queries, keys, values and scores in other orders and numbers.

#q3 = affine_map<(b, i, j, d) -> (b, i, d)>
#k3 = affine_map<(b, i, j, d) -> (b, j, d)>
#kt3 = affine_map<(b, i, j, d) -> (b, d, j)>
#s3 = affine_map<(b, i, j, d) -> (b, i, j)>
#p3 = affine_map<(b, i, d, j) -> (b, i, j)>
#v3 = affine_map<(b, i, d, j) -> (b, j, d)>
#o3 = affine_map<(b, i, d, j) -> (b, i, d)>

// TorchScript's nn.MultiheadAttention: batch and heads are one dim. Queries and
// keys are moved tokens, so that the heads are known.
// CHECK-LABEL: func @attention_three_dims(
//  CHECK-SAME:     %[[Q:[^:]*]]: tensor<2x4x24xf32>, %[[K:[^:]*]]: tensor<2x5x24xf32>, %[[V:.*]]: tensor<2x5x24xf32>
//   CHECK-DAG:   %[[QH:.*]] = vit.split_heads %[[Q]] heads 3 : tensor<2x4x24xf32> -> tensor<2x3x4x8xf32>
//   CHECK-DAG:   %[[KH:.*]] = vit.split_heads %[[K]] heads 3
//   CHECK-DAG:   %[[VH:.*]] = vit.split_heads %[[V]] heads 3
//       CHECK:   %[[R:.*]] = vit.attention %[[QH]], %[[KH]], %[[VH]] scale 1.000000e+00
//       CHECK:   tensor.collapse_shape %[[R]] {{\[\[}}0, 1], [2], [3]] : tensor<2x3x4x8xf32> into tensor<6x4x8xf32>
func.func @attention_three_dims(%q: tensor<2x4x24xf32>, %k: tensor<2x5x24xf32>, %v: tensor<2x5x24xf32>) -> tensor<6x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<6x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<6x4x8xf32>
  %eq = tensor.empty() : tensor<2x3x4x8xf32>
  %ek = tensor.empty() : tensor<2x3x5x8xf32>
  %q0 = tensor.expand_shape %q [[0], [1], [2, 3]] output_shape [2, 4, 3, 8] : tensor<2x4x24xf32> into tensor<2x4x3x8xf32>
  %k0 = tensor.expand_shape %k [[0], [1], [2, 3]] output_shape [2, 5, 3, 8] : tensor<2x5x24xf32> into tensor<2x5x3x8xf32>
  %v0 = tensor.expand_shape %v [[0], [1], [2, 3]] output_shape [2, 5, 3, 8] : tensor<2x5x24xf32> into tensor<2x5x3x8xf32>
  %q1 = linalg.transpose ins(%q0 : tensor<2x4x3x8xf32>) outs(%eq : tensor<2x3x4x8xf32>) permutation = [0, 2, 1, 3]
  %k1 = linalg.transpose ins(%k0 : tensor<2x5x3x8xf32>) outs(%ek : tensor<2x3x5x8xf32>) permutation = [0, 2, 1, 3]
  %v1 = linalg.transpose ins(%v0 : tensor<2x5x3x8xf32>) outs(%ek : tensor<2x3x5x8xf32>) permutation = [0, 2, 1, 3]
  %q2 = tensor.collapse_shape %q1 [[0, 1], [2], [3]] : tensor<2x3x4x8xf32> into tensor<6x4x8xf32>
  %k2 = tensor.collapse_shape %k1 [[0, 1], [2], [3]] : tensor<2x3x5x8xf32> into tensor<6x5x8xf32>
  %v2 = tensor.collapse_shape %v1 [[0, 1], [2], [3]] : tensor<2x3x5x8xf32> into tensor<6x5x8xf32>
  %0 = linalg.contract indexing_maps = [#q3, #k3, #s3] ins(%q2, %k2 : tensor<6x4x8xf32>, tensor<6x5x8xf32>)
      outs(%z0 : tensor<6x4x5xf32>) -> tensor<6x4x5xf32>
  %1 = linalg.softmax dimension(2) ins(%0 : tensor<6x4x5xf32>) outs(%z0 : tensor<6x4x5xf32>) -> tensor<6x4x5xf32>
  %2 = linalg.batch_matmul ins(%1, %v2 : tensor<6x4x5xf32>, tensor<6x5x8xf32>) outs(%z1 : tensor<6x4x8xf32>) -> tensor<6x4x8xf32>
  return %2 : tensor<6x4x8xf32>
}

// One head, of which nothing tells that it is one: batch_matmul of arguments.
// CHECK-LABEL: func @attention_one_head(
//       CHECK:   vit.split_heads %{{.*}} heads 1 : tensor<6x4x8xf32> -> tensor<6x1x4x8xf32>
//       CHECK:   %[[R:.*]] = vit.attention
//       CHECK:   vit.merge_heads %[[R]]
func.func @attention_one_head(%q: tensor<6x4x8xf32>, %kt: tensor<6x8x5xf32>, %v: tensor<6x5x8xf32>) -> tensor<6x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<6x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<6x4x8xf32>
  %0 = linalg.batch_matmul ins(%q, %kt : tensor<6x4x8xf32>, tensor<6x8x5xf32>) outs(%z0 : tensor<6x4x5xf32>) -> tensor<6x4x5xf32>
  %1 = linalg.softmax dimension(2) ins(%0 : tensor<6x4x5xf32>) outs(%z0 : tensor<6x4x5xf32>) -> tensor<6x4x5xf32>
  %2 = linalg.batch_matmul ins(%1, %v : tensor<6x4x5xf32>, tensor<6x5x8xf32>) outs(%z1 : tensor<6x4x8xf32>) -> tensor<6x4x8xf32>
  return %2 : tensor<6x4x8xf32>
}

// EfficientViT and other models with channels first: q^T k, then v p^T.
// CHECK-LABEL: func @attention_channels_first(
//  CHECK-SAME:     %[[Q:[^:]*]]: tensor<2x8x4xf32>, %[[K:[^:]*]]: tensor<2x8x5xf32>, %[[V:.*]]: tensor<2x6x5xf32>
//   CHECK-DAG:   %[[QT:.*]] = linalg.transpose ins(%[[Q]] : {{.*}} permutation = [0, 2, 1]
//   CHECK-DAG:   %[[KT:.*]] = linalg.transpose ins(%[[K]] : {{.*}} permutation = [0, 2, 1]
//   CHECK-DAG:   %[[VT:.*]] = linalg.transpose ins(%[[V]] : {{.*}} permutation = [0, 2, 1]
//   CHECK-DAG:   %[[QH:.*]] = vit.split_heads %[[QT]] heads 1
//   CHECK-DAG:   %[[KH:.*]] = vit.split_heads %[[KT]] heads 1
//   CHECK-DAG:   %[[VH:.*]] = vit.split_heads %[[VT]] heads 1
//       CHECK:   %[[R:.*]] = vit.attention %[[QH]], %[[KH]], %[[VH]]
//       CHECK:   %[[M:.*]] = vit.merge_heads %[[R]]
//       CHECK:   linalg.transpose ins(%[[M]] : tensor<2x4x6xf32>) {{.*}} permutation = [0, 2, 1]
func.func @attention_channels_first(%q: tensor<2x8x4xf32>, %k: tensor<2x8x5xf32>, %v: tensor<2x6x5xf32>) -> tensor<2x6x4xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x6x4xf32>
  %eq = tensor.empty() : tensor<2x4x8xf32>
  %ep = tensor.empty() : tensor<2x5x4xf32>
  %qt = linalg.transpose ins(%q : tensor<2x8x4xf32>) outs(%eq : tensor<2x4x8xf32>) permutation = [0, 2, 1]
  %0 = linalg.contract indexing_maps = [#q3, #kt3, #s3] ins(%qt, %k : tensor<2x4x8xf32>, tensor<2x8x5xf32>)
      outs(%z0 : tensor<2x4x5xf32>) -> tensor<2x4x5xf32>
  %1 = linalg.softmax dimension(2) ins(%0 : tensor<2x4x5xf32>) outs(%z0 : tensor<2x4x5xf32>) -> tensor<2x4x5xf32>
  %pt = linalg.transpose ins(%1 : tensor<2x4x5xf32>) outs(%ep : tensor<2x5x4xf32>) permutation = [0, 2, 1]
  %2 = linalg.batch_matmul ins(%v, %pt : tensor<2x6x5xf32>, tensor<2x5x4xf32>) outs(%z1 : tensor<2x6x4xf32>) -> tensor<2x6x4xf32>
  return %2 : tensor<2x6x4xf32>
}

// Scores k q^T, softmax along their first dim: the right factor has the queries.
// CHECK-LABEL: func @attention_transposed_scores(
//  CHECK-SAME:     %[[K:[^:]*]]: tensor<2x5x8xf32>, %[[QT:[^:]*]]: tensor<2x8x4xf32>, %[[VT:.*]]: tensor<2x6x5xf32>
//   CHECK-DAG:   %[[Q:.*]] = linalg.transpose ins(%[[QT]] :
//   CHECK-DAG:   %[[V:.*]] = linalg.transpose ins(%[[VT]] :
//   CHECK-DAG:   %[[QH:.*]] = vit.split_heads %[[Q]] heads 1
//   CHECK-DAG:   %[[KH:.*]] = vit.split_heads %[[K]] heads 1
//   CHECK-DAG:   %[[VH:.*]] = vit.split_heads %[[V]] heads 1
//       CHECK:   vit.attention %[[QH]], %[[KH]], %[[VH]]
func.func @attention_transposed_scores(%k: tensor<2x5x8xf32>, %qt: tensor<2x8x4xf32>, %vt: tensor<2x6x5xf32>) -> tensor<2x6x4xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x5x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x6x4xf32>
  %0 = linalg.batch_matmul ins(%k, %qt : tensor<2x5x8xf32>, tensor<2x8x4xf32>) outs(%z0 : tensor<2x5x4xf32>) -> tensor<2x5x4xf32>
  %1 = linalg.softmax dimension(1) ins(%0 : tensor<2x5x4xf32>) outs(%z0 : tensor<2x5x4xf32>) -> tensor<2x5x4xf32>
  %2 = linalg.batch_matmul ins(%vt, %1 : tensor<2x6x5xf32>, tensor<2x5x4xf32>) outs(%z1 : tensor<2x6x4xf32>) -> tensor<2x6x4xf32>
  return %2 : tensor<2x6x4xf32>
}

// -----

#q5 = affine_map<(b, w, h, i, j, d) -> (b, w, h, i, d)>
#k5 = affine_map<(b, w, h, i, j, d) -> (b, w, h, j, d)>
#s5 = affine_map<(b, w, h, i, j, d) -> (b, w, h, i, j)>
#p5 = affine_map<(b, w, h, i, d, j) -> (b, w, h, i, j)>
#v5 = affine_map<(b, w, h, i, d, j) -> (b, w, h, j, d)>
#o5 = affine_map<(b, w, h, i, d, j) -> (b, w, h, i, d)>

// Windows of each image in a dim of their own: one batch with them.
// CHECK-LABEL: func @attention_five_dims(
//   CHECK-DAG:   %[[Q:.*]] = tensor.collapse_shape %{{.*}} {{\[\[}}0, 1], [2], [3], [4]] : tensor<?x7x3x4x8xf32> into tensor<?x3x4x8xf32>
//       CHECK:   %[[R:.*]] = vit.attention %[[Q]], %{{.*}} : tensor<?x3x4x8xf32>, tensor<?x3x5x8xf32>, tensor<?x3x5x6xf32> -> tensor<?x3x4x6xf32>
//       CHECK:   tensor.expand_shape %[[R]] {{\[\[}}0, 1], [2], [3], [4]] output_shape [%{{.*}}, 7, 3, 4, 6]
func.func @attention_five_dims(%q: tensor<?x7x3x4x8xf32>, %k: tensor<?x7x3x5x8xf32>, %v: tensor<?x7x3x5x6xf32>)
    -> tensor<?x7x3x4x6xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %q, %c0 : tensor<?x7x3x4x8xf32>
  %e0 = tensor.empty(%b) : tensor<?x7x3x4x5xf32>
  %e1 = tensor.empty(%b) : tensor<?x7x3x4x6xf32>
  %z0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<?x7x3x4x5xf32>) -> tensor<?x7x3x4x5xf32>
  %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?x7x3x4x6xf32>) -> tensor<?x7x3x4x6xf32>
  %0 = linalg.contract indexing_maps = [#q5, #k5, #s5] ins(%q, %k : tensor<?x7x3x4x8xf32>, tensor<?x7x3x5x8xf32>)
      outs(%z0 : tensor<?x7x3x4x5xf32>) -> tensor<?x7x3x4x5xf32>
  %1 = linalg.softmax dimension(4) ins(%0 : tensor<?x7x3x4x5xf32>) outs(%e0 : tensor<?x7x3x4x5xf32>) -> tensor<?x7x3x4x5xf32>
  %2 = linalg.contract indexing_maps = [#p5, #v5, #o5] ins(%1, %v : tensor<?x7x3x4x5xf32>, tensor<?x7x3x5x6xf32>)
      outs(%z1 : tensor<?x7x3x4x6xf32>) -> tensor<?x7x3x4x6xf32>
  return %2 : tensor<?x7x3x4x6xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// Linformer with one key-value head: keys and values are expanded to all heads,
// which vit.attention shares by itself.
// CHECK-LABEL: func @attention_shared_heads(
//  CHECK-SAME:     %[[Q:[^:]*]]: tensor<2x4x24xf32>, %[[K:[^:]*]]: tensor<2x5x8xf32>, %[[V:.*]]: tensor<2x5x8xf32>
//   CHECK-DAG:   %[[QH:.*]] = vit.split_heads %[[Q]] heads 3
//   CHECK-DAG:   %[[KH:.*]] = vit.split_heads %[[K]] heads 1
//   CHECK-DAG:   %[[VH:.*]] = vit.split_heads %[[V]] heads 1
//       CHECK:   vit.attention %[[QH]], %[[KH]], %[[VH]] {{.*}} : tensor<2x3x4x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>
func.func @attention_shared_heads(%q: tensor<2x4x24xf32>, %k: tensor<2x5x8xf32>, %v: tensor<2x5x8xf32>) -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %eq = tensor.empty() : tensor<2x3x4x8xf32>
  %ek = tensor.empty() : tensor<2x3x5x8xf32>
  %q0 = tensor.expand_shape %q [[0], [1], [2, 3]] output_shape [2, 4, 3, 8] : tensor<2x4x24xf32> into tensor<2x4x3x8xf32>
  %q1 = linalg.transpose ins(%q0 : tensor<2x4x3x8xf32>) outs(%eq : tensor<2x3x4x8xf32>) permutation = [0, 2, 1, 3]
  %k1 = linalg.broadcast ins(%k : tensor<2x5x8xf32>) outs(%ek : tensor<2x3x5x8xf32>) dimensions = [1]
  %v1 = linalg.broadcast ins(%v : tensor<2x5x8xf32>) outs(%ek : tensor<2x3x5x8xf32>) dimensions = [1]
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q1, %k1 : tensor<2x3x4x8xf32>, tensor<2x3x5x8xf32>)
      outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = linalg.softmax dimension(3) ins(%0 : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %2 = linalg.contract indexing_maps = [#p, #v, #o] ins(%1, %v1 : tensor<2x3x4x5xf32>, tensor<2x3x5x8xf32>)
      outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %2 : tensor<2x3x4x8xf32>
}

// Queries of one image for a batch of keys: latent queries are expanded.
// CHECK-LABEL: func @attention_shared_queries(
//  CHECK-SAME:     %[[Q:[^:]*]]: tensor<3x4x8xf32>
//       CHECK:   %[[QB:.*]] = linalg.broadcast ins(%[[Q]] : tensor<3x4x8xf32>) outs(%{{.*}} : tensor<2x3x4x8xf32>) dimensions = [0]
//       CHECK:   vit.attention %[[QB]]
func.func @attention_shared_queries(%q: tensor<3x4x8xf32>, %k: tensor<2x3x5x8xf32>, %v: tensor<2x3x5x8xf32>) -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %0 = linalg.contract indexing_maps = [affine_map<(b, h, i, j, d) -> (h, i, d)>, #k, #s]
      ins(%q, %k : tensor<3x4x8xf32>, tensor<2x3x5x8xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = linalg.softmax dimension(3) ins(%0 : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %2 = linalg.contract indexing_maps = [#p, #v, #o] ins(%1, %v : tensor<2x3x4x5xf32>, tensor<2x3x5x8xf32>)
      outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %2 : tensor<2x3x4x8xf32>
}
