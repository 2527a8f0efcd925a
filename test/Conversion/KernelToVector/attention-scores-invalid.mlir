// RUN: vit-opt %s -convert-kernel-to-vector -verify-diagnostics

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#row = affine_map<(b, h, i, d) -> (b, i, d)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_attention_groups(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input at 0 : memref<?x8x8xf32>
  %o = kernel.buffer %context output at 0 : memref<?x8x8xf32>
  // expected-error @+1 {{has groups affine_map<(d0, d1) -> ((d1 - 3) floordiv 2)>, which may divide a negative number; needs dividends of 0 or more}}
  kernel.attention batch(%b) queries(%n) keys(%n) heads 1 head_dim 8 value_dim 8 scale 1.000000e+00
      query(%x at #row : memref<?x8x8xf32>) key(%x at #row : memref<?x8x8xf32>)
      value(%x at #row : memref<?x8x8xf32>) groups affine_map<(b, i) -> ((i - 3) floordiv 2)> group_bias -1.0
      init(%o at #row : memref<?x8x8xf32>) tiling <rows = 4, columns = 8, queryBlock = 8, keyBlock = 64>
  return
}
}
