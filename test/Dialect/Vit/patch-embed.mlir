// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// CHECK-LABEL: func @patch_embed(
//       CHECK:   vit.patch_embed %{{.*}}, %{{.*}} bias(%{{.*}} : tensor<8xf32>) tokens(%{{.*}} : tensor<1x8xf32>)
//  CHECK-SAME:       position(%{{.*}} : tensor<5x8xf32>) : tensor<?x3x32x32xf32>, tensor<8x3x16x16xf32> -> tensor<?x5x8xf32>
func.func @patch_embed(%image: tensor<?x3x32x32xf32>, %filter: tensor<8x3x16x16xf32>, %b: tensor<8xf32>,
                       %cls: tensor<1x8xf32>, %p: tensor<5x8xf32>) -> tensor<?x5x8xf32> {
  %z = vit.patch_embed %image, %filter bias(%b : tensor<8xf32>) tokens(%cls : tensor<1x8xf32>) position(%p : tensor<5x8xf32>)
      : tensor<?x3x32x32xf32>, tensor<8x3x16x16xf32> -> tensor<?x5x8xf32>
  return %z : tensor<?x5x8xf32>
}

// A 2 x 3 grid of patches, taller than wide, and nothing else.
// CHECK-LABEL: func @patch_embed_plain(
//       CHECK:   vit.patch_embed %{{.*}}, %{{.*}} : tensor<2x1x32x24xf16>, tensor<4x1x16x8xf16> -> tensor<2x6x4xf16>
func.func @patch_embed_plain(%image: tensor<2x1x32x24xf16>, %filter: tensor<4x1x16x8xf16>) -> tensor<2x6x4xf16> {
  %z = vit.patch_embed %image, %filter : tensor<2x1x32x24xf16>, tensor<4x1x16x8xf16> -> tensor<2x6x4xf16>
  return %z : tensor<2x6x4xf16>
}

// CHECK-LABEL: func @patch_embed_norm(
//       CHECK:   vit.patch_embed %{{.*}}, %{{.*}} bias(%{{.*}} : tensor<8xf32>) norm <epsilon = 1.000000e-05 : f64>
//  CHECK-SAME:       : tensor<?x3x32x32xf32>, tensor<8x3x16x16xf32> -> tensor<?x4x8xf32>
func.func @patch_embed_norm(%image: tensor<?x3x32x32xf32>, %f: tensor<8x3x16x16xf32>, %b: tensor<8xf32>) -> tensor<?x4x8xf32> {
  %z = vit.patch_embed %image, %f bias(%b : tensor<8xf32>) norm <epsilon = 1.0e-05 : f64>
      : tensor<?x3x32x32xf32>, tensor<8x3x16x16xf32> -> tensor<?x4x8xf32>
  return %z : tensor<?x4x8xf32>
}
