// RUN: vit-opt %s -convert-vit-to-kernel -canonicalize | FileCheck %s

vit.weight @w : tensor<16x8xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @b : tensor<16xf32> seed(2 mean 0.0 scale 1.0)

// Weights are packed, results are destination arguments that are returned, and
// names stay with their arguments.
// CHECK-DAG: #[[$ROWS:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[$CLASS:.*]] = affine_map<(d0, d1, d2) -> (d0, 0, d2)>
// CHECK-DAG: #[[$FLAT:.*]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-LABEL: func @linear(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x5x8xf32> {vit.name = "x"}, %[[R:[^ ]+]]: tensor<?x5x16xf32>
//  CHECK-SAME:     %[[Y:[^ ]+]]: tensor<?x5x16xf32> {bufferization.writable = true, vit.name = "y"})
//   CHECK-DAG:   %[[N:.*]] = tensor.dim %[[X]]
//   CHECK-DAG:   %[[M:.*]] = arith.constant 5 : index
//   CHECK-DAG:   %[[BIAS:.*]] = kernel.constant #vit.expr<ref, [@b]> : tensor<16xf32> as tensor<16xf32>
//   CHECK-DAG:   %[[W:.*]] = kernel.constant #vit.expr<pack, [#vit.expr<ref, [@w]> : tensor<16x8xf32>]> : tensor<256xf32>
//       CHECK:   %[[O:.*]] = kernel.gemm batch(%[[N]]) rows(%[[M]]) n 16 k 8 lhs(%[[X]] at #[[$ROWS]] : tensor<?x5x8xf32>)
//  CHECK-SAME:       weights(%[[W]] : tensor<256xf32>) bias(%[[BIAS]] : tensor<16xf32>)
//  CHECK-SAME:       residual(%[[R]] at #[[$ROWS]] : tensor<?x5x16xf32>) init(%[[Y]] at #[[$ROWS]] : tensor<?x5x16xf32>) activation gelu
//       CHECK:   return %[[O]]
func.func @linear(%x: tensor<?x5x8xf32> {vit.name = "x"}, %r: tensor<?x5x16xf32>) -> (tensor<?x5x16xf32> {vit.name = "y"}) {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %b = vit.constant #vit.expr<ref, [@b]> : tensor<16xf32>
  %0 = vit.linear %x, %w bias(%b : tensor<16xf32>) residual(%r : tensor<?x5x16xf32>) activation gelu
      : tensor<?x5x8xf32>, tensor<16x8xf32> -> tensor<?x5x16xf32>
  return %0 : tensor<?x5x16xf32>
}

// The class token is read in place.
// CHECK-LABEL: func @linear_class_token(
//       CHECK:   kernel.gemm {{.*}} lhs(%{{.*}} at #[[$CLASS]] : tensor<?x5x8xf32>) {{.*}} init(%{{.*}} at #[[$FLAT]] : tensor<?x16xf32>)
func.func @linear_class_token(%x: tensor<?x5x8xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x5x8xf32>
  %cls = tensor.extract_slice %x[0, 0, 0] [%n, 1, 8] [1, 1, 1] : tensor<?x5x8xf32> to tensor<?x8xf32>
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %0 = vit.linear %cls, %w : tensor<?x8xf32>, tensor<16x8xf32> -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}

// Rows run over all middle dims.
// CHECK-LABEL: func @linear_rank_4(
//       CHECK:   kernel.gemm batch(%{{[^ ]+}}) rows(%{{[^ ]+}}) n 16 k 8 lhs(%{{[^ ]+}} at #[[MIDDLE:[^ ]+]] : tensor<2x3x4x8xf32>) {{.*}} init(%{{[^ ]+}} at #[[MIDDLE]] : tensor<2x3x4x16xf32>)
func.func @linear_rank_4(%x: tensor<2x3x4x8xf32>) -> tensor<2x3x4x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %0 = vit.linear %x, %w : tensor<2x3x4x8xf32>, tensor<16x8xf32> -> tensor<2x3x4x16xf32>
  return %0 : tensor<2x3x4x16xf32>
}

// A bias that is a part of another value is copied: kernels take whole vectors.
// CHECK-LABEL: func @linear_sliced_bias(
//       CHECK:   %[[B:.*]] = kernel.gather
//       CHECK:   kernel.gemm {{.*}} bias(%[[B]] : tensor<16xf32>)
func.func @linear_sliced_bias(%x: tensor<2x8xf32>, %biases: tensor<32xf32>) -> tensor<2x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %b = tensor.extract_slice %biases[16] [16] [1] : tensor<32xf32> to tensor<16xf32>
  %0 = vit.linear %x, %w bias(%b : tensor<16xf32>) : tensor<2x8xf32>, tensor<16x8xf32> -> tensor<2x16xf32>
  return %0 : tensor<2x16xf32>
}

// CHECK-LABEL: func @gelu(
//       CHECK:   kernel.generic batch(%{{.*}}) sizes [5, 8]
//       CHECK:     math.erf
//       CHECK:     kernel.yield
func.func @gelu(%x: tensor<?x5x8xf32>) -> tensor<?x5x8xf32> {
  %0 = vit.gelu %x : tensor<?x5x8xf32>
  return %0 : tensor<?x5x8xf32>
}

// CHECK-LABEL: func @gelu_tanh(
//       CHECK:   kernel.generic
//       CHECK:     math.tanh
func.func @gelu_tanh(%x: tensor<?x5x8xf32>) -> tensor<?x5x8xf32> {
  %0 = vit.gelu %x tanh : tensor<?x5x8xf32>
  return %0 : tensor<?x5x8xf32>
}

// A vector is a batch of boxes of one element.
// CHECK-LABEL: func @gelu_quick(
//       CHECK:   kernel.generic
//       CHECK:     math.exp
//       CHECK:     arith.divf
func.func @gelu_quick(%x: tensor<?x5x8xf32>) -> tensor<?x5x8xf32> {
  %0 = vit.gelu %x quick : tensor<?x5x8xf32>
  return %0 : tensor<?x5x8xf32>
}

// CHECK-LABEL: func @gelu_vector(
//       CHECK:   %[[N:.*]] = arith.constant 8 : index
//       CHECK:   kernel.generic batch(%[[N]]) sizes [1]
func.func @gelu_vector(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = vit.gelu %x : tensor<8xf32>
  return %0 : tensor<8xf32>
}

// The norm goes along; its rows are those of the windows.
// CHECK-LABEL: func @linear_norm(
//       CHECK:   kernel.gemm {{.*}} lhs(%{{[^ ]+}} at #{{[^ ]+}} : tensor<1x4x4x8xf32>) {{.*}} activation gelu norm <epsilon = 1.000000e-05 : f64>
//   CHECK-NOT:   kernel.
func.func @linear_norm(%x: tensor<1x4x4x8xf32>) -> tensor<4x4x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %0 = vit.window_partition %x window [2, 2] : tensor<1x4x4x8xf32> -> tensor<4x4x8xf32>
  %1 = vit.linear %0, %w activation gelu norm <epsilon = 1.0e-05 : f64> : tensor<4x4x8xf32>, tensor<16x8xf32> -> tensor<4x4x16xf32>
  return %1 : tensor<4x4x16xf32>
}

// Four neighbours are one row, read where they lie.
// CHECK-LABEL: func @linear_patch_merging(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x4x4x2xf32>
//   CHECK-NOT:   kernel.gather
//       CHECK:   kernel.gemm {{.*}} n 16 k 8 lhs(%[[X]] at #{{[^ ]+}} : tensor<?x4x4x2xf32>) {{.*}} norm <
//   CHECK-NOT:   kernel.gather
//       CHECK:   return
func.func @linear_patch_merging(%x: tensor<?x4x4x2xf32>) -> tensor<?x2x2x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %0 = vit.patch_merging %x : tensor<?x4x4x2xf32> -> tensor<?x2x2x8xf32>
  %1 = vit.linear %0, %w norm <epsilon = 1.0e-05 : f64> : tensor<?x2x2x8xf32>, tensor<16x8xf32> -> tensor<?x2x2x16xf32>
  return %1 : tensor<?x2x2x16xf32>
}
