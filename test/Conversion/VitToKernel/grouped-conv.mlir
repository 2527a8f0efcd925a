// RUN: vit-opt %s -convert-vit-to-kernel -canonicalize | FileCheck %s

vit.weight @d : tensor<16x1x3x3xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @g : tensor<32x4x3x5xf32> seed(2 mean 0.0 scale 1.0)
vit.weight @p : tensor<16x16x1x1xf32> seed(3 mean 0.0 scale 1.0)

// An image is copied to have its channels last; padding is no part of the copy.
// The result, which is returned as it was, is copied back.
// CHECK-DAG: #[[$PLACES:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK-DAG: #[[$TOKENS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1 * 6 + d2, d3)>
// CHECK-DAG: #[[$CLASS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1 * 6 + d2 + 1, d3)>
// CHECK-LABEL: func @image(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x16x6x6xf32>, %[[BIAS:[^ ]+]]: tensor<16xf32>
//       CHECK:   %[[LAST:.*]] = kernel.gather {{.*}} sizes [6, 6, 16] input(%[[X]] {{.*}} -> tensor<?x6x6x16xf32>
//       CHECK:   %[[D:.*]] = kernel.constant #vit.expr<transpose, {{.*}}params = [2, 3, 1, 0]> : tensor<3x3x1x16xf32>
//       CHECK:   %[[Y:.*]] = kernel.grouped_conv {{.*}} size [3, 3] input_size [6, 6] groups 16 stride [2, 2] dilation [1, 1] pad [1, 0]
//  CHECK-SAME:       input(%[[LAST]] at #[[$PLACES]] : tensor<?x6x6x16xf32>) filter(%[[D]] : tensor<3x3x1x16xf32>) bias(%[[BIAS]] : tensor<16xf32>)
//  CHECK-SAME:       init(%{{.*}} at #[[$PLACES]] : tensor<?x3x3x16xf32>) activation gelu
//       CHECK:   kernel.gather {{.*}} input(%[[Y]]
func.func @image(%x: tensor<?x16x6x6xf32>, %bias: tensor<16xf32>) -> tensor<?x16x3x3xf32> {
  %d = vit.constant #vit.expr<ref, [@d]> : tensor<16x1x3x3xf32>
  %0 = vit.conv2d %x, %d bias(%bias : tensor<16xf32>) stride [2, 2] pad [1, 0, 0, 1] groups 16 activation gelu
      : tensor<?x16x6x6xf32>, tensor<16x1x3x3xf32> -> tensor<?x16x3x3xf32>
  return %0 : tensor<?x16x3x3xf32>
}

// Between products nothing is copied: results have their channels last. The
// product's result is no part of a padded map, and the residual is read as it
// lies.
// CHECK-LABEL: func @between_products(
//       CHECK:   %[[A:.*]] = kernel.gemm {{.*}} init(%{{.*}} : tensor<?x6x6x16xf32>)
//   CHECK-NOT:   kernel.gather
//       CHECK:   %[[B:.*]] = kernel.grouped_conv {{.*}} pad [1, 1] input(%[[A]] {{.*}} residual(%[[A]] at #[[$PLACES]] : tensor<?x6x6x16xf32>)
//   CHECK-NOT:   kernel.gather
//       CHECK:   kernel.gemm {{.*}} lhs(%[[B]]
func.func @between_products(%x: tensor<?x6x6x16xf32>) -> tensor<?x16x6x6xf32> {
  %d = vit.constant #vit.expr<ref, [@d]> : tensor<16x1x3x3xf32>
  %p = vit.constant #vit.expr<ref, [@p]> : tensor<16x16x1x1xf32>
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x6x6x16xf32>
  %e = tensor.empty(%b) : tensor<?x16x6x6xf32>
  %t = linalg.transpose ins(%x : tensor<?x6x6x16xf32>) outs(%e : tensor<?x16x6x6xf32>) permutation = [0, 3, 1, 2]
  %0 = vit.conv2d %t, %p : tensor<?x16x6x6xf32>, tensor<16x16x1x1xf32> -> tensor<?x16x6x6xf32>
  %1 = vit.conv2d %0, %d residual(%0 : tensor<?x16x6x6xf32>) pad [1, 1, 1, 1] groups 16
      : tensor<?x16x6x6xf32>, tensor<16x1x3x3xf32> -> tensor<?x16x6x6xf32>
  %2 = vit.conv2d %1, %p : tensor<?x16x6x6xf32>, tensor<16x16x1x1xf32> -> tensor<?x16x6x6xf32>
  return %2 : tensor<?x16x6x6xf32>
}

// Tokens are a map, those behind a class token too; the result is written as
// the tokens that are wanted.
// CHECK-LABEL: func @tokens(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x37x16xf32>, %[[OUT:[^ ]+]]: tensor<?x36x16xf32>
//   CHECK-NOT:   kernel.gather
//       CHECK:   %[[Y:.*]] = kernel.grouped_conv {{.*}} input(%[[X]] at #[[$CLASS]] : tensor<?x37x16xf32>) {{.*}} init(%[[OUT]] at #[[$TOKENS]]
//       CHECK:   return %[[Y]]
func.func @tokens(%x: tensor<?x37x16xf32>) -> tensor<?x36x16xf32> {
  %d = vit.constant #vit.expr<ref, [@d]> : tensor<16x1x3x3xf32>
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x37x16xf32>
  %s = tensor.extract_slice %x[0, 1, 0] [%b, 36, 16] [1, 1, 1] : tensor<?x37x16xf32> to tensor<?x36x16xf32>
  %e = tensor.empty(%b) : tensor<?x16x36xf32>
  %t = linalg.transpose ins(%s : tensor<?x36x16xf32>) outs(%e : tensor<?x16x36xf32>) permutation = [0, 2, 1]
  %m = tensor.expand_shape %t [[0], [1], [2, 3]] output_shape [%b, 16, 6, 6] : tensor<?x16x36xf32> into tensor<?x16x6x6xf32>
  %0 = vit.conv2d %m, %d pad [1, 1, 1, 1] groups 16 : tensor<?x16x6x6xf32>, tensor<16x1x3x3xf32> -> tensor<?x16x6x6xf32>
  %1 = tensor.collapse_shape %0 [[0], [1], [2, 3]] : tensor<?x16x6x6xf32> into tensor<?x16x36xf32>
  %f = tensor.empty(%b) : tensor<?x36x16xf32>
  %2 = linalg.transpose ins(%1 : tensor<?x16x36xf32>) outs(%f : tensor<?x36x16xf32>) permutation = [0, 2, 1]
  return %2 : tensor<?x36x16xf32>
}

// Rows that are not evenly spaced, of windows put together, are copied first.
// CHECK-LABEL: func @negative_windows(
//       CHECK:   %[[COPY:.*]] = kernel.gather {{.*}} sizes [6, 6, 16]
//       CHECK:   kernel.grouped_conv {{.*}} input(%[[COPY]] at #[[$PLACES]] : tensor<?x6x6x16xf32>)
func.func @negative_windows(%x: tensor<?x9x16xf32>, %y: tensor<?x6x6x16xf32>) -> tensor<?x16x6x6xf32> {
  %d = vit.constant #vit.expr<ref, [@d]> : tensor<16x1x3x3xf32>
  %c0 = arith.constant 0 : index
  %b = tensor.dim %y, %c0 : tensor<?x6x6x16xf32>
  %w = vit.window_partition %y window [3, 3] : tensor<?x6x6x16xf32> -> tensor<?x9x16xf32>
  %m = tensor.expand_shape %w [[0, 1], [2], [3]] output_shape [%b, 4, 9, 16] : tensor<?x9x16xf32> into tensor<?x4x9x16xf32>
  %r = tensor.collapse_shape %m [[0], [1, 2], [3]] : tensor<?x4x9x16xf32> into tensor<?x36x16xf32>
  %i = tensor.expand_shape %r [[0], [1, 2], [3]] output_shape [%b, 6, 6, 16] : tensor<?x36x16xf32> into tensor<?x6x6x16xf32>
  %e = tensor.empty(%b) : tensor<?x16x6x6xf32>
  %t = linalg.transpose ins(%i : tensor<?x6x6x16xf32>) outs(%e : tensor<?x16x6x6xf32>) permutation = [0, 3, 1, 2]
  %0 = vit.conv2d %t, %d pad [1, 1, 1, 1] groups 16 : tensor<?x16x6x6xf32>, tensor<16x1x3x3xf32> -> tensor<?x16x6x6xf32>
  return %0 : tensor<?x16x6x6xf32>
}

// Groups of several channels, and more outputs than channels.
// CHECK-LABEL: func @groups(
//       CHECK:   kernel.constant #vit.expr<transpose, {{.*}}params = [2, 3, 1, 0]> : tensor<3x5x4x32xf32>
//       CHECK:   kernel.grouped_conv {{.*}} size [4, 6] input_size [6, 6] groups 4 stride [1, 1] dilation [1, 1] pad [0, 2]
func.func @groups(%x: tensor<?x16x6x6xf32>) -> tensor<?x32x4x6xf32> {
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<32x4x3x5xf32>
  %0 = vit.conv2d %x, %g pad [0, 2, 0, 2] groups 4 : tensor<?x16x6x6xf32>, tensor<32x4x3x5xf32> -> tensor<?x32x4x6xf32>
  return %0 : tensor<?x32x4x6xf32>
}
