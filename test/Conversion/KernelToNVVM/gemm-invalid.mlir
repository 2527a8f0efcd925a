// RUN: vit-opt %s -kernel-schedule-nvptx -convert-kernel-to-nvvm -split-input-file -verify-diagnostics

#map = affine_map<(b, i, j) -> (b, i, j)>
func.func @negative_gemm_f64(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf64>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x5x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has an operand of type 'memref<?x5x16xf64>'; needs f32, tf32, f16 or bf16}}
  kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #map : memref<?x5x16xf64>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x5x16xf32>)
      tiling <provider = nvvm, rows = 4, columns = 4, kBlock = 16, unroll = 3, rowBlock = 16>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
func.func @negative_gemm_three_rows(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x5x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has tiling #kernel.gemm_tiling<provider = nvvm, rows = 3, columns = 4, kBlock = 16, unroll = 3, rowBlock = 48> and weights of 'f32'; needs powers of two up to 1024}}
  kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #map : memref<?x5x16xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x5x16xf32>)
      tiling <provider = nvvm, rows = 3, columns = 4, kBlock = 16, unroll = 3, rowBlock = 48>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
func.func @negative_gemm_one_stage(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x5x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has tiling #kernel.gemm_tiling<provider = nvvm, rows = 4, columns = 4, kBlock = 16, unroll = 1, rowBlock = 16> and weights of 'f32'; needs 2 or more steps in shared memory}}
  kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #map : memref<?x5x16xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x5x16xf32>)
      tiling <provider = nvvm, rows = 4, columns = 4, kBlock = 16, unroll = 1, rowBlock = 16>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
func.func @negative_gemm_two_columns(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x5x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has tiling #kernel.gemm_tiling<provider = nvvm, rows = 4, columns = 2, kBlock = 16, unroll = 3, rowBlock = 16> and weights of 'f32'; needs 4 columns or more}}
  kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #map : memref<?x5x16xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x5x16xf32>)
      tiling <provider = nvvm, rows = 4, columns = 2, kBlock = 16, unroll = 3, rowBlock = 16>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
func.func @negative_gemm_tensor_rows(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf32>
  %w = kernel.buffer %context input at 1 : memref<256xbf16>
  %y = kernel.buffer %context output : memref<?x5x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has tiling #kernel.gemm_tiling<provider = nvvm, rows = 8, columns = 16, kBlock = 16, unroll = 3, rowBlock = 16> and weights of 'bf16'; needs 16 rows and 8 columns or more}}
  kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #map : memref<?x5x16xf32>) weights(%w : memref<256xbf16>)
      init(%y at #map : memref<?x5x16xf32>)
      tiling <provider = nvvm, rows = 8, columns = 16, kBlock = 16, unroll = 3, rowBlock = 16>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
// Four threads of a warp have rows of their own.
func.func @negative_gemm_warp_rows(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x5x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has tiling #kernel.gemm_tiling<provider = nvvm, rows = 8, columns = 4, kBlock = 16, unroll = 3, rowBlock = 16> and weights of 'f32'; needs blocks of a warp's rows and columns, and 4 words of terms}}
  kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #map : memref<?x5x16xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x5x16xf32>)
      tiling <provider = nvvm, rows = 8, columns = 4, kBlock = 16, unroll = 3, rowBlock = 16>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
// A word is one term, and an instruction of tensor cores takes 8.
func.func @negative_gemm_tensor_terms(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf32>
  %w = kernel.buffer %context input at 1 : memref<256xtf32>
  %y = kernel.buffer %context output : memref<?x5x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has tiling #kernel.gemm_tiling<provider = nvvm, rows = 16, columns = 16, kBlock = 4, unroll = 3, rowBlock = 16> and weights of 'tf32'; needs blocks of a warp's rows and columns, and 8 words of terms}}
  kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #map : memref<?x5x16xf32>) weights(%w : memref<256xtf32>)
      init(%y at #map : memref<?x5x16xf32>)
      tiling <provider = nvvm, rows = 16, columns = 16, kBlock = 4, unroll = 3, rowBlock = 16>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
// 256 threads, and 128 vectors of weights.
func.func @negative_gemm_idle_threads(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x5x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has tiling #kernel.gemm_tiling<provider = nvvm, rows = 4, columns = 4, kBlock = 8, unroll = 3, rowBlock = 64> and weights of 'f32'; needs as many threads as copy a step's tiles in vectors of 4 words, up to 1024}}
  kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #map : memref<?x5x16xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x5x16xf32>)
      tiling <provider = nvvm, rows = 4, columns = 4, kBlock = 8, unroll = 3, rowBlock = 64>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
func.func @negative_gemm_shared_memory(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x5x16xf32>
  // expected-error @+1 {{'kernel.gemm' op needs 792576 bytes of shared memory a block; #kernel.gpu<arch = "sm_80", sharedBytes = 101376> has 101376}}
  kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #map : memref<?x5x16xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x5x16xf32>)
      tiling <provider = nvvm, rows = 8, columns = 8, kBlock = 256, unroll = 3, rowBlock = 128, panels = 2>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
func.func @negative_gemm_few_rows_tiling(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x5x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has tiling #kernel.gemm_tiling<provider = nvvm, rows = 2, columns = 8, kBlock = 16, unroll = 1, rowBlock = 4>; threads of a block of up to 8 rows have them all, and share 4 to 64 columns, a power of two, and a multiple of 16 terms}}
  kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #map : memref<?x5x16xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x5x16xf32>)
      tiling <provider = nvvm, rows = 2, columns = 8, kBlock = 16, unroll = 1, rowBlock = 4>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
func.func @negative_gemm_few_rows_statistics(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x5x16xf32>
  %s = kernel.buffer %context output at 1 : memref<?x1x2x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has statistics and tiling #kernel.gemm_tiling<provider = nvvm, rows = 4, columns = 8, kBlock = 16, unroll = 1, rowBlock = 4>; needs threads that share a block's rows}}
  kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #map : memref<?x5x16xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x5x16xf32>) statistics(%s : memref<?x1x2x16xf32>)
      tiling <provider = nvvm, rows = 4, columns = 8, kBlock = 16, unroll = 1, rowBlock = 4>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
func.func @negative_gemm_few_rows_norm(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x32xf32>
  %w = kernel.buffer %context input at 1 : memref<512xf32>
  %y = kernel.buffer %context output : memref<?x5x16xf32>
  // expected-error @+1 {{'kernel.gemm' op normalises rows of 32 elements in blocks of 16; needs one block}}
  kernel.gemm batch(%b) rows(%n) n 16 k 32 lhs(%x at #map : memref<?x5x32xf32>) weights(%w : memref<512xf32>)
      init(%y at #map : memref<?x5x16xf32>) norm <epsilon = 1.000000e-05 : f64>
      tiling <provider = nvvm, rows = 1, columns = 8, kBlock = 16, unroll = 1, rowBlock = 1>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
// Sizes whose product is no number of 64 bits.
func.func @negative_gemm_large_step(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x5x16xf32>
  // expected-error @+1 {{'kernel.gemm' op has tiling #kernel.gemm_tiling<provider = nvvm, rows = 8, columns = 8, kBlock = 4611686018427387904, unroll = 3, rowBlock = 128> and weights of 'f32'; needs powers of two up to 1024}}
  kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #map : memref<?x5x16xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x5x16xf32>)
      tiling <provider = nvvm, rows = 8, columns = 8, kBlock = 4611686018427387904, unroll = 3, rowBlock = 128>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
// Another generation has no such instructions.
func.func @negative_gemm_warpgroup_arch(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf32>
  %w = kernel.buffer %context input at 1 : memref<1024xbf16>
  %y = kernel.buffer %context output : memref<?x5x64xf32>
  // expected-error @+1 {{'kernel.gemm' op has tiling #kernel.gemm_tiling<provider = nvvm, rows = 64, columns = 64, kBlock = 32, unroll = 3, rowBlock = 64>, of warpgroups; needs sm_90a, not sm_80}}
  kernel.gemm batch(%b) rows(%n) n 64 k 16 lhs(%x at #map : memref<?x5x16xf32>) weights(%w : memref<1024xbf16>)
      init(%y at #map : memref<?x5x64xf32>)
      tiling <provider = nvvm, rows = 64, columns = 64, kBlock = 32, unroll = 3, rowBlock = 64>
  return
}
