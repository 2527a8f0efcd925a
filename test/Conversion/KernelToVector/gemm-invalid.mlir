// RUN: vit-opt %s -convert-kernel-to-vector -split-input-file -verify-diagnostics

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#tiling = #kernel.gemm_tiling<provider = vector, rows = 2, columns = 16, kBlock = 1536, unroll = 2, rowBlock = 256>
#map = affine_map<(b, i, j) -> (b, i, j)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_gemm_init_stride(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input : memref<?x8x8xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x8x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has init with no constant stride along n; needs unit stride}}
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #map : memref<?x8x8xf32>) weights(%w : memref<256xf32>)
      init(%y at affine_map<(b, i, j) -> (b, i, (i + j) mod 16)> : memref<?x8x16xf32>) tiling #tiling
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#tiling = #kernel.gemm_tiling<provider = vector, rows = 2, columns = 16, kBlock = 1536, unroll = 2, rowBlock = 256>
#map = affine_map<(b, i, j) -> (b, i, j)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_gemm_residual_stride(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input : memref<?x8x8xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %r = kernel.buffer %context input at 2 : memref<8xf32>
  %y = kernel.buffer %context output : memref<?x8x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has residual with stride 0 along n; needs unit stride}}
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #map : memref<?x8x8xf32>) weights(%w : memref<256xf32>)
      residual(%r at affine_map<(b, i, j) -> (i)> : memref<8xf32>) init(%y at #map : memref<?x8x16xf32>)
      tiling #tiling
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#map = affine_map<(b, i, j) -> (b, i, j)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_gemm_columns(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input : memref<?x8x8xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x8x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has tiles of 12 columns and 8 lanes; needs a multiple of up to 16 lanes, at most 64}}
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #map : memref<?x8x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x8x16xf32>)
      tiling <provider = vector, rows = 2, columns = 12, kBlock = 1536, unroll = 2, rowBlock = 256>
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#map = affine_map<(b, i, j) -> (b, i, j)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_gemm_unroll(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input : memref<?x8x8xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x8x16xf32>
  // expected-error @+1 {{unroll = 0, rowBlock = 256>; rows, kBlock, unroll, rowBlock and panels are 1 or more}}
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #map : memref<?x8x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x8x16xf32>)
      tiling <provider = vector, rows = 2, columns = 16, kBlock = 1536, unroll = 0, rowBlock = 256>
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#map = affine_map<(b, i, j) -> (b, i, j)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_gemm_panels(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input : memref<?x8x8xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x8x16xf32>
  // expected-error @+1 {{rowBlock = 256, panels = 0>; rows, kBlock, unroll, rowBlock and panels are 1 or more}}
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #map : memref<?x8x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x8x16xf32>)
      tiling <provider = vector, rows = 2, columns = 16, kBlock = 1536, unroll = 2, rowBlock = 256, panels = 0>
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#map = affine_map<(b, i, j) -> (b, i, j)>
module attributes {kernel.cpu = #cpu} {
func.func @gemm_statistics_block(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 16 : index
  %x = kernel.buffer %context input : memref<?x16x8xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %s = kernel.buffer %context input at 2 : memref<?x2x2x16xf32>
  %y = kernel.buffer %context output : memref<?x16x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has blocks of 4 rows and statistics of chunks of up to 8; a block holds a chunk}}
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #map : memref<?x16x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x16x16xf32>) statistics(%s : memref<?x2x2x16xf32>)
      tiling <provider = vector, rows = 2, columns = 16, kBlock = 1536, unroll = 2, rowBlock = 4>
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#map = affine_map<(b, i, j) -> (b, i, j)>
module attributes {kernel.cpu = #cpu} {
func.func @gemm_statistics_rows(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input : memref<?x16x8xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %s = kernel.buffer %context input at 2 : memref<?x2x2x16xf32>
  %y = kernel.buffer %context output : memref<?x16x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has statistics of a runtime number of rows; needs a constant one}}
  kernel.gemm batch(%b) rows(%b) n 16 k 8 lhs(%x at #map : memref<?x16x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x16x16xf32>) statistics(%s : memref<?x2x2x16xf32>)
      tiling <provider = vector, rows = 2, columns = 16, kBlock = 1536, unroll = 2, rowBlock = 8>
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#map = affine_map<(b, i, j) -> (b, i, j)>
module attributes {kernel.cpu = #cpu} {
func.func @gemm_sums_in_f16(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input : memref<?x16x8xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x16x16xf16>
  // expected-error @+1 {{'kernel.gemm' op has init of 'f16' and blocks of 4 terms, whose sums are kept there; needs one block of 8}}
  kernel.gemm batch(%b) rows(%b) n 16 k 8 lhs(%x at #map : memref<?x16x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x16x16xf16>)
      tiling <provider = vector, rows = 2, columns = 16, kBlock = 4, unroll = 2, rowBlock = 8>
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#map = affine_map<(b, i, j) -> (b, i, j)>
module attributes {kernel.cpu = #cpu} {
func.func @gemm_of_f64(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input : memref<?x16x8xf64>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x16x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has an operand of type 'memref<?x16x8xf64>'; vector code needs memrefs of f32, f16 or bf16 with identity layout}}
  kernel.gemm batch(%b) rows(%b) n 16 k 8 lhs(%x at #map : memref<?x16x8xf64>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x16x16xf32>)
      tiling <provider = vector, rows = 2, columns = 16, kBlock = 8, unroll = 2, rowBlock = 8>
  return
}
}

// -----

// A residual is of f32.
#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#map = affine_map<(b, i, j) -> (b, i, j)>
module attributes {kernel.cpu = #cpu} {
func.func @gemm_residual_of_f16(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input : memref<?x16x8xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %r = kernel.buffer %context input at 2 : memref<?x16x16xf16>
  %y = kernel.buffer %context output : memref<?x16x16xf16>
  // expected-error @+1 {{'kernel.gemm' op has an operand of type 'memref<?x16x16xf16>'; vector code needs memrefs of f32 with identity layout}}
  kernel.gemm batch(%b) rows(%b) n 16 k 8 lhs(%x at #map : memref<?x16x8xf32>) weights(%w : memref<256xf32>)
      residual(%r at #map : memref<?x16x16xf16>) init(%y at #map : memref<?x16x16xf16>)
      tiling <provider = vector, rows = 2, columns = 16, kBlock = 8, unroll = 2, rowBlock = 8>
  return
}
}

// -----

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#tiling = #kernel.gemm_tiling<provider = vector, rows = 2, columns = 16, kBlock = 1536, unroll = 2, rowBlock = 256>
#map = affine_map<(b, i, j) -> (b, i, j)>
module attributes {kernel.cpu = #cpu} {
func.func @negative_gemm_weights_of_tf32(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 8 : index
  %x = kernel.buffer %context input : memref<?x8x8xf32>
  %w = kernel.buffer %context input at 1 : memref<256xtf32>
  %y = kernel.buffer %context output : memref<?x8x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has an operand of type 'memref<256xtf32>'; vector code needs memrefs of f32 with identity layout}}
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #map : memref<?x8x8xf32>) weights(%w : memref<256xtf32>)
      init(%y at #map : memref<?x8x16xf32>) tiling #tiling
  return
}
}
