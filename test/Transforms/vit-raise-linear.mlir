// RUN: vit-opt %s -vit-raise-linear -canonicalize -cse -split-input-file -verify-diagnostics | FileCheck %s

vit.weight @w : tensor<8x16xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @b : tensor<16xf32> seed(2 mean 0.0 scale 1.0)

// Every exporter of MatMul and Add.
// CHECK-LABEL: func @linear(
//  CHECK-SAME:     %[[X:.*]]: tensor<?x5x8xf32>
//   CHECK-DAG:   %[[W:.*]] = vit.constant #vit.expr<ref, [@w]>
//   CHECK-DAG:   %[[B:.*]] = vit.constant #vit.expr<ref, [@b]>
//       CHECK:   %[[T:.*]] = linalg.transpose ins(%[[W]] : tensor<8x16xf32>) {{.*}} permutation = [1, 0]
//       CHECK:   %[[Y:.*]] = vit.linear %[[X]], %[[T]] bias(%[[B]] : tensor<16xf32>)
//       CHECK:   return %[[Y]]
func.func @linear(%x: tensor<?x5x8xf32>) -> tensor<?x5x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x16xf32>
  %b = vit.constant #vit.expr<ref, [@b]> : tensor<16xf32>
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x5x8xf32>
  %empty = tensor.empty(%n) : tensor<?x5x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x5x16xf32>) -> tensor<?x5x16xf32>
  %0 = linalg.contract
      indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (k, n)>,
                       affine_map<(b, m, n, k) -> (b, m, n)>]
      ins(%x, %w : tensor<?x5x8xf32>, tensor<8x16xf32>) outs(%init : tensor<?x5x16xf32>) -> tensor<?x5x16xf32>
  %1 = linalg.generic {
      indexing_maps = [affine_map<(b, m, n) -> (n)>, affine_map<(b, m, n) -> (b, m, n)>,
                       affine_map<(b, m, n) -> (b, m, n)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%b, %0 : tensor<16xf32>, tensor<?x5x16xf32>) outs(%empty : tensor<?x5x16xf32>) {
  ^bb0(%bias: f32, %y: f32, %out: f32):
    %sum = arith.addf %bias, %y : f32
    linalg.yield %sum : f32
  } -> tensor<?x5x16xf32>
  return %1 : tensor<?x5x16xf32>
}

// A vector is a matrix of one row.
// CHECK-LABEL: func @linear_of_vector(
//  CHECK-SAME:     %[[X:.*]]: tensor<8xf32>
//       CHECK:   %[[E:.*]] = tensor.expand_shape %[[X]] {{.*}} output_shape [1, 8]
//       CHECK:   %[[Y:.*]] = vit.linear %[[E]], {{.*}} -> tensor<1x16xf32>
//       CHECK:   %[[R:.*]] = tensor.collapse_shape %[[Y]] {{.*}} into tensor<16xf32>
//       CHECK:   return %[[R]]
func.func @linear_of_vector(%x: tensor<8xf32>) -> tensor<16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x16xf32>
  %init = arith.constant dense<0.0> : tensor<16xf32>
  %0 = linalg.contract
      indexing_maps = [affine_map<(n, k) -> (k)>, affine_map<(n, k) -> (k, n)>, affine_map<(n, k) -> (n)>]
      ins(%x, %w : tensor<8xf32>, tensor<8x16xf32>) outs(%init : tensor<16xf32>) -> tensor<16xf32>
  return %0 : tensor<16xf32>
}

// Gemm with transB, as TorchScript writes a head; a residual stays an addition.
// CHECK-LABEL: func @linear_transposed(
//  CHECK-SAME:     %[[X:[^:]*]]: tensor<2x16xf32>, %[[R:.*]]: tensor<2x8xf32>
//   CHECK-DAG:   %[[W:.*]] = vit.constant
//       CHECK:   %[[Y:.*]] = vit.linear %[[X]], %[[W]] : tensor<2x16xf32>, tensor<8x16xf32>
//       CHECK:   arith.addf %[[Y]], %[[R]]
func.func @linear_transposed(%x: tensor<2x16xf32>, %r: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x16xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2x8xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x8xf32>) -> tensor<2x8xf32>
  %0 = linalg.contract
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>,
                       affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %w : tensor<2x16xf32>, tensor<8x16xf32>) outs(%init : tensor<2x8xf32>) -> tensor<2x8xf32>
  %1 = arith.addf %0, %r : tensor<2x8xf32>
  return %1 : tensor<2x8xf32>
}

// The first of two dims of what may be a map: Einsum "bnd,nk->bkd".
// CHECK-LABEL: func @linear_along_first_dim(
//  CHECK-SAME:     %[[X:.*]]: tensor<2x8x4xf32>
//       CHECK:   %[[XT:.*]] = linalg.transpose ins(%[[X]] : {{.*}} permutation = [0, 2, 1]
//       CHECK:   %[[Y:.*]] = vit.linear %[[XT]], %{{.*}} : tensor<2x4x8xf32>, tensor<16x8xf32>
//       CHECK:   linalg.transpose ins(%[[Y]] : tensor<2x4x16xf32>) {{.*}} permutation = [0, 2, 1]
func.func @linear_along_first_dim(%x: tensor<2x8x4xf32>) -> tensor<2x16x4xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x16xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2x16x4xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x16x4xf32>) -> tensor<2x16x4xf32>
  %0 = linalg.contract
      indexing_maps = [affine_map<(b, d, k, n) -> (b, n, d)>, affine_map<(b, d, k, n) -> (n, k)>,
                       affine_map<(b, d, k, n) -> (b, k, d)>]
      ins(%x, %w : tensor<2x8x4xf32>, tensor<8x16xf32>) outs(%init : tensor<2x16x4xf32>) -> tensor<2x16x4xf32>
  return %0 : tensor<2x16x4xf32>
}

// Linformer projects keys and values along the sequence. The tokens are not
// transposed to [B, E, N], and the result, which TorchScript's Einsum writes as
// [B, E, K], is of the tokens' order.
// CHECK-LABEL: func @negative_linear_along_sequence(
//       CHECK:   %[[K:.*]] = vit.linear
//       CHECK:   %[[W:.*]] = linalg.transpose ins(%{{.*}} : tensor<8x16xf32>)
//       CHECK:   %[[P:.*]] = linalg.contract indexing_maps = [#[[TOKENS:.*]], #[[WEIGHT:.*]], #[[RESULT:.*]]] ins(%[[K]], %[[W]] : tensor<?x8x4xf32>, tensor<16x8xf32>) {{.*}} -> tensor<?x16x4xf32>
//   CHECK-NOT:   vit.linear
func.func @negative_linear_along_sequence(%x: tensor<?x8x4xf32>, %k: tensor<4x4xf32>) -> tensor<?x4x16xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x8x4xf32>
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x16xf32>
  %keys = vit.linear %x, %k : tensor<?x8x4xf32>, tensor<4x4xf32> -> tensor<?x8x4xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty(%b) : tensor<?x4x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  %0 = linalg.contract
      indexing_maps = [affine_map<(b, d, k, n) -> (b, n, d)>, affine_map<(b, d, k, n) -> (n, k)>,
                       affine_map<(b, d, k, n) -> (b, d, k)>]
      ins(%keys, %w : tensor<?x8x4xf32>, tensor<8x16xf32>) outs(%init : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  return %0 : tensor<?x4x16xf32>
}

// With a bias vit.linear does more, as in the token mixing of an MLP-Mixer.
// CHECK-LABEL: func @linear_along_sequence_with_bias(
//       CHECK:   vit.linear
//       CHECK:   vit.linear %{{.*}} bias(%{{.*}} : tensor<16xf32>) : tensor<2x4x8xf32>, tensor<16x8xf32>
func.func @linear_along_sequence_with_bias(%x: tensor<2x8x4xf32>, %k: tensor<4x4xf32>) -> tensor<2x4x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x16xf32>
  %bias = arith.constant dense<1.0> : tensor<16xf32>
  %keys = vit.linear %x, %k : tensor<2x8x4xf32>, tensor<4x4xf32> -> tensor<2x8x4xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2x4x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
  %0 = linalg.contract
      indexing_maps = [affine_map<(b, d, k, n) -> (b, n, d)>, affine_map<(b, d, k, n) -> (n, k)>,
                       affine_map<(b, d, k, n) -> (b, d, k)>]
      ins(%keys, %w : tensor<2x8x4xf32>, tensor<8x16xf32>) outs(%init : tensor<2x4x16xf32>) -> tensor<2x4x16xf32>
  %1 = linalg.generic {
      indexing_maps = [affine_map<(b, d, k) -> (b, d, k)>, affine_map<(b, d, k) -> (k)>,
                       affine_map<(b, d, k) -> (b, d, k)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%0, %bias : tensor<2x4x16xf32>, tensor<16xf32>) outs(%empty : tensor<2x4x16xf32>) {
  ^bb0(%y: f32, %c: f32, %out: f32):
    %sum = arith.addf %y, %c : f32
    linalg.yield %sum : f32
  } -> tensor<2x4x16xf32>
  return %1 : tensor<2x4x16xf32>
}

// The constant may be the left factor, W[o, c] x X[b, c, n], and its bias be of
// dims of size 1.
// CHECK-LABEL: func @linear_channels_first(
//       CHECK:   %[[XT:.*]] = linalg.transpose ins(%{{.*}} : tensor<2x16x5xf32>) {{.*}} permutation = [0, 2, 1]
//       CHECK:   %[[Y:.*]] = vit.linear %[[XT]], %{{.*}} bias(%{{.*}} : tensor<8xf32>) : tensor<2x5x16xf32>, tensor<8x16xf32>
//       CHECK:   linalg.transpose ins(%[[Y]] : tensor<2x5x8xf32>) {{.*}} permutation = [0, 2, 1]
func.func @linear_channels_first(%x: tensor<2x16x5xf32>) -> tensor<2x8x5xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x16xf32>
  %b = arith.constant dense<[[[1.0], [2.0], [3.0], [4.0], [5.0], [6.0], [7.0], [8.0]]]> : tensor<1x8x1xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2x8x5xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x8x5xf32>) -> tensor<2x8x5xf32>
  %0 = linalg.contract
      indexing_maps = [affine_map<(b, o, n, c) -> (o, c)>, affine_map<(b, o, n, c) -> (b, c, n)>,
                       affine_map<(b, o, n, c) -> (b, o, n)>]
      ins(%w, %x : tensor<8x16xf32>, tensor<2x16x5xf32>) outs(%init : tensor<2x8x5xf32>) -> tensor<2x8x5xf32>
  %1 = linalg.generic {
      indexing_maps = [affine_map<(b, o, n) -> (b, o, n)>, affine_map<(b, o, n) -> (0, o, 0)>,
                       affine_map<(b, o, n) -> (b, o, n)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%0, %b : tensor<2x8x5xf32>, tensor<1x8x1xf32>) outs(%empty : tensor<2x8x5xf32>) {
  ^bb0(%y: f32, %bias: f32, %out: f32):
    %sum = arith.addf %y, %bias : f32
    linalg.yield %sum : f32
  } -> tensor<2x8x5xf32>
  return %1 : tensor<2x8x5xf32>
}

// -----

vit.weight @w : tensor<8x4x1x1xf32> seed(1 mean 0.0 scale 1.0)

// CoAtNet's queries, keys and values: Conv 1x1, then Reshape.
// CHECK-LABEL: func @conv_1x1_to_tokens(
//       CHECK:   %[[XT:.*]] = linalg.transpose ins(%{{.*}} : tensor<?x4x3x3xf32>) {{.*}} permutation = [0, 2, 3, 1]
//       CHECK:   %[[Y:.*]] = vit.linear %[[XT]], %{{.*}} : tensor<?x3x3x4xf32>, tensor<8x4xf32>
//       CHECK:   linalg.transpose ins(%[[Y]] : tensor<?x3x3x8xf32>) {{.*}} permutation = [0, 3, 1, 2]
func.func @conv_1x1_to_tokens(%x: tensor<?x4x3x3xf32>) -> tensor<?x8x9xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x4x1x1xf32>
  %0 = vit.conv2d %x, %w : tensor<?x4x3x3xf32>, tensor<8x4x1x1xf32> -> tensor<?x8x3x3xf32>
  %1 = tensor.collapse_shape %0 [[0], [1], [2, 3]] : tensor<?x8x3x3xf32> into tensor<?x8x9xf32>
  return %1 : tensor<?x8x9xf32>
}

// Between feature maps a convolution stays one.
// CHECK-LABEL: func @negative_conv_1x1_of_map(
//       CHECK:   vit.conv2d
//   CHECK-NOT:   vit.linear
func.func @negative_conv_1x1_of_map(%x: tensor<1x4x3x3xf32>) -> tensor<1x8x3x3xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x4x1x1xf32>
  %0 = vit.conv2d %x, %w : tensor<1x4x3x3xf32>, tensor<8x4x1x1xf32> -> tensor<1x8x3x3xf32>
  return %0 : tensor<1x8x3x3xf32>
}

// It skips rows and columns.
// CHECK-LABEL: func @negative_conv_stride(
//       CHECK:   vit.conv2d
//   CHECK-NOT:   vit.linear
func.func @negative_conv_stride(%x: tensor<1x4x4x4xf32>) -> tensor<1x8x4xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x4x1x1xf32>
  %0 = vit.conv2d %x, %w stride [2, 2] : tensor<1x4x4x4xf32>, tensor<8x4x1x1xf32> -> tensor<1x8x2x2xf32>
  %1 = tensor.collapse_shape %0 [[0], [1], [2, 3]] : tensor<1x8x2x2xf32> into tensor<1x8x4xf32>
  return %1 : tensor<1x8x4xf32>
}

// -----

vit.weight @w : tensor<8x16xf32> seed(1 mean 0.0 scale 1.0)

// Attention pooling's query, as timm's dynamic export writes it: a constant is
// expanded to the batch, then projected. It is projected once.
// CHECK-LABEL: func @linear_of_expanded_constant(
//       CHECK:   %[[Y:.*]] = vit.linear %{{.*}} : tensor<1x2x8xf32>, tensor<16x8xf32> -> tensor<1x2x16xf32>
//       CHECK:   %[[YS:.*]] = tensor.collapse_shape %[[Y]]
//       CHECK:   linalg.broadcast ins(%[[YS]] : tensor<2x16xf32>) outs(%{{.*}} : tensor<?x2x16xf32>) dimensions = [0]
func.func @linear_of_expanded_constant(%x: tensor<?x8xf32>) -> tensor<?x2x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x16xf32>
  %latent = arith.constant dense<1.0> : tensor<2x8xf32>
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x2x8xf32>
  %empty = tensor.empty(%n) : tensor<?x2x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x2x16xf32>) -> tensor<?x2x16xf32>
  %0 = linalg.broadcast ins(%latent : tensor<2x8xf32>) outs(%e : tensor<?x2x8xf32>) dimensions = [0]
  %1 = linalg.contract
      indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (k, n)>,
                       affine_map<(b, m, n, k) -> (b, m, n)>]
      ins(%0, %w : tensor<?x2x8xf32>, tensor<8x16xf32>) outs(%init : tensor<?x2x16xf32>) -> tensor<?x2x16xf32>
  return %1 : tensor<?x2x16xf32>
}

// A product of constants is a constant: vit-fold-constants computes it.
// CHECK-LABEL: func @negative_linear_of_constants(
//       CHECK:   linalg.matmul
//   CHECK-NOT:   vit.linear
func.func @negative_linear_of_constants() -> tensor<2x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x16xf32>
  %x = arith.constant dense<1.0> : tensor<2x8xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x16xf32>) -> tensor<2x16xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<2x8xf32>, tensor<8x16xf32>) outs(%init : tensor<2x16xf32>) -> tensor<2x16xf32>
  return %0 : tensor<2x16xf32>
}

// Both factors are computed.
// CHECK-LABEL: func @negative_linear_no_constant(
//       CHECK:   linalg.matmul
//   CHECK-NOT:   vit.linear
func.func @negative_linear_no_constant(%x: tensor<2x8xf32>, %w: tensor<8x16xf32>) -> tensor<2x16xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x16xf32>) -> tensor<2x16xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<2x8xf32>, tensor<8x16xf32>) outs(%init : tensor<2x16xf32>) -> tensor<2x16xf32>
  return %0 : tensor<2x16xf32>
}

// It adds to something else than zero.
// CHECK-LABEL: func @negative_linear_accumulates(
//       CHECK:   linalg.matmul
//   CHECK-NOT:   vit.linear
func.func @negative_linear_accumulates(%x: tensor<2x8xf32>, %init: tensor<2x16xf32>) -> tensor<2x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x16xf32>
  // expected-remark @below {{not raised to vit.linear: it adds to another value than zero}}
  %0 = linalg.matmul ins(%x, %w : tensor<2x8xf32>, tensor<8x16xf32>) outs(%init : tensor<2x16xf32>) -> tensor<2x16xf32>
  return %0 : tensor<2x16xf32>
}

// The product without the bias is read as well.
// CHECK-LABEL: func @negative_bias_two_users(
//       CHECK:   %[[Y:.*]] = vit.linear %{{[^ ]+}}, %{{[^ ]+}} : tensor<2x8xf32>, tensor<16x8xf32>
//       CHECK:   %[[Z:.*]] = arith.addf %[[Y]]
//       CHECK:   return %[[Y]], %[[Z]]
func.func @negative_bias_two_users(%x: tensor<2x8xf32>) -> (tensor<2x16xf32>, tensor<2x16xf32>) {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x16xf32>
  %b = arith.constant dense<1.0> : tensor<2x16xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x16xf32>) -> tensor<2x16xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<2x8xf32>, tensor<8x16xf32>) outs(%init : tensor<2x16xf32>) -> tensor<2x16xf32>
  %1 = arith.addf %0, %b : tensor<2x16xf32>
  return %0, %1 : tensor<2x16xf32>, tensor<2x16xf32>
}

// Each row gets a number of its own: no bias of channels.
// CHECK-LABEL: func @negative_bias_of_rows(
//       CHECK:   %[[Y:.*]] = vit.linear %{{[^ ]+}}, %{{[^ ]+}} : tensor<16x8xf32>, tensor<16x8xf32>
//       CHECK:   linalg.generic
func.func @negative_bias_of_rows(%x: tensor<16x8xf32>) -> tensor<16x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x16xf32>
  %b = arith.constant dense<[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]> : tensor<16xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<16x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<16x16xf32>) -> tensor<16x16xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<16x8xf32>, tensor<8x16xf32>) outs(%init : tensor<16x16xf32>) -> tensor<16x16xf32>
  %1 = linalg.generic {
      indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>, affine_map<(m, n) -> (m, n)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%0, %b : tensor<16x16xf32>, tensor<16xf32>) outs(%empty : tensor<16x16xf32>) {
  ^bb0(%y: f32, %row: f32, %out: f32):
    %sum = arith.addf %y, %row : f32
    linalg.yield %sum : f32
  } -> tensor<16x16xf32>
  return %1 : tensor<16x16xf32>
}

// -----

vit.weight @w : tensor<8xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @m : tensor<2x8x16xf32> seed(2 mean 0.0 scale 1.0)

// CHECK-LABEL: func @negative_linear_vector(
//       CHECK:   linalg.matvec
func.func @negative_linear_vector(%x: tensor<2x8xf32>) -> tensor<2xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2xf32>) -> tensor<2xf32>
  // expected-remark @below {{not raised to vit.linear: its constant has no dim that is the result's alone; a weight has the output channels}}
  %0 = linalg.matvec ins(%x, %w : tensor<2x8xf32>, tensor<8xf32>) outs(%init : tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// CHECK-LABEL: func @negative_linear_batch_of_weights(
//       CHECK:   linalg.batch_matmul
func.func @negative_linear_batch_of_weights(%x: tensor<2x3x8xf32>) -> tensor<2x3x16xf32> {
  %m = vit.constant #vit.expr<ref, [@m]> : tensor<2x8x16xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2x3x16xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x3x16xf32>) -> tensor<2x3x16xf32>
  // expected-remark @below {{not raised to vit.linear: its constant has a matrix for each item of a batch; a weight is one matrix}}
  %0 = linalg.batch_matmul ins(%x, %m : tensor<2x3x8xf32>, tensor<2x8x16xf32>) outs(%init : tensor<2x3x16xf32>) -> tensor<2x3x16xf32>
  return %0 : tensor<2x3x16xf32>
}

// CHECK-LABEL: func @negative_linear_integers(
//       CHECK:   linalg.matmul
func.func @negative_linear_integers(%x: tensor<2x2xi32>) -> tensor<2x2xi32> {
  %w = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
  %zero = arith.constant 0 : i32
  %empty = tensor.empty() : tensor<2x2xi32>
  %init = linalg.fill ins(%zero : i32) outs(%empty : tensor<2x2xi32>) -> tensor<2x2xi32>
  // expected-remark @below {{not raised to vit.linear: it has an input of i32 and a result of i32; both must be of one float type}}
  %0 = linalg.matmul ins(%x, %w : tensor<2x2xi32>, tensor<2x2xi32>) outs(%init : tensor<2x2xi32>) -> tensor<2x2xi32>
  return %0 : tensor<2x2xi32>
}
