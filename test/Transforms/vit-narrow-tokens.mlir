// RUN: vit-opt %s -vit-narrow-tokens | FileCheck %s

// One token is read, so one is computed. Every op works on its tokens one by
// one, in the same order of operations: each value keeps its bits.
// CHECK-LABEL: func @block(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x5x8xf32>, %[[W:[^ ]+]]: tensor<8x8xf32>, %[[R:[^ ]+]]: tensor<?x5x8xf32>
//       CHECK:   %[[N:.*]] = tensor.dim %[[X]]
//       CHECK:   %[[XS:.*]] = tensor.extract_slice %[[X]][0, 0, 0] [%{{.*}}, 1, 8] [1, 1, 1]
//       CHECK:   %[[NORM:.*]] = vit.layer_norm %[[XS]] epsilon {{.*}} : tensor<?x1x8xf32>
//       CHECK:   %[[GELU:.*]] = vit.gelu %[[NORM]] : tensor<?x1x8xf32>
//       CHECK:   %[[RS:.*]] = tensor.extract_slice %[[R]][0, 0, 0] [%{{.*}}, 1, 8] [1, 1, 1]
//       CHECK:   %[[Y:.*]] = vit.linear %[[GELU]], %[[W]] residual(%[[RS]] : tensor<?x1x8xf32>) : tensor<?x1x8xf32>
//       CHECK:   return %[[Y]]
func.func @block(%x: tensor<?x5x8xf32>, %w: tensor<8x8xf32>, %r: tensor<?x5x8xf32>) -> tensor<?x1x8xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x5x8xf32>
  %0 = vit.layer_norm %x epsilon 1.0e-06 : tensor<?x5x8xf32>
  %1 = vit.gelu %0 : tensor<?x5x8xf32>
  %2 = vit.linear %1, %w residual(%r : tensor<?x5x8xf32>) : tensor<?x5x8xf32>, tensor<8x8xf32> -> tensor<?x5x8xf32>
  %3 = tensor.extract_slice %2[0, 0, 0] [%n, 1, 8] [1, 1, 1] : tensor<?x5x8xf32> to tensor<?x1x8xf32>
  return %3 : tensor<?x1x8xf32>
}

// Queries narrow; keys and values keep all tokens, even where they are the same
// value.
// CHECK-LABEL: func @attention(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<2x5x8xf32>
//       CHECK:   %[[XS:.*]] = tensor.extract_slice %[[X]][0, 1, 0] [2, 2, 8] [1, 1, 1]
//       CHECK:   %[[Q:.*]] = vit.split_heads %[[XS]] heads 2 : tensor<2x2x8xf32> -> tensor<2x2x2x4xf32>
//       CHECK:   %[[K:.*]] = vit.split_heads %[[X]] heads 2 : tensor<2x5x8xf32> -> tensor<2x2x5x4xf32>
//       CHECK:   %[[A:.*]] = vit.attention %[[Q]], %[[K]], %[[K]] scale 5.000000e-01
//  CHECK-SAME:       : tensor<2x2x2x4xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32> -> tensor<2x2x2x4xf32>
//       CHECK:   %[[Y:.*]] = vit.merge_heads %[[A]] : tensor<2x2x2x4xf32> -> tensor<2x2x8xf32>
//       CHECK:   return %[[Y]]
func.func @attention(%x: tensor<2x5x8xf32>) -> tensor<2x2x8xf32> {
  %q = vit.split_heads %x heads 2 : tensor<2x5x8xf32> -> tensor<2x2x5x4xf32>
  %k = vit.split_heads %x heads 2 : tensor<2x5x8xf32> -> tensor<2x2x5x4xf32>
  %0 = vit.attention %q, %k, %k scale 5.000000e-01
      : tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32> -> tensor<2x2x5x4xf32>
  %1 = vit.merge_heads %0 : tensor<2x2x5x4xf32> -> tensor<2x5x8xf32>
  %2 = tensor.extract_slice %1[0, 1, 0] [2, 2, 8] [1, 1, 1] : tensor<2x5x8xf32> to tensor<2x2x8xf32>
  return %2 : tensor<2x2x8xf32>
}

// CHECK-LABEL: func @attention_self(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<2x2x5x4xf32>
//       CHECK:   %[[Q:.*]] = tensor.extract_slice %[[X]][0, 0, 0, 0] [2, 2, 1, 4] [1, 1, 1, 1]
//       CHECK:   vit.attention %[[Q]], %[[X]], %[[X]] scale
func.func @attention_self(%x: tensor<2x2x5x4xf32>) -> tensor<2x2x1x4xf32> {
  %0 = vit.attention %x, %x, %x scale 5.000000e-01
      : tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32> -> tensor<2x2x5x4xf32>
  %1 = tensor.extract_slice %0[0, 0, 0, 0] [2, 2, 1, 4] [1, 1, 1, 1] : tensor<2x2x5x4xf32> to tensor<2x2x1x4xf32>
  return %1 : tensor<2x2x1x4xf32>
}

// A softmax of scores that are no product narrows their queries.
// CHECK-LABEL: func @softmax_matmul(
//  CHECK-SAME:     %[[S:[^ ]+]]: tensor<2x2x5x5xf32>, %[[V:[^ ]+]]: tensor<2x2x5x4xf32>
//       CHECK:   %[[SS:.*]] = tensor.extract_slice %[[S]][0, 0, 0, 0] [2, 2, 1, 5] [1, 1, 1, 1]
//       CHECK:   vit.softmax_matmul %[[SS]], %[[V]] : tensor<2x2x1x5xf32>, tensor<2x2x5x4xf32> -> tensor<2x2x1x4xf32>
func.func @softmax_matmul(%s: tensor<2x2x5x5xf32>, %v: tensor<2x2x5x4xf32>) -> tensor<2x2x1x4xf32> {
  %0 = vit.softmax_matmul %s, %v : tensor<2x2x5x5xf32>, tensor<2x2x5x4xf32> -> tensor<2x2x5x4xf32>
  %1 = tensor.extract_slice %0[0, 0, 0, 0] [2, 2, 1, 4] [1, 1, 1, 1] : tensor<2x2x5x4xf32> to tensor<2x2x1x4xf32>
  return %1 : tensor<2x2x1x4xf32>
}

// The scores are the values at once, which keep all their tokens.
// CHECK-LABEL: func @softmax_matmul_self(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<2x2x5x5xf32>
//       CHECK:   %[[S:.*]] = tensor.extract_slice %[[X]][0, 0, 3, 0] [2, 2, 1, 5] [1, 1, 1, 1]
//       CHECK:   vit.softmax_matmul %[[S]], %[[X]] : tensor<2x2x1x5xf32>, tensor<2x2x5x5xf32>
func.func @softmax_matmul_self(%x: tensor<2x2x5x5xf32>) -> tensor<2x2x1x5xf32> {
  %0 = vit.softmax_matmul %x, %x : tensor<2x2x5x5xf32>, tensor<2x2x5x5xf32> -> tensor<2x2x5x5xf32>
  %1 = tensor.extract_slice %0[0, 0, 3, 0] [2, 2, 1, 5] [1, 1, 1, 1] : tensor<2x2x5x5xf32> to tensor<2x2x1x5xf32>
  return %1 : tensor<2x2x1x5xf32>
}

// CHECK-LABEL: func @rms_norm(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<2x5x8xf32>
//       CHECK:   %[[XS:.*]] = tensor.extract_slice %[[X]][0, 0, 0] [2, 1, 8] [1, 1, 1]
//       CHECK:   %[[Y:.*]] = vit.rms_norm %[[XS]] epsilon {{.*}} : tensor<2x1x8xf32>
//       CHECK:   return %[[Y]]
func.func @rms_norm(%x: tensor<2x5x8xf32>) -> tensor<2x1x8xf32> {
  %0 = vit.rms_norm %x epsilon 1.0e-06 : tensor<2x5x8xf32>
  %1 = tensor.extract_slice %0[0, 0, 0] [2, 1, 8] [1, 1, 1] : tensor<2x5x8xf32> to tensor<2x1x8xf32>
  return %1 : tensor<2x1x8xf32>
}

// A slice that drops the axis of tokens drops it behind the narrow op.
// CHECK-LABEL: func @rank_reducing(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<2x5x8xf32>
//       CHECK:   %[[XS:.*]] = tensor.extract_slice %[[X]][0, 4, 0] [2, 1, 8] [1, 1, 1] : tensor<2x5x8xf32> to tensor<2x1x8xf32>
//       CHECK:   %[[Y:.*]] = vit.gelu %[[XS]]
//       CHECK:   tensor.extract_slice %[[Y]][0, 0, 0] [2, 1, 8] [1, 1, 1] : tensor<2x1x8xf32> to tensor<2x8xf32>
func.func @rank_reducing(%x: tensor<2x5x8xf32>) -> tensor<2x8xf32> {
  %0 = vit.gelu %x : tensor<2x5x8xf32>
  %1 = tensor.extract_slice %0[0, 4, 0] [2, 1, 8] [1, 1, 1] : tensor<2x5x8xf32> to tensor<2x8xf32>
  return %1 : tensor<2x8xf32>
}

// Two readers of the same tokens share the narrow op; both addends narrow.
// CHECK-LABEL: func @two_readers(
//       CHECK:   tensor.extract_slice %{{.*}}[0, 0, 0] [2, 1, 8]
//       CHECK:   tensor.extract_slice %{{.*}}[0, 0, 0] [2, 1, 8]
//       CHECK:   %[[Y:.*]] = arith.addf %{{.*}} : tensor<2x1x8xf32>
//       CHECK:   return %[[Y]], %[[Y]]
func.func @two_readers(%x: tensor<2x5x8xf32>, %y: tensor<2x5x8xf32>) -> (tensor<2x1x8xf32>, tensor<2x1x8xf32>) {
  %0 = arith.addf %x, %y : tensor<2x5x8xf32>
  %1 = tensor.extract_slice %0[0, 0, 0] [2, 1, 8] [1, 1, 1] : tensor<2x5x8xf32> to tensor<2x1x8xf32>
  %2 = tensor.extract_slice %0[0, 0, 0] [2, 1, 8] [1, 1, 1] : tensor<2x5x8xf32> to tensor<2x1x8xf32>
  return %1, %2 : tensor<2x1x8xf32>, tensor<2x1x8xf32>
}

// The bias has queries, too; it would have to narrow along.
// The query that is left is the fourth.
// CHECK-LABEL: func @attention_causal(
//       CHECK:   vit.attention {{.*}} causal 4 : tensor<2x2x1x4xf32>, tensor<2x2x5x4xf32>
func.func @attention_causal(%x: tensor<2x2x5x4xf32>) -> tensor<2x2x1x4xf32> {
  %0 = vit.attention %x, %x, %x scale 5.000000e-01 causal 1
      : tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32> -> tensor<2x2x5x4xf32>
  %1 = tensor.extract_slice %0[0, 0, 3, 0] [2, 2, 1, 4] [1, 1, 1, 1] : tensor<2x2x5x4xf32> to tensor<2x2x1x4xf32>
  return %1 : tensor<2x2x1x4xf32>
}

// CHECK-LABEL: func @negative_attention_bias(
//   CHECK-NOT:   tensor.extract_slice
//       CHECK:   vit.attention
func.func @negative_attention_bias(%x: tensor<2x2x5x4xf32>, %bias: tensor<1x2x5x5xf32>) -> tensor<2x2x1x4xf32> {
  %0 = vit.attention %x, %x, %x bias(%bias : tensor<1x2x5x5xf32>) scale 5.000000e-01
      : tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32> -> tensor<2x2x5x4xf32>
  %1 = tensor.extract_slice %0[0, 0, 0, 0] [2, 2, 1, 4] [1, 1, 1, 1] : tensor<2x2x5x4xf32> to tensor<2x2x1x4xf32>
  return %1 : tensor<2x2x1x4xf32>
}

// So has a mask.
// CHECK-LABEL: func @negative_attention_mask(
//   CHECK-NOT:   tensor.extract_slice
//       CHECK:   vit.attention
func.func @negative_attention_mask(%x: tensor<2x2x5x4xf32>, %mask: tensor<2x1x5x5xf32>) -> tensor<2x2x1x4xf32> {
  %0 = vit.attention %x, %x, %x mask(%mask : tensor<2x1x5x5xf32>) scale 5.000000e-01
      : tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32> -> tensor<2x2x5x4xf32>
  %1 = tensor.extract_slice %0[0, 0, 0, 0] [2, 2, 1, 4] [1, 1, 1, 1] : tensor<2x2x5x4xf32> to tensor<2x2x1x4xf32>
  return %1 : tensor<2x2x1x4xf32>
}

// CHECK-LABEL: func @negative_two_ranges(
//   CHECK-NOT:   tensor.extract_slice
//       CHECK:   vit.gelu
func.func @negative_two_ranges(%x: tensor<2x5x8xf32>) -> (tensor<2x1x8xf32>, tensor<2x1x8xf32>) {
  %0 = vit.gelu %x : tensor<2x5x8xf32>
  %1 = tensor.extract_slice %0[0, 0, 0] [2, 1, 8] [1, 1, 1] : tensor<2x5x8xf32> to tensor<2x1x8xf32>
  %2 = tensor.extract_slice %0[0, 1, 0] [2, 1, 8] [1, 1, 1] : tensor<2x5x8xf32> to tensor<2x1x8xf32>
  return %1, %2 : tensor<2x1x8xf32>, tensor<2x1x8xf32>
}

// CHECK-LABEL: func @negative_all_tokens_read(
//   CHECK-NOT:   tensor.extract_slice
//       CHECK:   vit.gelu
func.func @negative_all_tokens_read(%x: tensor<2x5x8xf32>) -> (tensor<2x1x8xf32>, tensor<2x5x8xf32>) {
  %0 = vit.gelu %x : tensor<2x5x8xf32>
  %1 = tensor.extract_slice %0[0, 0, 0] [2, 1, 8] [1, 1, 1] : tensor<2x5x8xf32> to tensor<2x1x8xf32>
  return %1, %0 : tensor<2x1x8xf32>, tensor<2x5x8xf32>
}

// Channels are no tokens: the layer needs all of them.
// CHECK-LABEL: func @negative_channels(
//   CHECK-NOT:   tensor.extract_slice
//       CHECK:   vit.layer_norm
func.func @negative_channels(%x: tensor<2x5x8xf32>) -> tensor<2x1x4xf32> {
  %0 = vit.layer_norm %x epsilon 1.0e-06 : tensor<2x5x8xf32>
  %1 = tensor.extract_slice %0[0, 0, 0] [2, 1, 4] [1, 1, 1] : tensor<2x5x8xf32> to tensor<2x1x4xf32>
  return %1 : tensor<2x1x4xf32>
}

// CHECK-LABEL: func @negative_strided(
//   CHECK-NOT:   tensor.extract_slice
//       CHECK:   vit.gelu
func.func @negative_strided(%x: tensor<2x5x8xf32>) -> tensor<2x2x8xf32> {
  %0 = vit.gelu %x : tensor<2x5x8xf32>
  %1 = tensor.extract_slice %0[0, 0, 0] [2, 2, 8] [1, 2, 1] : tensor<2x5x8xf32> to tensor<2x2x8xf32>
  return %1 : tensor<2x2x8xf32>
}

// CHECK-LABEL: func @negative_dynamic_token(
//   CHECK-NOT:   tensor.extract_slice
//       CHECK:   vit.gelu
func.func @negative_dynamic_token(%x: tensor<2x5x8xf32>, %i: index) -> tensor<2x1x8xf32> {
  %0 = vit.gelu %x : tensor<2x5x8xf32>
  %1 = tensor.extract_slice %0[0, %i, 0] [2, 1, 8] [1, 1, 1] : tensor<2x5x8xf32> to tensor<2x1x8xf32>
  return %1 : tensor<2x1x8xf32>
}

// An image of the second batch item would need another place for each op.
// CHECK-LABEL: func @negative_part_of_batch(
//   CHECK-NOT:   tensor.extract_slice
//       CHECK:   vit.gelu
func.func @negative_part_of_batch(%x: tensor<2x5x8xf32>) -> tensor<1x1x8xf32> {
  %0 = vit.gelu %x : tensor<2x5x8xf32>
  %1 = tensor.extract_slice %0[1, 0, 0] [1, 1, 8] [1, 1, 1] : tensor<2x5x8xf32> to tensor<1x1x8xf32>
  return %1 : tensor<1x1x8xf32>
}

// Pooling mixes tokens.
// CHECK-LABEL: func @negative_mean(
//   CHECK-NOT:   tensor.extract_slice
//       CHECK:   vit.mean_tokens
func.func @negative_mean(%x: tensor<2x5x8xf32>) -> tensor<2x8xf32> {
  %0 = vit.mean_tokens %x : tensor<2x5x8xf32> -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// The slice's size would have to come from an argument.
// CHECK-LABEL: func @negative_batch_of_no_argument(
//       CHECK:   vit.gelu %{{.*}} : tensor<?x5x8xf32>
func.func @negative_batch_of_no_argument(%n: index) -> tensor<?x1x8xf32> {
  %x = tensor.empty(%n) : tensor<?x5x8xf32>
  %0 = vit.gelu %x : tensor<?x5x8xf32>
  %1 = tensor.extract_slice %0[0, 0, 0] [%n, 1, 8] [1, 1, 1] : tensor<?x5x8xf32> to tensor<?x1x8xf32>
  return %1 : tensor<?x1x8xf32>
}

// A map reads all queries, by a product of its own: the rest is as without it.
// CHECK-LABEL: func @map(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<2x5x8xf32>
//   CHECK-DAG:   %[[XS:.*]] = tensor.extract_slice %[[X]][0, 0, 0] [2, 2, 8]
//   CHECK-DAG:   %[[YS:.*]] = vit.linear %[[XS]],
//   CHECK-DAG:   %[[QS:.*]] = vit.split_heads %[[YS]]
//   CHECK-DAG:   %[[Y:.*]] = vit.linear %[[X]],
//   CHECK-DAG:   %[[Q:.*]] = vit.split_heads %[[Y]]
//   CHECK-DAG:   %[[K:.*]] = vit.split_heads %[[X]]
//   CHECK-DAG:   %[[A:.*]] = vit.attention %[[QS]], %[[K]], %[[K]]
//   CHECK-DAG:   %[[M:.*]] = vit.attention_map %[[Q]], %[[K]] scale
//       CHECK:   return %[[A]], %[[M]]
func.func @map(%x: tensor<2x5x8xf32>, %w: tensor<8x8xf32>, %s: tensor<1x2xi64>)
    -> (tensor<2x2x2x4xf32>, tensor<2x1x2x5x5xf32>) {
  %y = vit.linear %x, %w : tensor<2x5x8xf32>, tensor<8x8xf32> -> tensor<2x5x8xf32>
  %q = vit.split_heads %y heads 2 : tensor<2x5x8xf32> -> tensor<2x2x5x4xf32>
  %k = vit.split_heads %x heads 2 : tensor<2x5x8xf32> -> tensor<2x2x5x4xf32>
  %0 = vit.attention %q, %k, %k scale 5.000000e-01
      : tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32> -> tensor<2x2x5x4xf32>
  %1 = vit.attention_map %q, %k scale 5.000000e-01 selection(%s[0] : tensor<1x2xi64>) windows 1
      : tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32> -> tensor<2x1x2x5x5xf32>
  %2 = tensor.extract_slice %0[0, 0, 0, 0] [2, 2, 2, 4] [1, 1, 1, 1] : tensor<2x2x5x4xf32> to tensor<2x2x2x4xf32>
  return %2, %1 : tensor<2x2x2x4xf32>, tensor<2x1x2x5x5xf32>
}

// How many items are read is another number than the batch.
// CHECK-LABEL: func @negative_narrow_part_of_batch(
//       CHECK:   vit.linear {{.*}} -> tensor<?x5x8xf32>
//       CHECK:   tensor.extract_slice
func.func @negative_narrow_part_of_batch(%x: tensor<?x5x8xf32>, %w: tensor<8x8xf32>, %items: index) -> tensor<?x1x8xf32> {
  %0 = vit.linear %x, %w : tensor<?x5x8xf32>, tensor<8x8xf32> -> tensor<?x5x8xf32>
  %1 = tensor.extract_slice %0[0, 0, 0] [%items, 1, 8] [1, 1, 1] : tensor<?x5x8xf32> to tensor<?x1x8xf32>
  return %1 : tensor<?x1x8xf32>
}
