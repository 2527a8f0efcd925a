// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// CHECK-LABEL: func @linear(
//       CHECK:   vit.linear %{{.*}}, %{{.*}} : tensor<?x4x8xf32>, tensor<16x8xf32> -> tensor<?x4x16xf32>
func.func @linear(%x: tensor<?x4x8xf32>, %w: tensor<16x8xf32>) -> tensor<?x4x16xf32> {
  %y = vit.linear %x, %w : tensor<?x4x8xf32>, tensor<16x8xf32> -> tensor<?x4x16xf32>
  return %y : tensor<?x4x16xf32>
}

// CHECK-LABEL: func @linear_bias_gelu(
//       CHECK:   vit.linear %{{.*}}, %{{.*}} bias(%{{.*}} : tensor<16xf32>) activation gelu
//  CHECK-SAME:       : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf32>
func.func @linear_bias_gelu(%x: tensor<4x8xf32>, %w: tensor<16x8xf32>, %b: tensor<16xf32>) -> tensor<4x16xf32> {
  %y = vit.linear %x, %w bias(%b : tensor<16xf32>) activation gelu
      : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf32>
  return %y : tensor<4x16xf32>
}

// CHECK-LABEL: func @linear_residual(
//       CHECK:   vit.linear %{{.*}}, %{{.*}} residual(%{{.*}} : tensor<4x16xf64>) activation gelu_tanh
func.func @linear_residual(%x: tensor<4x8xf64>, %w: tensor<16x8xf64>, %r: tensor<4x16xf64>) -> tensor<4x16xf64> {
  %y = vit.linear %x, %w residual(%r : tensor<4x16xf64>) activation gelu_tanh
      : tensor<4x8xf64>, tensor<16x8xf64> -> tensor<4x16xf64>
  return %y : tensor<4x16xf64>
}

// CHECK-LABEL: func @linear_norm(
//       CHECK:   vit.linear %{{.*}} activation gelu norm <epsilon = 1.000000e-05 : f64> : tensor<4x8xf32>
//       CHECK:   vit.linear %{{.*}}, %{{[^ ]+}} norm <epsilon = 5.000000e-01 : f64, rms = true> : tensor<4x8xf32>
func.func @linear_norm(%x: tensor<4x8xf32>, %w: tensor<16x8xf32>) -> (tensor<4x16xf32>, tensor<4x16xf32>) {
  %y = vit.linear %x, %w activation gelu norm <epsilon = 1.0e-05 : f64>
      : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf32>
  %z = vit.linear %x, %w norm <epsilon = 0.5 : f64, rms = true>
      : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf32>
  return %y, %z : tensor<4x16xf32>, tensor<4x16xf32>
}

// CHECK-LABEL: func @linear_vector(
//       CHECK:   vit.linear %{{.*}} bias(%{{.*}} : tensor<16xf32>) residual(%{{.*}} : tensor<16xf32>)
//  CHECK-SAME:       : tensor<8xf32>, tensor<16x8xf32> -> tensor<16xf32>
func.func @linear_vector(%x: tensor<8xf32>, %w: tensor<16x8xf32>, %b: tensor<16xf32>) -> tensor<16xf32> {
  %y = vit.linear %x, %w bias(%b : tensor<16xf32>) residual(%b : tensor<16xf32>)
      : tensor<8xf32>, tensor<16x8xf32> -> tensor<16xf32>
  return %y : tensor<16xf32>
}

// CHECK-LABEL: func @gelu(
//       CHECK:   vit.gelu %{{.*}} : tensor<4x8xbf16>
func.func @gelu(%x: tensor<4x8xbf16>) -> tensor<4x8xbf16> {
  %y = vit.gelu %x : tensor<4x8xbf16>
  return %y : tensor<4x8xbf16>
}

// CHECK-LABEL: func @gelu_tanh(
//       CHECK:   vit.gelu %{{.*}} tanh : tensor<4x8xf32>
func.func @gelu_tanh(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %y = vit.gelu %x tanh : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// CHECK-LABEL: func @gelu_quick(
//       CHECK:   vit.gelu %{{.*}} quick : tensor<4x8xf32>
func.func @gelu_quick(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %y = vit.gelu %x quick : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}

// CHECK-LABEL: func @linear_gelu_quick(
//       CHECK:   vit.linear %{{.*}}, %{{.*}} activation gelu_quick : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf32>
func.func @linear_gelu_quick(%x: tensor<4x8xf32>, %w: tensor<16x8xf32>) -> tensor<4x16xf32> {
  %y = vit.linear %x, %w activation gelu_quick : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf32>
  return %y : tensor<4x16xf32>
}
