// RUN: vit-opt %s -vit-merge-attention-heads -canonicalize -cse -split-input-file -verify-diagnostics | FileCheck %s

// Heads that are computed one by one, from slices of one product.
// CHECK-LABEL: func @heads_from_slices(
//  CHECK-SAME:     %[[X:.*]]: tensor<2x5x48xf32>
//   CHECK-DAG:   %[[Q:.*]] = tensor.extract_slice %[[X]][0, 0, 0] [2, 5, 16]
//   CHECK-DAG:   %[[QH:.*]] = vit.split_heads %[[Q]] heads 2 : tensor<2x5x16xf32> -> tensor<2x2x5x8xf32>
//   CHECK-DAG:   %[[K:.*]] = tensor.extract_slice %[[X]][0, 0, 16] [2, 5, 16]
//   CHECK-DAG:   %[[KH:.*]] = vit.split_heads %[[K]] heads 2
//   CHECK-DAG:   %[[V:.*]] = tensor.extract_slice %[[X]][0, 0, 32] [2, 5, 16]
//   CHECK-DAG:   %[[VH:.*]] = vit.split_heads %[[V]] heads 2
//       CHECK:   %[[R:.*]] = vit.attention %[[QH]], %[[KH]], %[[VH]] scale 5.000000e-01
//   CHECK-NOT:   vit.attention
//       CHECK:   vit.merge_heads %[[R]] : tensor<2x2x5x8xf32> -> tensor<2x5x16xf32>
func.func @heads_from_slices(%x: tensor<2x5x48xf32>) -> tensor<2x5x16xf32> {
  %q0 = tensor.extract_slice %x[0, 0, 0] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k0 = tensor.extract_slice %x[0, 0, 16] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v0 = tensor.extract_slice %x[0, 0, 32] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %q1 = tensor.extract_slice %x[0, 0, 8] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k1 = tensor.extract_slice %x[0, 0, 24] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v1 = tensor.extract_slice %x[0, 0, 40] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %qh0 = vit.split_heads %q0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh0 = vit.split_heads %k0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh0 = vit.split_heads %v0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a0 = vit.attention %qh0, %kh0, %vh0 scale 0.5 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m0 = vit.merge_heads %a0 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  %qh1 = vit.split_heads %q1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh1 = vit.split_heads %k1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh1 = vit.split_heads %v1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a1 = vit.attention %qh1, %kh1, %vh1 scale 0.5 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m1 = vit.merge_heads %a1 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  %r = tensor.concat dim(2) %m0, %m1 : (tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x16xf32>
  return %r : tensor<2x5x16xf32>
}

// All slices of a tensor are the tensor; each head has linear layers of its own.
// CHECK-LABEL: func @heads_from_linears(
//  CHECK-SAME:     %[[X:[^:]*]]: tensor<2x5x4xf32>, %[[Q:[^:]*]]: tensor<2x5x16xf32>, %[[W0:[^:]*]]: tensor<8x4xf32>, %[[W1:[^:]*]]: tensor<8x4xf32>, %[[B:.*]]: tensor<8xf32>
//   CHECK-DAG:   %[[QH:.*]] = vit.split_heads %[[Q]] heads 2
//   CHECK-DAG:   %[[W:.*]] = tensor.concat dim(0) %[[W0]], %[[W1]] : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<16x4xf32>
//   CHECK-DAG:   %[[BB:.*]] = tensor.concat dim(0) %[[B]], %[[B]]
//       CHECK:   %[[K:.*]] = vit.linear %[[X]], %[[W]] bias(%[[BB]] : tensor<16xf32>)
//       CHECK:   %[[KH:.*]] = vit.split_heads %[[K]] heads 2
//       CHECK:   vit.attention %[[QH]], %[[KH]], %[[KH]]
func.func @heads_from_linears(%x: tensor<2x5x4xf32>, %q: tensor<2x5x16xf32>, %w0: tensor<8x4xf32>, %w1: tensor<8x4xf32>, %b: tensor<8xf32>) -> tensor<2x5x16xf32> {
  %q0 = tensor.extract_slice %q[0, 0, 0] [2, 5, 8] [1, 1, 1] : tensor<2x5x16xf32> to tensor<2x5x8xf32>
  %q1 = tensor.extract_slice %q[0, 0, 8] [2, 5, 8] [1, 1, 1] : tensor<2x5x16xf32> to tensor<2x5x8xf32>
  %k0 = vit.linear %x, %w0 bias(%b : tensor<8xf32>) : tensor<2x5x4xf32>, tensor<8x4xf32> -> tensor<2x5x8xf32>
  %k1 = vit.linear %x, %w1 bias(%b : tensor<8xf32>) : tensor<2x5x4xf32>, tensor<8x4xf32> -> tensor<2x5x8xf32>
  %qh0 = vit.split_heads %q0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh0 = vit.split_heads %k0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh0 = vit.split_heads %k0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a0 = vit.attention %qh0, %kh0, %vh0 scale 0.5 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m0 = vit.merge_heads %a0 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  %qh1 = vit.split_heads %q1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh1 = vit.split_heads %k1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh1 = vit.split_heads %k1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a1 = vit.attention %qh1, %kh1, %vh1 scale 0.5 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m1 = vit.merge_heads %a1 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  %r = tensor.concat dim(2) %m0, %m1 : (tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x16xf32>
  return %r : tensor<2x5x16xf32>
}

// One head's queries are of normalised rows.
// CHECK-LABEL: func @negative_heads_norm(
// CHECK-COUNT-2: vit.attention
func.func @negative_heads_norm(%x: tensor<2x5x4xf32>, %q: tensor<2x5x16xf32>, %w0: tensor<8x4xf32>, %w1: tensor<8x4xf32>, %b: tensor<8xf32>) -> tensor<2x5x16xf32> {
  %q0 = tensor.extract_slice %q[0, 0, 0] [2, 5, 8] [1, 1, 1] : tensor<2x5x16xf32> to tensor<2x5x8xf32>
  %q1 = tensor.extract_slice %q[0, 0, 8] [2, 5, 8] [1, 1, 1] : tensor<2x5x16xf32> to tensor<2x5x8xf32>
  %k0 = vit.linear %x, %w0 bias(%b : tensor<8xf32>) norm <epsilon = 0.5 : f64> : tensor<2x5x4xf32>, tensor<8x4xf32> -> tensor<2x5x8xf32>
  %k1 = vit.linear %x, %w1 bias(%b : tensor<8xf32>) : tensor<2x5x4xf32>, tensor<8x4xf32> -> tensor<2x5x8xf32>
  %qh0 = vit.split_heads %q0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh0 = vit.split_heads %k0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh0 = vit.split_heads %k0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a0 = vit.attention %qh0, %kh0, %vh0 scale 0.5 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m0 = vit.merge_heads %a0 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  %qh1 = vit.split_heads %q1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh1 = vit.split_heads %k1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh1 = vit.split_heads %k1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a1 = vit.attention %qh1, %kh1, %vh1 scale 0.5 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m1 = vit.merge_heads %a1 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  // expected-remark @below {{heads stay apart: their operands are neither slices of one tensor nor linear layers of one input}}
  %r = tensor.concat dim(2) %m0, %m1 : (tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x16xf32>
  return %r : tensor<2x5x16xf32>
}

// EfficientViT's cascade: a head reads the result of the one before.
// CHECK-LABEL: func @negative_heads_cascade(
// CHECK-COUNT-2:   vit.attention
//       CHECK:   tensor.concat
func.func @negative_heads_cascade(%x: tensor<2x5x48xf32>) -> tensor<2x5x16xf32> {
  %q0 = tensor.extract_slice %x[0, 0, 0] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k0 = tensor.extract_slice %x[0, 0, 16] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v0 = tensor.extract_slice %x[0, 0, 32] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %q1 = tensor.extract_slice %x[0, 0, 8] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k1 = tensor.extract_slice %x[0, 0, 24] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v1 = tensor.extract_slice %x[0, 0, 40] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %qh0 = vit.split_heads %q0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh0 = vit.split_heads %k0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh0 = vit.split_heads %v0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a0 = vit.attention %qh0, %kh0, %vh0 scale 0.5 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m0 = vit.merge_heads %a0 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  %next = arith.addf %q1, %m0 : tensor<2x5x8xf32>
  %qh1 = vit.split_heads %next heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh1 = vit.split_heads %k1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh1 = vit.split_heads %v1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a1 = vit.attention %qh1, %kh1, %vh1 scale 0.5 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m1 = vit.merge_heads %a1 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  // expected-remark @below {{heads stay apart: another op reads the result of a head}}
  %r = tensor.concat dim(2) %m0, %m1 : (tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x16xf32>
  return %r : tensor<2x5x16xf32>
}

// CHECK-LABEL: func @negative_heads_scale(
// CHECK-COUNT-2:   vit.attention
func.func @negative_heads_scale(%x: tensor<2x5x48xf32>) -> tensor<2x5x16xf32> {
  %q0 = tensor.extract_slice %x[0, 0, 0] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k0 = tensor.extract_slice %x[0, 0, 16] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v0 = tensor.extract_slice %x[0, 0, 32] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %q1 = tensor.extract_slice %x[0, 0, 8] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k1 = tensor.extract_slice %x[0, 0, 24] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v1 = tensor.extract_slice %x[0, 0, 40] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %qh0 = vit.split_heads %q0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh0 = vit.split_heads %k0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh0 = vit.split_heads %v0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a0 = vit.attention %qh0, %kh0, %vh0 scale 0.5 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m0 = vit.merge_heads %a0 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  %qh1 = vit.split_heads %q1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh1 = vit.split_heads %k1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh1 = vit.split_heads %v1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a1 = vit.attention %qh1, %kh1, %vh1 scale 0.25 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m1 = vit.merge_heads %a1 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  // expected-remark @below {{heads stay apart: their scales differ}}
  %r = tensor.concat dim(2) %m0, %m1 : (tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x16xf32>
  return %r : tensor<2x5x16xf32>
}

// CHECK-LABEL: func @heads_causal(
//       CHECK:   vit.attention {{.*}} scale 5.000000e-01 causal 2 softcap 3.000000e+00 : tensor<2x2x5x8xf32>
//   CHECK-NOT:   vit.attention
func.func @heads_causal(%x: tensor<2x5x48xf32>) -> tensor<2x5x16xf32> {
  %q0 = tensor.extract_slice %x[0, 0, 0] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k0 = tensor.extract_slice %x[0, 0, 16] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v0 = tensor.extract_slice %x[0, 0, 32] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %q1 = tensor.extract_slice %x[0, 0, 8] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k1 = tensor.extract_slice %x[0, 0, 24] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v1 = tensor.extract_slice %x[0, 0, 40] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %qh0 = vit.split_heads %q0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh0 = vit.split_heads %k0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh0 = vit.split_heads %v0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a0 = vit.attention %qh0, %kh0, %vh0 scale 0.5 causal 2 softcap 3.0 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m0 = vit.merge_heads %a0 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  %qh1 = vit.split_heads %q1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh1 = vit.split_heads %k1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh1 = vit.split_heads %v1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a1 = vit.attention %qh1, %kh1, %vh1 scale 0.5 causal 2 softcap 3.0 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m1 = vit.merge_heads %a1 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  %r = tensor.concat dim(2) %m0, %m1 : (tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x16xf32>
  return %r : tensor<2x5x16xf32>
}

// CHECK-LABEL: func @negative_heads_softcaps(
// CHECK-COUNT-2:   vit.attention
func.func @negative_heads_softcaps(%x: tensor<2x5x48xf32>) -> tensor<2x5x16xf32> {
  %q0 = tensor.extract_slice %x[0, 0, 0] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k0 = tensor.extract_slice %x[0, 0, 16] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v0 = tensor.extract_slice %x[0, 0, 32] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %q1 = tensor.extract_slice %x[0, 0, 8] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k1 = tensor.extract_slice %x[0, 0, 24] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v1 = tensor.extract_slice %x[0, 0, 40] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %qh0 = vit.split_heads %q0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh0 = vit.split_heads %k0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh0 = vit.split_heads %v0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a0 = vit.attention %qh0, %kh0, %vh0 scale 0.5 softcap 3.0 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m0 = vit.merge_heads %a0 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  %qh1 = vit.split_heads %q1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh1 = vit.split_heads %k1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh1 = vit.split_heads %v1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a1 = vit.attention %qh1, %kh1, %vh1 scale 0.5 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m1 = vit.merge_heads %a1 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  // expected-remark @below {{heads stay apart: their softcaps differ}}
  %r = tensor.concat dim(2) %m0, %m1 : (tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x16xf32>
  return %r : tensor<2x5x16xf32>
}

// CHECK-LABEL: func @negative_heads_other_keys(
// CHECK-COUNT-2:   vit.attention
func.func @negative_heads_other_keys(%x: tensor<2x5x48xf32>) -> tensor<2x5x16xf32> {
  %q0 = tensor.extract_slice %x[0, 0, 0] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k0 = tensor.extract_slice %x[0, 0, 16] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v0 = tensor.extract_slice %x[0, 0, 32] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %q1 = tensor.extract_slice %x[0, 0, 8] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k1 = tensor.extract_slice %x[0, 0, 24] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v1 = tensor.extract_slice %x[0, 0, 40] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %qh0 = vit.split_heads %q0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh0 = vit.split_heads %k0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh0 = vit.split_heads %v0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a0 = vit.attention %qh0, %kh0, %vh0 scale 0.5 causal 1 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m0 = vit.merge_heads %a0 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  %qh1 = vit.split_heads %q1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh1 = vit.split_heads %k1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh1 = vit.split_heads %v1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a1 = vit.attention %qh1, %kh1, %vh1 scale 0.5 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m1 = vit.merge_heads %a1 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  // expected-remark @below {{heads stay apart: their queries see different keys}}
  %r = tensor.concat dim(2) %m0, %m1 : (tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x16xf32>
  return %r : tensor<2x5x16xf32>
}

// CHECK-LABEL: func @negative_heads_bias(
// CHECK-COUNT-2:   vit.attention
func.func @negative_heads_bias(%x: tensor<2x5x48xf32>, %bias: tensor<1x1x5x5xf32>) -> tensor<2x5x16xf32> {
  %q0 = tensor.extract_slice %x[0, 0, 0] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k0 = tensor.extract_slice %x[0, 0, 16] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v0 = tensor.extract_slice %x[0, 0, 32] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %q1 = tensor.extract_slice %x[0, 0, 8] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k1 = tensor.extract_slice %x[0, 0, 24] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v1 = tensor.extract_slice %x[0, 0, 40] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %qh0 = vit.split_heads %q0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh0 = vit.split_heads %k0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh0 = vit.split_heads %v0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a0 = vit.attention %qh0, %kh0, %vh0 scale 0.5 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m0 = vit.merge_heads %a0 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  %qh1 = vit.split_heads %q1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh1 = vit.split_heads %k1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh1 = vit.split_heads %v1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a1 = vit.attention %qh1, %kh1, %vh1 bias(%bias : tensor<1x1x5x5xf32>) scale 0.5 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m1 = vit.merge_heads %a1 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  // expected-remark @below {{heads stay apart: a head has a bias or a mask}}
  %r = tensor.concat dim(2) %m0, %m1 : (tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x16xf32>
  return %r : tensor<2x5x16xf32>
}

// CHECK-LABEL: func @negative_heads_shape(
// CHECK-COUNT-2:   vit.attention
func.func @negative_heads_shape(%x: tensor<2x5x48xf32>, %k: tensor<2x1x6x8xf32>) -> tensor<2x5x16xf32> {
  %q0 = tensor.extract_slice %x[0, 0, 0] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k0 = tensor.extract_slice %x[0, 0, 16] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v0 = tensor.extract_slice %x[0, 0, 32] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %q1 = tensor.extract_slice %x[0, 0, 8] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k1 = tensor.extract_slice %x[0, 0, 24] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v1 = tensor.extract_slice %x[0, 0, 40] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %qh0 = vit.split_heads %q0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh0 = vit.split_heads %k0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh0 = vit.split_heads %v0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a0 = vit.attention %qh0, %kh0, %vh0 scale 0.5 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m0 = vit.merge_heads %a0 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  %qh1 = vit.split_heads %q1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a1 = vit.attention %qh1, %k, %k scale 0.5 : tensor<2x1x5x8xf32>, tensor<2x1x6x8xf32>, tensor<2x1x6x8xf32> -> tensor<2x1x5x8xf32>
  %m1 = vit.merge_heads %a1 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  // expected-remark @below {{heads stay apart: their shapes differ}}
  %r = tensor.concat dim(2) %m0, %m1 : (tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x16xf32>
  return %r : tensor<2x5x16xf32>
}

// CHECK-LABEL: func @negative_heads_not_split(
// CHECK-COUNT-2:   vit.attention
func.func @negative_heads_not_split(%x: tensor<2x5x48xf32>, %k: tensor<2x1x5x8xf32>) -> tensor<2x5x16xf32> {
  %q0 = tensor.extract_slice %x[0, 0, 0] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k0 = tensor.extract_slice %x[0, 0, 16] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v0 = tensor.extract_slice %x[0, 0, 32] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %q1 = tensor.extract_slice %x[0, 0, 8] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k1 = tensor.extract_slice %x[0, 0, 24] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v1 = tensor.extract_slice %x[0, 0, 40] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %qh0 = vit.split_heads %q0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh0 = vit.split_heads %k0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh0 = vit.split_heads %v0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a0 = vit.attention %qh0, %kh0, %vh0 scale 0.5 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m0 = vit.merge_heads %a0 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  %qh1 = vit.split_heads %q1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a1 = vit.attention %qh1, %k, %k scale 0.5 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m1 = vit.merge_heads %a1 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  // expected-remark @below {{heads stay apart: an operand is not split from tokens}}
  %r = tensor.concat dim(2) %m0, %m1 : (tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x16xf32>
  return %r : tensor<2x5x16xf32>
}

// The slices are in another order than the heads.
// CHECK-LABEL: func @negative_heads_order(
// CHECK-COUNT-2:   vit.attention
func.func @negative_heads_order(%x: tensor<2x5x48xf32>) -> tensor<2x5x16xf32> {
  %q0 = tensor.extract_slice %x[0, 0, 0] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k0 = tensor.extract_slice %x[0, 0, 16] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v0 = tensor.extract_slice %x[0, 0, 32] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %q1 = tensor.extract_slice %x[0, 0, 8] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %k1 = tensor.extract_slice %x[0, 0, 24] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %v1 = tensor.extract_slice %x[0, 0, 40] [2, 5, 8] [1, 1, 1] : tensor<2x5x48xf32> to tensor<2x5x8xf32>
  %qh0 = vit.split_heads %q1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh0 = vit.split_heads %k0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh0 = vit.split_heads %v0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a0 = vit.attention %qh0, %kh0, %vh0 scale 0.5 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m0 = vit.merge_heads %a0 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  %qh1 = vit.split_heads %q0 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %kh1 = vit.split_heads %k1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %vh1 = vit.split_heads %v1 heads 1 : tensor<2x5x8xf32> -> tensor<2x1x5x8xf32>
  %a1 = vit.attention %qh1, %kh1, %vh1 scale 0.5 : tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32>, tensor<2x1x5x8xf32> -> tensor<2x1x5x8xf32>
  %m1 = vit.merge_heads %a1 : tensor<2x1x5x8xf32> -> tensor<2x5x8xf32>
  // expected-remark @below {{heads stay apart: their operands are neither slices of one tensor nor linear layers of one input}}
  %r = tensor.concat dim(2) %m0, %m1 : (tensor<2x5x8xf32>, tensor<2x5x8xf32>) -> tensor<2x5x16xf32>
  return %r : tensor<2x5x16xf32>
}

// All channels of the first token: the queries are a slice still.
// CHECK-LABEL: func @heads_of_one_token(
//  CHECK-SAME:     %[[X:.*]]: tensor<1x8x16xf32>
//       CHECK:   %[[T:.*]] = tensor.extract_slice %[[X]][0, 0, 0] [1, 1, 16] [1, 1, 1]
//       CHECK:   %[[Q:.*]] = vit.split_heads %[[T]] heads 2
//       CHECK:   %[[K:.*]] = vit.split_heads %[[X]] heads 2
//       CHECK:   vit.attention %[[Q]], %[[K]], {{.*}} -> tensor<1x2x1x8xf32>
func.func @heads_of_one_token(%x: tensor<1x8x16xf32>) -> tensor<1x1x16xf32> {
  %k0 = tensor.extract_slice %x[0, 0, 0] [1, 8, 8] [1, 1, 1] : tensor<1x8x16xf32> to tensor<1x8x8xf32>
  %k1 = tensor.extract_slice %x[0, 0, 8] [1, 8, 8] [1, 1, 1] : tensor<1x8x16xf32> to tensor<1x8x8xf32>
  %q0 = tensor.extract_slice %x[0, 0, 0] [1, 1, 8] [1, 1, 1] : tensor<1x8x16xf32> to tensor<1x1x8xf32>
  %q1 = tensor.extract_slice %x[0, 0, 8] [1, 1, 8] [1, 1, 1] : tensor<1x8x16xf32> to tensor<1x1x8xf32>
  %qh0 = vit.split_heads %q0 heads 1 : tensor<1x1x8xf32> -> tensor<1x1x1x8xf32>
  %qh1 = vit.split_heads %q1 heads 1 : tensor<1x1x8xf32> -> tensor<1x1x1x8xf32>
  %kh0 = vit.split_heads %k0 heads 1 : tensor<1x8x8xf32> -> tensor<1x1x8x8xf32>
  %kh1 = vit.split_heads %k1 heads 1 : tensor<1x8x8xf32> -> tensor<1x1x8x8xf32>
  %a0 = vit.attention %qh0, %kh0, %kh0 scale 0.5 : tensor<1x1x1x8xf32>, tensor<1x1x8x8xf32>, tensor<1x1x8x8xf32> -> tensor<1x1x1x8xf32>
  %a1 = vit.attention %qh1, %kh1, %kh1 scale 0.5 : tensor<1x1x1x8xf32>, tensor<1x1x8x8xf32>, tensor<1x1x8x8xf32> -> tensor<1x1x1x8xf32>
  %m0 = vit.merge_heads %a0 : tensor<1x1x1x8xf32> -> tensor<1x1x8xf32>
  %m1 = vit.merge_heads %a1 : tensor<1x1x1x8xf32> -> tensor<1x1x8xf32>
  %r = tensor.concat dim(2) %m0, %m1 : (tensor<1x1x8xf32>, tensor<1x1x8xf32>) -> tensor<1x1x16xf32>
  return %r : tensor<1x1x16xf32>
}
