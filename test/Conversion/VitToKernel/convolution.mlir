// RUN: vit-opt %s -convert-vit-to-kernel -canonicalize | FileCheck %s

vit.weight @f : tensor<16x8x3x3xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @g : tensor<16x16x1x1xf32> seed(2 mean 0.0 scale 1.0)
vit.weight @d : tensor<16x1x3x3xf32> seed(3 mean 0.0 scale 1.0)

// Rows of an image [C, H, W] are cut from a copy with a border of zeros. The
// result has its channels last, so that the 1x1 convolution reads it in place.
// CHECK-DAG: #[[$PIXEL:.*]] = affine_map<(d0, d1, d2, d3, d4, d5) -> (d0, d3, d1 + d4, d2 + d5)>
// CHECK-DAG: #[[$CHANNELS:.*]] = affine_map<(d0, d1, d2) -> (d0, d1 floordiv 6, d1 mod 6, d2)>
// CHECK-LABEL: func @two(
//       CHECK:   %[[ZEROS:.*]] = kernel.generic {{.*}} sizes [8, 8, 8]
//       CHECK:   %[[PADDED:.*]] = kernel.gather {{.*}} sizes [8, 6, 6] {{.*}} init(%[[ZEROS]]
//       CHECK:   %[[TAPS:.*]] = kernel.gather {{.*}} sizes [6, 6, 8, 3, 3] input(%[[PADDED]] at #[[$PIXEL]]
//       CHECK:   %[[F:.*]] = kernel.constant #vit.expr<pack, [#vit.expr<reshape, [#vit.expr<ref, [@f]> : tensor<16x8x3x3xf32>]> : tensor<16x72xf32>]>
//       CHECK:   %[[Y:.*]] = kernel.gemm {{.*}} n 16 k 72 lhs(%[[TAPS]] {{.*}} weights(%[[F]] {{.*}} init(%{{.*}} at #[[$CHANNELS]] : tensor<?x6x6x16xf32>)
//   CHECK-NOT:   kernel.gather
//       CHECK:   %[[R:.*]] = kernel.gemm {{.*}} n 16 k 16 lhs(%[[Y]] at #[[$CHANNELS]] : tensor<?x6x6x16xf32>)
//       CHECK:   kernel.gather {{.*}} input(%[[R]]
func.func @two(%x: tensor<?x8x6x6xf32>) -> tensor<?x16x6x6xf32> {
  %f = vit.constant #vit.expr<ref, [@f]> : tensor<16x8x3x3xf32>
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<16x16x1x1xf32>
  %0 = vit.conv2d %x, %f pad [1, 1, 1, 1] : tensor<?x8x6x6xf32>, tensor<16x8x3x3xf32> -> tensor<?x16x6x6xf32>
  %1 = vit.conv2d %0, %g : tensor<?x16x6x6xf32>, tensor<16x16x1x1xf32> -> tensor<?x16x6x6xf32>
  return %1 : tensor<?x16x6x6xf32>
}

// With channels last the filters are, too. Tokens of the result are written as
// they are wanted.
// CHECK-LABEL: func @tokens(
//  CHECK-SAME:     %[[OUT:[^ ]+]]: tensor<?x16x16xf32> {bufferization.writable = true})
//       CHECK:   %[[TAPS:.*]] = kernel.gather {{.*}} sizes [4, 4, 3, 3, 8]
//       CHECK:   kernel.constant {{.*}}#vit.expr<transpose, [#vit.expr<ref, [@f]> : tensor<16x8x3x3xf32>], params = [0, 2, 3, 1]>
//       CHECK:   %[[R:.*]] = kernel.gemm {{.*}} lhs(%[[TAPS]] {{.*}} init(%[[OUT]]
//  CHECK-NEXT:   return %[[R]]
func.func @tokens(%i: tensor<?x6x6x8xf32>) -> tensor<?x16x16xf32> {
  %f = vit.constant #vit.expr<ref, [@f]> : tensor<16x8x3x3xf32>
  %c0 = arith.constant 0 : index
  %b = tensor.dim %i, %c0 : tensor<?x6x6x8xf32>
  %e = tensor.empty(%b) : tensor<?x8x6x6xf32>
  %x = linalg.transpose ins(%i : tensor<?x6x6x8xf32>) outs(%e : tensor<?x8x6x6xf32>) permutation = [0, 3, 1, 2]
  %0 = vit.conv2d %x, %f : tensor<?x8x6x6xf32>, tensor<16x8x3x3xf32> -> tensor<?x16x4x4xf32>
  %1 = tensor.collapse_shape %0 [[0], [1], [2, 3]] : tensor<?x16x4x4xf32> into tensor<?x16x16xf32>
  %t = tensor.empty(%b) : tensor<?x16x16xf32>
  %2 = linalg.transpose ins(%1 : tensor<?x16x16xf32>) outs(%t : tensor<?x16x16xf32>) permutation = [0, 2, 1]
  return %2 : tensor<?x16x16xf32>
}

// Groups sum directly, each channel with its filter; the bias is where the sums
// start.
// CHECK-LABEL: func @depthwise(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x16x6x6xf32>, %[[BIAS:[^ ]+]]: tensor<16xf32>
//       CHECK:   %[[START:.*]] = kernel.gather {{.*}} input(%[[BIAS]]
//       CHECK:   %[[D:.*]] = kernel.constant #vit.expr<transpose, {{.*}}params = [2, 3, 1, 0]> : tensor<3x3x1x16xf32>
//       CHECK:   kernel.generic {{.*}} sizes [4, 4, 16] reduce [3, 3, 1] inputs(%[[X]], %[[D]] {{.*}} init(%[[START]]
func.func @depthwise(%x: tensor<?x16x6x6xf32>, %bias: tensor<16xf32>) -> tensor<?x16x4x4xf32> {
  %d = vit.constant #vit.expr<ref, [@d]> : tensor<16x1x3x3xf32>
  %0 = vit.conv2d %x, %d bias(%bias : tensor<16xf32>) groups 16
      : tensor<?x16x6x6xf32>, tensor<16x1x3x3xf32> -> tensor<?x16x4x4xf32>
  return %0 : tensor<?x16x4x4xf32>
}
