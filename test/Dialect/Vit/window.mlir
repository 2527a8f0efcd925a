// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// The case of the Swin paper's figures: an 8 x 8 map, windows of 4 x 4, shifted by 2.
// CHECK-LABEL: func @shifted_windows(
//       CHECK:   %[[S:.*]] = vit.cyclic_shift %{{.*}} shift [2, 2] : tensor<?x8x8x32xf32>
//       CHECK:   %[[W:.*]] = vit.window_partition %[[S]] window [4, 4] : tensor<?x8x8x32xf32> -> tensor<?x16x32xf32>
//       CHECK:   %[[R:.*]] = vit.window_reverse %{{.*}} window [4, 4] size [8, 8] : tensor<?x16x32xf32> -> tensor<?x8x8x32xf32>
//       CHECK:   vit.cyclic_shift %[[R]] shift [-2, -2] : tensor<?x8x8x32xf32>
func.func @shifted_windows(%x: tensor<?x8x8x32xf32>) -> tensor<?x8x8x32xf32> {
  %0 = vit.cyclic_shift %x shift [2, 2] : tensor<?x8x8x32xf32>
  %1 = vit.window_partition %0 window [4, 4] : tensor<?x8x8x32xf32> -> tensor<?x16x32xf32>
  %2 = vit.gelu %1 : tensor<?x16x32xf32>
  %3 = vit.window_reverse %2 window [4, 4] size [8, 8] : tensor<?x16x32xf32> -> tensor<?x8x8x32xf32>
  %4 = vit.cyclic_shift %3 shift [-2, -2] : tensor<?x8x8x32xf32>
  return %4 : tensor<?x8x8x32xf32>
}

// Two maps of 3 x 2 windows.
// CHECK-LABEL: func @static_windows(
//       CHECK:   vit.window_partition %{{.*}} window [2, 5] : tensor<2x6x10x3xf16> -> tensor<12x10x3xf16>
//       CHECK:   vit.window_reverse %{{.*}} window [2, 5] size [6, 10] : tensor<12x10x3xf16> -> tensor<2x6x10x3xf16>
func.func @static_windows(%x: tensor<2x6x10x3xf16>, %w: tensor<12x10x3xf16>)
    -> (tensor<12x10x3xf16>, tensor<2x6x10x3xf16>) {
  %0 = vit.window_partition %x window [2, 5] : tensor<2x6x10x3xf16> -> tensor<12x10x3xf16>
  %1 = vit.window_reverse %w window [2, 5] size [6, 10] : tensor<12x10x3xf16> -> tensor<2x6x10x3xf16>
  return %0, %1 : tensor<12x10x3xf16>, tensor<2x6x10x3xf16>
}

// CHECK-LABEL: func @shift_mask(
//       CHECK:   vit.shift_mask size [8, 8] window [4, 4] shift [2, 2] value -1.000000e+02 : tensor<4x1x16x16xf32>
func.func @shift_mask() -> tensor<4x1x16x16xf32> {
  %m = vit.shift_mask size [8, 8] window [4, 4] shift [2, 2] value -1.000000e+02 : tensor<4x1x16x16xf32>
  return %m : tensor<4x1x16x16xf32>
}

// CHECK-LABEL: func @relative_position_bias(
//       CHECK:   vit.relative_position_bias %{{.*}} window [4, 4] : tensor<49x3xf32> -> tensor<1x3x16x16xf32>
func.func @relative_position_bias(%t: tensor<49x3xf32>) -> tensor<1x3x16x16xf32> {
  %b = vit.relative_position_bias %t window [4, 4] : tensor<49x3xf32> -> tensor<1x3x16x16xf32>
  return %b : tensor<1x3x16x16xf32>
}

// CHECK-LABEL: func @relative_position_bias_class_token(
//       CHECK:   vit.relative_position_bias %{{.*}} window [2, 3] class_token : tensor<18x4xf32> -> tensor<1x4x7x7xf32>
func.func @relative_position_bias_class_token(%t: tensor<18x4xf32>) -> tensor<1x4x7x7xf32> {
  %b = vit.relative_position_bias %t window [2, 3] class_token : tensor<18x4xf32> -> tensor<1x4x7x7xf32>
  return %b : tensor<1x4x7x7xf32>
}

// CHECK-LABEL: func @patch_merging(
//       CHECK:   vit.patch_merging %{{.*}} : tensor<?x8x6x32xbf16> -> tensor<?x4x3x128xbf16>
func.func @patch_merging(%x: tensor<?x8x6x32xbf16>) -> tensor<?x4x3x128xbf16> {
  %y = vit.patch_merging %x : tensor<?x8x6x32xbf16> -> tensor<?x4x3x128xbf16>
  return %y : tensor<?x4x3x128xbf16>
}
