// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#query = affine_map<(b, h, i, d) -> (b floordiv 4, (b mod 4) floordiv 2 * 2 + i floordiv 2, b mod 2 * 2 + i mod 2, h * 8 + d)>
#key = affine_map<(b, h, i, d) -> (b floordiv 4, (b mod 4) floordiv 2 * 2 + i floordiv 2, b mod 2 * 2 + i mod 2, h * 8 + d + 16)>
#value = affine_map<(b, h, i, d) -> (b floordiv 4, (b mod 4) floordiv 2 * 2 + i floordiv 2, b mod 2 * 2 + i mod 2, h * 8 + d + 32)>
#mixed = affine_map<(b, h, i, d) -> (b floordiv 4, (b mod 4) floordiv 2 * 2 + i floordiv 2, b mod 2 * 2 + i mod 2, ((h + i) mod 2) * 8 + d)>

module attributes {kernel.cpu = #cpu} {

// Windows of 2 x 2 tokens in pictures of 4 x 4.
func.func @windows(%context: !kernel.context) {
  %b = arith.constant 8 : index
  %n = arith.constant 4 : index
  %x = kernel.buffer %context input at 0 : memref<2x4x4x48xf32>
  %o = kernel.buffer %context output at 0 : memref<2x4x4x16xf32>
  kernel.attention batch(%b) queries(%n) keys(%n) heads 2 head_dim 8 value_dim 8 scale 1.000000e+00
      query(%x at #query : memref<2x4x4x48xf32>) key(%x at #key : memref<2x4x4x48xf32>)
      value(%x at #value : memref<2x4x4x48xf32>) init(%o at #query : memref<2x4x4x16xf32>)
      tiling <rows = 4, columns = 8, queryBlock = 8, keyBlock = 64>
  return
}

func.func @negative_windows_mixed_heads(%context: !kernel.context) {
  %b = arith.constant 8 : index
  %n = arith.constant 4 : index
  %x = kernel.buffer %context input at 0 : memref<2x4x4x16xf32>
  %o = kernel.buffer %context output at 0 : memref<2x4x4x16xf32>
  kernel.attention batch(%b) queries(%n) keys(%n) heads 2 head_dim 8 value_dim 8 scale 2.000000e+00
      query(%x at #mixed : memref<2x4x4x16xf32>) key(%x at #mixed : memref<2x4x4x16xf32>)
      value(%x at #mixed : memref<2x4x4x16xf32>) init(%o at #mixed : memref<2x4x4x16xf32>)
      tiling <rows = 4, columns = 8, queryBlock = 8, keyBlock = 64>
  return
}

// Two items' offsets of 4 tokens each: a table for query, key and value, which
// differ by a constant, and one for the narrower rows of init.
// CHECK-LABEL: func private @attention_h2_d8(
// CHECK-COUNT-2:   memref.view {{.*}} : memref<?xi8> to memref<8xindex>
//   CHECK-NOT:     memref<8xindex>
//       CHECK:   scf.for
//       CHECK:     scf.for {{.*}} to %c4 step %c1
//       CHECK:       memref.store {{.*}} : memref<8xindex>
//       CHECK:     scf.for {{.*}} to %c4 step %c1
//       CHECK:       memref.store {{.*}} : memref<8xindex>

// A token's place depends on its head: no table holds it for all of them.
// CHECK-LABEL: func private @attention_h2_d8_0(
//   CHECK-NOT:   xindex>
//       CHECK:   return
}
