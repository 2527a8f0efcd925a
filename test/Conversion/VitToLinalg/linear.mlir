// RUN: vit-opt %s -convert-vit-to-linalg -canonicalize -cse | FileCheck %s

// Product, bias, GELU, residual: one op each, in this order.
// CHECK-DAG: #[[$X:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG: #[[$W:.*]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-DAG: #[[$Y:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG: #[[$N:.*]] = affine_map<(d0, d1, d2) -> (d2)>
// CHECK-LABEL: func @linear(
//  CHECK-SAME:     %[[INPUT:.*]]: tensor<?x4x8xf32>, %[[WEIGHT:.*]]: tensor<16x8xf32>, %[[BIAS:.*]]: tensor<16xf32>, %[[RESIDUAL:.*]]: tensor<?x4x16xf32>
//       CHECK:   %[[P:.*]] = linalg.generic {indexing_maps = [#[[$X]], #[[$W]], #[[$Y]]]
//  CHECK-SAME:       ins(%[[INPUT]], %[[WEIGHT]]
//       CHECK:   %[[B:.*]] = linalg.generic {indexing_maps = [#{{.*}}, #[[$N]], #{{.*}}]{{.*}}ins(%[[P]], %[[BIAS]]
//       CHECK:     arith.addf
//       CHECK:   %[[G:.*]] = linalg.generic {{.*}}ins(%[[B]]
//       CHECK:     math.erf
//       CHECK:   %[[R:.*]] = linalg.generic {{.*}}ins(%[[G]], %[[RESIDUAL]]
//       CHECK:     arith.addf
//       CHECK:   return %[[R]]
func.func @linear(%x: tensor<?x4x8xf32>, %w: tensor<16x8xf32>, %b: tensor<16xf32>, %r: tensor<?x4x16xf32>)
    -> tensor<?x4x16xf32> {
  %0 = vit.linear %x, %w bias(%b : tensor<16xf32>) residual(%r : tensor<?x4x16xf32>) activation gelu
      : tensor<?x4x8xf32>, tensor<16x8xf32> -> tensor<?x4x16xf32>
  return %0 : tensor<?x4x16xf32>
}

// CHECK-LABEL: func @linear_plain_bf16(
//       CHECK:   linalg.generic
//       CHECK:     arith.extf %{{.*}} : bf16 to f32
//       CHECK:     arith.mulf
//       CHECK:   linalg.generic
//       CHECK:     arith.truncf %{{.*}} : f32 to bf16
//   CHECK-NOT:   linalg.generic
func.func @linear_plain_bf16(%x: tensor<4x8xbf16>, %w: tensor<16x8xbf16>) -> tensor<4x16xbf16> {
  %0 = vit.linear %x, %w : tensor<4x8xbf16>, tensor<16x8xbf16> -> tensor<4x16xbf16>
  return %0 : tensor<4x16xbf16>
}

// The weight stays a reference.
// CHECK-LABEL: func @linear_constant(
//       CHECK:   %[[W:.*]] = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
//       CHECK:   linalg.generic {{.*}}ins(%{{.*}}, %[[W]]
vit.weight @w : tensor<16x8xf32> seed(1 mean 0.0 scale 1.0)
func.func @linear_constant(%x: tensor<4x8xf32>) -> tensor<4x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}

// x * (1 + erf(x / sqrt 2)) / 2
// CHECK-LABEL: func @gelu(
//   CHECK-DAG:   %[[ROOT:.*]] = arith.constant 1.4142135623730951 : f64
//   CHECK-DAG:   %[[HALF:.*]] = arith.constant 5.000000e-01 : f64
//   CHECK-DAG:   %[[ONE:.*]] = arith.constant 1.000000e+00 : f64
//       CHECK:   ^bb0(%[[X:.*]]: f64, %{{.*}}: f64):
//       CHECK:     %[[A:.*]] = arith.divf %[[X]], %[[ROOT]]
//       CHECK:     %[[ERF:.*]] = math.erf %[[A]]
//       CHECK:     %[[S:.*]] = arith.addf %[[ERF]], %[[ONE]]
//       CHECK:     %[[P:.*]] = arith.mulf %[[X]], %[[S]]
//       CHECK:     arith.mulf %[[P]], %[[HALF]]
func.func @gelu(%x: tensor<4x8xf64>) -> tensor<4x8xf64> {
  %0 = vit.gelu %x : tensor<4x8xf64>
  return %0 : tensor<4x8xf64>
}

// CHECK-LABEL: func @gelu_tanh(
//   CHECK-NOT:   math.erf
//       CHECK:   math.tanh
func.func @gelu_tanh(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = vit.gelu %x tanh : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// x / (1 + exp(-1.702 x))
// CHECK-LABEL: func @gelu_quick(
//   CHECK-DAG:   %[[FACTOR:.*]] = arith.constant -1.702000e+00 : f32
//   CHECK-DAG:   %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
//       CHECK:   ^bb0(%[[X:.*]]: f32, %{{.*}}: f32):
//       CHECK:     %[[A:.*]] = arith.mulf %[[X]], %[[FACTOR]]
//       CHECK:     %[[E:.*]] = math.exp %[[A]]
//       CHECK:     %[[D:.*]] = arith.addf %[[E]], %[[ONE]]
//       CHECK:     arith.divf %[[X]], %[[D]]
func.func @gelu_quick(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = vit.gelu %x quick : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// Mean and variance of the rows first, then the product.
// CHECK-LABEL: func @linear_norm(
//  CHECK-SAME:     %[[X:.*]]: tensor<4x8xf32>, %[[W:.*]]: tensor<16x8xf32>
//       CHECK:   %[[EPS:.*]] = arith.constant 9.99{{[0-9]*}}E-6 : f32
//       CHECK:   linalg.generic {{.*}}ins(%[[X]]
//       CHECK:     arith.subf
//       CHECK:     arith.mulf
//       CHECK:     arith.addf %{{.*}}, %[[EPS]]
//       CHECK:     math.sqrt
//       CHECK:     %[[ROWS:.*]] = arith.divf
//       CHECK:   linalg.generic {{.*}}ins(%{{.*}}, %[[W]]
func.func @linear_norm(%x: tensor<4x8xf32>, %w: tensor<16x8xf32>) -> tensor<4x16xf32> {
  %0 = vit.linear %x, %w norm <epsilon = 1.0e-05 : f64> : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf32>
  return %0 : tensor<4x16xf32>
}
