// RUN: vit-opt %s -convert-kernel-to-llvm -split-input-file -verify-diagnostics

// Two rows side by side in 48 columns: the stride from row 1 to row 2 is another.
#rows = affine_map<(b, i, l) -> (b, i, l)>
#pairs = affine_map<(b, i, l) -> (b, i floordiv 2, (i mod 2) * 16 + l)>
func.func @negative_rows(%context: !kernel.context)
    attributes {kernel.entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>} {
  %n = kernel.batch %context
  %x = kernel.buffer %context input : memref<?x4x48xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x4x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has lhs map affine_map<(d0, d1, d2) -> (d0, d1 floordiv 2, (d1 mod 2) * 16 + d2)>; oneDNN needs rows at constant strides}}
  kernel.gemm batch(%n) rows(%n) n 16 k 8 lhs(%x at #pairs : memref<?x4x48xf32>) weights(%w : memref<256xf32>)
      init(%y at #rows : memref<?x4x16xf32>)
  return
}

// -----

#rows = affine_map<(b, i, l) -> (b, i, l)>
func.func @negative_type(%context: !kernel.context)
    attributes {kernel.entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>} {
  %n = kernel.batch %context
  %x = kernel.buffer %context input : memref<?x4x8xbf16>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x4x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has an operand of type 'memref<?x4x8xbf16>'; oneDNN needs memrefs of f32 with identity layout}}
  kernel.gemm batch(%n) rows(%n) n 16 k 8 lhs(%x at #rows : memref<?x4x8xbf16>) weights(%w : memref<256xf32>)
      init(%y at #rows : memref<?x4x16xf32>)
  return
}
