// RUN: vit-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: func @reverse_of_partition(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x8x8x32xf32>
//       CHECK:   return %[[X]]
func.func @reverse_of_partition(%x: tensor<?x8x8x32xf32>) -> tensor<?x8x8x32xf32> {
  %0 = vit.window_partition %x window [4, 4] : tensor<?x8x8x32xf32> -> tensor<?x16x32xf32>
  %1 = vit.window_reverse %0 window [4, 4] size [8, 8] : tensor<?x16x32xf32> -> tensor<?x8x8x32xf32>
  return %1 : tensor<?x8x8x32xf32>
}

// CHECK-LABEL: func @partition_of_reverse(
//  CHECK-SAME:   %[[W:.*]]: tensor<8x16x32xf32>
//       CHECK:   return %[[W]]
func.func @partition_of_reverse(%w: tensor<8x16x32xf32>) -> tensor<8x16x32xf32> {
  %0 = vit.window_reverse %w window [4, 4] size [8, 8] : tensor<8x16x32xf32> -> tensor<2x8x8x32xf32>
  %1 = vit.window_partition %0 window [4, 4] : tensor<2x8x8x32xf32> -> tensor<8x16x32xf32>
  return %1 : tensor<8x16x32xf32>
}

// 16 tokens may be a window of 4 x 4 or of 2 x 8.
// CHECK-LABEL: func @negative_reverse_of_partition_other_window(
//       CHECK:   %[[W:.*]] = vit.window_partition
//       CHECK:   vit.window_reverse %[[W]] window [2, 8]
func.func @negative_reverse_of_partition_other_window(%x: tensor<?x8x8x32xf32>) -> tensor<?x8x8x32xf32> {
  %0 = vit.window_partition %x window [4, 4] : tensor<?x8x8x32xf32> -> tensor<?x16x32xf32>
  %1 = vit.window_reverse %0 window [2, 8] size [8, 8] : tensor<?x16x32xf32> -> tensor<?x8x8x32xf32>
  return %1 : tensor<?x8x8x32xf32>
}

// CHECK-LABEL: func @negative_partition_of_reverse_other_window(
//       CHECK:   %[[X:.*]] = vit.window_reverse
//       CHECK:   vit.window_partition %[[X]] window [2, 8]
func.func @negative_partition_of_reverse_other_window(%w: tensor<?x16x32xf32>) -> tensor<?x16x32xf32> {
  %0 = vit.window_reverse %w window [4, 4] size [8, 8] : tensor<?x16x32xf32> -> tensor<?x8x8x32xf32>
  %1 = vit.window_partition %0 window [2, 8] : tensor<?x8x8x32xf32> -> tensor<?x16x32xf32>
  return %1 : tensor<?x16x32xf32>
}

// The windows are of two maps of 4 x 8, not of one of 8 x 8.
// CHECK-LABEL: func @negative_reverse_of_partition_other_size(
//       CHECK:   %[[W:.*]] = vit.window_partition
//       CHECK:   vit.window_reverse %[[W]] window [4, 4] size [4, 8]
func.func @negative_reverse_of_partition_other_size(%x: tensor<1x8x8x32xf32>) -> tensor<2x4x8x32xf32> {
  %0 = vit.window_partition %x window [4, 4] : tensor<1x8x8x32xf32> -> tensor<4x16x32xf32>
  %1 = vit.window_reverse %0 window [4, 4] size [4, 8] : tensor<4x16x32xf32> -> tensor<2x4x8x32xf32>
  return %1 : tensor<2x4x8x32xf32>
}

// CHECK-LABEL: func @shift_by_zero(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x8x8x32xf32>
//       CHECK:   return %[[X]]
func.func @shift_by_zero(%x: tensor<?x8x8x32xf32>) -> tensor<?x8x8x32xf32> {
  %0 = vit.cyclic_shift %x shift [0, 0] : tensor<?x8x8x32xf32>
  return %0 : tensor<?x8x8x32xf32>
}

// CHECK-LABEL: func @shift_back(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x8x8x32xf32>
//       CHECK:   return %[[X]]
func.func @shift_back(%x: tensor<?x8x8x32xf32>) -> tensor<?x8x8x32xf32> {
  %0 = vit.cyclic_shift %x shift [2, 3] : tensor<?x8x8x32xf32>
  %1 = vit.cyclic_shift %0 shift [-2, -3] : tensor<?x8x8x32xf32>
  return %1 : tensor<?x8x8x32xf32>
}

// 5 + 6 rows are 3 more than once around.
// CHECK-LABEL: func @shift_of_shift(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x8x6x32xf32>
//       CHECK:   %[[Y:.*]] = vit.cyclic_shift %[[X]] shift [3, -2]
//       CHECK:   return %[[Y]]
func.func @shift_of_shift(%x: tensor<?x8x6x32xf32>) -> tensor<?x8x6x32xf32> {
  %0 = vit.cyclic_shift %x shift [5, -4] : tensor<?x8x6x32xf32>
  %1 = vit.cyclic_shift %0 shift [6, 2] : tensor<?x8x6x32xf32>
  return %1 : tensor<?x8x6x32xf32>
}
