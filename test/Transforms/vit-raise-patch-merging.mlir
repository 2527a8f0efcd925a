// RUN: vit-opt %s -vit-raise-patch-merging -canonicalize -split-input-file -verify-diagnostics | FileCheck %s

// The paper's, Hugging Face's and torchvision's: a slice an axis.
// CHECK-LABEL: func @patch_merging_slices(
//  CHECK-SAME:   %[[X:.*]]: tensor<1x8x8x3xf32>
//  CHECK-NEXT:   %[[Y:.*]] = vit.patch_merging %[[X]] : tensor<1x8x8x3xf32> -> tensor<1x4x4x12xf32>
//  CHECK-NEXT:   return %[[Y]]
func.func @patch_merging_slices(%x: tensor<1x8x8x3xf32>) -> tensor<1x4x4x12xf32> {
  %even = tensor.extract_slice %x[0, 0, 0, 0] [1, 4, 8, 3] [1, 2, 1, 1] : tensor<1x8x8x3xf32> to tensor<1x4x8x3xf32>
  %odd = tensor.extract_slice %x[0, 1, 0, 0] [1, 4, 8, 3] [1, 2, 1, 1] : tensor<1x8x8x3xf32> to tensor<1x4x8x3xf32>
  %0 = tensor.extract_slice %even[0, 0, 0, 0] [1, 4, 4, 3] [1, 1, 2, 1] : tensor<1x4x8x3xf32> to tensor<1x4x4x3xf32>
  %1 = tensor.extract_slice %odd[0, 0, 0, 0] [1, 4, 4, 3] [1, 1, 2, 1] : tensor<1x4x8x3xf32> to tensor<1x4x4x3xf32>
  %2 = tensor.extract_slice %even[0, 0, 1, 0] [1, 4, 4, 3] [1, 1, 2, 1] : tensor<1x4x8x3xf32> to tensor<1x4x4x3xf32>
  %3 = tensor.extract_slice %odd[0, 0, 1, 0] [1, 4, 4, 3] [1, 1, 2, 1] : tensor<1x4x8x3xf32> to tensor<1x4x4x3xf32>
  %4 = tensor.concat dim(3) %0, %1, %2, %3 : (tensor<1x4x4x3xf32>, tensor<1x4x4x3xf32>, tensor<1x4x4x3xf32>, tensor<1x4x4x3xf32>) -> tensor<1x4x4x12xf32>
  return %4 : tensor<1x4x4x12xf32>
}

// timm's: reshape, permute, flatten.
// CHECK-LABEL: func @patch_merging_transpose(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x8x6x3xf32>
//  CHECK-NEXT:   %[[Y:.*]] = vit.patch_merging %[[X]] : tensor<?x8x6x3xf32> -> tensor<?x4x3x12xf32>
//  CHECK-NEXT:   return %[[Y]]
func.func @patch_merging_transpose(%x: tensor<?x8x6x3xf32>) -> tensor<?x4x3x12xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x8x6x3xf32>
  %0 = tensor.expand_shape %x [[0], [1, 2], [3, 4], [5]] output_shape [%b, 4, 2, 3, 2, 3] : tensor<?x8x6x3xf32> into tensor<?x4x2x3x2x3xf32>
  %e = tensor.empty(%b) : tensor<?x4x3x2x2x3xf32>
  %1 = linalg.transpose ins(%0 : tensor<?x4x2x3x2x3xf32>) outs(%e : tensor<?x4x3x2x2x3xf32>) permutation = [0, 1, 3, 4, 2, 5]
  %2 = tensor.collapse_shape %1 [[0], [1], [2], [3, 4, 5]] : tensor<?x4x3x2x2x3xf32> into tensor<?x4x3x12xf32>
  return %2 : tensor<?x4x3x12xf32>
}

// -----

// The neighbours of a row first: another order of channels.
// CHECK-LABEL: func @negative_patch_merging_order(
//   CHECK-NOT:   vit.patch_merging
func.func @negative_patch_merging_order(%x: tensor<1x8x8x3xf32>) -> tensor<1x4x4x12xf32> {
  %0 = tensor.extract_slice %x[0, 0, 0, 0] [1, 4, 4, 3] [1, 2, 2, 1] : tensor<1x8x8x3xf32> to tensor<1x4x4x3xf32>
  %1 = tensor.extract_slice %x[0, 0, 1, 0] [1, 4, 4, 3] [1, 2, 2, 1] : tensor<1x8x8x3xf32> to tensor<1x4x4x3xf32>
  %2 = tensor.extract_slice %x[0, 1, 0, 0] [1, 4, 4, 3] [1, 2, 2, 1] : tensor<1x8x8x3xf32> to tensor<1x4x4x3xf32>
  %3 = tensor.extract_slice %x[0, 1, 1, 0] [1, 4, 4, 3] [1, 2, 2, 1] : tensor<1x8x8x3xf32> to tensor<1x4x4x3xf32>
  // expected-remark @below {{not raised to vit.patch_merging: the neighbours do not go down each column first}}
  %4 = tensor.concat dim(3) %0, %1, %2, %3 : (tensor<1x4x4x3xf32>, tensor<1x4x4x3xf32>, tensor<1x4x4x3xf32>, tensor<1x4x4x3xf32>) -> tensor<1x4x4x12xf32>
  return %4 : tensor<1x4x4x12xf32>
}

// -----

// Quarters of the map, not neighbours.
// CHECK-LABEL: func @negative_patch_merging_quarters(
//   CHECK-NOT:   vit.patch_merging
func.func @negative_patch_merging_quarters(%x: tensor<1x8x8x3xf32>) -> tensor<1x4x4x12xf32> {
  %0 = tensor.extract_slice %x[0, 0, 0, 0] [1, 4, 4, 3] [1, 1, 1, 1] : tensor<1x8x8x3xf32> to tensor<1x4x4x3xf32>
  %1 = tensor.extract_slice %x[0, 4, 0, 0] [1, 4, 4, 3] [1, 1, 1, 1] : tensor<1x8x8x3xf32> to tensor<1x4x4x3xf32>
  %2 = tensor.extract_slice %x[0, 0, 4, 0] [1, 4, 4, 3] [1, 1, 1, 1] : tensor<1x8x8x3xf32> to tensor<1x4x4x3xf32>
  %3 = tensor.extract_slice %x[0, 4, 4, 0] [1, 4, 4, 3] [1, 1, 1, 1] : tensor<1x8x8x3xf32> to tensor<1x4x4x3xf32>
  %4 = tensor.concat dim(3) %0, %1, %2, %3 : (tensor<1x4x4x3xf32>, tensor<1x4x4x3xf32>, tensor<1x4x4x3xf32>, tensor<1x4x4x3xf32>) -> tensor<1x4x4x12xf32>
  return %4 : tensor<1x4x4x12xf32>
}

// Patches of 2 x 3 are no 2 x 2 neighbours.
// CHECK-LABEL: func @negative_patch_merging_three(
//   CHECK-NOT:   vit.patch_merging
func.func @negative_patch_merging_three(%x: tensor<1x4x2x3x3x5xf32>) -> tensor<1x4x3x3x2x5xf32> {
  %e = tensor.empty() : tensor<1x4x3x3x2x5xf32>
  %0 = linalg.transpose ins(%x : tensor<1x4x2x3x3x5xf32>) outs(%e : tensor<1x4x3x3x2x5xf32>) permutation = [0, 1, 3, 4, 2, 5]
  return %0 : tensor<1x4x3x3x2x5xf32>
}
