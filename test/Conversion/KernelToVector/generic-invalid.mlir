// RUN: vit-opt %s -convert-kernel-to-vector -split-input-file -verify-diagnostics

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#row = affine_map<(b, c) -> (b, c)>
module attributes {kernel.cpu = #cpu} {
func.func private @f(f32) -> f32
func.func @negative_generic_call(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x8xf32>
  %y = kernel.buffer %context output at 0 : memref<?x8xf32>
  // expected-error @+1 {{'kernel.generic' op has 'func.call' in its body, which has no vector form; needs elementwise ops}}
  kernel.generic batch(%b) sizes [8] inputs(%x : memref<?x8xf32>) at [#row] init(%y at #row : memref<?x8xf32>)
      tiling <rows = 8> {
  ^bb0(%a: f32):
    %0 = func.call @f(%a) : (f32) -> f32
    kernel.yield %0 : f32
  }
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#row = affine_map<(b, c) -> (b, c)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_generic_outside_value(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x8xf32>
  %y = kernel.buffer %context output at 0 : memref<?x8xf32>
  %i = arith.index_cast %b : index to i32
  %s = arith.sitofp %i : i32 to f32
  // expected-error @+1 {{'kernel.generic' op uses a value of type 'f32' from outside of its body; needs an input or a constant}}
  kernel.generic batch(%b) sizes [8] inputs(%x : memref<?x8xf32>) at [#row] init(%y at #row : memref<?x8xf32>)
      tiling <rows = 8> {
  ^bb0(%a: f32):
    %0 = arith.addf %a, %s : f32
    kernel.yield %0 : f32
  }
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#row = affine_map<(b, c) -> (b, c)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_generic_body_of_tf32(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x8xf32>
  %y = kernel.buffer %context output at 0 : memref<?x8xf32>
  // expected-error @+1 {{'kernel.generic' op has 'arith.truncf' of type 'tf32' in its body; needs integers, f16, bf16, f32 or f64}}
  kernel.generic batch(%b) sizes [8] inputs(%x : memref<?x8xf32>) at [#row] init(%y at #row : memref<?x8xf32>)
      tiling <rows = 8> {
  ^bb0(%a: f32):
    %0 = arith.truncf %a : f32 to tf32
    %1 = arith.extf %0 : tf32 to f32
    kernel.yield %1 : f32
  }
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#row = affine_map<(b, c) -> (b, c)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_generic_of_tf32(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x8xtf32>
  %y = kernel.buffer %context output at 0 : memref<?x8xtf32>
  // expected-error @+1 {{'kernel.generic' op has an operand of type 'memref<?x8xtf32>'; vector code needs memrefs of integers, f16, bf16, f32 or f64 with identity layout}}
  kernel.generic batch(%b) sizes [8] inputs(%x : memref<?x8xtf32>) at [#row] init(%y at #row : memref<?x8xtf32>)
      tiling <rows = 8> {
  ^bb0(%a: tf32):
    %0 = arith.addf %a, %a : tf32
    kernel.yield %0 : tf32
  }
  return
}
}
