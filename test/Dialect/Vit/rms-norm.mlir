// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// CHECK-LABEL: func @rms_norm(
//       CHECK:   vit.rms_norm %{{.*}} scale(%{{.*}} : tensor<8xf32>) epsilon 1.000000e+00 : tensor<?x4x8xf32>
func.func @rms_norm(%x: tensor<?x4x8xf32>, %g: tensor<8xf32>) -> tensor<?x4x8xf32> {
  %y = vit.rms_norm %x scale(%g : tensor<8xf32>) epsilon 1.0 : tensor<?x4x8xf32>
  return %y : tensor<?x4x8xf32>
}

// CHECK-LABEL: func @rms_norm_plain(
//       CHECK:   vit.rms_norm %{{.*}} epsilon 0.000000e+00 : tensor<8xf16>
func.func @rms_norm_plain(%x: tensor<8xf16>) -> tensor<8xf16> {
  %y = vit.rms_norm %x epsilon 0.0 : tensor<8xf16>
  return %y : tensor<8xf16>
}
