// RUN: vit-opt %s -split-input-file -verify-diagnostics

#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
func.func @grouped_conv_c1_size(%b: index, %x: memref<2x5x5x8xf32>, %w: memref<3x3x1x8xf32>, %y: memref<2x5x5x8xf32>) {
  // expected-error @+1 {{'kernel.grouped_conv' op has size [5]; needs 2 numbers of 1 or more}}
  kernel.grouped_conv batch(%b) size [5] input_size [5, 5] groups 8 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%x at #places : memref<2x5x5x8xf32>) filter(%w : memref<3x3x1x8xf32>)
      init(%y at #places : memref<2x5x5x8xf32>)
  return
}

// -----

#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
func.func @grouped_conv_c1_input_size(%b: index, %x: memref<2x5x5x8xf32>, %w: memref<3x3x1x8xf32>, %y: memref<2x5x5x8xf32>) {
  // expected-error @+1 {{'kernel.grouped_conv' op has input_size [5, 0]; needs 2 numbers of 1 or more}}
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 0] groups 8 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%x at #places : memref<2x5x5x8xf32>) filter(%w : memref<3x3x1x8xf32>)
      init(%y at #places : memref<2x5x5x8xf32>)
  return
}

// -----

#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
func.func @grouped_conv_c1_stride(%b: index, %x: memref<2x5x5x8xf32>, %w: memref<3x3x1x8xf32>, %y: memref<2x5x5x8xf32>) {
  // expected-error @+1 {{'kernel.grouped_conv' op has stride [0, 1]; needs 2 numbers of 1 or more}}
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 5] groups 8 stride [0, 1] dilation [1, 1] pad [1, 1]
      input(%x at #places : memref<2x5x5x8xf32>) filter(%w : memref<3x3x1x8xf32>)
      init(%y at #places : memref<2x5x5x8xf32>)
  return
}

// -----

#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
func.func @grouped_conv_c1_dilation(%b: index, %x: memref<2x5x5x8xf32>, %w: memref<3x3x1x8xf32>, %y: memref<2x5x5x8xf32>) {
  // expected-error @+1 {{'kernel.grouped_conv' op has dilation [1, 1, 1]; needs 2 numbers of 1 or more}}
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 5] groups 8 stride [1, 1] dilation [1, 1, 1] pad [1, 1]
      input(%x at #places : memref<2x5x5x8xf32>) filter(%w : memref<3x3x1x8xf32>)
      init(%y at #places : memref<2x5x5x8xf32>)
  return
}

// -----

#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
func.func @grouped_conv_c1_pad(%b: index, %x: memref<2x5x5x8xf32>, %w: memref<3x3x1x8xf32>, %y: memref<2x5x5x8xf32>) {
  // expected-error @+1 {{'kernel.grouped_conv' op has pad [1, -1]; needs 2 numbers of 0 or more}}
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 5] groups 8 stride [1, 1] dilation [1, 1] pad [1, -1]
      input(%x at #places : memref<2x5x5x8xf32>) filter(%w : memref<3x3x1x8xf32>)
      init(%y at #places : memref<2x5x5x8xf32>)
  return
}

// -----

#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
func.func @grouped_conv_c2_rank(%b: index, %x: memref<2x5x5x8xf32>, %w: memref<9x8xf32>, %y: memref<2x5x5x8xf32>) {
  // expected-error @+1 {{'kernel.grouped_conv' op has filter of type 'memref<9x8xf32>'; needs 4 static sizes of 1 or more, [Kh, Kw, Cg, O]}}
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 5] groups 8 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%x at #places : memref<2x5x5x8xf32>) filter(%w : memref<9x8xf32>)
      init(%y at #places : memref<2x5x5x8xf32>)
  return
}

// -----

#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
func.func @grouped_conv_c2_dynamic(%b: index, %x: memref<2x5x5x8xf32>, %w: memref<3x3x?x8xf32>, %y: memref<2x5x5x8xf32>) {
  // expected-error @+1 {{'kernel.grouped_conv' op has filter of type 'memref<3x3x?x8xf32>'; needs 4 static sizes of 1 or more, [Kh, Kw, Cg, O]}}
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 5] groups 8 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%x at #places : memref<2x5x5x8xf32>) filter(%w : memref<3x3x?x8xf32>)
      init(%y at #places : memref<2x5x5x8xf32>)
  return
}

// -----

#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
func.func @grouped_conv_c2_empty(%b: index, %x: memref<2x5x5x8xf32>, %w: memref<3x3x1x0xf32>, %y: memref<2x5x5x8xf32>) {
  // expected-error @+1 {{'kernel.grouped_conv' op has filter of type 'memref<3x3x1x0xf32>'; needs 4 static sizes of 1 or more, [Kh, Kw, Cg, O]}}
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 5] groups 8 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%x at #places : memref<2x5x5x8xf32>) filter(%w : memref<3x3x1x0xf32>)
      init(%y at #places : memref<2x5x5x8xf32>)
  return
}

// -----

#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
func.func @grouped_conv_c3_groups(%b: index, %x: memref<2x5x5x8xf32>, %w: memref<3x3x1x8xf32>, %y: memref<2x5x5x8xf32>) {
  // expected-error @+1 {{'kernel.grouped_conv' op has 3 groups for 8 channels of the result; needs a divisor}}
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 5] groups 3 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%x at #places : memref<2x5x5x8xf32>) filter(%w : memref<3x3x1x8xf32>)
      init(%y at #places : memref<2x5x5x8xf32>)
  return
}

// -----

#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
func.func @grouped_conv_c3_no_groups(%b: index, %x: memref<2x5x5x8xf32>, %w: memref<3x3x1x8xf32>, %y: memref<2x5x5x8xf32>) {
  // expected-error @+1 {{'kernel.grouped_conv' op has 0 groups for 8 channels of the result; needs a divisor}}
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 5] groups 0 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%x at #places : memref<2x5x5x8xf32>) filter(%w : memref<3x3x1x8xf32>)
      init(%y at #places : memref<2x5x5x8xf32>)
  return
}

// -----

#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
func.func @grouped_conv_c4(%b: index, %x: memref<2x5x5x8xf32>, %w: memref<3x3x1x8xf32>, %g: memref<9xf32>, %y: memref<2x5x5x8xf32>) {
  // expected-error @+1 {{'kernel.grouped_conv' op has bias of type 'memref<9xf32>'; needs 8 elements}}
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 5] groups 8 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%x at #places : memref<2x5x5x8xf32>) filter(%w : memref<3x3x1x8xf32>) bias(%g : memref<9xf32>)
      init(%y at #places : memref<2x5x5x8xf32>)
  return
}

// -----

#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
#bad = affine_map<(b, x, c) -> (b, 0, x, c)>
func.func @grouped_conv_c5_input(%b: index, %x: memref<2x5x5x8xf32>, %w: memref<3x3x1x8xf32>, %y: memref<2x5x5x8xf32>) {
  // expected-error @+1 {{'kernel.grouped_conv' op has input map affine_map<(d0, d1, d2) -> (d0, 0, d1, d2)> for 'memref<2x5x5x8xf32>'; needs 4 dims, no symbols and 4 results}}
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 5] groups 8 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%x at #bad : memref<2x5x5x8xf32>) filter(%w : memref<3x3x1x8xf32>)
      init(%y at #places : memref<2x5x5x8xf32>)
  return
}

// -----

#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
#bad = affine_map<(b, x, c) -> (b, 0, x, c)>
func.func @grouped_conv_c5_residual(%b: index, %x: memref<2x5x5x8xf32>, %w: memref<3x3x1x8xf32>, %y: memref<2x5x5x8xf32>) {
  // expected-error @+1 {{'kernel.grouped_conv' op has residual map affine_map<(d0, d1, d2) -> (d0, 0, d1, d2)>}}
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 5] groups 8 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%x at #places : memref<2x5x5x8xf32>) filter(%w : memref<3x3x1x8xf32>) residual(%x at #bad : memref<2x5x5x8xf32>)
      init(%y at #places : memref<2x5x5x8xf32>)
  return
}

// -----

#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
#bad = affine_map<(b, x, c) -> (b, 0, x, c)>
func.func @grouped_conv_c5_init(%b: index, %x: memref<2x5x5x8xf32>, %w: memref<3x3x1x8xf32>, %y: memref<2x5x5x8xf32>) {
  // expected-error @+1 {{'kernel.grouped_conv' op has init map affine_map<(d0, d1, d2) -> (d0, 0, d1, d2)>}}
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 5] groups 8 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%x at #places : memref<2x5x5x8xf32>) filter(%w : memref<3x3x1x8xf32>)
      init(%y at #bad : memref<2x5x5x8xf32>)
  return
}

// -----

#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
func.func @grouped_conv_c6(%b: index, %x: memref<2x5x5x8xf32>, %w: memref<3x3x1x8xf32>, %y: memref<2x5x5x8xf32>) {
  // expected-error @+1 {{'kernel.grouped_conv' op has residual without its map}}
  "kernel.grouped_conv"(%b, %x, %w, %x, %y) <{
      size = array<i64: 5, 5>, inputSize = array<i64: 5, 5>, groups = 8, stride = array<i64: 1, 1>,
      dilation = array<i64: 1, 1>, pad = array<i64: 1, 1>, inputMap = #places, resultMap = #places,
      operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 1>}>
      : (index, memref<2x5x5x8xf32>, memref<3x3x1x8xf32>, memref<2x5x5x8xf32>, memref<2x5x5x8xf32>) -> ()
  return
}
