// RUN: vit-opt %s -vit-fold-batch-norm -verify-diagnostics | FileCheck %s

vit.weight @w : tensor<6x8xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @b : tensor<6xf32> seed(2 mean 0.0 scale 1.0)
vit.weight @g : tensor<6xf32> seed(3 mean 0.0 scale 1.0)
vit.weight @s : tensor<6xf32> seed(4 mean 0.0 scale 1.0)
vit.weight @k : tensor<8xf32> seed(5 mean 0.0 scale 1.0)

vit.weight @f : tensor<6x8x3x3xf32> seed(6 mean 0.0 scale 1.0)
vit.weight @p : tensor<6x8x1x1xf32> seed(7 mean 0.0 scale 1.0)

// y * g + s.
// CHECK-LABEL: func @batch_norm(
//   CHECK-DAG:   %[[W:.*]] = vit.constant #vit.expr<scale, [#vit.expr<ref, [@w]> : tensor<6x8xf32>, #vit.expr<ref, [@g]> : tensor<6xf32>], params = [0]>
//   CHECK-DAG:   %[[B:.*]] = vit.constant #vit.expr<add, [#vit.expr<scale, [#vit.expr<ref, [@b]> : tensor<6xf32>, #vit.expr<ref, [@g]> : tensor<6xf32>], params = [0]> : tensor<6xf32>, #vit.expr<ref, [@s]> : tensor<6xf32>]>
//       CHECK:   %[[Y:.*]] = vit.linear %{{.*}}, %[[W]] bias(%[[B]] : tensor<6xf32>)
//   CHECK-NOT:   linalg.generic
//       CHECK:   return %[[Y]]
func.func @batch_norm(%x: tensor<4x8xf32>) -> tensor<4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<6x8xf32>
  %b = vit.constant #vit.expr<ref, [@b]> : tensor<6xf32>
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<6xf32>
  %s = vit.constant #vit.expr<ref, [@s]> : tensor<6xf32>
  %empty = tensor.empty() : tensor<4x6xf32>
  %0 = vit.linear %x, %w bias(%b : tensor<6xf32>) : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<4x6xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%0, %g : tensor<4x6xf32>, tensor<6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.mulf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%1, %s : tensor<4x6xf32>, tensor<6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.addf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  return %2 : tensor<4x6xf32>
}

// (y - s) / d * g with a constant d, of a layer without a bias.
// CHECK-LABEL: func @batch_norm_written_out(
//   CHECK-DAG:   %[[W:.*]] = vit.constant #vit.expr<scale, [#vit.expr<ref, [@w]> : tensor<6x8xf32>, #vit.expr<scale, [#vit.expr<data, [dense<[1.000000e+00, 5.000000e-01, 2.500000e-01, 1.000000e+00, 1.000000e+00, 1.000000e+00]> : tensor<6xf32>]> : tensor<6xf32>, #vit.expr<ref, [@g]> : tensor<6xf32>], params = [0]> : tensor<6xf32>], params = [0]>
//   CHECK-DAG:   %[[B:.*]] = vit.constant #vit.expr<scale, [#vit.expr<scale, [#vit.expr<scale, [#vit.expr<ref, [@s]> : tensor<6xf32>, #vit.expr<data, [dense<-1.000000e+00> : tensor<6xf32>]> : tensor<6xf32>], params = [0]>
//       CHECK:   %[[Y:.*]] = vit.linear %{{.*}}, %[[W]] bias(%[[B]] : tensor<6xf32>)
//   CHECK-NOT:   linalg.generic
//       CHECK:   return %[[Y]]
func.func @batch_norm_written_out(%x: tensor<4x8xf32>) -> tensor<4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<6x8xf32>
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<6xf32>
  %s = vit.constant #vit.expr<ref, [@s]> : tensor<6xf32>
  %d = arith.constant dense<[1.0, 2.0, 4.0, 1.0, 1.0, 1.0]> : tensor<6xf32>
  %empty = tensor.empty() : tensor<4x6xf32>
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<4x6xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%0, %s : tensor<4x6xf32>, tensor<6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.subf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%1, %d : tensor<4x6xf32>, tensor<6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.divf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  %3 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%2, %g : tensor<4x6xf32>, tensor<6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.mulf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  return %3 : tensor<4x6xf32>
}

// CHECK-LABEL: func @batch_norm_conv2d(
//       CHECK:   %[[W:.*]] = vit.constant #vit.expr<scale, [#vit.expr<ref, [@f]> : tensor<6x8x3x3xf32>, #vit.expr<ref, [@g]> : tensor<6xf32>], params = [0]>
//       CHECK:   %[[B:.*]] = vit.constant #vit.expr<ref, [@s]> : tensor<6xf32>
//       CHECK:   %[[Y:.*]] = vit.conv2d %{{.*}}, %[[W]] bias(%[[B]] : tensor<6xf32>) pad [1, 1, 1, 1]
//   CHECK-NOT:   linalg.generic
//       CHECK:   return %[[Y]]
func.func @batch_norm_conv2d(%x: tensor<1x8x5x5xf32>) -> tensor<1x6x5x5xf32> {
  %f = vit.constant #vit.expr<ref, [@f]> : tensor<6x8x3x3xf32>
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<6xf32>
  %s = vit.constant #vit.expr<ref, [@s]> : tensor<6xf32>
  %empty = tensor.empty() : tensor<1x6x5x5xf32>
  %0 = vit.conv2d %x, %f pad [1, 1, 1, 1] : tensor<1x8x5x5xf32>, tensor<6x8x3x3xf32> -> tensor<1x6x5x5xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(b, c, y, x) -> (b, c, y, x)>, affine_map<(b, c, y, x) -> (c)>, affine_map<(b, c, y, x) -> (b, c, y, x)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%0, %g : tensor<1x6x5x5xf32>, tensor<6xf32>) outs(%empty : tensor<1x6x5x5xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.mulf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<1x6x5x5xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(b, c, y, x) -> (b, c, y, x)>, affine_map<(b, c, y, x) -> (c)>, affine_map<(b, c, y, x) -> (b, c, y, x)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%1, %s : tensor<1x6x5x5xf32>, tensor<6xf32>) outs(%empty : tensor<1x6x5x5xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.addf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<1x6x5x5xf32>
  return %2 : tensor<1x6x5x5xf32>
}

// Before a convolution of 1x1.
// CHECK-LABEL: func @batch_norm_before_conv2d(
//   CHECK-DAG:   %[[W:.*]] = vit.constant #vit.expr<scale, [#vit.expr<ref, [@p]> : tensor<6x8x1x1xf32>, #vit.expr<ref, [@k]> : tensor<8xf32>], params = [1]>
//   CHECK-DAG:   %[[B:.*]] = vit.constant #vit.expr<product, [#vit.expr<reshape, [#vit.expr<ref, [@p]> : tensor<6x8x1x1xf32>]> : tensor<6x8xf32>, #vit.expr<ref, [@k]> : tensor<8xf32>]>
//   CHECK-NOT:   linalg.generic
//       CHECK:   vit.conv2d %{{.*}}, %[[W]] bias(%[[B]] : tensor<6xf32>)
func.func @batch_norm_before_conv2d(%x: tensor<1x8x5x5xf32>) -> tensor<1x6x5x5xf32> {
  %p = vit.constant #vit.expr<ref, [@p]> : tensor<6x8x1x1xf32>
  %k = vit.constant #vit.expr<ref, [@k]> : tensor<8xf32>
  %empty = tensor.empty() : tensor<1x8x5x5xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(b, c, y, x) -> (b, c, y, x)>, affine_map<(b, c, y, x) -> (c)>, affine_map<(b, c, y, x) -> (b, c, y, x)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %k : tensor<1x8x5x5xf32>, tensor<8xf32>) outs(%empty : tensor<1x8x5x5xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.mulf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<1x8x5x5xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(b, c, y, x) -> (b, c, y, x)>, affine_map<(b, c, y, x) -> (c)>, affine_map<(b, c, y, x) -> (b, c, y, x)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%0, %k : tensor<1x8x5x5xf32>, tensor<8xf32>) outs(%empty : tensor<1x8x5x5xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.addf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<1x8x5x5xf32>
  %2 = vit.conv2d %1, %p : tensor<1x8x5x5xf32>, tensor<6x8x1x1xf32> -> tensor<1x6x5x5xf32>
  return %2 : tensor<1x6x5x5xf32>
}

// A factor alone may come before any filter: padding stays 0.
// CHECK-LABEL: func @factor_before_padded_conv2d(
//       CHECK:   vit.constant #vit.expr<scale, [#vit.expr<ref, [@f]> : tensor<6x8x3x3xf32>, #vit.expr<ref, [@k]> : tensor<8xf32>], params = [1]>
//   CHECK-NOT:   linalg.generic
//       CHECK:   vit.conv2d
func.func @factor_before_padded_conv2d(%x: tensor<1x8x5x5xf32>) -> tensor<1x6x5x5xf32> {
  %f = vit.constant #vit.expr<ref, [@f]> : tensor<6x8x3x3xf32>
  %k = vit.constant #vit.expr<ref, [@k]> : tensor<8xf32>
  %empty = tensor.empty() : tensor<1x8x5x5xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(b, c, y, x) -> (b, c, y, x)>, affine_map<(b, c, y, x) -> (c)>, affine_map<(b, c, y, x) -> (b, c, y, x)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %k : tensor<1x8x5x5xf32>, tensor<8xf32>) outs(%empty : tensor<1x8x5x5xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.mulf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<1x8x5x5xf32>
  %1 = vit.conv2d %0, %f pad [1, 1, 1, 1] : tensor<1x8x5x5xf32>, tensor<6x8x3x3xf32> -> tensor<1x6x5x5xf32>
  return %1 : tensor<1x6x5x5xf32>
}

// The tokens of the map follow: its channels come last.
// CHECK-LABEL: func @batch_norm_before_linear(
//   CHECK-DAG:   vit.constant #vit.expr<scale, [#vit.expr<ref, [@w]> : tensor<6x8xf32>, #vit.expr<ref, [@k]> : tensor<8xf32>], params = [1]>
//   CHECK-DAG:   vit.constant #vit.expr<add, [#vit.expr<ref, [@b]> : tensor<6xf32>, #vit.expr<product, [#vit.expr<ref, [@w]> : tensor<6x8xf32>, #vit.expr<ref, [@k]> : tensor<8xf32>]>
//   CHECK-NOT:   linalg.generic
//       CHECK:   vit.linear %{{.*}} activation gelu
func.func @batch_norm_before_linear(%x: tensor<8x4xf32>) -> tensor<4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<6x8xf32>
  %b = vit.constant #vit.expr<ref, [@b]> : tensor<6xf32>
  %k = vit.constant #vit.expr<ref, [@k]> : tensor<8xf32>
  %empty = tensor.empty() : tensor<8x4xf32>
  %tokens = tensor.empty() : tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x, %k : tensor<8x4xf32>, tensor<8xf32>) outs(%empty : tensor<8x4xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.mulf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<8x4xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%1, %k : tensor<8x4xf32>, tensor<8xf32>) outs(%empty : tensor<8x4xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.addf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<8x4xf32>
  %3 = linalg.transpose ins(%2 : tensor<8x4xf32>) outs(%tokens : tensor<4x8xf32>) permutation = [1, 0]
  %4 = vit.linear %3, %w bias(%b : tensor<6xf32>) activation gelu : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<4x6xf32>
  return %4 : tensor<4x6xf32>
}

// PyTorch writes a group norm as an instance norm with these constants.
// CHECK-LABEL: func @batch_norm_identity(
//   CHECK-NOT:   linalg.generic
//       CHECK:   return %arg0
func.func @batch_norm_identity(%x: tensor<4x6xf32>) -> tensor<4x6xf32> {
  %one = arith.constant dense<1.0> : tensor<6xf32>
  %zero = arith.constant dense<0.0> : tensor<6xf32>
  %empty = tensor.empty() : tensor<4x6xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x, %one : tensor<4x6xf32>, tensor<6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.mulf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%1, %zero : tensor<4x6xf32>, tensor<6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.addf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  return %2 : tensor<4x6xf32>
}

// The padding would have to be the offset, too.
// CHECK-LABEL: func @negative_batch_norm_before_padded(
//       CHECK:   linalg.generic
//       CHECK:   vit.conv2d
func.func @negative_batch_norm_before_padded(%x: tensor<1x8x5x5xf32>) -> tensor<1x6x5x5xf32> {
  %f = vit.constant #vit.expr<ref, [@f]> : tensor<6x8x3x3xf32>
  %k = vit.constant #vit.expr<ref, [@k]> : tensor<8xf32>
  %empty = tensor.empty() : tensor<1x8x5x5xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(b, c, y, x) -> (b, c, y, x)>, affine_map<(b, c, y, x) -> (c)>, affine_map<(b, c, y, x) -> (b, c, y, x)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %k : tensor<1x8x5x5xf32>, tensor<8xf32>) outs(%empty : tensor<1x8x5x5xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.addf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<1x8x5x5xf32>
  %1 = vit.conv2d %0, %f pad [1, 1, 1, 1] : tensor<1x8x5x5xf32>, tensor<6x8x3x3xf32> -> tensor<1x6x5x5xf32>
  return %1 : tensor<1x6x5x5xf32>
}

// As many tokens as channels: these are constants of the tokens.
// CHECK-LABEL: func @negative_batch_norm_before_tokens(
//       CHECK:   linalg.generic
//       CHECK:   vit.linear
func.func @negative_batch_norm_before_tokens(%x: tensor<2x8x8xf32>) -> tensor<2x8x6xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<6x8xf32>
  %k = vit.constant #vit.expr<ref, [@k]> : tensor<8xf32>
  %empty = tensor.empty() : tensor<2x8x8xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(b, n, c) -> (b, n, c)>, affine_map<(b, n, c) -> (n)>, affine_map<(b, n, c) -> (b, n, c)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %k : tensor<2x8x8xf32>, tensor<8xf32>) outs(%empty : tensor<2x8x8xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.mulf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<2x8x8xf32>
  %2 = vit.linear %1, %w : tensor<2x8x8xf32>, tensor<6x8xf32> -> tensor<2x8x6xf32>
  return %2 : tensor<2x8x6xf32>
}

// Its result is read by another op, too.
// CHECK-LABEL: func @negative_batch_norm_before_two_users(
//       CHECK:   linalg.generic
//       CHECK:   vit.conv2d
func.func @negative_batch_norm_before_two_users(%x: tensor<1x8x5x5xf32>) -> (tensor<1x8x5x5xf32>, tensor<1x6x5x5xf32>) {
  %p = vit.constant #vit.expr<ref, [@p]> : tensor<6x8x1x1xf32>
  %k = vit.constant #vit.expr<ref, [@k]> : tensor<8xf32>
  %empty = tensor.empty() : tensor<1x8x5x5xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(b, c, y, x) -> (b, c, y, x)>, affine_map<(b, c, y, x) -> (c)>, affine_map<(b, c, y, x) -> (b, c, y, x)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %k : tensor<1x8x5x5xf32>, tensor<8xf32>) outs(%empty : tensor<1x8x5x5xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.addf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<1x8x5x5xf32>
  %2 = vit.conv2d %1, %p : tensor<1x8x5x5xf32>, tensor<6x8x1x1xf32> -> tensor<1x6x5x5xf32>
  return %1, %2 : tensor<1x8x5x5xf32>, tensor<1x6x5x5xf32>
}

// CHECK-LABEL: func @negative_batch_norm_activation(
//       CHECK:   vit.linear
//       CHECK:   linalg.generic
func.func @negative_batch_norm_activation(%x: tensor<4x8xf32>) -> tensor<4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<6x8xf32>
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<6xf32>
  %s = vit.constant #vit.expr<ref, [@s]> : tensor<6xf32>
  %empty = tensor.empty() : tensor<4x6xf32>
  %0 = vit.linear %x, %w activation relu : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<4x6xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%0, %g : tensor<4x6xf32>, tensor<6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.mulf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  // expected-remark @below {{batch norm is not folded into weights: the product before it has an activation or a residual}}
  %2 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%1, %s : tensor<4x6xf32>, tensor<6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.addf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  return %2 : tensor<4x6xf32>
}

// A constant minus each channel turns the sign.
// CHECK-LABEL: func @negative_batch_norm_from_constant(
//       CHECK:   vit.linear
//       CHECK:   linalg.generic
func.func @negative_batch_norm_from_constant(%x: tensor<4x8xf32>) -> tensor<4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<6x8xf32>
  %s = vit.constant #vit.expr<ref, [@s]> : tensor<6xf32>
  %empty = tensor.empty() : tensor<4x6xf32>
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<4x6xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%0, %s : tensor<4x6xf32>, tensor<6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.subf %c, %in : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  return %1 : tensor<4x6xf32>
}

// No offset: a factor behind a product is LayerScale.
// CHECK-LABEL: func @negative_batch_norm_factor(
//       CHECK:   vit.linear
//       CHECK:   linalg.generic
func.func @negative_batch_norm_factor(%x: tensor<4x8xf32>) -> tensor<4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<6x8xf32>
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<6xf32>
  %empty = tensor.empty() : tensor<4x6xf32>
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<4x6xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%0, %g : tensor<4x6xf32>, tensor<6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.mulf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  return %1 : tensor<4x6xf32>
}
