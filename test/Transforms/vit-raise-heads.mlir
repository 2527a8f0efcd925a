// RUN: vit-opt %s -vit-raise-heads -canonicalize -cse -split-input-file -verify-diagnostics | FileCheck %s

// ViT's packed queries, keys and values, as timm is exported by TorchScript and
// by dynamo: [B, N, 3, H, D] -> [3, B, H, N, D], then Split, Slice or Gather.
// CHECK-LABEL: func @heads_of_packed_qkv(
//  CHECK-SAME:     %[[X:.*]]: tensor<?x5x48xf32>
//   CHECK-DAG:   %[[N:.*]] = tensor.dim %[[X]]
//       CHECK:   %[[Q:.*]] = tensor.extract_slice %[[X]][0, 0, 0] [%[[N]], 5, 16] [1, 1, 1]
//       CHECK:   %[[QH:.*]] = vit.split_heads %[[Q]] heads 2 : tensor<?x5x16xf32> -> tensor<?x2x5x8xf32>
//       CHECK:   %[[K:.*]] = tensor.extract_slice %[[X]][0, 0, 16] [%[[N]], 5, 16] [1, 1, 1]
//       CHECK:   %[[KH:.*]] = vit.split_heads %[[K]] heads 2
//       CHECK:   %[[V:.*]] = tensor.extract_slice %[[X]][0, 0, 32] [%[[N]], 5, 16] [1, 1, 1]
//       CHECK:   %[[VH:.*]] = vit.split_heads %[[V]] heads 2
//       CHECK:   %[[R:.*]] = vit.attention %[[QH]], %[[KH]], %[[VH]]
//       CHECK:   %[[Y:.*]] = vit.merge_heads %[[R]] : tensor<?x2x5x8xf32> -> tensor<?x5x16xf32>
//       CHECK:   return %[[Y]]
func.func @heads_of_packed_qkv(%x: tensor<?x5x48xf32>) -> tensor<?x5x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x5x48xf32>
  %e0 = tensor.empty(%n) : tensor<3x?x2x5x8xf32>
  %e1 = tensor.empty(%n) : tensor<?x5x2x8xf32>
  %0 = tensor.expand_shape %x [[0], [1], [2, 3, 4]] output_shape [%n, 5, 3, 2, 8] : tensor<?x5x48xf32> into tensor<?x5x3x2x8xf32>
  %1 = linalg.transpose ins(%0 : tensor<?x5x3x2x8xf32>) outs(%e0 : tensor<3x?x2x5x8xf32>) permutation = [2, 0, 3, 1, 4]
  %2 = tensor.extract_slice %1[0, 0, 0, 0, 0] [1, %n, 2, 5, 8] [1, 1, 1, 1, 1] : tensor<3x?x2x5x8xf32> to tensor<1x?x2x5x8xf32>
  %q = tensor.collapse_shape %2 [[0, 1], [2], [3], [4]] : tensor<1x?x2x5x8xf32> into tensor<?x2x5x8xf32>
  %k = tensor.extract_slice %1[1, 0, 0, 0, 0] [1, %n, 2, 5, 8] [1, 1, 1, 1, 1] : tensor<3x?x2x5x8xf32> to tensor<?x2x5x8xf32>
  %3 = tensor.extract_slice %1[2, 0, 0, 0, 0] [1, %n, 2, 5, 8] [1, 1, 1, 1, 1] : tensor<3x?x2x5x8xf32> to tensor<1x?x2x5x8xf32>
  %v = tensor.collapse_shape %3 [[0, 1], [2], [3], [4]] : tensor<1x?x2x5x8xf32> into tensor<?x2x5x8xf32>
  %4 = vit.attention %q, %k, %v scale 0.5 : tensor<?x2x5x8xf32>, tensor<?x2x5x8xf32>, tensor<?x2x5x8xf32> -> tensor<?x2x5x8xf32>
  %5 = linalg.transpose ins(%4 : tensor<?x2x5x8xf32>) outs(%e1 : tensor<?x5x2x8xf32>) permutation = [0, 2, 1, 3]
  %6 = tensor.collapse_shape %5 [[0], [1], [2, 3]] : tensor<?x5x2x8xf32> into tensor<?x5x16xf32>
  return %6 : tensor<?x5x16xf32>
}

// MaxViT: each head has its queries, keys and values side by side, and the
// tokens of a window are two dims.
// CHECK-LABEL: func @heads_outside_of_qkv(
//  CHECK-SAME:     %[[X:.*]]: tensor<6x2x2x48xf32>
//       CHECK:   %[[E:.*]] = tensor.expand_shape %[[X]] {{\[\[}}0], [1], [2], [3, 4]] output_shape [6, 2, 2, 2, 24]
//       CHECK:   %[[Q:.*]] = tensor.extract_slice %[[E]][0, 0, 0, 0, 0] [6, 2, 2, 2, 8]
//       CHECK:   %[[QT:.*]] = tensor.collapse_shape %[[Q]] {{\[\[}}0], [1, 2], [3, 4]] : tensor<6x2x2x2x8xf32> into tensor<6x4x16xf32>
//       CHECK:   vit.split_heads %[[QT]] heads 2
//       CHECK:   %[[K:.*]] = tensor.extract_slice %[[E]][0, 0, 0, 0, 8] [6, 2, 2, 2, 8]
//       CHECK:   vit.split_heads
//       CHECK:   vit.split_heads
//       CHECK:   %[[R:.*]] = vit.attention
//       CHECK:   %[[M:.*]] = vit.merge_heads %[[R]]
//       CHECK:   tensor.expand_shape %[[M]] {{\[\[}}0], [1, 2], [3]] output_shape [6, 2, 2, 16]
func.func @heads_outside_of_qkv(%x: tensor<6x2x2x48xf32>) -> tensor<6x2x2x16xf32> {
  %e0 = tensor.empty() : tensor<6x2x4x24xf32>
  %e1 = tensor.empty() : tensor<6x4x2x8xf32>
  %0 = tensor.collapse_shape %x [[0], [1, 2], [3]] : tensor<6x2x2x48xf32> into tensor<6x4x48xf32>
  %1 = tensor.expand_shape %0 [[0], [1], [2, 3]] output_shape [6, 4, 2, 24] : tensor<6x4x48xf32> into tensor<6x4x2x24xf32>
  %2 = linalg.transpose ins(%1 : tensor<6x4x2x24xf32>) outs(%e0 : tensor<6x2x4x24xf32>) permutation = [0, 2, 1, 3]
  %q = tensor.extract_slice %2[0, 0, 0, 0] [6, 2, 4, 8] [1, 1, 1, 1] : tensor<6x2x4x24xf32> to tensor<6x2x4x8xf32>
  %k = tensor.extract_slice %2[0, 0, 0, 8] [6, 2, 4, 8] [1, 1, 1, 1] : tensor<6x2x4x24xf32> to tensor<6x2x4x8xf32>
  %v = tensor.extract_slice %2[0, 0, 0, 16] [6, 2, 4, 8] [1, 1, 1, 1] : tensor<6x2x4x24xf32> to tensor<6x2x4x8xf32>
  %3 = vit.attention %q, %k, %v scale 0.5 : tensor<6x2x4x8xf32>, tensor<6x2x4x8xf32>, tensor<6x2x4x8xf32> -> tensor<6x2x4x8xf32>
  %4 = linalg.transpose ins(%3 : tensor<6x2x4x8xf32>) outs(%e1 : tensor<6x4x2x8xf32>) permutation = [0, 2, 1, 3]
  %5 = tensor.collapse_shape %4 [[0], [1], [2, 3]] : tensor<6x4x2x8xf32> into tensor<6x4x16xf32>
  %6 = tensor.expand_shape %5 [[0], [1, 2], [3]] output_shape [6, 2, 2, 16] : tensor<6x4x16xf32> into tensor<6x2x2x16xf32>
  return %6 : tensor<6x2x2x16xf32>
}

// CoAtNet: channels first on both sides.
// CHECK-LABEL: func @heads_channels_first(
//  CHECK-SAME:     %[[X:.*]]: tensor<2x16x5xf32>
//       CHECK:   %[[T:.*]] = linalg.transpose ins(%[[X]] : {{.*}} permutation = [0, 2, 1]
//       CHECK:   %[[H:.*]] = vit.split_heads %[[T]] heads 2
//       CHECK:   %[[R:.*]] = vit.attention %[[H]], %[[H]], %[[H]]
//       CHECK:   %[[M:.*]] = vit.merge_heads %[[R]]
//       CHECK:   linalg.transpose ins(%[[M]] : {{.*}} permutation = [0, 2, 1]
func.func @heads_channels_first(%x: tensor<2x16x5xf32>) -> tensor<2x16x5xf32> {
  %e0 = tensor.empty() : tensor<2x2x5x8xf32>
  %e1 = tensor.empty() : tensor<2x2x8x5xf32>
  %0 = tensor.expand_shape %x [[0], [1, 2], [3]] output_shape [2, 2, 8, 5] : tensor<2x16x5xf32> into tensor<2x2x8x5xf32>
  %1 = linalg.transpose ins(%0 : tensor<2x2x8x5xf32>) outs(%e0 : tensor<2x2x5x8xf32>) permutation = [0, 1, 3, 2]
  %2 = vit.attention %1, %1, %1 scale 0.5 : tensor<2x2x5x8xf32>, tensor<2x2x5x8xf32>, tensor<2x2x5x8xf32> -> tensor<2x2x5x8xf32>
  %3 = linalg.transpose ins(%2 : tensor<2x2x5x8xf32>) outs(%e1 : tensor<2x2x8x5xf32>) permutation = [0, 1, 3, 2]
  %4 = tensor.collapse_shape %3 [[0], [1, 2], [3]] : tensor<2x2x8x5xf32> into tensor<2x16x5xf32>
  return %4 : tensor<2x16x5xf32>
}

// Only the class token is read: the slice follows the merged heads.
// CHECK-LABEL: func @heads_of_class_token(
//       CHECK:   %[[R:.*]] = vit.attention
//       CHECK:   %[[M:.*]] = vit.merge_heads %[[R]] : tensor<2x2x5x8xf32> -> tensor<2x5x16xf32>
//       CHECK:   %[[S:.*]] = tensor.extract_slice %[[M]][0, 0, 0] [2, 1, 16] [1, 1, 1]
//       CHECK:   tensor.collapse_shape %[[S]]
func.func @heads_of_class_token(%q: tensor<2x2x5x8xf32>) -> tensor<2x16xf32> {
  %0 = vit.attention %q, %q, %q scale 0.5 : tensor<2x2x5x8xf32>, tensor<2x2x5x8xf32>, tensor<2x2x5x8xf32> -> tensor<2x2x5x8xf32>
  %1 = tensor.extract_slice %0[0, 0, 0, 0] [2, 2, 1, 8] [1, 1, 1, 1] : tensor<2x2x5x8xf32> to tensor<2x2x8xf32>
  %2 = tensor.collapse_shape %1 [[0], [1, 2]] : tensor<2x2x8xf32> into tensor<2x16xf32>
  return %2 : tensor<2x16xf32>
}

// Movement that keeps the order of [B, H, N, D] stays a reshape.
// CHECK-LABEL: func @negative_heads_reshaped(
//   CHECK-NOT:   vit.split_heads
//       CHECK:   %[[Q:.*]] = tensor.expand_shape
//       CHECK:   %[[R:.*]] = vit.attention %[[Q]], %[[Q]], %[[Q]]
//       CHECK:   tensor.collapse_shape %[[R]]
//   CHECK-NOT:   vit.merge_heads
func.func @negative_heads_reshaped(%x: tensor<6x5x8xf32>) -> tensor<6x5x8xf32> {
  %0 = tensor.expand_shape %x [[0, 1], [2], [3]] output_shape [2, 3, 5, 8] : tensor<6x5x8xf32> into tensor<2x3x5x8xf32>
  %1 = vit.attention %0, %0, %0 scale 0.5 : tensor<2x3x5x8xf32>, tensor<2x3x5x8xf32>, tensor<2x3x5x8xf32> -> tensor<2x3x5x8xf32>
  %2 = tensor.collapse_shape %1 [[0, 1], [2], [3]] : tensor<2x3x5x8xf32> into tensor<6x5x8xf32>
  return %2 : tensor<6x5x8xf32>
}

// Slices of unequal parts and broadcasts are no movement of heads.
// CHECK-LABEL: func @negative_heads_uneven_slice(
//       CHECK:   %[[Q:.*]] = tensor.extract_slice
//       CHECK:   %[[K:.*]] = linalg.broadcast
//       CHECK:   vit.attention %[[Q]], %[[K]], %[[K]]
func.func @negative_heads_uneven_slice(%x: tensor<2x3x7x8xf32>, %k: tensor<3x5x8xf32>) -> tensor<2x3x5x8xf32> {
  %e = tensor.empty() : tensor<2x3x5x8xf32>
  %0 = tensor.extract_slice %x[0, 0, 1, 0] [2, 3, 5, 8] [1, 1, 1, 1] : tensor<2x3x7x8xf32> to tensor<2x3x5x8xf32>
  %1 = linalg.broadcast ins(%k : tensor<3x5x8xf32>) outs(%e : tensor<2x3x5x8xf32>) dimensions = [0]
  // expected-remark @+2 {{not raised to vit.split_heads: its key is broadcast from 'tensor<3x5x8xf32>'; vit.split_heads reads each element once}}
  // expected-remark @below {{not raised to vit.split_heads: its value is broadcast from 'tensor<3x5x8xf32>'; vit.split_heads reads each element once}}
  %2 = vit.attention %0, %1, %1 scale 0.5 : tensor<2x3x5x8xf32>, tensor<2x3x5x8xf32>, tensor<2x3x5x8xf32> -> tensor<2x3x5x8xf32>
  return %2 : tensor<2x3x5x8xf32>
}

// Swin v2 normalises queries between the split and attention. What is split
// into 8 parts where attention has 2 heads is something else.
// CHECK-LABEL: func @heads_before_elementwise(
//       CHECK:   %[[Q:.*]] = vit.split_heads %{{.*}} heads 2 : tensor<3x5x16xf32> -> tensor<3x2x5x8xf32>
//       CHECK:   %[[N:.*]] = math.tanh %[[Q]]
//       CHECK:   vit.attention %[[N]], %[[N]], %[[N]]
//       CHECK:   linalg.transpose
func.func @heads_before_elementwise(%x: tensor<3x5x16xf32>) -> (tensor<3x2x5x8xf32>, tensor<3x8x5x2xf32>) {
  %0 = tensor.expand_shape %x [[0], [1], [2, 3]] output_shape [3, 5, 2, 8] : tensor<3x5x16xf32> into tensor<3x5x2x8xf32>
  %e = tensor.empty() : tensor<3x2x5x8xf32>
  %1 = linalg.transpose ins(%0 : tensor<3x5x2x8xf32>) outs(%e : tensor<3x2x5x8xf32>) permutation = [0, 2, 1, 3]
  %2 = math.tanh %1 : tensor<3x2x5x8xf32>
  %3 = vit.attention %2, %2, %2 scale 0.5 : tensor<3x2x5x8xf32>, tensor<3x2x5x8xf32>, tensor<3x2x5x8xf32> -> tensor<3x2x5x8xf32>
  %4 = tensor.expand_shape %x [[0], [1], [2, 3]] output_shape [3, 5, 8, 2] : tensor<3x5x16xf32> into tensor<3x5x8x2xf32>
  %e4 = tensor.empty() : tensor<3x8x5x2xf32>
  %5 = linalg.transpose ins(%4 : tensor<3x5x8x2xf32>) outs(%e4 : tensor<3x8x5x2xf32>) permutation = [0, 2, 1, 3]
  return %3, %5 : tensor<3x2x5x8xf32>, tensor<3x8x5x2xf32>
}
