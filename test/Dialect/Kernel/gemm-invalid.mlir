// RUN: vit-opt %s -split-input-file -verify-diagnostics

#rows = affine_map<(b, i, l) -> (b, i, l)>
func.func @gemm_c1_weights(%b: index, %x: memref<2x4x8xf32>, %w: memref<128xf32>, %y: memref<2x4x16xf32>) {
  // expected-error @+1 {{'kernel.gemm' op has weights of type 'memref<128xf32>'; needs 256 elements}}
  kernel.gemm batch(%b) rows(%b) n 16 k 8 lhs(%x at #rows : memref<2x4x8xf32>) weights(%w : memref<128xf32>)
      init(%y at #rows : memref<2x4x16xf32>)
  return
}

// -----

#rows = affine_map<(b, i, l) -> (b, i, l)>
func.func @gemm_c1_bias(%b: index, %x: memref<2x4x8xf32>, %w: memref<256xf32>, %c: memref<8xf32>, %y: memref<2x4x16xf32>) {
  // expected-error @+1 {{'kernel.gemm' op has bias of type 'memref<8xf32>'; needs 16 elements}}
  kernel.gemm batch(%b) rows(%b) n 16 k 8 lhs(%x at #rows : memref<2x4x8xf32>) weights(%w : memref<256xf32>)
      bias(%c : memref<8xf32>) init(%y at #rows : memref<2x4x16xf32>)
  return
}

// -----

#rows = affine_map<(b, i, l) -> (b, i, l)>
#row = affine_map<(i, l) -> (i, i, l)>
func.func @gemm_c2_lhs_dims(%b: index, %x: memref<2x4x8xf32>, %w: memref<256xf32>, %y: memref<2x4x16xf32>) {
  // expected-error @+1 {{'kernel.gemm' op has lhs map affine_map<(d0, d1) -> (d0, d0, d1)> for 'memref<2x4x8xf32>'; needs 3 dims, no symbols and 3 results}}
  kernel.gemm batch(%b) rows(%b) n 16 k 8 lhs(%x at #row : memref<2x4x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #rows : memref<2x4x16xf32>)
  return
}

// -----

#rows = affine_map<(b, i, l) -> (b, i, l)>
#flat = affine_map<(b, i, l) -> (b, i)>
func.func @gemm_c2_init_results(%b: index, %x: memref<2x4x8xf32>, %w: memref<256xf32>, %y: memref<2x4x16xf32>) {
  // expected-error @+1 {{'kernel.gemm' op has init map affine_map<(d0, d1, d2) -> (d0, d1)> for 'memref<2x4x16xf32>'; needs 3 dims, no symbols and 3 results}}
  kernel.gemm batch(%b) rows(%b) n 16 k 8 lhs(%x at #rows : memref<2x4x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #flat : memref<2x4x16xf32>)
  return
}

// -----

#rows = affine_map<(b, i, l) -> (b, i, l)>
#symbol = affine_map<(b, i, l)[s] -> (b, i + s, l)>
func.func @gemm_c2_residual_symbol(%b: index, %x: memref<2x4x8xf32>, %w: memref<256xf32>, %y: memref<2x4x16xf32>) {
  // expected-error @+1 {{'kernel.gemm' op has residual map affine_map<(d0, d1, d2)[s0] -> (d0, d1 + s0, d2)> for 'memref<2x4x16xf32>'; needs 3 dims, no symbols}}
  kernel.gemm batch(%b) rows(%b) n 16 k 8 lhs(%x at #rows : memref<2x4x8xf32>) weights(%w : memref<256xf32>)
      residual(%y at #symbol : memref<2x4x16xf32>) init(%y at #rows : memref<2x4x16xf32>)
  return
}

// -----

#rows = affine_map<(b, i, l) -> (b, i, l)>
func.func @gemm_c3_residual_without_map(%b: index, %x: memref<2x4x8xf32>, %w: memref<256xf32>, %y: memref<2x4x16xf32>) {
  // expected-error @+1 {{'kernel.gemm' op has residual without its map}}
  "kernel.gemm"(%b, %b, %x, %w, %y, %y) <{n = 16 : i64, k = 8 : i64, lhsMap = #rows, resultMap = #rows,
      operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1, 0, 1, 1, 0>}>
      : (index, index, memref<2x4x8xf32>, memref<256xf32>, memref<2x4x16xf32>, memref<2x4x16xf32>) -> ()
  return
}

// -----

#rows = affine_map<(b, i, l) -> (b, i, l)>
func.func @gemm_c3_map_without_residual(%b: index, %x: memref<2x4x8xf32>, %w: memref<256xf32>, %y: memref<2x4x16xf32>) {
  // expected-error @+1 {{'kernel.gemm' op has residual map without its operand}}
  "kernel.gemm"(%b, %b, %x, %w, %y) <{n = 16 : i64, k = 8 : i64, lhsMap = #rows, resultMap = #rows, residualMap = #rows,
      operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1, 0, 0, 1, 0>}>
      : (index, index, memref<2x4x8xf32>, memref<256xf32>, memref<2x4x16xf32>) -> ()
  return
}

// -----

#rows = affine_map<(b, i, l) -> (b, i, l)>
func.func @gemm_result_on_memref(%b: index, %x: memref<2x4x8xf32>, %w: memref<256xf32>, %y: memref<2x4x16xf32>) {
  // expected-error @+1 {{'kernel.gemm' op has init 'memref<2x4x16xf32>' and 1 results; a tensor init needs one result of its type, a memref none}}
  %0 = kernel.gemm batch(%b) rows(%b) n 16 k 8 lhs(%x at #rows : memref<2x4x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #rows : memref<2x4x16xf32>) -> tensor<2x4x16xf32>
  return
}

// -----

#rows = affine_map<(b, i, l) -> (b, i, l)>
func.func @gemm_no_result_on_tensor(%b: index, %x: tensor<2x4x8xf32>, %w: tensor<256xf32>, %y: tensor<2x4x16xf32>) {
  // expected-error @+1 {{'kernel.gemm' op has init 'tensor<2x4x16xf32>' and 0 results}}
  kernel.gemm batch(%b) rows(%b) n 16 k 8 lhs(%x at #rows : tensor<2x4x8xf32>) weights(%w : tensor<256xf32>)
      init(%y at #rows : tensor<2x4x16xf32>)
  return
}

// -----

#rows = affine_map<(b, i, l) -> (b, i, l)>
func.func @gemm_c4_n(%b: index, %x: memref<2x4x8xf32>, %w: memref<256xf32>, %y: memref<2x4x16xf32>) {
  // expected-error @+1 {{'kernel.gemm' op has n 0; needs 1 or more}}
  kernel.gemm batch(%b) rows(%b) n 0 k 8 lhs(%x at #rows : memref<2x4x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #rows : memref<2x4x16xf32>)
  return
}

// -----

#rows = affine_map<(b, i, l) -> (b, i, l)>
func.func @gemm_c4_k(%b: index, %x: memref<2x4x8xf32>, %w: memref<256xf32>, %y: memref<2x4x16xf32>) {
  // expected-error @+1 {{'kernel.gemm' op has k -8; needs 1 or more}}
  kernel.gemm batch(%b) rows(%b) n 16 k -8 lhs(%x at #rows : memref<2x4x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #rows : memref<2x4x16xf32>)
  return
}

// -----

// The product of the packed sizes does not wrap to 256.
#rows = affine_map<(b, i, l) -> (b, i, l)>
func.func @gemm_c1_overflow(%b: index, %x: memref<2x4x8xf32>, %w: memref<256xf32>, %y: memref<2x4x16xf32>) {
  // expected-error @+1 {{'kernel.gemm' op has weights of type 'memref<256xf32>'; needs 9223372036854775807 elements}}
  kernel.gemm batch(%b) rows(%b) n 4294967296 k 4294967296 lhs(%x at #rows : memref<2x4x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #rows : memref<2x4x16xf32>)
  return
}

// -----

#map = affine_map<(b, i, l) -> (b, i, l)>
func.func @gemm_c1_weights_per_item(%b: index, %x: memref<?x4x8xf32>, %w: memref<256x2xf32>, %y: memref<?x4x16xf32>) {
  // expected-error @+1 {{'kernel.gemm' op has weights of type 'memref<256x2xf32>'; needs 256 elements for each batch}}
  kernel.gemm batch(%b) rows(%b) n 16 k 8 lhs(%x at #map : memref<?x4x8xf32>) weights(%w : memref<256x2xf32>)
      init(%y at #map : memref<?x4x16xf32>)
  return
}

// -----

#rows = affine_map<(b, i, l) -> (b, i, l)>
func.func @gemm_c5_channel_map(%b: index, %x: memref<2x4x8xf32>, %w: memref<256xf32>, %s: memref<2x8xf32>,
                               %y: memref<2x4x16xf32>) {
  // expected-error @+1 {{'kernel.gemm' op has lhs_scale map affine_map<(d0, d1, d2) -> (d0, d2)> for 'memref<2x8xf32>'; needs 2 dims, no symbols and 2 results}}
  kernel.gemm batch(%b) rows(%b) n 16 k 8 lhs(%x at #rows : memref<2x4x8xf32>)
      lhs_scale(%s at affine_map<(b, i, l) -> (b, l)> : memref<2x8xf32>) lhs_shift(%s : memref<2x8xf32>)
      weights(%w : memref<256xf32>) init(%y at #rows : memref<2x4x16xf32>)
  return
}

// -----

#rows = affine_map<(b, i, l) -> (b, i, l)>
func.func @gemm_c5_shift_type(%b: index, %x: memref<2x4x8xf32>, %w: memref<256xf32>, %s: memref<2x8xf32>,
                              %t: memref<8xf32>, %y: memref<2x4x16xf32>) {
  // expected-error @+1 {{'kernel.gemm' op has lhs_scale of type 'memref<2x8xf32>' and lhs_shift of type 'memref<8xf32>'; needs both of one type, or neither}}
  kernel.gemm batch(%b) rows(%b) n 16 k 8 lhs(%x at #rows : memref<2x4x8xf32>)
      lhs_scale(%s at affine_map<(b, l) -> (b, l)> : memref<2x8xf32>) lhs_shift(%t : memref<8xf32>)
      weights(%w : memref<256xf32>) init(%y at #rows : memref<2x4x16xf32>)
  return
}

// -----

#rows = affine_map<(b, i, l) -> (b, i, l)>
func.func @gemm_c6_statistics(%b: index, %x: memref<2x4x8xf32>, %w: memref<256xf32>, %s: memref<2x1x2x8xf32>,
                              %y: memref<2x4x16xf32>) {
  // expected-error @+1 {{'kernel.gemm' op has statistics of type 'memref<2x1x2x8xf32>'; needs [batch, chunks, 2, 16] of f32 with 1 chunk or more}}
  kernel.gemm batch(%b) rows(%b) n 16 k 8 lhs(%x at #rows : memref<2x4x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #rows : memref<2x4x16xf32>) statistics(%s : memref<2x1x2x8xf32>)
  return
}

// -----

#rows = affine_map<(b, i, l) -> (b, i, l)>
func.func @gemm_statistics_without_result(%b: index, %x: tensor<2x4x8xf32>, %w: tensor<256xf32>,
                                          %s: tensor<2x1x2x16xf32>, %y: tensor<2x4x16xf32>) {
  // expected-error @+1 {{'kernel.gemm' op has init 'tensor<2x4x16xf32>', 'tensor<2x1x2x16xf32>' and 1 results; a tensor init needs one result of its type, a memref none}}
  %0 = kernel.gemm batch(%b) rows(%b) n 16 k 8 lhs(%x at #rows : tensor<2x4x8xf32>) weights(%w : tensor<256xf32>)
      init(%y at #rows : tensor<2x4x16xf32>) statistics(%s : tensor<2x1x2x16xf32>) -> tensor<2x4x16xf32>
  return
}

// -----

#rows = affine_map<(b, i, l) -> (b, i, l)>
func.func @gemm_c6_statistics_of_f16(%b: index, %x: memref<2x4x8xf32>, %w: memref<256xf32>,
                                     %s: memref<2x1x2x16xf32>, %y: memref<2x4x16xf16>) {
  // expected-error @+1 {{'kernel.gemm' op has statistics and init of type 'memref<2x4x16xf16>'; needs one of f32}}
  kernel.gemm batch(%b) rows(%b) n 16 k 8 lhs(%x at #rows : memref<2x4x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #rows : memref<2x4x16xf16>) statistics(%s : memref<2x1x2x16xf32>)
  return
}
