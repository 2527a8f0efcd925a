// RUN: vit-opt %s -vit-fold-constants | FileCheck %s

// Kernels of attention compute the mask from indices.
// CHECK-LABEL: func @shift_mask_of_attention(
//       CHECK:   %[[M:.*]] = vit.shift_mask
//       CHECK:   vit.attention {{.*}} mask(%[[M]] : tensor<4x1x4x4xf32>)
func.func @shift_mask_of_attention(%q: tensor<4x1x4x8xf32>) -> tensor<4x1x4x8xf32> {
  %0 = vit.shift_mask size [4, 4] window [2, 2] shift [1, 1] value -1.0e+02 : tensor<4x1x4x4xf32>
  %1 = vit.attention %q, %q, %q mask(%0 : tensor<4x1x4x4xf32>) scale 1.0
      : tensor<4x1x4x8xf32>, tensor<4x1x4x8xf32>, tensor<4x1x4x8xf32> -> tensor<4x1x4x8xf32>
  return %1 : tensor<4x1x4x8xf32>
}

// Another op reads it, too.
// CHECK-LABEL: func @negative_shift_mask_other_reader(
//   CHECK-NOT:   vit.shift_mask
//       CHECK:   %[[M:.*]] = vit.constant #vit.expr<data,
//       CHECK:   vit.attention {{.*}} mask(%[[M]] : tensor<4x1x4x4xf32>)
//       CHECK:   return %{{.*}}, %[[M]]
func.func @negative_shift_mask_other_reader(%q: tensor<4x1x4x8xf32>) -> (tensor<4x1x4x8xf32>, tensor<4x1x4x4xf32>) {
  %0 = vit.shift_mask size [4, 4] window [2, 2] shift [1, 1] value -1.0e+02 : tensor<4x1x4x4xf32>
  %1 = vit.attention %q, %q, %q mask(%0 : tensor<4x1x4x4xf32>) scale 1.0
      : tensor<4x1x4x8xf32>, tensor<4x1x4x8xf32>, tensor<4x1x4x8xf32> -> tensor<4x1x4x8xf32>
  return %1, %0 : tensor<4x1x4x8xf32>, tensor<4x1x4x4xf32>
}

// As a bias it has to be stored: kernels know groups as a mask alone.
// CHECK-LABEL: func @negative_shift_mask_as_bias(
//   CHECK-NOT:   vit.shift_mask
//       CHECK:   vit.attention {{.*}} bias(
func.func @negative_shift_mask_as_bias(%q: tensor<4x1x4x8xf32>) -> tensor<4x1x4x8xf32> {
  %0 = vit.shift_mask size [4, 4] window [2, 2] shift [1, 1] value -1.0e+02 : tensor<4x1x4x4xf32>
  %1 = vit.attention %q, %q, %q bias(%0 : tensor<4x1x4x4xf32>) scale 1.0
      : tensor<4x1x4x8xf32>, tensor<4x1x4x8xf32>, tensor<4x1x4x8xf32> -> tensor<4x1x4x8xf32>
  return %1 : tensor<4x1x4x8xf32>
}
