// RUN: vit-opt %s -convert-vit-to-linalg -canonicalize -cse | FileCheck %s

// CHECK-LABEL: func @patch_embed(
//  CHECK-SAME:     %[[IMAGE:.*]]: tensor<?x3x32x24xf32>, %[[FILTER:.*]]: tensor<8x3x16x8xf32>, %[[BIAS:.*]]: tensor<8xf32>
//  CHECK-SAME:     %[[CLS:.*]]: tensor<1x8xf32>, %[[POSITION:.*]]: tensor<7x8xf32>
//       CHECK:   %[[GRID:.*]] = linalg.conv_2d_nchw_fchw
//  CHECK-SAME:       strides = dense<[16, 8]>
//  CHECK-SAME:       ins(%[[IMAGE]], %[[FILTER]] : {{.*}} -> tensor<?x8x2x3xf32>
//       CHECK:   %[[ROWS:.*]] = tensor.collapse_shape %[[GRID]] {{\[\[}}0], [1], [2, 3]]
//       CHECK:   %[[PATCHES:.*]] = linalg.transpose ins(%[[ROWS]] : {{.*}} permutation = [0, 2, 1]
//       CHECK:   %[[BIASED:.*]] = linalg.generic {{.*}}ins(%[[PATCHES]], %[[BIAS]]
//       CHECK:   %[[TOKENS:.*]] = linalg.generic {{.*}}ins(%[[CLS]]
//       CHECK:   %[[FRONT:.*]] = tensor.insert_slice %[[TOKENS]] into %{{.*}}[0, 0, 0] [%{{.*}}, 1, 8] [1, 1, 1]
//       CHECK:   %[[ALL:.*]] = tensor.insert_slice %[[BIASED]] into %[[FRONT]][0, 1, 0] [%{{.*}}, 6, 8] [1, 1, 1]
//       CHECK:   linalg.generic {{.*}}ins(%[[ALL]], %[[POSITION]]
func.func @patch_embed(%image: tensor<?x3x32x24xf32>, %filter: tensor<8x3x16x8xf32>, %b: tensor<8xf32>,
                       %cls: tensor<1x8xf32>, %p: tensor<7x8xf32>) -> tensor<?x7x8xf32> {
  %0 = vit.patch_embed %image, %filter bias(%b : tensor<8xf32>) tokens(%cls : tensor<1x8xf32>) position(%p : tensor<7x8xf32>)
      : tensor<?x3x32x24xf32>, tensor<8x3x16x8xf32> -> tensor<?x7x8xf32>
  return %0 : tensor<?x7x8xf32>
}

// CHECK-LABEL: func @patch_embed_plain(
//       CHECK:   linalg.conv_2d_nchw_fchw
//       CHECK:   %[[T:.*]] = linalg.transpose
//  CHECK-NEXT:   return %[[T]]
func.func @patch_embed_plain(%image: tensor<1x3x32x32xf64>, %filter: tensor<8x3x16x16xf64>) -> tensor<1x4x8xf64> {
  %0 = vit.patch_embed %image, %filter : tensor<1x3x32x32xf64>, tensor<8x3x16x16xf64> -> tensor<1x4x8xf64>
  return %0 : tensor<1x4x8xf64>
}
