// RUN: vit-opt %s -vit-raise-windows -canonicalize -split-input-file -verify-diagnostics | FileCheck %s

// The paper's window_partition: view, permute, view, view.
// CHECK-LABEL: func @window_partition(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x8x12x32xf32>
//  CHECK-NEXT:   %[[W:.*]] = vit.window_partition %[[X]] window [4, 6] : tensor<?x8x12x32xf32> -> tensor<?x24x32xf32>
//  CHECK-NEXT:   return %[[W]]
func.func @window_partition(%x: tensor<?x8x12x32xf32>) -> tensor<?x24x32xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x8x12x32xf32>
  %0 = tensor.expand_shape %x [[0], [1, 2], [3, 4], [5]] output_shape [%b, 2, 4, 2, 6, 32] : tensor<?x8x12x32xf32> into tensor<?x2x4x2x6x32xf32>
  %e = tensor.empty(%b) : tensor<?x2x2x4x6x32xf32>
  %1 = linalg.transpose ins(%0 : tensor<?x2x4x2x6x32xf32>) outs(%e : tensor<?x2x2x4x6x32xf32>) permutation = [0, 1, 3, 2, 4, 5]
  %2 = tensor.collapse_shape %1 [[0, 1, 2], [3, 4], [5]] : tensor<?x2x2x4x6x32xf32> into tensor<?x24x32xf32>
  return %2 : tensor<?x24x32xf32>
}

// From tokens [B, H * W, C], as Hugging Face's blocks keep them, to windows of
// four dims, as MaxViT's.
// CHECK-LABEL: func @window_partition_of_tokens(
//  CHECK-SAME:   %[[X:.*]]: tensor<1x64x32xf32>
//  CHECK-NEXT:   %[[M:.*]] = tensor.expand_shape %[[X]] {{.*}} into tensor<1x8x8x32xf32>
//  CHECK-NEXT:   %[[W:.*]] = vit.window_partition %[[M]] window [4, 4] : tensor<1x8x8x32xf32> -> tensor<4x16x32xf32>
//  CHECK-NEXT:   %[[R:.*]] = tensor.expand_shape %[[W]] {{.*}} into tensor<4x4x4x32xf32>
//  CHECK-NEXT:   return %[[R]]
func.func @window_partition_of_tokens(%x: tensor<1x64x32xf32>) -> tensor<4x4x4x32xf32> {
  %0 = tensor.expand_shape %x [[0], [1, 2, 3, 4], [5]] output_shape [1, 2, 4, 2, 4, 32] : tensor<1x64x32xf32> into tensor<1x2x4x2x4x32xf32>
  %e = tensor.empty() : tensor<1x2x2x4x4x32xf32>
  %1 = linalg.transpose ins(%0 : tensor<1x2x4x2x4x32xf32>) outs(%e : tensor<1x2x2x4x4x32xf32>) permutation = [0, 1, 3, 2, 4, 5]
  %2 = tensor.collapse_shape %1 [[0, 1, 2], [3], [4], [5]] : tensor<1x2x2x4x4x32xf32> into tensor<4x4x4x32xf32>
  return %2 : tensor<4x4x4x32xf32>
}

// The paper's window_reverse.
// CHECK-LABEL: func @window_reverse(
//       CHECK:   %[[W:.*]] = vit.gelu
//  CHECK-NEXT:   %[[X:.*]] = vit.window_reverse %[[W]] window [4, 6] size [8, 12] : tensor<?x24x32xf32> -> tensor<?x8x12x32xf32>
//  CHECK-NEXT:   return %[[X]]
func.func @window_reverse(%x: tensor<?x8x12x32xf32>) -> tensor<?x8x12x32xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x8x12x32xf32>
  %p = vit.window_partition %x window [4, 6] : tensor<?x8x12x32xf32> -> tensor<?x24x32xf32>
  %w = vit.gelu %p : tensor<?x24x32xf32>
  %0 = tensor.expand_shape %w [[0, 1, 2], [3, 4], [5]] output_shape [%b, 2, 2, 4, 6, 32] : tensor<?x24x32xf32> into tensor<?x2x2x4x6x32xf32>
  %e = tensor.empty(%b) : tensor<?x2x4x2x6x32xf32>
  %1 = linalg.transpose ins(%0 : tensor<?x2x2x4x6x32xf32>) outs(%e : tensor<?x2x4x2x6x32xf32>) permutation = [0, 1, 3, 2, 4, 5]
  %2 = tensor.collapse_shape %1 [[0], [1, 2], [3, 4], [5]] : tensor<?x2x4x2x6x32xf32> into tensor<?x8x12x32xf32>
  return %2 : tensor<?x8x12x32xf32>
}

// Straight to tokens.
// CHECK-LABEL: func @window_reverse_to_tokens(
//  CHECK-SAME:   %[[W:.*]]: tensor<4x4x4x32xf32>
//  CHECK-NEXT:   %[[C:.*]] = tensor.collapse_shape %[[W]] {{.*}} into tensor<4x16x32xf32>
//  CHECK-NEXT:   %[[X:.*]] = vit.window_reverse %[[C]] window [4, 4] size [8, 8] : tensor<4x16x32xf32> -> tensor<1x8x8x32xf32>
//  CHECK-NEXT:   %[[T:.*]] = tensor.collapse_shape %[[X]] {{.*}} into tensor<64x32xf32>
//  CHECK-NEXT:   return %[[T]]
func.func @window_reverse_to_tokens(%w: tensor<4x4x4x32xf32>) -> tensor<64x32xf32> {
  %0 = tensor.expand_shape %w [[0, 1, 2], [3], [4], [5]] output_shape [1, 2, 2, 4, 4, 32] : tensor<4x4x4x32xf32> into tensor<1x2x2x4x4x32xf32>
  %e = tensor.empty() : tensor<1x2x4x2x4x32xf32>
  %1 = linalg.transpose ins(%0 : tensor<1x2x2x4x4x32xf32>) outs(%e : tensor<1x2x4x2x4x32xf32>) permutation = [0, 1, 3, 2, 4, 5]
  %2 = tensor.collapse_shape %1 [[0, 1, 2, 3, 4], [5]] : tensor<1x2x4x2x4x32xf32> into tensor<64x32xf32>
  return %2 : tensor<64x32xf32>
}

// One column of windows: a reshape is enough.
// CHECK-LABEL: func @one_column_of_windows(
//  CHECK-NEXT:   %[[R:.*]] = tensor.expand_shape
//  CHECK-NEXT:   return %[[R]]
func.func @one_column_of_windows(%x: tensor<1x8x4x32xf32>) -> tensor<1x2x1x4x4x32xf32> {
  %0 = tensor.expand_shape %x [[0], [1, 2], [3, 4], [5]] output_shape [1, 2, 4, 1, 4, 32] : tensor<1x8x4x32xf32> into tensor<1x2x4x1x4x32xf32>
  %e = tensor.empty() : tensor<1x2x1x4x4x32xf32>
  %1 = linalg.transpose ins(%0 : tensor<1x2x4x1x4x32xf32>) outs(%e : tensor<1x2x1x4x4x32xf32>) permutation = [0, 1, 3, 2, 4, 5]
  return %1 : tensor<1x2x1x4x4x32xf32>
}

// One window is the whole map: to its tokens and back, as Hugging Face's Swin has
// it in the last stage.
// CHECK-LABEL: func @window_of_whole_map(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x4x8x32xf32>, %[[W:.*]]: tensor<?x32x32xf32>
//       CHECK:   %[[T:.*]] = tensor.collapse_shape %[[X]] {{\[\[}}0], [1, 2], [3]]
//       CHECK:   %[[Y:.*]] = tensor.expand_shape %[[W]] {{\[\[}}0], [1, 2], [3]] output_shape [%{{.*}}, 4, 8, 32]
//       CHECK:   return %[[T]], %[[Y]]
func.func @window_of_whole_map(%x: tensor<?x4x8x32xf32>, %w: tensor<?x32x32xf32>) -> (tensor<?x32x32xf32>, tensor<?x4x8x32xf32>) {
  %0 = vit.window_partition %x window [4, 8] : tensor<?x4x8x32xf32> -> tensor<?x32x32xf32>
  %1 = vit.window_reverse %w window [4, 8] size [4, 8] : tensor<?x32x32xf32> -> tensor<?x4x8x32xf32>
  return %0, %1 : tensor<?x32x32xf32>, tensor<?x4x8x32xf32>
}

// A strip of whole rows is no whole map, and is a window still.
// CHECK-LABEL: func @negative_window_of_strip(
//       CHECK:   vit.window_partition %{{.*}} window [2, 8]
func.func @negative_window_of_strip(%x: tensor<?x4x8x32xf32>) -> tensor<?x16x32xf32> {
  %0 = vit.window_partition %x window [2, 8] : tensor<?x4x8x32xf32> -> tensor<?x16x32xf32>
  return %0 : tensor<?x16x32xf32>
}

// MaxViT's grid: the tokens of a window are apart.
// CHECK-LABEL: func @negative_window_partition_grid(
//   CHECK-NOT:   vit.window
//       CHECK:   linalg.transpose
func.func @negative_window_partition_grid(%x: tensor<1x8x8x32xf32>) -> tensor<4x4x4x32xf32> {
  %0 = tensor.expand_shape %x [[0], [1, 2], [3, 4], [5]] output_shape [1, 4, 2, 4, 2, 32] : tensor<1x8x8x32xf32> into tensor<1x4x2x4x2x32xf32>
  %e = tensor.empty() : tensor<1x2x2x4x4x32xf32>
  %1 = linalg.transpose ins(%0 : tensor<1x4x2x4x2x32xf32>) outs(%e : tensor<1x2x2x4x4x32xf32>) permutation = [0, 2, 4, 1, 3, 5]
  %2 = tensor.collapse_shape %1 [[0, 1, 2], [3], [4], [5]] : tensor<1x2x2x4x4x32xf32> into tensor<4x4x4x32xf32>
  return %2 : tensor<4x4x4x32xf32>
}

// -----

// Nothing says that dims belong to a map.
// CHECK-LABEL: func @negative_window_partition_source(
//   CHECK-NOT:   vit.window
//       CHECK:   linalg.transpose
func.func @negative_window_partition_source(%x: tensor<1x2x4x2x4x32xf32>) -> tensor<1x2x2x4x4x32xf32> {
  %e = tensor.empty() : tensor<1x2x2x4x4x32xf32>
  // expected-remark @below {{not raised to a window op: its input is neither a map [B, H, W, C] nor windows [B * nW, N, C] in 6 dims}}
  %1 = linalg.transpose ins(%x : tensor<1x2x4x2x4x32xf32>) outs(%e : tensor<1x2x2x4x4x32xf32>) permutation = [0, 1, 3, 2, 4, 5]
  return %1 : tensor<1x2x2x4x4x32xf32>
}
