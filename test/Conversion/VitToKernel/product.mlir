// RUN: vit-opt %s -convert-vit-to-kernel -canonicalize | FileCheck %s

vit.weight @w : tensor<8x16xf32> seed(1 mean 0.0 scale 1.0)

// A constant right side, of which k is the first dim, is packed in the file.
// CHECK-DAG: #[[$PLAIN:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[$PANELS:.*]] = affine_map<(d0, d1, d2) -> (d0, (d2 floordiv 64) * 1024 + d1 * 64 + d2 mod 64)>
// CHECK-DAG: #[[$PANEL:.*]] = affine_map<(d0, d1, d2) -> (d0, d1 * 32 + d2)>
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

// A norm writes what the product reads: 128 columns are panels of 64, and 9 rows
// are padded to 16.
// CHECK-LABEL: func @packed_norm(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x9x128xf32>, %[[E:[^ ]+]]: tensor<4x9xf32>
//       CHECK:   %[[INIT:.*]] = tensor.empty(%{{.*}}) : tensor<?x2048xf32>
//       CHECK:   %[[PACKED:.*]] = kernel.norm {{.*}} input(%[[X]] {{.*}} init(%[[INIT]] at #[[$PANELS]] : tensor<?x2048xf32>)
//   CHECK-NOT:   kernel.gather
//       CHECK:   kernel.gemm {{.*}} n 128 k 9 lhs(%[[E]] {{.*}} weights(%[[PACKED]] : tensor<?x2048xf32>)
#tokens = affine_map<(b, n, e, k) -> (b, n, e)>
#projection = affine_map<(b, n, e, k) -> (k, n)>
#projected = affine_map<(b, n, e, k) -> (b, k, e)>
func.func @packed_norm(%x: tensor<?x9x128xf32>, %e: tensor<4x9xf32>) -> tensor<?x4x128xf32> {
  %c0 = arith.constant 0 : index
  %z = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : tensor<?x9x128xf32>
  %empty = tensor.empty(%b) : tensor<?x4x128xf32>
  %f = linalg.fill ins(%z : f32) outs(%empty : tensor<?x4x128xf32>) -> tensor<?x4x128xf32>
  %n = vit.layer_norm %x epsilon 1.0e-05 : tensor<?x9x128xf32>
  %0 = linalg.contract indexing_maps = [#tokens, #projection, #projected]
      ins(%n, %e : tensor<?x9x128xf32>, tensor<4x9xf32>) outs(%f : tensor<?x4x128xf32>) -> tensor<?x4x128xf32>
  return %0 : tensor<?x4x128xf32>
}

// 32 columns are one panel of 32.
// CHECK-LABEL: func @packed_norm_narrow(
//       CHECK:   %[[PACKED:.*]] = kernel.norm {{.*}} init(%{{.*}} at #[[$PANEL]] : tensor<2x512xf32>)
//   CHECK-NOT:   kernel.gather
//       CHECK:   kernel.gemm {{.*}} weights(%[[PACKED]] : tensor<2x512xf32>)
func.func @packed_norm_narrow(%x: tensor<2x9x32xf32>, %e: tensor<4x9xf32>) -> tensor<2x4x32xf32> {
  %f = arith.constant dense<0.0> : tensor<2x4x32xf32>
  %n = vit.layer_norm %x epsilon 1.0e-05 : tensor<2x9x32xf32>
  %0 = linalg.contract indexing_maps = [#tokens, #projection, #projected]
      ins(%n, %e : tensor<2x9x32xf32>, tensor<4x9xf32>) outs(%f : tensor<2x4x32xf32>) -> tensor<2x4x32xf32>
  return %0 : tensor<2x4x32xf32>
}

// A tail panel of another width than 64 is no function of the channels' panel.
// CHECK-LABEL: func @negative_packed_norm_tail(
//       CHECK:   kernel.norm {{.*}} -> tensor<2x9x96xf32>
// CHECK-COUNT-2: kernel.gather
//       CHECK:   kernel.gemm
func.func @negative_packed_norm_tail(%x: tensor<2x9x96xf32>, %e: tensor<4x9xf32>) -> tensor<2x4x96xf32> {
  %f = arith.constant dense<0.0> : tensor<2x4x96xf32>
  %n = vit.layer_norm %x epsilon 1.0e-05 : tensor<2x9x96xf32>
  %0 = linalg.contract indexing_maps = [#tokens, #projection, #projected]
      ins(%n, %e : tensor<2x9x96xf32>, tensor<4x9xf32>) outs(%f : tensor<2x4x96xf32>) -> tensor<2x4x96xf32>
  return %0 : tensor<2x4x96xf32>
}

// Another op reads the rows.
// CHECK-LABEL: func @negative_packed_norm_two_readers(
//       CHECK:   kernel.norm {{.*}} -> tensor<2x9x64xf32>
//       CHECK:   kernel.gather
//       CHECK:   kernel.gemm
func.func @negative_packed_norm_two_readers(%x: tensor<2x9x64xf32>, %e: tensor<4x9xf32>)
    -> (tensor<2x4x64xf32>, tensor<2x9x64xf32>) {
  %f = arith.constant dense<0.0> : tensor<2x4x64xf32>
  %n = vit.layer_norm %x epsilon 1.0e-05 : tensor<2x9x64xf32>
  %0 = linalg.contract indexing_maps = [#tokens, #projection, #projected]
      ins(%n, %e : tensor<2x9x64xf32>, tensor<4x9xf32>) outs(%f : tensor<2x4x64xf32>) -> tensor<2x4x64xf32>
  return %0, %n : tensor<2x4x64xf32>, tensor<2x9x64xf32>
}

// The channels are what is summed: panels of tokens would have them strided.
// CHECK-LABEL: func @negative_packed_norm_summed(
//       CHECK:   kernel.norm {{.*}} -> tensor<2x64x32xf32>
//       CHECK:   kernel.gather
//       CHECK:   kernel.gemm {{.*}} n 64 k 32
#query = affine_map<(b, i, j, d) -> (b, i, d)>
#key = affine_map<(b, i, j, d) -> (b, j, d)>
#score = affine_map<(b, i, j, d) -> (b, i, j)>
func.func @negative_packed_norm_summed(%q: tensor<2x4x32xf32>, %x: tensor<2x64x32xf32>) -> tensor<2x4x64xf32> {
  %f = arith.constant dense<0.0> : tensor<2x4x64xf32>
  %n = vit.layer_norm %x epsilon 1.0e-05 : tensor<2x64x32xf32>
  %0 = linalg.contract indexing_maps = [#query, #key, #score]
      ins(%q, %n : tensor<2x4x32xf32>, tensor<2x64x32xf32>) outs(%f : tensor<2x4x64xf32>) -> tensor<2x4x64xf32>
  return %0 : tensor<2x4x64xf32>
}

// Stored as a product reads it, but without the padding of its 9 rows.
// CHECK-LABEL: func @negative_packed_unpadded(
//       CHECK:   %[[PACKED:.*]] = kernel.gather {{.*}} -> tensor<2x1024xf32>
//       CHECK:   kernel.gemm {{.*}} weights(%[[PACKED]] : tensor<2x1024xf32>)
func.func @negative_packed_unpadded(%x: tensor<2x576xf32>, %e: tensor<4x9xf32>) -> tensor<2x4x64xf32> {
  %f = arith.constant dense<0.0> : tensor<2x4x64xf32>
  %n = tensor.expand_shape %x [[0], [1, 2]] output_shape [2, 9, 64] : tensor<2x576xf32> into tensor<2x9x64xf32>
  %0 = linalg.contract indexing_maps = [#tokens, #projection, #projected]
      ins(%n, %e : tensor<2x9x64xf32>, tensor<4x9xf32>) outs(%f : tensor<2x4x64xf32>) -> tensor<2x4x64xf32>
  return %0 : tensor<2x4x64xf32>
}

// Two products read the same keys: they are packed once.
// CHECK-LABEL: func @packed_once(
//       CHECK:   %[[PACKED:.*]] = kernel.gather
//   CHECK-NOT:   kernel.gather
//       CHECK:   kernel.gemm {{.*}} weights(%[[PACKED]] :
//   CHECK-NOT:   kernel.gather
//       CHECK:   kernel.gemm {{.*}} weights(%[[PACKED]] :
#packed_query = affine_map<(b, i, j, d) -> (b, i, d)>
#packed_key = affine_map<(b, i, j, d) -> (b, j, d)>
#packed_score = affine_map<(b, i, j, d) -> (b, i, j)>
func.func @packed_once(%q: tensor<2x1x8xf32>, %r: tensor<2x1x8xf32>, %k: tensor<2x5x8xf32>) -> (tensor<2x1x5xf32>, tensor<2x1x5xf32>) {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x1x5xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<2x1x5xf32>) -> tensor<2x1x5xf32>
  %0 = linalg.contract indexing_maps = [#packed_query, #packed_key, #packed_score] ins(%q, %k : tensor<2x1x8xf32>, tensor<2x5x8xf32>)
      outs(%f : tensor<2x1x5xf32>) -> tensor<2x1x5xf32>
  %1 = linalg.contract indexing_maps = [#packed_query, #packed_key, #packed_score] ins(%r, %k : tensor<2x1x8xf32>, tensor<2x5x8xf32>)
      outs(%f : tensor<2x1x5xf32>) -> tensor<2x1x5xf32>
  return %0, %1 : tensor<2x1x5xf32>, tensor<2x1x5xf32>
}
