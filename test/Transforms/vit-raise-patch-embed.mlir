// RUN: vit-opt %s -vit-raise-patch-embed -canonicalize -split-input-file -verify-diagnostics | FileCheck %s

// A convolution, flatten(2), transpose(1, 2).
// CHECK-LABEL: func @patch_embed_flatten(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x3x8x12xf32>, %[[W:.*]]: tensor<16x3x4x4xf32>, %[[B:.*]]: tensor<16xf32>
//  CHECK-NEXT:   %[[Y:.*]] = vit.patch_embed %[[X]], %[[W]] bias(%[[B]] : tensor<16xf32>) : tensor<?x3x8x12xf32>, tensor<16x3x4x4xf32> -> tensor<?x6x16xf32>
//  CHECK-NEXT:   return %[[Y]]
func.func @patch_embed_flatten(%x: tensor<?x3x8x12xf32>, %w: tensor<16x3x4x4xf32>, %b: tensor<16xf32>) -> tensor<?x6x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x3x8x12xf32>
  %0 = vit.conv2d %x, %w bias(%b : tensor<16xf32>) stride [4, 4] : tensor<?x3x8x12xf32>, tensor<16x3x4x4xf32> -> tensor<?x16x2x3xf32>
  %1 = tensor.collapse_shape %0 [[0], [1], [2, 3]] : tensor<?x16x2x3xf32> into tensor<?x16x6xf32>
  %e = tensor.empty(%n) : tensor<?x6x16xf32>
  %2 = linalg.transpose ins(%1 : tensor<?x16x6xf32>) outs(%e : tensor<?x6x16xf32>) permutation = [0, 2, 1]
  return %2 : tensor<?x6x16xf32>
}

// Swin's and timm's: permute(0, 2, 3, 1), which stays a map.
// CHECK-LABEL: func @patch_embed_map(
//       CHECK:   %[[Y:.*]] = vit.patch_embed %{{.*}}, %{{.*}} : tensor<1x3x8x12xf32>, tensor<16x3x4x4xf32> -> tensor<1x6x16xf32>
//  CHECK-NEXT:   %[[M:.*]] = tensor.expand_shape %[[Y]] {{.*}} into tensor<1x2x3x16xf32>
//  CHECK-NEXT:   return %[[M]]
func.func @patch_embed_map(%x: tensor<1x3x8x12xf32>, %w: tensor<16x3x4x4xf32>) -> tensor<1x2x3x16xf32> {
  %0 = vit.conv2d %x, %w stride [4, 4] : tensor<1x3x8x12xf32>, tensor<16x3x4x4xf32> -> tensor<1x16x2x3xf32>
  %e = tensor.empty() : tensor<1x2x3x16xf32>
  %1 = linalg.transpose ins(%0 : tensor<1x16x2x3xf32>) outs(%e : tensor<1x2x3x16xf32>) permutation = [0, 2, 3, 1]
  return %1 : tensor<1x2x3x16xf32>
}

// The same with nothing between the convolution and the op that goes.
// CHECK-LABEL: func @patch_embed_map_next(
//       CHECK:   vit.patch_embed
//   CHECK-NOT:   linalg.transpose
func.func @patch_embed_map_next(%x: tensor<1x3x8x12xf32>, %w: tensor<16x3x4x4xf32>) -> tensor<1x2x3x16xf32> {
  %e = tensor.empty() : tensor<1x2x3x16xf32>
  %0 = vit.conv2d %x, %w stride [4, 4] : tensor<1x3x8x12xf32>, tensor<16x3x4x4xf32> -> tensor<1x16x2x3xf32>
  %1 = linalg.transpose ins(%0 : tensor<1x16x2x3xf32>) outs(%e : tensor<1x2x3x16xf32>) permutation = [0, 2, 3, 1]
  return %1 : tensor<1x2x3x16xf32>
}

// A hybrid model's 1 x 1 patches of a map, before a class token and positions.
// CHECK-LABEL: func @patch_embed_pointwise(
//  CHECK-SAME:   %[[X:.*]]: tensor<1x3x2x3xf32>
//       CHECK:   %[[Y:.*]] = vit.patch_embed %[[X]], %{{.*}} : tensor<1x3x2x3xf32>, tensor<16x3x1x1xf32> -> tensor<1x6x16xf32>
//  CHECK-NEXT:   tensor.concat dim(1) %{{.*}}, %[[Y]]
//       CHECK:   %[[Z:.*]] = vit.patch_embed
//  CHECK-NEXT:   arith.addf %[[Z]]
func.func @patch_embed_pointwise(%x: tensor<1x3x2x3xf32>, %w: tensor<16x3x1x1xf32>, %cls: tensor<1x1x16xf32>)
    -> (tensor<1x7x16xf32>, tensor<1x6x16xf32>) {
  %pos = arith.constant dense<2.0> : tensor<1x6x16xf32>
  %0 = vit.conv2d %x, %w : tensor<1x3x2x3xf32>, tensor<16x3x1x1xf32> -> tensor<1x16x2x3xf32>
  %1 = tensor.collapse_shape %0 [[0], [1], [2, 3]] : tensor<1x16x2x3xf32> into tensor<1x16x6xf32>
  %e = tensor.empty() : tensor<1x6x16xf32>
  %2 = linalg.transpose ins(%1 : tensor<1x16x6xf32>) outs(%e : tensor<1x6x16xf32>) permutation = [0, 2, 1]
  %3 = tensor.concat dim(1) %cls, %2 : (tensor<1x1x16xf32>, tensor<1x6x16xf32>) -> tensor<1x7x16xf32>
  %4 = vit.conv2d %x, %w : tensor<1x3x2x3xf32>, tensor<16x3x1x1xf32> -> tensor<1x16x2x3xf32>
  %e1 = tensor.empty() : tensor<1x2x3x16xf32>
  %5 = linalg.transpose ins(%4 : tensor<1x16x2x3xf32>) outs(%e1 : tensor<1x2x3x16xf32>) permutation = [0, 2, 3, 1]
  %6 = tensor.collapse_shape %5 [[0], [1, 2], [3]] : tensor<1x2x3x16xf32> into tensor<1x6x16xf32>
  %7 = arith.addf %6, %pos : tensor<1x6x16xf32>
  return %3, %7 : tensor<1x7x16xf32>, tensor<1x6x16xf32>
}

// A linear layer of tokens that is written as a convolution.
// CHECK-LABEL: func @negative_patch_embed_pointwise(
//   CHECK-NOT:   vit.patch_embed
func.func @negative_patch_embed_pointwise(%x: tensor<1x3x2x3xf32>, %w: tensor<16x3x1x1xf32>) -> tensor<1x2x3x16xf32> {
  %0 = vit.conv2d %x, %w : tensor<1x3x2x3xf32>, tensor<16x3x1x1xf32> -> tensor<1x16x2x3xf32>
  %e = tensor.empty() : tensor<1x2x3x16xf32>
  %1 = linalg.transpose ins(%0 : tensor<1x16x2x3xf32>) outs(%e : tensor<1x2x3x16xf32>) permutation = [0, 2, 3, 1]
  return %1 : tensor<1x2x3x16xf32>
}

// The map is read by another convolution, too.
// CHECK-LABEL: func @negative_patch_embed_map_user(
//   CHECK-NOT:   vit.patch_embed
func.func @negative_patch_embed_map_user(%x: tensor<1x3x8x8xf32>, %w: tensor<16x3x4x4xf32>) -> (tensor<1x2x2x16xf32>, tensor<1x16x2x2xf32>) {
  %0 = vit.conv2d %x, %w stride [4, 4] : tensor<1x3x8x8xf32>, tensor<16x3x4x4xf32> -> tensor<1x16x2x2xf32>
  %e = tensor.empty() : tensor<1x2x2x16xf32>
  %1 = linalg.transpose ins(%0 : tensor<1x16x2x2xf32>) outs(%e : tensor<1x2x2x16xf32>) permutation = [0, 2, 3, 1]
  return %1, %0 : tensor<1x2x2x16xf32>, tensor<1x16x2x2xf32>
}

// -----

// Kernels that overlap.
// CHECK-LABEL: func @negative_patch_embed_overlap(
//   CHECK-NOT:   vit.patch_embed
func.func @negative_patch_embed_overlap(%x: tensor<1x3x8x8xf32>, %w: tensor<16x3x4x4xf32>) -> tensor<1x3x3x16xf32> {
  // expected-remark @below {{not raised to vit.patch_embed: its kernels do not tile the image}}
  %0 = vit.conv2d %x, %w stride [2, 2] : tensor<1x3x8x8xf32>, tensor<16x3x4x4xf32> -> tensor<1x16x3x3xf32>
  %e = tensor.empty() : tensor<1x3x3x16xf32>
  %1 = linalg.transpose ins(%0 : tensor<1x16x3x3xf32>) outs(%e : tensor<1x3x3x16xf32>) permutation = [0, 2, 3, 1]
  return %1 : tensor<1x3x3x16xf32>
}

// -----

// Kernels that leave the last row and column out.
// CHECK-LABEL: func @negative_patch_embed_rest(
//   CHECK-NOT:   vit.patch_embed
func.func @negative_patch_embed_rest(%x: tensor<1x3x9x9xf32>, %w: tensor<16x3x4x4xf32>) -> tensor<1x2x2x16xf32> {
  // expected-remark @below {{its kernels do not tile the image}}
  %0 = vit.conv2d %x, %w stride [4, 4] : tensor<1x3x9x9xf32>, tensor<16x3x4x4xf32> -> tensor<1x16x2x2xf32>
  %e = tensor.empty() : tensor<1x2x2x16xf32>
  %1 = linalg.transpose ins(%0 : tensor<1x16x2x2xf32>) outs(%e : tensor<1x2x2x16xf32>) permutation = [0, 2, 3, 1]
  return %1 : tensor<1x2x2x16xf32>
}
