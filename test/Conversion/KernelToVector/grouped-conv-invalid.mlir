// RUN: vit-opt %s -convert-kernel-to-vector -split-input-file -verify-diagnostics

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#tiling = #kernel.conv_tiling<columns = 3, vectors = 1, taps = 3, rows = 4, channels = 8>
#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_grouped_conv_input_stride(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x8x5x5xf32>
  %w = kernel.buffer %context input at 1 : memref<3x3x1x8xf32>
  %y = kernel.buffer %context output at 0 : memref<?x5x5x8xf32>
  // expected-error @+1 {{'kernel.grouped_conv' op has input with stride 25 along channels; needs unit stride}}
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 5] groups 8 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%x at affine_map<(b, y, x, c) -> (b, c, y, x)> : memref<?x8x5x5xf32>) filter(%w : memref<3x3x1x8xf32>)
      init(%y at #places : memref<?x5x5x8xf32>) tiling #tiling
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#tiling = #kernel.conv_tiling<columns = 3, vectors = 1, taps = 3, rows = 4, channels = 8>
#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_grouped_conv_init_stride(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x5x5x8xf32>
  %w = kernel.buffer %context input at 1 : memref<3x3x1x8xf32>
  %y = kernel.buffer %context output at 0 : memref<?x5x5x8xf32>
  // expected-error @+1 {{'kernel.grouped_conv' op has init with no constant stride along channels; needs unit stride}}
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 5] groups 8 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%x at #places : memref<?x5x5x8xf32>) filter(%w : memref<3x3x1x8xf32>)
      init(%y at affine_map<(b, y, x, c) -> (b, y, x, (x + c) mod 8)> : memref<?x5x5x8xf32>) tiling #tiling
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#tiling = #kernel.conv_tiling<columns = 3, vectors = 1, taps = 3, rows = 4, channels = 8>
#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_grouped_conv_residual_stride(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x5x5x8xf32>
  %w = kernel.buffer %context input at 1 : memref<3x3x1x8xf32>
  %y = kernel.buffer %context output at 0 : memref<?x5x5x8xf32>
  // expected-error @+1 {{'kernel.grouped_conv' op has residual with stride 0 along channels; needs unit stride}}
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 5] groups 8 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%x at #places : memref<?x5x5x8xf32>) filter(%w : memref<3x3x1x8xf32>)
      residual(%x at affine_map<(b, y, x, c) -> (b, y, x, 0)> : memref<?x5x5x8xf32>)
      init(%y at #places : memref<?x5x5x8xf32>) tiling #tiling
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#tiling = #kernel.conv_tiling<columns = 3, vectors = 1, taps = 3, rows = 4, channels = 8>
#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_grouped_conv_input_columns(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x5x5x8xf32>
  %w = kernel.buffer %context input at 1 : memref<3x3x1x8xf32>
  %y = kernel.buffer %context output at 0 : memref<?x5x5x8xf32>
  // expected-error @+1 {{'kernel.grouped_conv' op has input map affine_map<(d0, d1, d2, d3) -> (d0, d1, (d2 + 1) mod 5, d3)>; needs a constant stride along rows and columns}}
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 5] groups 8 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%x at affine_map<(b, y, x, c) -> (b, y, (x + 1) mod 5, c)> : memref<?x5x5x8xf32>) filter(%w : memref<3x3x1x8xf32>)
      init(%y at #places : memref<?x5x5x8xf32>) tiling #tiling
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_grouped_conv_tiling(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x5x5x8xf32>
  %w = kernel.buffer %context input at 1 : memref<3x3x1x8xf32>
  %y = kernel.buffer %context output at 0 : memref<?x5x5x8xf32>
  // expected-error @+1 {{rows = 4, channels = 0>; columns, vectors, taps, rows and channels are 1 or more}}
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 5] groups 8 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%x at #places : memref<?x5x5x8xf32>) filter(%w : memref<3x3x1x8xf32>)
      init(%y at #places : memref<?x5x5x8xf32>)
      tiling <columns = 3, vectors = 1, taps = 3, rows = 4, channels = 0>
  return
}
}
