// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// CHECK-LABEL: func @layer_norm(
//       CHECK:   vit.layer_norm %{{.*}} scale(%{{.*}} : tensor<8xf32>) shift(%{{.*}} : tensor<8xf32>)
//  CHECK-SAME:       epsilon 9.9999999999999995E-7 : tensor<?x4x8xf32>
func.func @layer_norm(%x: tensor<?x4x8xf32>, %g: tensor<8xf32>, %b: tensor<8xf32>) -> tensor<?x4x8xf32> {
  %y = vit.layer_norm %x scale(%g : tensor<8xf32>) shift(%b : tensor<8xf32>) epsilon 1.000000e-06 : tensor<?x4x8xf32>
  return %y : tensor<?x4x8xf32>
}

// CHECK-LABEL: func @layer_norm_plain(
//       CHECK:   vit.layer_norm %{{.*}} epsilon 0.000000e+00 : tensor<8xf16>
func.func @layer_norm_plain(%x: tensor<8xf16>) -> tensor<8xf16> {
  %y = vit.layer_norm %x epsilon 0.0 : tensor<8xf16>
  return %y : tensor<8xf16>
}

// CHECK-LABEL: func @layer_norm_shift(
//       CHECK:   vit.layer_norm %{{.*}} shift(%{{.*}} : tensor<8xf32>) epsilon 1.000000e+00 : tensor<4x8xf32>
func.func @layer_norm_shift(%x: tensor<4x8xf32>, %b: tensor<8xf32>) -> tensor<4x8xf32> {
  %y = vit.layer_norm %x shift(%b : tensor<8xf32>) epsilon 1.0 : tensor<4x8xf32>
  return %y : tensor<4x8xf32>
}
