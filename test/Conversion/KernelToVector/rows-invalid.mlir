// RUN: vit-opt %s -convert-kernel-to-vector -split-input-file -verify-diagnostics

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
module attributes {kernel.cpu = #cpu} {
func.func @negative_norm_input_stride(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input at 0 : memref<?x8x8xf32>
  %o = kernel.buffer %context output at 0 : memref<?x8x8xf32>
  // expected-error @+1 {{'kernel.norm' op has input with stride 8 along c; needs unit stride}}
  kernel.norm batch(%b) rows(%n) channels 8 epsilon 1.000000e-06
      input(%x at affine_map<(b, i, c) -> (b, c, i)> : memref<?x8x8xf32>)
      init(%o at affine_map<(b, i, c) -> (b, i, c)> : memref<?x8x8xf32>) tiling <rows = 4>
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
module attributes {kernel.cpu = #cpu} {
func.func @negative_norm_init_stride(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input at 0 : memref<?x8x8xf32>
  %o = kernel.buffer %context output at 0 : memref<?x8x8xf32>
  // expected-error @+1 {{'kernel.norm' op has init with no constant stride along c; needs unit stride}}
  kernel.norm batch(%b) rows(%n) channels 8 epsilon 1.000000e-06
      input(%x at affine_map<(b, i, c) -> (b, i, c)> : memref<?x8x8xf32>)
      init(%o at affine_map<(b, i, c) -> (b, i, (c + i) mod 8)> : memref<?x8x8xf32>) tiling <rows = 4>
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
module attributes {kernel.cpu = #cpu} {
func.func @negative_mean_input_stride(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input at 0 : memref<?x8x8xf32>
  %o = kernel.buffer %context output at 0 : memref<?x8xf32>
  // expected-error @+1 {{'kernel.mean' op has input with stride 8 along c; needs unit stride}}
  kernel.mean batch(%b) rows(%n) channels 8 input(%x at affine_map<(b, i, c) -> (b, c, i)> : memref<?x8x8xf32>)
      init(%o at affine_map<(b, c) -> (b, c)> : memref<?x8xf32>) tiling <rows = 4>
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
module attributes {kernel.cpu = #cpu} {
func.func @negative_mean_init_stride(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input at 0 : memref<?x8x8xf32>
  %o = kernel.buffer %context output at 0 : memref<?x8x3xf32>
  // expected-error @+1 {{'kernel.mean' op has init with stride 3 along c; needs unit stride}}
  kernel.mean batch(%b) rows(%n) channels 8 input(%x at affine_map<(b, i, c) -> (b, i, c)> : memref<?x8x8xf32>)
      init(%o at affine_map<(b, c) -> (b, c, 0)> : memref<?x8x3xf32>) tiling <rows = 4>
  return
}
}

// -----

// Panels of 12 channels end within a vector of 8.
#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
module attributes {kernel.cpu = #cpu} {
func.func @negative_norm_init_panels(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input at 0 : memref<?x8x24xf32>
  %o = kernel.buffer %context output at 0 : memref<?x192xf32>
  // expected-error @+1 {{'kernel.norm' op has init with no constant stride along c; needs unit stride}}
  kernel.norm batch(%b) rows(%n) channels 24 epsilon 1.000000e-06
      input(%x at affine_map<(b, i, c) -> (b, i, c)> : memref<?x8x24xf32>)
      init(%o at affine_map<(b, i, c) -> (b, i * 12 + (c floordiv 12) * 96 + c mod 12)> : memref<?x192xf32>) tiling <rows = 4>
  return
}
}
