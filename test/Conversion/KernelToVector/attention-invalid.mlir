// RUN: vit-opt %s -convert-kernel-to-vector -split-input-file -verify-diagnostics

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#row = affine_map<(b, h, i, d) -> (b, i, d)>
#column = affine_map<(b, h, i, d) -> (b, d, i)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_attention_query_stride(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input at 0 : memref<?x8x8xf32>
  %o = kernel.buffer %context output at 0 : memref<?x8x8xf32>
  // expected-error @+1 {{'kernel.attention' op has query with stride 8 along d; needs unit stride}}
  kernel.attention batch(%b) queries(%n) keys(%n) heads 1 head_dim 8 value_dim 8 scale 1.000000e+00
      query(%x at #column : memref<?x8x8xf32>) key(%x at #row : memref<?x8x8xf32>)
      value(%x at #row : memref<?x8x8xf32>) init(%o at #row : memref<?x8x8xf32>)
      tiling <rows = 4, columns = 16, queryBlock = 8, keyBlock = 64>
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#row = affine_map<(b, h, i, d) -> (b, i, d)>
#column = affine_map<(b, h, i, d) -> (b, d, i)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_attention_key_stride(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input at 0 : memref<?x8x8xf32>
  %o = kernel.buffer %context output at 0 : memref<?x8x8xf32>
  // expected-error @+1 {{'kernel.attention' op has key with stride 8 along d; needs unit stride}}
  kernel.attention batch(%b) queries(%n) keys(%n) heads 1 head_dim 8 value_dim 8 scale 1.000000e+00
      query(%x at #row : memref<?x8x8xf32>) key(%x at #column : memref<?x8x8xf32>)
      value(%x at #row : memref<?x8x8xf32>) init(%o at #row : memref<?x8x8xf32>)
      tiling <rows = 4, columns = 16, queryBlock = 8, keyBlock = 64>
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#row = affine_map<(b, h, i, d) -> (b, i, d)>
#column = affine_map<(b, h, i, d) -> (b, d, i)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_attention_value_stride(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input at 0 : memref<?x8x8xf32>
  %o = kernel.buffer %context output at 0 : memref<?x8x8xf32>
  // expected-error @+1 {{'kernel.attention' op has value with stride 8 along e; needs unit stride}}
  kernel.attention batch(%b) queries(%n) keys(%n) heads 1 head_dim 8 value_dim 8 scale 1.000000e+00
      query(%x at #row : memref<?x8x8xf32>) key(%x at #row : memref<?x8x8xf32>)
      value(%x at #column : memref<?x8x8xf32>) init(%o at #row : memref<?x8x8xf32>)
      tiling <rows = 4, columns = 16, queryBlock = 8, keyBlock = 64>
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#row = affine_map<(b, h, i, d) -> (b, i, d)>
#column = affine_map<(b, h, i, d) -> (b, d, i)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_attention_bias_stride(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input at 0 : memref<?x8x8xf32>
  %bias = kernel.buffer %context input at 1 : memref<8xf32>
  %o = kernel.buffer %context output at 0 : memref<?x8x8xf32>
  // expected-error @+1 {{'kernel.attention' op has bias with stride 0 along j; needs unit stride}}
  kernel.attention batch(%b) queries(%n) keys(%n) heads 1 head_dim 8 value_dim 8 scale 1.000000e+00
      query(%x at #row : memref<?x8x8xf32>) key(%x at #row : memref<?x8x8xf32>) value(%x at #row : memref<?x8x8xf32>)
      bias(%bias at affine_map<(b, h, i, j) -> (i)> : memref<8xf32>) init(%o at #row : memref<?x8x8xf32>)
      tiling <rows = 4, columns = 16, queryBlock = 8, keyBlock = 64>
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#row = affine_map<(b, h, i, d) -> (b, i, d)>
#column = affine_map<(b, h, i, d) -> (b, d, i)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_attention_init_stride(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input at 0 : memref<?x8x8xf32>
  %o = kernel.buffer %context output at 0 : memref<?x8x8xf32>
  // expected-error @+1 {{'kernel.attention' op has init with stride 8 along e; needs unit stride}}
  kernel.attention batch(%b) queries(%n) keys(%n) heads 1 head_dim 8 value_dim 8 scale 1.000000e+00
      query(%x at #row : memref<?x8x8xf32>) key(%x at #row : memref<?x8x8xf32>)
      value(%x at #row : memref<?x8x8xf32>) init(%o at #column : memref<?x8x8xf32>)
      tiling <rows = 4, columns = 16, queryBlock = 8, keyBlock = 64>
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#row = affine_map<(b, h, i, d) -> (b, i, d)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_attention_tiling(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input at 0 : memref<?x8x8xf32>
  %o = kernel.buffer %context output at 0 : memref<?x8x8xf32>
  // expected-error @+1 {{columns = 12, queryBlock = 8, keyBlock = 64>; needs positive numbers and columns in multiples of 8}}
  kernel.attention batch(%b) queries(%n) keys(%n) heads 1 head_dim 8 value_dim 8 scale 1.000000e+00
      query(%x at #row : memref<?x8x8xf32>) key(%x at #row : memref<?x8x8xf32>)
      value(%x at #row : memref<?x8x8xf32>) init(%o at #row : memref<?x8x8xf32>)
      tiling <rows = 4, columns = 12, queryBlock = 8, keyBlock = 64>
  return
}
}
