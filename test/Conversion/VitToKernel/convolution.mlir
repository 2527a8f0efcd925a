// RUN: vit-opt %s -convert-vit-to-kernel -canonicalize | FileCheck %s

vit.weight @f : tensor<16x8x3x3xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @g : tensor<16x16x1x1xf32> seed(2 mean 0.0 scale 1.0)
vit.weight @h : tensor<16x16x3x3xf32> seed(4 mean 0.0 scale 1.0)
vit.weight @t : tensor<16x8xf32> seed(5 mean 0.0 scale 1.0)
vit.weight @u : tensor<8x16xf32> seed(6 mean 0.0 scale 1.0)

// The gemm reads the pixels of an image [C, H, W], and zeros where they lie
// outside. The result has its channels last, so that the 1x1 convolution reads
// it in place.
// CHECK-DAG: #[[$TAPS:.*]] = affine_map<(d0, d1, d2) -> (d0, d2 floordiv 9, d1 floordiv 6 + (d2 floordiv 3) mod 3 - 1, d1 mod 6 + d2 mod 3 - 1)>
// CHECK-DAG: #[[$TAPS_LAST:.*]] = affine_map<(d0, d1, d2) -> (d0, d1 floordiv 4 + d2 floordiv 24, d1 mod 4 + (d2 floordiv 8) mod 3, d2 mod 8)>
// CHECK-DAG: #[[$TAPS_16:.*]] = affine_map<(d0, d1, d2) -> (d0, d1 floordiv 6 + d2 floordiv 48 - 1, d1 mod 6 + (d2 floordiv 16) mod 3 - 1, d2 mod 16)>
// CHECK-DAG: #[[$CHANNELS:.*]] = affine_map<(d0, d1, d2) -> (d0, d1 floordiv 6, d1 mod 6, d2)>
// CHECK-LABEL: func @two(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x8x6x6xf32>
//   CHECK-NOT:   kernel.g{{ather|eneric}}
//       CHECK:   %[[F:.*]] = kernel.constant #vit.expr<pack, [#vit.expr<reshape, [#vit.expr<ref, [@f]> : tensor<16x8x3x3xf32>]> : tensor<16x72xf32>]>
//       CHECK:   %[[Y:.*]] = kernel.gemm {{.*}} n 16 k 72 lhs(%[[X]] at #[[$TAPS]] {{.*}} zero_outside weights(%[[F]] {{.*}} init(%{{.*}} at #[[$CHANNELS]] : tensor<?x6x6x16xf32>)
//   CHECK-NOT:   kernel.gather
//       CHECK:   %[[R:.*]] = kernel.gemm {{.*}} n 16 k 16 lhs(%[[Y]] at #[[$CHANNELS]] : tensor<?x6x6x16xf32>) weights
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
//  CHECK-SAME:     %[[I:[^ ]+]]: tensor<?x6x6x8xf32>, %[[OUT:[^ ]+]]: tensor<?x16x16xf32> {bufferization.writable = true})
//       CHECK:   kernel.constant {{.*}}#vit.expr<transpose, [#vit.expr<ref, [@f]> : tensor<16x8x3x3xf32>], params = [0, 2, 3, 1]>
//       CHECK:   %[[R:.*]] = kernel.gemm {{.*}} lhs(%[[I]] at #[[$TAPS_LAST]] {{.*}} init(%[[OUT]]
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

// Activation and residual are the gemm's. The first residual is an image, with
// its rows contiguous, and is copied to have its channels last; the second is a
// result that has them so.
// CHECK-LABEL: func @epilogues(
//       CHECK:   %[[R:.*]] = kernel.gather {{.*}} sizes [6, 6, 16] input(%{{.*}} : tensor<?x16x6x6xf32>) init(%{{.*}} : tensor<?x6x6x16xf32>)
//       CHECK:   %[[Y:.*]] = kernel.gemm {{.*}} residual(%[[R]] at #[[$CHANNELS]] : tensor<?x6x6x16xf32>) init({{.*}}) activation relu
//   CHECK-NOT:   kernel.gather
//       CHECK:   kernel.gemm {{.*}} residual(%[[Y]] at #[[$CHANNELS]] : tensor<?x6x6x16xf32>)
func.func @epilogues(%x: tensor<?x8x6x6xf32>, %r: tensor<?x16x6x6xf32>) -> tensor<?x16x6x6xf32> {
  %f = vit.constant #vit.expr<ref, [@f]> : tensor<16x8x3x3xf32>
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<16x16x1x1xf32>
  %0 = vit.conv2d %x, %f residual(%r : tensor<?x16x6x6xf32>) pad [1, 1, 1, 1] activation relu
      : tensor<?x8x6x6xf32>, tensor<16x8x3x3xf32> -> tensor<?x16x6x6xf32>
  %1 = vit.conv2d %0, %g residual(%0 : tensor<?x16x6x6xf32>)
      : tensor<?x16x6x6xf32>, tensor<16x16x1x1xf32> -> tensor<?x16x6x6xf32>
  return %1 : tensor<?x16x6x6xf32>
}

// What computes a map between two convolutions writes it as the second reads it,
// whatever the order of what it reads.
// CHECK-LABEL: func @layout_of_reader(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x8x6x6xf32>
//       CHECK:   %[[Y:.*]] = kernel.generic {{.*}} sizes [6, 6, 8] inputs(%[[X]] {{.*}} init(%{{.*}} : tensor<?x6x6x8xf32>)
//       CHECK:   kernel.gemm {{.*}} lhs(%[[Y]] at #[[$TAPS_LAST]]
func.func @layout_of_reader(%x: tensor<?x8x6x6xf32>) -> tensor<?x16x4x4xf32> {
  %f = vit.constant #vit.expr<ref, [@f]> : tensor<16x8x3x3xf32>
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x8x6x6xf32>
  %e = tensor.empty(%b) : tensor<?x8x6x6xf32>
  %0 = linalg.generic {
      indexing_maps = [affine_map<(b, c, y, x) -> (b, c, y, x)>, affine_map<(b, c, y, x) -> (b, c, y, x)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x8x6x6xf32>) outs(%e : tensor<?x8x6x6xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = math.exp %in : f32
    linalg.yield %1 : f32
  } -> tensor<?x8x6x6xf32>
  %2 = vit.conv2d %0, %f : tensor<?x8x6x6xf32>, tensor<16x8x3x3xf32> -> tensor<?x16x4x4xf32>
  return %2 : tensor<?x16x4x4xf32>
}

// Its readers differ: it keeps the order of what it reads.
// CHECK-LABEL: func @negative_layout_of_readers(
//       CHECK:   kernel.generic {{.*}} sizes [8, 6, 6] {{.*}} init(%{{.*}} : tensor<?x8x6x6xf32>)
func.func @negative_layout_of_readers(%x: tensor<?x8x6x6xf32>) -> (tensor<?x16x4x4xf32>, tensor<?x8x6x6xf32>) {
  %f = vit.constant #vit.expr<ref, [@f]> : tensor<16x8x3x3xf32>
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x8x6x6xf32>
  %e = tensor.empty(%b) : tensor<?x8x6x6xf32>
  %0 = linalg.generic {
      indexing_maps = [affine_map<(b, c, y, x) -> (b, c, y, x)>, affine_map<(b, c, y, x) -> (b, c, y, x)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x8x6x6xf32>) outs(%e : tensor<?x8x6x6xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = math.exp %in : f32
    linalg.yield %1 : f32
  } -> tensor<?x8x6x6xf32>
  %2 = vit.conv2d %0, %f : tensor<?x8x6x6xf32>, tensor<16x8x3x3xf32> -> tensor<?x16x4x4xf32>
  %3 = vit.layer_norm %0 epsilon 1.0e-05 : tensor<?x8x6x6xf32>
  return %2, %3 : tensor<?x16x4x4xf32>, tensor<?x8x6x6xf32>
}

// The padding of a tensor.pad is the convolution's, too.
// CHECK-LABEL: func @pad(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x8x6x6xf32>
//   CHECK-NOT:   kernel.g{{ather|eneric}}
//       CHECK:   kernel.gemm {{.*}} k 72 lhs(%[[X]] at #[[$TAPS]] {{.*}} zero_outside
func.func @pad(%x: tensor<?x8x6x6xf32>) -> tensor<?x16x6x6xf32> {
  %f = vit.constant #vit.expr<ref, [@f]> : tensor<16x8x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %0 = tensor.pad %x low[0, 0, 0, 1] high[0, 0, 1, 0] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %zero : f32
  } : tensor<?x8x6x6xf32> to tensor<?x8x7x7xf32>
  %1 = vit.conv2d %0, %f pad [1, 0, 0, 1] : tensor<?x8x7x7xf32>, tensor<16x8x3x3xf32> -> tensor<?x16x6x6xf32>
  return %1 : tensor<?x16x6x6xf32>
}

// A border of ones is not.
// CHECK-LABEL: func @negative_pad_value(
//       CHECK:   %[[PADDED:.*]] = kernel.gather {{.*}} -> tensor<?x8x8x8xf32>
//       CHECK:   kernel.gemm {{.*}} k 72 lhs(%[[PADDED]] at #{{.*}} : tensor<?x8x8x8xf32>) weights
func.func @negative_pad_value(%x: tensor<?x8x6x6xf32>) -> tensor<?x16x6x6xf32> {
  %f = vit.constant #vit.expr<ref, [@f]> : tensor<16x8x3x3xf32>
  %one = arith.constant 1.0 : f32
  %0 = tensor.pad %x low[0, 0, 1, 1] high[0, 0, 1, 1] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %one : f32
  } : tensor<?x8x6x6xf32> to tensor<?x8x8x8xf32>
  %1 = vit.conv2d %0, %f : tensor<?x8x8x8xf32>, tensor<16x8x3x3xf32> -> tensor<?x16x6x6xf32>
  return %1 : tensor<?x16x6x6xf32>
}

// Tokens that only a padded convolution reads are written as its map: rows and
// columns are dims, which end where the map does.
// CHECK-LABEL: func @token_map(
//       CHECK:   %[[Y:.*]] = kernel.gemm {{.*}} k 8 {{.*}} -> tensor<?x6x6x16xf32>
//   CHECK-NOT:   kernel.g{{ather|eneric}}
//       CHECK:   kernel.gemm {{.*}} k 144 lhs(%[[Y]] at #[[$TAPS_16]] : tensor<?x6x6x16xf32>) zero_outside
func.func @token_map(%x: tensor<?x36x8xf32>) -> tensor<?x16x6x6xf32> {
  %g = vit.constant #vit.expr<ref, [@t]> : tensor<16x8xf32>
  %h = vit.constant #vit.expr<ref, [@h]> : tensor<16x16x3x3xf32>
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x36x8xf32>
  %0 = vit.linear %x, %g : tensor<?x36x8xf32>, tensor<16x8xf32> -> tensor<?x36x16xf32>
  %e = tensor.empty(%b) : tensor<?x16x36xf32>
  %1 = linalg.transpose ins(%0 : tensor<?x36x16xf32>) outs(%e : tensor<?x16x36xf32>) permutation = [0, 2, 1]
  %2 = tensor.expand_shape %1 [[0], [1], [2, 3]] output_shape [%b, 16, 6, 6] : tensor<?x16x36xf32> into tensor<?x16x6x6xf32>
  %3 = vit.conv2d %2, %h pad [1, 1, 1, 1] : tensor<?x16x6x6xf32>, tensor<16x16x3x3xf32> -> tensor<?x16x6x6xf32>
  return %3 : tensor<?x16x6x6xf32>
}

// Tokens in a row do not say where a row of the map ends: they are copied.
// CHECK-LABEL: func @negative_token_map_two_users(
//       CHECK:   %[[Y:.*]] = kernel.gemm {{.*}} k 8 {{.*}} -> tensor<?x36x16xf32>
//       CHECK:   %[[MAP:.*]] = kernel.gather {{.*}} input(%[[Y]] {{.*}} -> tensor<?x6x6x16xf32>
//       CHECK:   kernel.gemm {{.*}} k 144 lhs(%[[MAP]] at #[[$TAPS_16]] : tensor<?x6x6x16xf32>) zero_outside
func.func @negative_token_map_two_users(%x: tensor<?x36x8xf32>) -> (tensor<?x16x6x6xf32>, tensor<?x36x8xf32>) {
  %g = vit.constant #vit.expr<ref, [@t]> : tensor<16x8xf32>
  %u = vit.constant #vit.expr<ref, [@u]> : tensor<8x16xf32>
  %h = vit.constant #vit.expr<ref, [@h]> : tensor<16x16x3x3xf32>
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x36x8xf32>
  %0 = vit.linear %x, %g : tensor<?x36x8xf32>, tensor<16x8xf32> -> tensor<?x36x16xf32>
  %e = tensor.empty(%b) : tensor<?x16x36xf32>
  %1 = linalg.transpose ins(%0 : tensor<?x36x16xf32>) outs(%e : tensor<?x16x36xf32>) permutation = [0, 2, 1]
  %2 = tensor.expand_shape %1 [[0], [1], [2, 3]] output_shape [%b, 16, 6, 6] : tensor<?x16x36xf32> into tensor<?x16x6x6xf32>
  %3 = vit.conv2d %2, %h pad [1, 1, 1, 1] : tensor<?x16x6x6xf32>, tensor<16x16x3x3xf32> -> tensor<?x16x6x6xf32>
  %4 = vit.linear %0, %u : tensor<?x36x16xf32>, tensor<8x16xf32> -> tensor<?x36x8xf32>
  return %3, %4 : tensor<?x16x6x6xf32>, tensor<?x36x8xf32>
}
