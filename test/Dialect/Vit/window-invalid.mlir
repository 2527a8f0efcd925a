// RUN: vit-opt %s -split-input-file -verify-diagnostics

func.func @window_partition_c1_one_size(%x: tensor<1x8x8x32xf32>) {
  // expected-error @+1 {{'vit.window_partition' op has window [4]; needs 2 sizes of 1 to 32767}}
  %w = vit.window_partition %x window [4] : tensor<1x8x8x32xf32> -> tensor<4x16x32xf32>
  return
}

// -----

func.func @window_partition_c1_zero(%x: tensor<1x8x8x32xf32>) {
  // expected-error @+1 {{'vit.window_partition' op has window [4, 0]; needs 2 sizes of 1 to 32767}}
  %w = vit.window_partition %x window [4, 0] : tensor<1x8x8x32xf32> -> tensor<4x16x32xf32>
  return
}

// -----

func.func @window_partition_c2_divides(%x: tensor<1x9x6x32xf32>) {
  // expected-error @+1 {{'vit.window_partition' op has windows of 3 x 4 but the map is 9 x 6; the window must divide the map}}
  %w = vit.window_partition %x window [3, 4] : tensor<1x9x6x32xf32> -> tensor<3x12x32xf32>
  return
}

// -----

func.func @window_partition_result_type(%x: tensor<1x8x8x32xf32>) {
  // expected-error @+2 {{'vit.window_partition' op failed to infer returned types}}
  // expected-error @+1 {{'vit.window_partition' op inferred type(s) 'tensor<4x16x32xf32>' are incompatible with return type(s) of operation 'tensor<4x4x32xf32>'}}
  %w = vit.window_partition %x window [4, 4] : tensor<1x8x8x32xf32> -> tensor<4x4x32xf32>
  return
}

// -----

func.func @window_reverse_c1_size(%w: tensor<4x16x32xf32>) {
  // expected-error @+1 {{'vit.window_reverse' op has size [8, -8]; needs 2 sizes of 1 to 2147483647}}
  %x = vit.window_reverse %w window [4, 4] size [8, -8] : tensor<4x16x32xf32> -> tensor<1x8x8x32xf32>
  return
}

// -----

func.func @window_reverse_c1_window(%w: tensor<4x16x32xf32>) {
  // expected-error @+1 {{'vit.window_reverse' op has window [4, 32768]; needs 2 sizes of 1 to 32767}}
  %x = vit.window_reverse %w window [4, 32768] size [8, 8] : tensor<4x16x32xf32> -> tensor<1x8x8x32xf32>
  return
}

// -----

func.func @window_reverse_c2_divides(%w: tensor<?x16x32xf32>) {
  // expected-error @+1 {{'vit.window_reverse' op has windows of 4 x 4 but the map is 8 x 9; the window must divide the map}}
  %x = vit.window_reverse %w window [4, 4] size [8, 9] : tensor<?x16x32xf32> -> tensor<?x8x9x32xf32>
  return
}

// -----

func.func @window_reverse_c3_tokens(%w: tensor<?x12x32xf32>) {
  // expected-error @+1 {{'vit.window_reverse' op input has 12 tokens a window but a window is 4 x 4}}
  %x = vit.window_reverse %w window [4, 4] size [8, 8] : tensor<?x12x32xf32> -> tensor<?x8x8x32xf32>
  return
}

// -----

func.func @window_reverse_c4_windows(%w: tensor<6x16x32xf32>) {
  // expected-error @+1 {{'vit.window_reverse' op has 6 windows but a map has 4, which must divide them}}
  %x = vit.window_reverse %w window [4, 4] size [8, 8] : tensor<6x16x32xf32> -> tensor<1x8x8x32xf32>
  return
}

// -----

// A map smaller than its window.
func.func @window_reverse_c2_no_window(%w: tensor<6x16x32xf32>) {
  // expected-error @+1 {{'vit.window_reverse' op has windows of 4 x 4 but the map is 2 x 8; the window must divide the map}}
  %x = vit.window_reverse %w window [4, 4] size [2, 8] : tensor<6x16x32xf32> -> tensor<1x2x8x32xf32>
  return
}

// -----

func.func @cyclic_shift_c1_one_entry(%x: tensor<?x8x8x32xf32>) {
  // expected-error @+1 {{'vit.cyclic_shift' op has shift [2]; needs 2 entries}}
  %y = vit.cyclic_shift %x shift [2] : tensor<?x8x8x32xf32>
  return
}

// -----

func.func @cyclic_shift_c1_too_far(%x: tensor<?x8x6x32xf32>) {
  // expected-error @+1 {{'vit.cyclic_shift' op shifts by [2, -6] but the map is 8 x 6; a shift is less than the map}}
  %y = vit.cyclic_shift %x shift [2, -6] : tensor<?x8x6x32xf32>
  return
}

// -----

func.func @shift_mask_c1_size() {
  // expected-error @+1 {{'vit.shift_mask' op has size [8, 8, 8]; needs 2 sizes of 1 to 2147483647}}
  %m = vit.shift_mask size [8, 8, 8] window [4, 4] shift [2, 2] value -1.0 : tensor<4x1x16x16xf32>
  return
}

// -----

func.func @shift_mask_c1_window() {
  // expected-error @+1 {{'vit.shift_mask' op has window [4]; needs 2 sizes of 1 to 32767}}
  %m = vit.shift_mask size [8, 8] window [4] shift [2, 2] value -1.0 : tensor<4x1x16x16xf32>
  return
}

// -----

func.func @shift_mask_c1_divides() {
  // expected-error @+1 {{'vit.shift_mask' op has windows of 4 x 3 but the map is 8 x 8; the window must divide the map}}
  %m = vit.shift_mask size [8, 8] window [4, 3] shift [2, 2] value -1.0 : tensor<4x1x16x16xf32>
  return
}

// -----

func.func @shift_mask_c1_shift() {
  // expected-error @+1 {{'vit.shift_mask' op has shift []; needs 2 entries}}
  %m = vit.shift_mask size [8, 8] window [4, 4] shift [] value -1.0 : tensor<4x1x16x16xf32>
  return
}

// -----

func.func @shift_mask_c2_negative() {
  // expected-error @+1 {{'vit.shift_mask' op shifts by [-1, 2] but a window is 4 x 4; needs 0 or more and less than the window}}
  %m = vit.shift_mask size [8, 8] window [4, 4] shift [-1, 2] value -1.0 : tensor<4x1x16x16xf32>
  return
}

// -----

func.func @shift_mask_c2_whole_window() {
  // expected-error @+1 {{'vit.shift_mask' op shifts by [2, 4] but a window is 4 x 4; needs 0 or more and less than the window}}
  %m = vit.shift_mask size [8, 8] window [4, 4] shift [2, 4] value -1.0 : tensor<4x1x16x16xf32>
  return
}

// -----

func.func @shift_mask_c3_result() {
  // expected-error @+1 {{'vit.shift_mask' op has result 'tensor<1x4x16x16xf32>'; needs 'tensor<4x1x16x16xf32>'}}
  %m = vit.shift_mask size [8, 8] window [4, 4] shift [2, 2] value -1.0 : tensor<1x4x16x16xf32>
  return
}

// -----

func.func @relative_position_bias_c1_window(%t: tensor<49x3xf32>) {
  // expected-error @+1 {{'vit.relative_position_bias' op has window [0, 4]; needs 2 sizes of 1 to 32767}}
  %b = vit.relative_position_bias %t window [0, 4] : tensor<49x3xf32> -> tensor<1x3x16x16xf32>
  return
}

// -----

func.func @relative_position_bias_c2_rows(%t: tensor<52x3xf32>) {
  // expected-error @+1 {{'vit.relative_position_bias' op table has 52 rows but a window of 4 x 4 needs 49}}
  %b = vit.relative_position_bias %t window [4, 4] : tensor<52x3xf32> -> tensor<1x3x16x16xf32>
  return
}

// -----

func.func @relative_position_bias_c2_class_token(%t: tensor<49x3xf32>) {
  // expected-error @+1 {{'vit.relative_position_bias' op table has 49 rows but a window of 4 x 4 with a class token needs 52}}
  %b = vit.relative_position_bias %t window [4, 4] class_token : tensor<49x3xf32> -> tensor<1x3x17x17xf32>
  return
}

// -----

func.func @patch_merging_c1_odd(%x: tensor<?x8x7x32xf32>) {
  // expected-error @+1 {{'vit.patch_merging' op has a map of 8 x 7; needs an even height and width}}
  %y = vit.patch_merging %x : tensor<?x8x7x32xf32> -> tensor<?x4x3x128xf32>
  return
}
