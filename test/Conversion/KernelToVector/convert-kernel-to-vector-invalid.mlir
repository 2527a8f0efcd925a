// RUN: vit-opt %s -convert-kernel-to-vector -split-input-file -verify-diagnostics

// What every kernel needs, whatever its op.

#map = affine_map<(b, i, c) -> (b, i, c)>
func.func @negative_no_cpu(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input : memref<?x8x8xf32>
  %o = kernel.buffer %context output : memref<?x8x8xf32>
  // expected-error @+1 {{'kernel.norm' op is in a module without kernel.cpu; needs kernel-schedule-cpu to have run}}
  kernel.norm batch(%b) rows(%n) channels 8 epsilon 1.000000e-06 input(%x at #map : memref<?x8x8xf32>)
      init(%o at #map : memref<?x8x8xf32>) tiling <rows = 4>
  return
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#map = affine_map<(b, i, c) -> (b, i, c)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_no_tiling(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input : memref<?x8x8xf32>
  %o = kernel.buffer %context output : memref<?x8x8xf32>
  // expected-error @+1 {{'kernel.norm' op has no tiling; needs kernel-schedule-cpu to have run}}
  kernel.norm batch(%b) rows(%n) channels 8 epsilon 1.000000e-06 input(%x at #map : memref<?x8x8xf32>)
      init(%o at #map : memref<?x8x8xf32>)
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#map = affine_map<(b, i, c) -> (b, i, c)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_element_type(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input : memref<?x8x8xbf16>
  %o = kernel.buffer %context output : memref<?x8x8xf32>
  // expected-error @+1 {{'kernel.norm' op has an operand of type 'memref<?x8x8xbf16>'; vector code needs memrefs of f32 with identity layout}}
  kernel.norm batch(%b) rows(%n) channels 8 epsilon 1.000000e-06 input(%x at #map : memref<?x8x8xbf16>)
      init(%o at #map : memref<?x8x8xf32>) tiling <rows = 4>
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#map = affine_map<(b, i, c) -> (b, i, c)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_tensors(%b: index, %x: tensor<?x8x8xf32>, %o: tensor<?x8x8xf32>) -> tensor<?x8x8xf32> {
  %n = arith.constant 8 : index
  // expected-error @+1 {{'kernel.norm' op has an operand of type 'tensor<?x8x8xf32>'; vector code needs memrefs of f32 with identity layout}}
  %y = kernel.norm batch(%b) rows(%n) channels 8 epsilon 1.000000e-06 input(%x at #map : tensor<?x8x8xf32>)
      init(%o at #map : tensor<?x8x8xf32>) tiling <rows = 4> -> tensor<?x8x8xf32>
  return %y : tensor<?x8x8xf32>
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#map = affine_map<(b, i, c) -> (b, i, c)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_no_context(%b: index, %x: memref<?x8x8xf32>, %o: memref<?x8x8xf32>) {
  %n = arith.constant 8 : index
  // expected-error @+1 {{'kernel.norm' op is in a function without a !kernel.context; needs kernel-plan-arena to have run}}
  kernel.norm batch(%b) rows(%n) channels 8 epsilon 1.000000e-06 input(%x at #map : memref<?x8x8xf32>)
      init(%o at #map : memref<?x8x8xf32>) tiling <rows = 4>
  return
}
}
