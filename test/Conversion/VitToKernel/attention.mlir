// RUN: vit-opt %s -convert-vit-to-kernel -canonicalize | FileCheck %s

// Query, key and value are read in place from one wide product, and the heads
// are merged as they are written: no op is left that only moves data.
// CHECK-DAG: #[[$QUERY:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d1 * 4 + d3)>
// CHECK-DAG: #[[$KEY:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d1 * 4 + d3 + 8)>
// CHECK-DAG: #[[$VALUE:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d1 * 4 + d3 + 16)>
// CHECK-DAG: #[[$SHARED:.*]] = affine_map<(d0, d1, d2, d3) -> (0, d1, d2, d3)>
// CHECK-DAG: #[[$ROUND:.*]] = affine_map<(d0, d1, d2, d3) -> (d0 mod 4, 0, d2, d3)>
// CHECK-LABEL: func @packed_qkv(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x5x24xf32>, %[[Y:[^ ]+]]: tensor<?x5x8xf32> {bufferization.writable = true})
//   CHECK-DAG:   %[[B:.*]] = tensor.dim %[[X]]
//   CHECK-DAG:   %[[N:.*]] = arith.constant 5 : index
//       CHECK:   %[[O:.*]] = kernel.attention batch(%[[B]]) queries(%[[N]]) keys(%[[N]]) heads 2 head_dim 4 value_dim 4 scale 5.000000e-01
//  CHECK-SAME:       query(%[[X]] at #[[$QUERY]] : tensor<?x5x24xf32>) key(%[[X]] at #[[$KEY]] : tensor<?x5x24xf32>)
//  CHECK-SAME:       value(%[[X]] at #[[$VALUE]] : tensor<?x5x24xf32>) init(%[[Y]] at #[[$QUERY]] : tensor<?x5x8xf32>)
//  CHECK-NEXT:   return %[[O]]
func.func @packed_qkv(%x: tensor<?x5x24xf32>) -> tensor<?x5x8xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x5x24xf32>
  %q = tensor.extract_slice %x[0, 0, 0] [%n, 5, 8] [1, 1, 1] : tensor<?x5x24xf32> to tensor<?x5x8xf32>
  %k = tensor.extract_slice %x[0, 0, 8] [%n, 5, 8] [1, 1, 1] : tensor<?x5x24xf32> to tensor<?x5x8xf32>
  %v = tensor.extract_slice %x[0, 0, 16] [%n, 5, 8] [1, 1, 1] : tensor<?x5x24xf32> to tensor<?x5x8xf32>
  %qh = vit.split_heads %q heads 2 : tensor<?x5x8xf32> -> tensor<?x2x5x4xf32>
  %kh = vit.split_heads %k heads 2 : tensor<?x5x8xf32> -> tensor<?x2x5x4xf32>
  %vh = vit.split_heads %v heads 2 : tensor<?x5x8xf32> -> tensor<?x2x5x4xf32>
  %o = vit.attention %qh, %kh, %vh scale 5.000000e-01
      : tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32> -> tensor<?x2x5x4xf32>
  %y = vit.merge_heads %o : tensor<?x2x5x4xf32> -> tensor<?x5x8xf32>
  return %y : tensor<?x5x8xf32>
}

// Four query heads share a key head; a bias of size 1 is broadcast.
// CHECK-LABEL: func @grouped_bias(
//       CHECK:   kernel.attention {{.*}} key(%{{.*}} at #[[GROUP:[^ ]+]] : tensor<2x1x5x4xf32>) {{.*}} bias(%{{.*}} at #[[BIAS:[^ ]+]] : tensor<1x4x5x5xf32>)
func.func @grouped_bias(%q: tensor<2x4x5x4xf32>, %k: tensor<2x1x5x4xf32>, %bias: tensor<1x4x5x5xf32>) -> tensor<2x4x5x4xf32> {
  %0 = vit.attention %q, %k, %k bias(%bias : tensor<1x4x5x5xf32>) scale 5.000000e-01
      : tensor<2x4x5x4xf32>, tensor<2x1x5x4xf32>, tensor<2x1x5x4xf32> -> tensor<2x4x5x4xf32>
  return %0 : tensor<2x4x5x4xf32>
}

// The result has two users, so that its heads are merged where they are read,
// by a gather: a row of a merged token is not contiguous in it.
// CHECK-LABEL: func @merged_by_gather(
//       CHECK:   %[[O:.*]] = kernel.attention
//       CHECK:   kernel.gather {{.*}} input(%[[O]] at #{{.*}} : tensor<2x2x5x4xf32>)
//       CHECK:   kernel.norm
func.func @merged_by_gather(%x: tensor<2x2x5x4xf32>) -> (tensor<2x2x5x4xf32>, tensor<2x5x8xf32>) {
  %0 = vit.attention %x, %x, %x scale 5.000000e-01
      : tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32> -> tensor<2x2x5x4xf32>
  %1 = vit.merge_heads %0 : tensor<2x2x5x4xf32> -> tensor<2x5x8xf32>
  %2 = vit.layer_norm %1 epsilon 1.0e-06 : tensor<2x5x8xf32>
  return %0, %2 : tensor<2x2x5x4xf32>, tensor<2x5x8xf32>
}

// Each map goes to its output. The layer is an operand, so that all share a
// function.
// CHECK-LABEL: func @attention_map(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<4x2x5x4xf32>, %[[S:[^ ]+]]: tensor<2x2xi64>,
//  CHECK-SAME:     %[[O0:[^ ]+]]: tensor<2x2x2x5x5xf32> {bufferization.writable = true}, %[[O1:[^ ]+]]: tensor<2x2x2x5x5xf32>
//   CHECK-DAG:   %[[B:.*]] = arith.constant 4 : index
//   CHECK-DAG:   %[[L0:.*]] = arith.constant 0 : index
//   CHECK-DAG:   %[[L1:.*]] = arith.constant 1 : index
//       CHECK:   %[[M0:.*]] = kernel.attention_map batch(%[[B]]) {{.*}} selection(%[[S]] at %[[L0]] : tensor<2x2xi64>) {{.*}} init(%[[O0]] :
//       CHECK:   %[[M1:.*]] = kernel.attention_map batch(%[[B]]) {{.*}} selection(%[[S]] at %[[L1]] : tensor<2x2xi64>) {{.*}} init(%[[O1]] :
//       CHECK:   return %[[M0]], %[[M1]]
func.func @attention_map(%x: tensor<4x2x5x4xf32>, %s: tensor<2x2xi64>) -> (tensor<2x2x2x5x5xf32>, tensor<2x2x2x5x5xf32>) {
  %0 = vit.attention_map %x, %x scale 5.000000e-01 selection(%s[0] : tensor<2x2xi64>) windows 2
      : tensor<4x2x5x4xf32>, tensor<4x2x5x4xf32> -> tensor<2x2x2x5x5xf32>
  %1 = vit.attention_map %x, %x scale 5.000000e-01 selection(%s[1] : tensor<2x2xi64>) windows 2
      : tensor<4x2x5x4xf32>, tensor<4x2x5x4xf32> -> tensor<2x2x2x5x5xf32>
  return %0, %1 : tensor<2x2x2x5x5xf32>, tensor<2x2x2x5x5xf32>
}

// Item b of the batch reads item b mod 4 of the mask, which all heads share.
// CHECK-LABEL: func @bias_and_mask(
//       CHECK:   kernel.attention {{.*}} bias(%{{.*}} at #[[$SHARED]] : tensor<1x2x5x5xf32>)
//  CHECK-SAME:       mask(%{{.*}} at #[[$ROUND]] : tensor<4x1x5x5xf32>)
func.func @bias_and_mask(%q: tensor<?x2x5x4xf32>, %bias: tensor<1x2x5x5xf32>, %mask: tensor<4x1x5x5xf32>)
    -> tensor<?x2x5x4xf32> {
  %0 = vit.attention %q, %q, %q bias(%bias : tensor<1x2x5x5xf32>) mask(%mask : tensor<4x1x5x5xf32>) scale 5.000000e-01
      : tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32> -> tensor<?x2x5x4xf32>
  return %0 : tensor<?x2x5x4xf32>
}
