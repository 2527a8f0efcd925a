// RUN: vit-opt %s -convert-vit-to-kernel -canonicalize | FileCheck %s

vit.weight @f : tensor<16x8x3x3xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @g : tensor<24x16xf32> seed(2 mean 0.0 scale 1.0)
vit.weight @h : tensor<16x16x3x3xf32> seed(3 mean 0.0 scale 1.0)

#map = affine_map<(b, c, y, x) -> (b, c, y, x)>
#channels = affine_map<(b, c, y, x) -> (b, c)>
#all = affine_map<(b, c, k, y, x) -> (b, c, k, y, x)>
#first = affine_map<(b, c, k, y, x) -> (b, c, k, 0, 0)>
#sums = affine_map<(b, c, k, y, x) -> (b, c, k)>

// The sums of chunks are statistics of the convolution that writes the map.
// CHECK-DAG: #[[$SUMS:.*]] = affine_map<(d0, d1, d2) -> (d0, d2, 0, d1)>
// CHECK-DAG: #[[$SQUARES:.*]] = affine_map<(d0, d1, d2) -> (d0, d2, 1, d1)>
// CHECK-DAG: #[[$SLICE:.*]] = affine_map<(d0, d1, d2) -> (d0, d2, 0, d1 + 8)>
// CHECK-DAG: #[[$CHANNEL:.*]] = affine_map<(d0, d1) -> (d0, d1 mod 16)>
// CHECK-LABEL: func @statistics(
//       CHECK:   %[[Y:.*]]:2 = kernel.gemm {{.*}} statistics(%{{.*}} : tensor<?x2x2x16xf32>) -> tensor<?x6x6x16xf32>, tensor<?x2x2x16xf32>
//       CHECK:   kernel.gather {{.*}} input(%[[Y]]#1 at #[[$SUMS]]
//       CHECK:   kernel.gather {{.*}} input(%[[Y]]#1 at #[[$SQUARES]]
//   CHECK-NOT:   reduce
func.func @statistics(%x: tensor<?x8x8x8xf32>) -> (tensor<?x16x2xf32>, tensor<?x16x2xf32>) {
  %f = vit.constant #vit.expr<ref, [@f]> : tensor<16x8x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x8x8x8xf32>
  %0 = vit.conv2d %x, %f : tensor<?x8x8x8xf32>, tensor<16x8x3x3xf32> -> tensor<?x16x6x6xf32>
  %1 = tensor.expand_shape %0 [[0], [1], [2, 3], [4]] output_shape [%b, 16, 2, 3, 6]
      : tensor<?x16x6x6xf32> into tensor<?x16x2x3x6xf32>
  %e = tensor.empty(%b) : tensor<?x16x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x16x2xf32>) -> tensor<?x16x2xf32>
  %2:2 = linalg.generic {
      indexing_maps = [#all, #first, #sums, #sums],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%1, %1 : tensor<?x16x2x3x6xf32>, tensor<?x16x2x3x6xf32>) outs(%z, %z : tensor<?x16x2xf32>, tensor<?x16x2xf32>) {
  ^bb0(%in: f32, %p: f32, %sum: f32, %squares: f32):
    %d = arith.subf %in, %p : f32
    %dd = arith.mulf %d, %d : f32
    %s = arith.addf %sum, %d : f32
    %q = arith.addf %squares, %dd : f32
    linalg.yield %s, %q : f32, f32
  } -> (tensor<?x16x2xf32>, tensor<?x16x2xf32>)
  return %2#0, %2#1 : tensor<?x16x2xf32>, tensor<?x16x2xf32>
}

// Those of a slice of a product's columns begin where the slice does. The rows
// of a 1x1 convolution's product are the pixels.
// CHECK-LABEL: func @statistics_slice(
//       CHECK:   %[[Y:.*]]:2 = kernel.gemm {{.*}} n 24 k 16 {{.*}} statistics(%{{.*}} : tensor<?x2x2x24xf32>)
//       CHECK:   kernel.gather {{.*}} input(%[[Y]]#1 at #[[$SLICE]]
func.func @statistics_slice(%x: tensor<?x6x6x16xf32>) -> tensor<?x16x2xf32> {
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<24x16xf32>
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x6x6x16xf32>
  %0 = vit.linear %x, %g : tensor<?x6x6x16xf32>, tensor<24x16xf32> -> tensor<?x6x6x24xf32>
  %t = tensor.extract_slice %0[0, 0, 0, 8] [%b, 6, 6, 16] [1, 1, 1, 1] : tensor<?x6x6x24xf32> to tensor<?x6x6x16xf32>
  %te = tensor.empty(%b) : tensor<?x16x6x6xf32>
  %u = linalg.transpose ins(%t : tensor<?x6x6x16xf32>) outs(%te : tensor<?x16x6x6xf32>) permutation = [0, 3, 1, 2]
  %1 = tensor.expand_shape %u [[0], [1], [2, 3], [4]] output_shape [%b, 16, 2, 3, 6]
      : tensor<?x16x6x6xf32> into tensor<?x16x2x3x6xf32>
  %e = tensor.empty(%b) : tensor<?x16x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x16x2xf32>) -> tensor<?x16x2xf32>
  %2:2 = linalg.generic {
      indexing_maps = [#all, #first, #sums, #sums],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%1, %1 : tensor<?x16x2x3x6xf32>, tensor<?x16x2x3x6xf32>) outs(%z, %z : tensor<?x16x2xf32>, tensor<?x16x2xf32>) {
  ^bb0(%in: f32, %p: f32, %sum: f32, %squares: f32):
    %d = arith.subf %in, %p : f32
    %dd = arith.mulf %d, %d : f32
    %s = arith.addf %sum, %d : f32
    %q = arith.addf %squares, %dd : f32
    linalg.yield %s, %q : f32, f32
  } -> (tensor<?x16x2xf32>, tensor<?x16x2xf32>)
  return %2#0 : tensor<?x16x2xf32>
}

// Sums of the rows of the map's transpose are not those of a product's rows:
// they are summed by kernels of their own.
// CHECK-LABEL: func @negative_statistics_columns(
//       CHECK:   kernel.gemm
//   CHECK-NOT:   statistics
//       CHECK:   kernel.generic {{.*}} reduce [6, 3]
//       CHECK:   kernel.generic {{.*}} reduce [6, 3]
func.func @negative_statistics_columns(%x: tensor<?x8x8x8xf32>) -> (tensor<?x16x2xf32>, tensor<?x16x2xf32>) {
  %f = vit.constant #vit.expr<ref, [@f]> : tensor<16x8x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x8x8x8xf32>
  %0 = vit.conv2d %x, %f : tensor<?x8x8x8xf32>, tensor<16x8x3x3xf32> -> tensor<?x16x6x6xf32>
  %te = tensor.empty(%b) : tensor<?x16x6x6xf32>
  %t = linalg.transpose ins(%0 : tensor<?x16x6x6xf32>) outs(%te : tensor<?x16x6x6xf32>) permutation = [0, 1, 3, 2]
  %1 = tensor.expand_shape %t [[0], [1], [2, 3], [4]] output_shape [%b, 16, 2, 3, 6]
      : tensor<?x16x6x6xf32> into tensor<?x16x2x3x6xf32>
  %e = tensor.empty(%b) : tensor<?x16x2xf32>
  %z = linalg.fill ins(%zero : f32) outs(%e : tensor<?x16x2xf32>) -> tensor<?x16x2xf32>
  %2:2 = linalg.generic {
      indexing_maps = [#all, #first, #sums, #sums],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%1, %1 : tensor<?x16x2x3x6xf32>, tensor<?x16x2x3x6xf32>) outs(%z, %z : tensor<?x16x2xf32>, tensor<?x16x2xf32>) {
  ^bb0(%in: f32, %p: f32, %sum: f32, %squares: f32):
    %d = arith.subf %in, %p : f32
    %dd = arith.mulf %d, %d : f32
    %s = arith.addf %sum, %d : f32
    %q = arith.addf %squares, %dd : f32
    linalg.yield %s, %q : f32, f32
  } -> (tensor<?x16x2xf32>, tensor<?x16x2xf32>)
  return %2#0, %2#1 : tensor<?x16x2xf32>, tensor<?x16x2xf32>
}

// The convolution applies the norm to what it reads.
// CHECK-LABEL: func @scaled(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x6x6x16xf32>, %[[S:[^ ]+]]: tensor<?x16xf32>, %[[T:[^ ]+]]: tensor<?x16xf32>
//   CHECK-NOT:   kernel.generic
//       CHECK:   kernel.gemm {{.*}} lhs(%[[X]] {{.*}} zero_outside lhs_scale(%[[S]] at #[[$CHANNEL]] {{.*}} lhs_shift(%[[T]] {{.*}} lhs_activation relu weights
func.func @scaled(%i: tensor<?x6x6x16xf32>, %s: tensor<?x16xf32>, %t: tensor<?x16xf32>) -> tensor<?x16x6x6xf32> {
  %h = vit.constant #vit.expr<ref, [@h]> : tensor<16x16x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %b = tensor.dim %i, %c0 : tensor<?x6x6x16xf32>
  %e = tensor.empty(%b) : tensor<?x16x6x6xf32>
  %x = linalg.transpose ins(%i : tensor<?x6x6x16xf32>) outs(%e : tensor<?x16x6x6xf32>) permutation = [0, 3, 1, 2]
  %0 = linalg.generic {
      indexing_maps = [#map, #channels, #channels, #map],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %s, %t : tensor<?x16x6x6xf32>, tensor<?x16xf32>, tensor<?x16xf32>) outs(%e : tensor<?x16x6x6xf32>) {
  ^bb0(%in: f32, %scale: f32, %shift: f32, %out: f32):
    %2 = arith.mulf %in, %scale : f32
    %3 = arith.addf %2, %shift : f32
    %4 = arith.maximumf %3, %zero : f32
    linalg.yield %4 : f32
  } -> tensor<?x16x6x6xf32>
  %1 = vit.conv2d %0, %h pad [1, 1, 1, 1] : tensor<?x16x6x6xf32>, tensor<16x16x3x3xf32> -> tensor<?x16x6x6xf32>
  return %1 : tensor<?x16x6x6xf32>
}

// A residual is added, not multiplied: the normalised map is stored.
// CHECK-LABEL: func @negative_scaled_residual(
//       CHECK:   %[[Y:.*]] = kernel.generic
//       CHECK:   kernel.gemm {{.*}} lhs(%[[Y]]
//   CHECK-NOT:   lhs_scale
func.func @negative_scaled_residual(%x: tensor<?x16x6x6xf32>, %s: tensor<?x16xf32>, %t: tensor<?x16xf32>) -> tensor<?x16x6x6xf32> {
  %h = vit.constant #vit.expr<ref, [@h]> : tensor<16x16x3x3xf32>
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x16x6x6xf32>
  %e = tensor.empty(%b) : tensor<?x16x6x6xf32>
  %0 = linalg.generic {
      indexing_maps = [#map, #channels, #channels, #map],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %s, %t : tensor<?x16x6x6xf32>, tensor<?x16xf32>, tensor<?x16xf32>) outs(%e : tensor<?x16x6x6xf32>) {
  ^bb0(%in: f32, %scale: f32, %shift: f32, %out: f32):
    %2 = arith.mulf %in, %scale : f32
    %3 = arith.addf %2, %shift : f32
    linalg.yield %3 : f32
  } -> tensor<?x16x6x6xf32>
  %1 = vit.conv2d %0, %h residual(%0 : tensor<?x16x6x6xf32>) pad [1, 1, 1, 1]
      : tensor<?x16x6x6xf32>, tensor<16x16x3x3xf32> -> tensor<?x16x6x6xf32>
  return %1 : tensor<?x16x6x6xf32>
}

// A scale for each row of pixels changes along a row of the product.
// CHECK-LABEL: func @negative_scaled_rows(
//       CHECK:   kernel.generic
//       CHECK:   kernel.gemm
//   CHECK-NOT:   lhs_scale
func.func @negative_scaled_rows(%x: tensor<?x16x6x6xf32>, %s: tensor<?x6xf32>, %t: tensor<?x6xf32>) -> tensor<?x16x6x6xf32> {
  %h = vit.constant #vit.expr<ref, [@h]> : tensor<16x16x3x3xf32>
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x16x6x6xf32>
  %e = tensor.empty(%b) : tensor<?x16x6x6xf32>
  %0 = linalg.generic {
      indexing_maps = [#map, affine_map<(b, c, y, x) -> (b, y)>, affine_map<(b, c, y, x) -> (b, y)>, #map],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %s, %t : tensor<?x16x6x6xf32>, tensor<?x6xf32>, tensor<?x6xf32>) outs(%e : tensor<?x16x6x6xf32>) {
  ^bb0(%in: f32, %scale: f32, %shift: f32, %out: f32):
    %2 = arith.mulf %in, %scale : f32
    %3 = arith.addf %2, %shift : f32
    linalg.yield %3 : f32
  } -> tensor<?x16x6x6xf32>
  %1 = vit.conv2d %0, %h pad [1, 1, 1, 1] : tensor<?x16x6x6xf32>, tensor<16x16x3x3xf32> -> tensor<?x16x6x6xf32>
  return %1 : tensor<?x16x6x6xf32>
}
