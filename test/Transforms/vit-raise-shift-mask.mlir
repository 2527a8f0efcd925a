// RUN: vit-opt %s -vit-raise-shift-mask -verify-diagnostics | FileCheck %s

// 4 x 4 tokens, windows of 2 x 2, a shift of 1: the first window is whole, the
// last has four parts. timm and torchvision store it as [nW, N, N].
// CHECK-LABEL: func @shift_mask(
//       CHECK:   vit.window_partition
//       CHECK:   %[[M:.*]] = vit.shift_mask size [4, 4] window [2, 2] shift [1, 1] value -1.000000e+02 : tensor<4x1x4x4xf32>
//       CHECK:   %[[R:.*]] = tensor.collapse_shape %[[M]] {{.*}} into tensor<4x4x4xf32>
//       CHECK:   return %{{.*}}, %[[R]]
func.func @shift_mask(%x: tensor<?x4x4x8xf32>) -> (tensor<?x4x8xf32>, tensor<4x4x4xf32>) {
  %0 = vit.cyclic_shift %x shift [1, 1] : tensor<?x4x4x8xf32>
  %1 = vit.window_partition %0 window [2, 2] : tensor<?x4x4x8xf32> -> tensor<?x4x8xf32>
  %m = arith.constant dense<[[[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]], [[0.0, -100.0, 0.0, -100.0], [-100.0, 0.0, -100.0, 0.0], [0.0, -100.0, 0.0, -100.0], [-100.0, 0.0, -100.0, 0.0]], [[0.0, 0.0, -100.0, -100.0], [0.0, 0.0, -100.0, -100.0], [-100.0, -100.0, 0.0, 0.0], [-100.0, -100.0, 0.0, 0.0]], [[0.0, -100.0, -100.0, -100.0], [-100.0, 0.0, -100.0, -100.0], [-100.0, -100.0, 0.0, -100.0], [-100.0, -100.0, -100.0, 0.0]]]> : tensor<4x4x4xf32>
  return %1, %m : tensor<?x4x8xf32>, tensor<4x4x4xf32>
}

// As an addend of [B, nW, H, N, N], with the value that masks all.
// CHECK-LABEL: func @shift_mask_infinite(
//       CHECK:   %[[M:.*]] = vit.shift_mask size [4, 4] window [2, 2] shift [1, 1] value 0xFFF0000000000000 : tensor<4x1x4x4xf32>
//       CHECK:   %[[R:.*]] = tensor.expand_shape %[[M]] {{.*}} into tensor<1x4x1x4x4xf32>
//       CHECK:   return %{{.*}}, %[[R]]
func.func @shift_mask_infinite(%x: tensor<?x4x4x8xf32>) -> (tensor<?x4x8xf32>, tensor<1x4x1x4x4xf32>) {
  %0 = vit.cyclic_shift %x shift [1, 1] : tensor<?x4x4x8xf32>
  %1 = vit.window_partition %0 window [2, 2] : tensor<?x4x4x8xf32> -> tensor<?x4x8xf32>
  %m = vit.constant #vit.expr<data, [dense<[[[[[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]], [[[0.0, 0xFF800000, 0.0, 0xFF800000], [0xFF800000, 0.0, 0xFF800000, 0.0], [0.0, 0xFF800000, 0.0, 0xFF800000], [0xFF800000, 0.0, 0xFF800000, 0.0]]], [[[0.0, 0.0, 0xFF800000, 0xFF800000], [0.0, 0.0, 0xFF800000, 0xFF800000], [0xFF800000, 0xFF800000, 0.0, 0.0], [0xFF800000, 0xFF800000, 0.0, 0.0]]], [[[0.0, 0xFF800000, 0xFF800000, 0xFF800000], [0xFF800000, 0.0, 0xFF800000, 0xFF800000], [0xFF800000, 0xFF800000, 0.0, 0xFF800000], [0xFF800000, 0xFF800000, 0xFF800000, 0.0]]]]]> : tensor<1x4x1x4x4xf32>]> : tensor<1x4x1x4x4xf32>
  return %1, %m : tensor<?x4x8xf32>, tensor<1x4x1x4x4xf32>
}

// One pair of tokens of one region is masked.
// CHECK-LABEL: func @negative_shift_mask_values(
//   CHECK-NOT:   vit.shift_mask
func.func @negative_shift_mask_values(%x: tensor<?x4x4x8xf32>) -> (tensor<?x4x8xf32>, tensor<4x4x4xf32>) {
  %0 = vit.cyclic_shift %x shift [1, 1] : tensor<?x4x4x8xf32>
  %1 = vit.window_partition %0 window [2, 2] : tensor<?x4x4x8xf32> -> tensor<?x4x8xf32>
  // expected-remark @below {{not raised to vit.shift_mask: it masks other tokens than those that the shifts in use bring together}}
  %m = arith.constant dense<[[[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]], [[0.0, -100.0, 0.0, -100.0], [-100.0, 0.0, -100.0, 0.0], [0.0, -100.0, 0.0, -100.0], [-100.0, 0.0, -100.0, 0.0]], [[0.0, 0.0, -100.0, -100.0], [0.0, 0.0, -100.0, -100.0], [-100.0, -100.0, 0.0, 0.0], [-100.0, -100.0, 0.0, 0.0]], [[-100.0, -100.0, -100.0, -100.0], [-100.0, 0.0, -100.0, -100.0], [-100.0, -100.0, 0.0, -100.0], [-100.0, -100.0, -100.0, 0.0]]]> : tensor<4x4x4xf32>
  return %1, %m : tensor<?x4x8xf32>, tensor<4x4x4xf32>
}

// Two values: no mask of one number.
// CHECK-LABEL: func @negative_shift_mask_two_values(
//   CHECK-NOT:   vit.shift_mask
func.func @negative_shift_mask_two_values(%x: tensor<?x4x4x8xf32>) -> (tensor<?x4x8xf32>, tensor<4x4x4xf32>) {
  %0 = vit.cyclic_shift %x shift [1, 1] : tensor<?x4x4x8xf32>
  %1 = vit.window_partition %0 window [2, 2] : tensor<?x4x4x8xf32> -> tensor<?x4x8xf32>
  %m = arith.constant dense<[[[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]], [[0.0, -100.0, 0.0, -100.0], [-100.0, 0.0, -100.0, 0.0], [0.0, -100.0, 0.0, -100.0], [-100.0, 0.0, -100.0, 0.0]], [[0.0, 0.0, -100.0, -100.0], [0.0, 0.0, -100.0, -100.0], [-100.0, -100.0, 0.0, 0.0], [-100.0, -100.0, 0.0, 0.0]], [[0.0, -50.0, -100.0, -100.0], [-100.0, 0.0, -100.0, -100.0], [-100.0, -100.0, 0.0, -100.0], [-100.0, -100.0, -100.0, 0.0]]]> : tensor<4x4x4xf32>
  return %1, %m : tensor<?x4x8xf32>, tensor<4x4x4xf32>
}

// The windows in use are not shifted.
// CHECK-LABEL: func @negative_shift_mask_windows(
//   CHECK-NOT:   vit.shift_mask
func.func @negative_shift_mask_windows(%x: tensor<?x4x4x8xf32>) -> (tensor<?x4x8xf32>, tensor<4x4x4xf32>) {
  %1 = vit.window_partition %x window [2, 2] : tensor<?x4x4x8xf32> -> tensor<?x4x8xf32>
  %m = arith.constant dense<[[[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]], [[0.0, -100.0, 0.0, -100.0], [-100.0, 0.0, -100.0, 0.0], [0.0, -100.0, 0.0, -100.0], [-100.0, 0.0, -100.0, 0.0]], [[0.0, 0.0, -100.0, -100.0], [0.0, 0.0, -100.0, -100.0], [-100.0, -100.0, 0.0, 0.0], [-100.0, -100.0, 0.0, 0.0]], [[0.0, -100.0, -100.0, -100.0], [-100.0, 0.0, -100.0, -100.0], [-100.0, -100.0, 0.0, -100.0], [-100.0, -100.0, -100.0, 0.0]]]> : tensor<4x4x4xf32>
  return %1, %m : tensor<?x4x8xf32>, tensor<4x4x4xf32>
}

// Hugging Face's Swin: one constant, the bias of [1, H, N, N] and the mask summed.
// CHECK-LABEL: func @shift_mask_and_bias(
//       CHECK:   %[[X:.*]] = vit.window_partition
//       CHECK:   %[[B:.*]] = vit.constant #vit.expr<data, [dense<{{\[\[\[\[}}1.250000e-01, 2.500000e-01, 3.750000e-01, 5.000000e-01], {{.*}}]> : tensor<1x1x4x4xf32>
//       CHECK:   %[[M:.*]] = vit.shift_mask size [4, 4] window [2, 2] shift [1, 1] value -1.000000e+02 : tensor<4x1x4x4xf32>
//       CHECK:   vit.attention %{{.*}} bias(%[[B]] : tensor<1x1x4x4xf32>) mask(%[[M]] : tensor<4x1x4x4xf32>)
func.func @shift_mask_and_bias(%x: tensor<?x4x4x8xf32>) -> tensor<?x1x4x8xf32> {
  %0 = vit.cyclic_shift %x shift [1, 1] : tensor<?x4x4x8xf32>
  %1 = vit.window_partition %0 window [2, 2] : tensor<?x4x4x8xf32> -> tensor<?x4x8xf32>
  %2 = vit.split_heads %1 heads 1 : tensor<?x4x8xf32> -> tensor<?x1x4x8xf32>
  %m = arith.constant dense<[[[[0.125, 0.250, 0.375, 0.500], [0.625, 0.750, 0.875, 1.000], [1.125, 1.250, 1.375, 1.500], [1.625, 1.750, 1.875, 2.000]]], [[[0.125, -99.750, 0.375, -99.500], [-99.375, 0.750, -99.125, 1.000], [1.125, -98.750, 1.375, -98.500], [-98.375, 1.750, -98.125, 2.000]]], [[[0.125, 0.250, -99.625, -99.500], [0.625, 0.750, -99.125, -99.000], [-98.875, -98.750, 1.375, 1.500], [-98.375, -98.250, 1.875, 2.000]]], [[[0.125, -99.750, -99.625, -99.500], [-99.375, 0.750, -99.125, -99.000], [-98.875, -98.750, 1.375, -98.500], [-98.375, -98.250, -98.125, 2.000]]]]> : tensor<4x1x4x4xf32>
  %3 = vit.attention %2, %2, %2 mask(%m : tensor<4x1x4x4xf32>) scale 1.0 : tensor<?x1x4x8xf32>, tensor<?x1x4x8xf32>, tensor<?x1x4x8xf32> -> tensor<?x1x4x8xf32>
  return %3 : tensor<?x1x4x8xf32>
}

// One element differs: the bias of that window is another.
// CHECK-LABEL: func @negative_shift_mask_and_bias(
//   CHECK-NOT:   vit.shift_mask
func.func @negative_shift_mask_and_bias(%x: tensor<?x4x4x8xf32>) -> tensor<?x1x4x8xf32> {
  %0 = vit.cyclic_shift %x shift [1, 1] : tensor<?x4x4x8xf32>
  %1 = vit.window_partition %0 window [2, 2] : tensor<?x4x4x8xf32> -> tensor<?x4x8xf32>
  %2 = vit.split_heads %1 heads 1 : tensor<?x4x8xf32> -> tensor<?x1x4x8xf32>
  %m = arith.constant dense<[[[[0.125, 0.250, 0.375, 0.500], [0.625, 0.750, 0.875, 1.000], [1.125, 1.250, 1.375, 1.500], [1.625, 1.750, 1.875, 2.000]]], [[[0.125, -99.750, 0.375, -99.500], [-99.375, 0.750, -99.125, 1.000], [1.125, -98.750, 1.375, -98.500], [-98.375, 1.750, -98.125, 2.000]]], [[[0.125, 0.250, -99.625, -99.500], [0.625, 0.750, -99.125, -99.000], [-98.875, -98.750, 1.375, 1.500], [-98.375, -98.250, 1.875, 2.000]]], [[[0.125, -99.750, -99.625, -99.500], [-99.375, 0.750, -99.000, -99.000], [-98.875, -98.750, 1.375, -98.500], [-98.375, -98.250, -98.125, 2.000]]]]> : tensor<4x1x4x4xf32>
  // expected-remark @below {{its addend 'tensor<4x1x4x4xf32>' is not split into bias and vit.shift_mask: it is no sum of one bias for all windows and their mask}}
  %3 = vit.attention %2, %2, %2 mask(%m : tensor<4x1x4x4xf32>) scale 1.0 : tensor<?x1x4x8xf32>, tensor<?x1x4x8xf32>, tensor<?x1x4x8xf32> -> tensor<?x1x4x8xf32>
  return %3 : tensor<?x1x4x8xf32>
}
