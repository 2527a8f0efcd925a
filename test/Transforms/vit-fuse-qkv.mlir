// RUN: vit-opt %s -vit-fuse-qkv -canonicalize -cse -split-input-file -verify-diagnostics | FileCheck %s

vit.weight @wq : tensor<8x8xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @wk : tensor<4x8xf32> seed(2 mean 0.0 scale 1.0)
vit.weight @bq : tensor<8xf32> seed(3 mean 0.0 scale 1.0)
vit.weight @bk : tensor<4xf32> seed(4 mean 0.0 scale 1.0)

// CHECK-LABEL: func @qkv(
//  CHECK-SAME:     %[[X:.*]]: tensor<?x5x8xf32>
//   CHECK-DAG:   %[[W:.*]] = vit.constant #vit.expr<concat, [#vit.expr<ref, [@wq]> : tensor<8x8xf32>, #vit.expr<ref, [@wk]> : tensor<4x8xf32>]> : tensor<12x8xf32>
//   CHECK-DAG:   %[[B:.*]] = vit.constant #vit.expr<concat, [#vit.expr<ref, [@bq]> : tensor<8xf32>, #vit.expr<ref, [@bk]> : tensor<4xf32>]> : tensor<12xf32>
//   CHECK-DAG:   %[[N:.*]] = tensor.dim %[[X]]
//       CHECK:   %[[WIDE:.*]] = vit.linear %[[X]], %[[W]] bias(%[[B]] : tensor<12xf32>)
//       CHECK:   %[[Q:.*]] = tensor.extract_slice %[[WIDE]][0, 0, 0] [%[[N]], 5, 8] [1, 1, 1]
//       CHECK:   %[[K:.*]] = tensor.extract_slice %[[WIDE]][0, 0, 8] [%[[N]], 5, 4] [1, 1, 1]
//       CHECK:   return %[[Q]], %[[K]]
func.func @qkv(%x: tensor<?x5x8xf32>) -> (tensor<?x5x8xf32>, tensor<?x5x4xf32>) {
  %wq = vit.constant #vit.expr<ref, [@wq]> : tensor<8x8xf32>
  %wk = vit.constant #vit.expr<ref, [@wk]> : tensor<4x8xf32>
  %bq = vit.constant #vit.expr<ref, [@bq]> : tensor<8xf32>
  %bk = vit.constant #vit.expr<ref, [@bk]> : tensor<4xf32>
  %q = vit.linear %x, %wq bias(%bq : tensor<8xf32>) : tensor<?x5x8xf32>, tensor<8x8xf32> -> tensor<?x5x8xf32>
  %k = vit.linear %x, %wk bias(%bk : tensor<4xf32>) : tensor<?x5x8xf32>, tensor<4x8xf32> -> tensor<?x5x4xf32>
  return %q, %k : tensor<?x5x8xf32>, tensor<?x5x4xf32>
}

// CHECK-LABEL: func @qkv_no_bias(
//       CHECK:   vit.linear %{{[^ ]+}}, %{{[^ ]+}} : tensor<2x8xf32>, tensor<12x8xf32>
//       CHECK:   tensor.extract_slice %{{.*}}[0, 0] [2, 8] [1, 1]
//       CHECK:   tensor.extract_slice %{{.*}}[0, 8] [2, 4] [1, 1]
func.func @qkv_no_bias(%x: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x4xf32>) {
  %wq = vit.constant #vit.expr<ref, [@wq]> : tensor<8x8xf32>
  %wk = vit.constant #vit.expr<ref, [@wk]> : tensor<4x8xf32>
  %q = vit.linear %x, %wq : tensor<2x8xf32>, tensor<8x8xf32> -> tensor<2x8xf32>
  %k = vit.linear %x, %wk : tensor<2x8xf32>, tensor<4x8xf32> -> tensor<2x4xf32>
  return %q, %k : tensor<2x8xf32>, tensor<2x4xf32>
}

// Biases of an ONNX file that are small are not stored by reference.
// CHECK-LABEL: func @qkv_small_biases(
//       CHECK:   %[[B:.*]] = vit.constant #vit.expr<concat, [#vit.expr<data, {{.*}} : tensor<8xf32>, #vit.expr<data, {{.*}} : tensor<4xf32>]> : tensor<12xf32>
//       CHECK:   vit.linear %{{[^ ]+}}, %{{[^ ]+}} bias(%[[B]] : tensor<12xf32>)
func.func @qkv_small_biases(%x: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x4xf32>) {
  %wq = vit.constant #vit.expr<ref, [@wq]> : tensor<8x8xf32>
  %wk = vit.constant #vit.expr<ref, [@wk]> : tensor<4x8xf32>
  %bq = arith.constant dense<1.0> : tensor<8xf32>
  %bk = arith.constant dense<2.0> : tensor<4xf32>
  %q = vit.linear %x, %wq bias(%bq : tensor<8xf32>) : tensor<2x8xf32>, tensor<8x8xf32> -> tensor<2x8xf32>
  %k = vit.linear %x, %wk bias(%bk : tensor<4xf32>) : tensor<2x8xf32>, tensor<4x8xf32> -> tensor<2x4xf32>
  return %q, %k : tensor<2x8xf32>, tensor<2x4xf32>
}

// CHECK-LABEL: func @negative_qkv_other_input(
// CHECK-COUNT-2: vit.linear
func.func @negative_qkv_other_input(%x: tensor<2x8xf32>, %y: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x4xf32>) {
  %wq = vit.constant #vit.expr<ref, [@wq]> : tensor<8x8xf32>
  %wk = vit.constant #vit.expr<ref, [@wk]> : tensor<4x8xf32>
  %q = vit.linear %x, %wq : tensor<2x8xf32>, tensor<8x8xf32> -> tensor<2x8xf32>
  %k = vit.linear %y, %wk : tensor<2x8xf32>, tensor<4x8xf32> -> tensor<2x4xf32>
  return %q, %k : tensor<2x8xf32>, tensor<2x4xf32>
}

// A concatenation is an expression on stored weights.
// CHECK-LABEL: func @negative_qkv_computed_weight(
// CHECK-COUNT-2: vit.linear
func.func @negative_qkv_computed_weight(%x: tensor<2x8xf32>, %wk: tensor<4x8xf32>) -> (tensor<2x8xf32>, tensor<2x4xf32>) {
  %wq = vit.constant #vit.expr<ref, [@wq]> : tensor<8x8xf32>
  %q = vit.linear %x, %wq : tensor<2x8xf32>, tensor<8x8xf32> -> tensor<2x8xf32>
  %k = vit.linear %x, %wk : tensor<2x8xf32>, tensor<4x8xf32> -> tensor<2x4xf32>
  return %q, %k : tensor<2x8xf32>, tensor<2x4xf32>
}

// CHECK-LABEL: func @negative_qkv_computed_bias(
// CHECK-COUNT-2: vit.linear
func.func @negative_qkv_computed_bias(%x: tensor<2x8xf32>, %bk: tensor<4xf32>) -> (tensor<2x8xf32>, tensor<2x4xf32>) {
  %wq = vit.constant #vit.expr<ref, [@wq]> : tensor<8x8xf32>
  %wk = vit.constant #vit.expr<ref, [@wk]> : tensor<4x8xf32>
  %bq = vit.constant #vit.expr<ref, [@bq]> : tensor<8xf32>
  %q = vit.linear %x, %wq bias(%bq : tensor<8xf32>) : tensor<2x8xf32>, tensor<8x8xf32> -> tensor<2x8xf32>
  %k = vit.linear %x, %wk bias(%bk : tensor<4xf32>) : tensor<2x8xf32>, tensor<4x8xf32> -> tensor<2x4xf32>
  return %q, %k : tensor<2x8xf32>, tensor<2x4xf32>
}

// CHECK-LABEL: func @negative_qkv_activation(
// CHECK-COUNT-2: vit.linear
func.func @negative_qkv_activation(%x: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x4xf32>) {
  %wq = vit.constant #vit.expr<ref, [@wq]> : tensor<8x8xf32>
  %wk = vit.constant #vit.expr<ref, [@wk]> : tensor<4x8xf32>
  %q = vit.linear %x, %wq : tensor<2x8xf32>, tensor<8x8xf32> -> tensor<2x8xf32>
  %k = vit.linear %x, %wk activation gelu : tensor<2x8xf32>, tensor<4x8xf32> -> tensor<2x4xf32>
  return %q, %k : tensor<2x8xf32>, tensor<2x4xf32>
}

// CHECK-LABEL: func @negative_qkv_residual(
// CHECK-COUNT-2: vit.linear
func.func @negative_qkv_residual(%x: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x4xf32>) {
  %wq = vit.constant #vit.expr<ref, [@wq]> : tensor<8x8xf32>
  %wk = vit.constant #vit.expr<ref, [@wk]> : tensor<4x8xf32>
  %q = vit.linear %x, %wq residual(%x : tensor<2x8xf32>) : tensor<2x8xf32>, tensor<8x8xf32> -> tensor<2x8xf32>
  %k = vit.linear %x, %wk : tensor<2x8xf32>, tensor<4x8xf32> -> tensor<2x4xf32>
  return %q, %k : tensor<2x8xf32>, tensor<2x4xf32>
}

// A concatenation has one element type.
// CHECK-LABEL: func @negative_qkv_other_type(
// CHECK-COUNT-2: vit.linear
func.func @negative_qkv_other_type(%x: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x4xf32>) {
  %wq = arith.constant dense<0.5> : tensor<8x8xf32>
  %wk = arith.constant dense<0.5> : tensor<4x8xf16>
  %0 = vit.linear %x, %wq : tensor<2x8xf32>, tensor<8x8xf32> -> tensor<2x8xf32>
  %1 = vit.linear %x, %wk : tensor<2x8xf32>, tensor<4x8xf16> -> tensor<2x4xf32>
  return %0, %1 : tensor<2x8xf32>, tensor<2x4xf32>
}

// Each has its own prologue.
// CHECK-LABEL: func @negative_qkv_norm(
// CHECK-COUNT-2: vit.linear
func.func @negative_qkv_norm(%x: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x4xf32>) {
  %wq = vit.constant #vit.expr<ref, [@wq]> : tensor<8x8xf32>
  %wk = vit.constant #vit.expr<ref, [@wk]> : tensor<4x8xf32>
  %q = vit.linear %x, %wq norm <epsilon = 0.5 : f64> : tensor<2x8xf32>, tensor<8x8xf32> -> tensor<2x8xf32>
  %k = vit.linear %x, %wk : tensor<2x8xf32>, tensor<4x8xf32> -> tensor<2x4xf32>
  return %q, %k : tensor<2x8xf32>, tensor<2x4xf32>
}

// A vector has no batch, which a gemm needs.
// CHECK-LABEL: func @negative_qkv_vector(
// CHECK-COUNT-2: vit.linear
func.func @negative_qkv_vector(%x: tensor<8xf32>) -> (tensor<8xf32>, tensor<4xf32>) {
  %wq = vit.constant #vit.expr<ref, [@wq]> : tensor<8x8xf32>
  %wk = vit.constant #vit.expr<ref, [@wk]> : tensor<4x8xf32>
  %q = vit.linear %x, %wq : tensor<8xf32>, tensor<8x8xf32> -> tensor<8xf32>
  %k = vit.linear %x, %wk : tensor<8xf32>, tensor<4x8xf32> -> tensor<4xf32>
  return %q, %k : tensor<8xf32>, tensor<4xf32>
}

// -----

vit.weight @wq : tensor<8x8xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @wk : tensor<4x8xf32> seed(2 mean 0.0 scale 1.0)
vit.weight @bq : tensor<8xf32> seed(3 mean 0.0 scale 1.0)

// Zeros stand for the bias that the key has not.
// CHECK-LABEL: func @qkv_key_without_bias(
//       CHECK:   %[[B:.*]] = vit.constant #vit.expr<concat, [#vit.expr<ref, [@bq]> : tensor<8xf32>, #vit.expr<data, [dense<0.000000e+00> : tensor<4xf32>]> : tensor<4xf32>]> : tensor<12xf32>
//       CHECK:   vit.linear %{{.*}} bias(%[[B]] : tensor<12xf32>)
//   CHECK-NOT:   vit.linear
func.func @qkv_key_without_bias(%x: tensor<2x8xf32>) -> (tensor<2x8xf32>, tensor<2x4xf32>) {
  %wq = vit.constant #vit.expr<ref, [@wq]> : tensor<8x8xf32>
  %wk = vit.constant #vit.expr<ref, [@wk]> : tensor<4x8xf32>
  %bq = vit.constant #vit.expr<ref, [@bq]> : tensor<8xf32>
  %q = vit.linear %x, %wq bias(%bq : tensor<8xf32>) : tensor<2x8xf32>, tensor<8x8xf32> -> tensor<2x8xf32>
  %k = vit.linear %x, %wk : tensor<2x8xf32>, tensor<4x8xf32> -> tensor<2x4xf32>
  return %q, %k : tensor<2x8xf32>, tensor<2x4xf32>
}

// -----

vit.weight @wq : tensor<8x8xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @wk : tensor<4x8xf32> seed(2 mean 0.0 scale 1.0)

// Only the linears of one block always run together.
// CHECK-LABEL: func @qkv_nested(
//       CHECK:   scf.if
//       CHECK:     vit.linear {{.*}} -> tensor<?x12xf32>
//       CHECK:   else
//       CHECK:     vit.linear {{.*}} -> tensor<?x8xf32>
func.func @qkv_nested(%x: tensor<?x8xf32>, %c: i1) -> (tensor<?x8xf32>, tensor<?x4xf32>) {
  %wq = vit.constant #vit.expr<ref, [@wq]> : tensor<8x8xf32>
  %wk = vit.constant #vit.expr<ref, [@wk]> : tensor<4x8xf32>
  %0:2 = scf.if %c -> (tensor<?x8xf32>, tensor<?x4xf32>) {
    %q = vit.linear %x, %wq : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
    %k = vit.linear %x, %wk : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
    scf.yield %q, %k : tensor<?x8xf32>, tensor<?x4xf32>
  } else {
    %q = vit.linear %x, %wq : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
    %n = arith.constant 2 : index
    %k = tensor.empty(%n) : tensor<?x4xf32>
    scf.yield %q, %k : tensor<?x8xf32>, tensor<?x4xf32>
  }
  return %0#0, %0#1 : tensor<?x8xf32>, tensor<?x4xf32>
}

// -----

vit.weight @wq : tensor<8x8xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @wk : tensor<4x8xf32> seed(2 mean 0.0 scale 1.0)

// Four windows an image: the slices have four times the batch.
// CHECK-LABEL: func @qkv_windows(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x8x8x8xf32>
//   CHECK-DAG:   %[[C4:.*]] = arith.constant 4 : index
//   CHECK-DAG:   %[[B:.*]] = tensor.dim %[[X]], %{{.*}}
//       CHECK:   %[[N:.*]] = arith.muli %[[B]], %[[C4]]
//       CHECK:   %[[Y:.*]] = vit.linear
//       CHECK:   tensor.extract_slice %[[Y]][0, 0, 0] [%[[N]], 16, 8] [1, 1, 1]
//       CHECK:   tensor.extract_slice %[[Y]][0, 0, 8] [%[[N]], 16, 4] [1, 1, 1]
func.func @qkv_windows(%x: tensor<?x8x8x8xf32>) -> (tensor<?x16x8xf32>, tensor<?x16x4xf32>) {
  %wq = vit.constant #vit.expr<ref, [@wq]> : tensor<8x8xf32>
  %wk = vit.constant #vit.expr<ref, [@wk]> : tensor<4x8xf32>
  %w = vit.window_partition %x window [4, 4] : tensor<?x8x8x8xf32> -> tensor<?x16x8xf32>
  %q = vit.linear %w, %wq : tensor<?x16x8xf32>, tensor<8x8xf32> -> tensor<?x16x8xf32>
  %k = vit.linear %w, %wk : tensor<?x16x8xf32>, tensor<4x8xf32> -> tensor<?x16x4xf32>
  return %q, %k : tensor<?x16x8xf32>, tensor<?x16x4xf32>
}

// -----

vit.weight @wq : tensor<8x8xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @wk : tensor<4x8xf32> seed(2 mean 0.0 scale 1.0)

// CHECK-LABEL: func @negative_qkv_batch_of_no_argument(
// CHECK-COUNT-2: vit.linear
func.func @negative_qkv_batch_of_no_argument(%n: index) -> (tensor<?x8xf32>, tensor<?x4xf32>) {
  %wq = vit.constant #vit.expr<ref, [@wq]> : tensor<8x8xf32>
  %wk = vit.constant #vit.expr<ref, [@wk]> : tensor<4x8xf32>
  %x = tensor.empty(%n) : tensor<?x8xf32>
  // expected-remark @+1 {{not fused with the linear layers beside it: no argument has the dynamic size of 'tensor<?x8xf32>'}}
  %q = vit.linear %x, %wq : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
  %k = vit.linear %x, %wk : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
  return %q, %k : tensor<?x8xf32>, tensor<?x4xf32>
}

// -----

vit.weight @wq : tensor<8x8xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @wk : tensor<8x8xf32> seed(2 mean 0.0 scale 1.0)

// The queries of a map are not part of @forward, whose weights stay.
// CHECK-LABEL: func @negative_qkv_for_maps(
//       CHECK:   vit.linear {{.*}} -> tensor<1x4x8xf32>
//       CHECK:   vit.linear {{.*}} -> tensor<1x4x8xf32>
func.func @negative_qkv_for_maps(%x: tensor<1x4x8xf32>, %s: tensor<1x2xi64>) -> (tensor<1x4x8xf32>, tensor<1x1x2x4x4xf32>) {
  %wq = vit.constant #vit.expr<ref, [@wq]> : tensor<8x8xf32>
  %wk = vit.constant #vit.expr<ref, [@wk]> : tensor<8x8xf32>
  %q = vit.linear %x, %wq : tensor<1x4x8xf32>, tensor<8x8xf32> -> tensor<1x4x8xf32>
  %k = vit.linear %x, %wk : tensor<1x4x8xf32>, tensor<8x8xf32> -> tensor<1x4x8xf32>
  %qh = vit.split_heads %q heads 2 : tensor<1x4x8xf32> -> tensor<1x2x4x4xf32>
  %kh = vit.split_heads %k heads 2 : tensor<1x4x8xf32> -> tensor<1x2x4x4xf32>
  %m = vit.attention_map %qh, %kh scale 5.0e-01 selection(%s[0] : tensor<1x2xi64>) windows 1
      : tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32> -> tensor<1x1x2x4x4xf32>
  return %k, %m : tensor<1x4x8xf32>, tensor<1x1x2x4x4xf32>
}
