// RUN: vit-opt %s -kernel-schedule-nvptx=arch=sm_90a -convert-kernel-to-nvvm -split-input-file -verify-diagnostics

#map = affine_map<(b, i, j) -> (b, i, j)>
func.func @negative_gemm_warpgroup_rows(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf32>
  %w = kernel.buffer %context input at 1 : memref<1024xbf16>
  %y = kernel.buffer %context output : memref<?x5x64xf32>
  // expected-error @+1 {{'kernel.gemm' op has tiling #kernel.gemm_tiling<provider = nvvm, rows = 64, columns = 64, kBlock = 32, unroll = 3, rowBlock = 192>, of warpgroups; needs 64 or 128 rows a block}}
  kernel.gemm batch(%b) rows(%n) n 64 k 16 lhs(%x at #map : memref<?x5x16xf32>) weights(%w : memref<1024xbf16>)
      init(%y at #map : memref<?x5x64xf32>)
      tiling <provider = nvvm, rows = 64, columns = 64, kBlock = 32, unroll = 3, rowBlock = 192>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
func.func @negative_gemm_warpgroup_columns(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf32>
  %w = kernel.buffer %context input at 1 : memref<1024xbf16>
  %y = kernel.buffer %context output : memref<?x5x64xf32>
  // expected-error @+1 {{'kernel.gemm' op has tiling #kernel.gemm_tiling<provider = nvvm, rows = 64, columns = 320, kBlock = 32, unroll = 3, rowBlock = 64, panels = 5>, of warpgroups; needs 1 to 4 panels}}
  kernel.gemm batch(%b) rows(%n) n 64 k 16 lhs(%x at #map : memref<?x5x16xf32>) weights(%w : memref<1024xbf16>)
      init(%y at #map : memref<?x5x64xf32>)
      tiling <provider = nvvm, rows = 64, columns = 320, kBlock = 32, unroll = 3, rowBlock = 64, panels = 5>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
func.func @negative_gemm_warpgroup_terms(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf32>
  %w = kernel.buffer %context input at 1 : memref<1024xbf16>
  %y = kernel.buffer %context output : memref<?x5x64xf32>
  // expected-error @+1 {{'kernel.gemm' op has tiling #kernel.gemm_tiling<provider = nvvm, rows = 64, columns = 64, kBlock = 48, unroll = 3, rowBlock = 64>, of warpgroups; needs a power of two of 16 to 128 terms a step}}
  kernel.gemm batch(%b) rows(%n) n 64 k 16 lhs(%x at #map : memref<?x5x16xf32>) weights(%w : memref<1024xbf16>)
      init(%y at #map : memref<?x5x64xf32>)
      tiling <provider = nvvm, rows = 64, columns = 64, kBlock = 48, unroll = 3, rowBlock = 64>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
func.func @negative_gemm_warpgroup_one_stage(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf32>
  %w = kernel.buffer %context input at 1 : memref<1024xbf16>
  %y = kernel.buffer %context output : memref<?x5x64xf32>
  // expected-error @+1 {{'kernel.gemm' op has tiling #kernel.gemm_tiling<provider = nvvm, rows = 64, columns = 64, kBlock = 32, unroll = 1, rowBlock = 64>, of warpgroups; needs 2 to 1024 steps in shared memory}}
  kernel.gemm batch(%b) rows(%n) n 64 k 16 lhs(%x at #map : memref<?x5x16xf32>) weights(%w : memref<1024xbf16>)
      init(%y at #map : memref<?x5x64xf32>)
      tiling <provider = nvvm, rows = 64, columns = 64, kBlock = 32, unroll = 1, rowBlock = 64>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
func.func @negative_gemm_warpgroup_statistics(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf32>
  %w = kernel.buffer %context input at 1 : memref<1024xbf16>
  %y = kernel.buffer %context output : memref<?x5x64xf32>
  %s = kernel.buffer %context output at 1 : memref<?x1x2x64xf32>
  // expected-error @+1 {{'kernel.gemm' op has tiling #kernel.gemm_tiling<provider = nvvm, rows = 64, columns = 64, kBlock = 32, unroll = 3, rowBlock = 64>, of warpgroups; needs one matrix of weights and no statistics}}
  kernel.gemm batch(%b) rows(%n) n 64 k 16 lhs(%x at #map : memref<?x5x16xf32>) weights(%w : memref<1024xbf16>)
      init(%y at #map : memref<?x5x64xf32>) statistics(%s : memref<?x1x2x64xf32>)
      tiling <provider = nvvm, rows = 64, columns = 64, kBlock = 32, unroll = 3, rowBlock = 64>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
func.func @negative_gemm_warpgroup_no_panel(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf32>
  %w = kernel.buffer %context input at 1 : memref<1024xbf16>
  %y = kernel.buffer %context output : memref<?x5x64xf32>
  // expected-error @+1 {{'kernel.gemm' op has tiling #kernel.gemm_tiling<provider = nvvm, rows = 64, columns = 0, kBlock = 32, unroll = 3, rowBlock = 64, panels = 0>, of warpgroups; needs 1 to 4 panels}}
  kernel.gemm batch(%b) rows(%n) n 64 k 16 lhs(%x at #map : memref<?x5x16xf32>) weights(%w : memref<1024xbf16>)
      init(%y at #map : memref<?x5x64xf32>)
      tiling <provider = nvvm, rows = 64, columns = 0, kBlock = 32, unroll = 3, rowBlock = 64, panels = 0>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
func.func @negative_gemm_warpgroup_many_stages(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x16xf32>
  %w = kernel.buffer %context input at 1 : memref<1024xbf16>
  %y = kernel.buffer %context output : memref<?x5x64xf32>
  // expected-error @+1 {{'kernel.gemm' op has tiling #kernel.gemm_tiling<provider = nvvm, rows = 64, columns = 64, kBlock = 32, unroll = 576460752303423488, rowBlock = 64>, of warpgroups; needs 2 to 1024 steps in shared memory}}
  kernel.gemm batch(%b) rows(%n) n 64 k 16 lhs(%x at #map : memref<?x5x16xf32>) weights(%w : memref<1024xbf16>)
      init(%y at #map : memref<?x5x64xf32>)
      tiling <provider = nvvm, rows = 64, columns = 64, kBlock = 32, unroll = 576460752303423488, rowBlock = 64>
  return
}
