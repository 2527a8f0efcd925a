// RUN: vit-opt %s -convert-vit-to-kernel -canonicalize | FileCheck %s

vit.weight @w : tensor<8x16xf32> seed(1 mean 0.0 scale 1.0)

// A constant right side, of which k is the first dim, is packed in the file.
// CHECK-DAG: #[[$PLAIN:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-LABEL: func @constant(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x5x8xf32>, %[[Y:[^ ]+]]: tensor<?x5x16xf32>
//       CHECK:   %[[W:.*]] = kernel.constant #vit.expr<pack, [#vit.expr<transpose, [#vit.expr<ref, [@w]> : tensor<8x16xf32>], params = [1, 0]> : tensor<16x8xf32>]>
//       CHECK:   kernel.gemm batch(%{{.*}}) rows(%{{.*}}) n 16 k 8 lhs(%[[X]] at #[[$PLAIN]] : tensor<?x5x8xf32>)
//  CHECK-SAME:       weights(%[[W]] : tensor<256xf32>) init(%[[Y]] at #[[$PLAIN]]
#x = affine_map<(b, m, n, k) -> (b, m, k)>
#w = affine_map<(b, m, n, k) -> (k, n)>
#y = affine_map<(b, m, n, k) -> (b, m, n)>
func.func @constant(%x: tensor<?x5x8xf32>) -> tensor<?x5x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x16xf32>
  %c0 = arith.constant 0 : index
  %z = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : tensor<?x5x8xf32>
  %e = tensor.empty(%b) : tensor<?x5x16xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x5x16xf32>) -> tensor<?x5x16xf32>
  %0 = linalg.contract indexing_maps = [#x, #w, #y] ins(%x, %w : tensor<?x5x8xf32>, tensor<8x16xf32>)
      outs(%f : tensor<?x5x16xf32>) -> tensor<?x5x16xf32>
  return %0 : tensor<?x5x16xf32>
}

// A computed right side is packed for each image and head: 1 panel of 64
// columns, then 6 more in a panel of 16.
// CHECK-LABEL: func @computed(
//  CHECK-SAME:     %[[P:[^ ]+]]: tensor<?x2x5x70xf32>, %[[V:[^ ]+]]: tensor<?x2x70x70xf32>
//       CHECK:   %[[M:.*]] = arith.muli %{{.*}}, %{{.*}} : index
//       CHECK:   %[[E:.*]] = tensor.empty(%[[M]]) : tensor<?x6400xf32>
//       CHECK:   %[[PANEL:.*]] = kernel.gather batch(%[[M]]) sizes [1, 70, 64] input(%[[V]] {{.*}} init(%[[E]]
//       CHECK:   %[[PACKED:.*]] = kernel.gather batch(%[[M]]) sizes [1, 70, 6] input(%[[V]] {{.*}} init(%[[PANEL]]
//       CHECK:   kernel.gemm batch(%[[M]]) rows(%{{.*}}) n 70 k 70 lhs(%[[P]] at #[[LHS:[^ ]+]] : tensor<?x2x5x70xf32>)
//  CHECK-SAME:       weights(%[[PACKED]] : tensor<?x6400xf32>) init(%{{.*}} at #[[LHS]]
#p = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#v = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#o = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
func.func @computed(%p: tensor<?x2x5x70xf32>, %v: tensor<?x2x70x70xf32>) -> tensor<?x2x5x70xf32> {
  %c0 = arith.constant 0 : index
  %z = arith.constant 0.0 : f32
  %b = tensor.dim %p, %c0 : tensor<?x2x5x70xf32>
  %e = tensor.empty(%b) : tensor<?x2x5x70xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<?x2x5x70xf32>) -> tensor<?x2x5x70xf32>
  %0 = linalg.contract indexing_maps = [#p, #v, #o] ins(%p, %v : tensor<?x2x5x70xf32>, tensor<?x2x70x70xf32>)
      outs(%f : tensor<?x2x5x70xf32>) -> tensor<?x2x5x70xf32>
  return %0 : tensor<?x2x5x70xf32>
}

// The result's last dim is the constant's: the other side has the columns. What
// it is added to is the residual.
// CHECK-LABEL: func @channels_first(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x8x5xf32>, %[[R:[^ ]+]]: tensor<?x16x5xf32>
//       CHECK:   %[[W:.*]] = kernel.constant #vit.expr<transpose, [#vit.expr<ref, [@w]>
//       CHECK:   %[[PACKED:.*]] = kernel.gather
//       CHECK:   kernel.gemm {{.*}} n 5 k 8 lhs(%[[W]] {{.*}} weights(%[[PACKED]] {{.*}} residual(%[[R]] at #[[$PLAIN]]
#filter = affine_map<(b, o, n, c) -> (c, o)>
#map = affine_map<(b, o, n, c) -> (b, c, n)>
#out = affine_map<(b, o, n, c) -> (b, o, n)>
func.func @channels_first(%x: tensor<?x8x5xf32>, %r: tensor<?x16x5xf32>) -> tensor<?x16x5xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<8x16xf32>
  %0 = linalg.contract indexing_maps = [#filter, #map, #out] ins(%w, %x : tensor<8x16xf32>, tensor<?x8x5xf32>)
      outs(%r : tensor<?x16x5xf32>) -> tensor<?x16x5xf32>
  return %0 : tensor<?x16x5xf32>
}

// No gemm: what is not f32 becomes a sum.
// CHECK-LABEL: func @negative_product_of_integers(
//       CHECK:   kernel.generic {{.*}} reduce [8]
#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
func.func @negative_product_of_integers(%x: tensor<4x8xi32>, %y: tensor<8x4xi32>) -> tensor<4x4xi32> {
  %z = arith.constant 0 : i32
  %e = tensor.empty() : tensor<4x4xi32>
  %f = linalg.fill ins(%z : i32) outs(%e : tensor<4x4xi32>) -> tensor<4x4xi32>
  %0 = linalg.contract indexing_maps = [#a, #b, #c] ins(%x, %y : tensor<4x8xi32>, tensor<8x4xi32>)
      outs(%f : tensor<4x4xi32>) -> tensor<4x4xi32>
  return %0 : tensor<4x4xi32>
}
