// RUN: vit-opt %s -convert-vit-to-kernel -canonicalize -split-input-file | FileCheck %s

vit.weight @filter : tensor<8x3x2x4xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @bias : tensor<8xf32> seed(2 mean 0.0 scale 1.0)
vit.weight @cls : tensor<1x8xf32> seed(3 mean 0.0 scale 1.0)
vit.weight @position : tensor<5x8xf32> seed(4 mean 0.0 scale 1.0)

// Patches of 2 x 4 pixels, two a row of the picture, which the projection reads in
// place. Tokens come first: it writes from token 1 on and adds the positions from 1
// on.
// CHECK-DAG: #[[$PIXEL:.*]] = affine_map<(d0, d1, d2) -> (d0, d2 floordiv 8, (d1 floordiv 2) * 2 + (d2 floordiv 4) mod 2, (d1 mod 2) * 4 + d2 mod 4)>
// CHECK-DAG: #[[$CLS:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[$ALL:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[$POSITION:.*]] = affine_map<(d0, d1, d2) -> (d1 + 1, d2)>
// CHECK-DAG: #[[$BEHIND:.*]] = affine_map<(d0, d1, d2) -> (d0, d1 + 1, d2)>
// CHECK-LABEL: func @patch_embed(
//  CHECK-SAME:     %[[IMAGE:[^ ]+]]: tensor<?x3x4x8xf32>, %[[Y:[^ ]+]]: tensor<?x5x8xf32>
//       CHECK:   %[[CLS:.*]] = kernel.constant #vit.expr<add, [#vit.expr<ref, [@cls]> : tensor<1x8xf32>, #vit.expr<slice, [#vit.expr<ref, [@position]> : tensor<5x8xf32>], params = [0]> : tensor<1x8xf32>]>
//       CHECK:   %[[TOKENS:.*]] = kernel.gather batch(%{{.*}}) sizes [1, 8] input(%[[CLS]] at #[[$CLS]] : tensor<1x8xf32>) init(%[[Y]] at #[[$ALL]] : tensor<?x5x8xf32>)
//   CHECK-NOT:   kernel.gather
//       CHECK:   %[[O:.*]] = kernel.gemm {{.*}} n 8 k 24 lhs(%[[IMAGE]] at #[[$PIXEL]] : tensor<?x3x4x8xf32>)
//  CHECK-SAME:       residual(%{{.*}} at #[[$POSITION]] : tensor<5x8xf32>) init(%[[TOKENS]] at #[[$BEHIND]] : tensor<?x5x8xf32>)
//       CHECK:   return %[[O]]
func.func @patch_embed(%image: tensor<?x3x4x8xf32>) -> tensor<?x5x8xf32> {
  %filter = vit.constant #vit.expr<ref, [@filter]> : tensor<8x3x2x4xf32>
  %bias = vit.constant #vit.expr<ref, [@bias]> : tensor<8xf32>
  %cls = vit.constant #vit.expr<ref, [@cls]> : tensor<1x8xf32>
  %position = vit.constant #vit.expr<ref, [@position]> : tensor<5x8xf32>
  %0 = vit.patch_embed %image, %filter bias(%bias : tensor<8xf32>) tokens(%cls : tensor<1x8xf32>)
      position(%position : tensor<5x8xf32>) : tensor<?x3x4x8xf32>, tensor<8x3x2x4xf32> -> tensor<?x5x8xf32>
  return %0 : tensor<?x5x8xf32>
}

// -----

vit.weight @filter : tensor<8x3x2x4xf32> seed(1 mean 0.0 scale 1.0)

// CHECK-LABEL: func @patch_embed_plain(
//   CHECK-NOT:   kernel.gather
//       CHECK:   kernel.gemm
//   CHECK-NOT:   residual
//       CHECK:   return
func.func @patch_embed_plain(%image: tensor<2x3x4x8xf32>) -> tensor<2x4x8xf32> {
  %filter = vit.constant #vit.expr<ref, [@filter]> : tensor<8x3x2x4xf32>
  %0 = vit.patch_embed %image, %filter : tensor<2x3x4x8xf32>, tensor<8x3x2x4xf32> -> tensor<2x4x8xf32>
  return %0 : tensor<2x4x8xf32>
}

// -----

vit.weight @filter : tensor<8x3x2x4xf32> seed(1 mean 0.0 scale 1.0)

// CHECK-LABEL: func @patch_embed_norm(
//       CHECK:   kernel.gemm {{.*}} n 8 k 24 {{.*}} norm <epsilon = 1.000000e-05 : f64>
func.func @patch_embed_norm(%image: tensor<2x3x4x8xf32>) -> tensor<2x4x8xf32> {
  %filter = vit.constant #vit.expr<ref, [@filter]> : tensor<8x3x2x4xf32>
  %0 = vit.patch_embed %image, %filter norm <epsilon = 1.0e-05 : f64> : tensor<2x3x4x8xf32>, tensor<8x3x2x4xf32> -> tensor<2x4x8xf32>
  return %0 : tensor<2x4x8xf32>
}
