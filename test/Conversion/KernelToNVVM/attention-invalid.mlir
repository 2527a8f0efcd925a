// RUN: vit-opt %s -split-input-file -verify-diagnostics -kernel-schedule-nvptx -convert-kernel-to-nvvm

#rows = affine_map<(b, h, i, d) -> (b, i, d)>

func.func @attention_ragged_tiling(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 9 : index
  %x = kernel.buffer %context input at 0 : memref<?x9x8xf32>
  %o = kernel.buffer %context output at 0 : memref<?x9x8xf32>
  // expected-error @+1 {{'kernel.attention' op has tiling #kernel.attention_tiling<rows = 3, columns = 2, queryBlock = 16, keyBlock = 16>; needs rows that divide the queries and columns that divide the keys of a block into whole warps of up to 1024 threads, 4 to 32 of them a row}}
  kernel.attention batch(%b) queries(%n) keys(%n) heads 1 head_dim 8 value_dim 8 scale 1.000000e+00
      query(%x at #rows : memref<?x9x8xf32>) key(%x at #rows : memref<?x9x8xf32>)
      value(%x at #rows : memref<?x9x8xf32>) init(%o at #rows : memref<?x9x8xf32>)
      tiling <rows = 3, columns = 2, queryBlock = 16, keyBlock = 16>
  return
}

// -----

#rows = affine_map<(b, h, i, d) -> (b, i, d)>

// A map has no form for blocks of one query, whose rows are shared by more than
// a warp.
func.func @attention_map_one_query_tiling(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 9 : index
  %s = kernel.buffer %context input at 1 : memref<1x2xi64>
  %l = arith.constant 0 : index
  %x = kernel.buffer %context input at 0 : memref<?x9x8xf32>
  %o = kernel.buffer %context output at 0 : memref<?x1x9x9xf32>
  // expected-error @+1 {{'kernel.attention_map' op has tiling #kernel.attention_tiling<rows = 1, columns = 1, queryBlock = 1, keyBlock = 64>; needs rows}}
  kernel.attention_map batch(%b) queries(%n) keys(%n) heads 1 head_dim 8 scale 1.000000e+00
      selection(%s at %l : memref<1x2xi64>) query(%x at #rows : memref<?x9x8xf32>)
      key(%x at #rows : memref<?x9x8xf32>) init(%o : memref<?x1x9x9xf32>)
      tiling <rows = 1, columns = 1, queryBlock = 1, keyBlock = 64>
  return
}

// -----

#rows = affine_map<(b, h, i, d) -> (b, i, d)>

func.func @attention_shared_memory(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 9 : index
  %x = kernel.buffer %context input at 0 : memref<?x9x256xf32>
  %o = kernel.buffer %context output at 0 : memref<?x9x256xf32>
  // expected-error @+1 {{'kernel.attention' op has tiling #kernel.attention_tiling<rows = 8, columns = 8, queryBlock = 128, keyBlock = 128>, of which a block needs 487424 bytes of shared memory; sm_80 has 101376}}
  kernel.attention batch(%b) queries(%n) keys(%n) heads 1 head_dim 256 value_dim 256 scale 1.000000e+00
      query(%x at #rows : memref<?x9x256xf32>) key(%x at #rows : memref<?x9x256xf32>)
      value(%x at #rows : memref<?x9x256xf32>) init(%o at #rows : memref<?x9x256xf32>)
      tiling <rows = 8, columns = 8, queryBlock = 128, keyBlock = 128>
  return
}

// -----

#rows = affine_map<(b, h, i, d) -> (b, i, d)>

func.func @attention_value_columns(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 9 : index
  %x = kernel.buffer %context input at 0 : memref<?x9x8xf32>
  %v = kernel.buffer %context input at 1 : memref<?x8x9xf32>
  %o = kernel.buffer %context output at 0 : memref<?x9x8xf32>
  // expected-error @+1 {{'kernel.attention' op has value with stride 9 along e; needs unit stride}}
  kernel.attention batch(%b) queries(%n) keys(%n) heads 1 head_dim 8 value_dim 8 scale 1.000000e+00
      query(%x at #rows : memref<?x9x8xf32>) key(%x at #rows : memref<?x9x8xf32>)
      value(%v at affine_map<(b, h, j, e) -> (b, e, j)> : memref<?x8x9xf32>) init(%o at #rows : memref<?x9x8xf32>)
  return
}

// -----

#rows = affine_map<(b, h, i, d) -> (b, i, d)>

func.func @attention_init_columns(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 9 : index
  %x = kernel.buffer %context input at 0 : memref<?x9x8xf32>
  %o = kernel.buffer %context output at 0 : memref<?x8x9xf32>
  // expected-error @+1 {{'kernel.attention' op has init with stride 9 along e; needs unit stride}}
  kernel.attention batch(%b) queries(%n) keys(%n) heads 1 head_dim 8 value_dim 8 scale 1.000000e+00
      query(%x at #rows : memref<?x9x8xf32>) key(%x at #rows : memref<?x9x8xf32>)
      value(%x at #rows : memref<?x9x8xf32>)
      init(%o at affine_map<(b, h, i, e) -> (b, e, i)> : memref<?x8x9xf32>)
  return
}

// -----

#rows = affine_map<(b, h, i, d) -> (b, i, d)>

func.func @attention_warpgroup(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 9 : index
  %x = kernel.buffer %context input at 0 : memref<?x9x64xbf16>
  %o = kernel.buffer %context output at 0 : memref<?x9x64xf32>
  // expected-error @+1 {{'kernel.attention' op has tiling #kernel.attention_tiling<rows = 64, columns = 32, queryBlock = 64, keyBlock = 32>, of warpgroups; needs sm_90a, not sm_80}}
  kernel.attention batch(%b) queries(%n) keys(%n) heads 1 head_dim 64 value_dim 64 scale 1.000000e+00
      query(%x at #rows : memref<?x9x64xbf16>) key(%x at #rows : memref<?x9x64xbf16>)
      value(%x at #rows : memref<?x9x64xbf16>) init(%o at #rows : memref<?x9x64xf32>)
      tiling <rows = 64, columns = 32, queryBlock = 64, keyBlock = 32>
  return
}
