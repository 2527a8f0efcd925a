// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse -split-input-file | FileCheck %s

// Rows are extended as they are copied; a tile is rounded as it is stored, the
// tail of 10 columns as 8 and 2 of them.
#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#tiling = #kernel.gemm_tiling<provider = vector, rows = 1, columns = 16, kBlock = 8, unroll = 1, rowBlock = 4>
#map = affine_map<(b, i, j) -> (b, i, j)>
module attributes {kernel.cpu = #cpu} {
// CHECK-LABEL: func private @gemm_n10_k8_from_f16_to_f16(
//       CHECK:   %[[ROW:.*]] = vector.load %{{.*}} vector<8xf16>
//       CHECK:   %[[WIDE:.*]] = arith.extf %[[ROW]] : vector<8xf16> to vector<8xf32>
//       CHECK:   vector.store %[[WIDE]]
//       CHECK:   math.fma
//       CHECK:   %[[FIRST:.*]] = arith.truncf %{{.*}} : vector<8xf32> to vector<8xf16>
//       CHECK:   vector.store %[[FIRST]]
//       CHECK:   %[[PIECE:.*]] = vector.extract_strided_slice %{{.*}} sizes = [2]
//       CHECK:   %[[REST:.*]] = arith.truncf %[[PIECE]] : vector<2xf32> to vector<2xf16>
//       CHECK:   vector.store %[[REST]]
func.func @gemm(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 4 : index
  %x = kernel.buffer %context input : memref<?x4x8xf16>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x4x10xf16>
  kernel.gemm batch(%b) rows(%n) n 10 k 8 lhs(%x at #map : memref<?x4x8xf16>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x4x10xf16>) tiling #tiling
  return
}
}

// -----

// The level has no such instructions.
#cpu = #kernel.cpu<isa = "x86-64-v2", cpu = "x86-64-v2", features = "", lanes = 4, registers = 16, fma = false>
#tiling = #kernel.gemm_tiling<provider = vector, rows = 1, columns = 16, kBlock = 8, unroll = 1, rowBlock = 4>
#map = affine_map<(b, i, j) -> (b, i, j)>
module attributes {kernel.cpu = #cpu} {
// CHECK-LABEL: func private @gemm_n10_k8_from_f16_to_bf16(
//   CHECK-NOT:   arith.{{extf|truncf}}
//       CHECK:   return
func.func @gemm(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 4 : index
  %x = kernel.buffer %context input : memref<?x4x8xf16>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x4x10xbf16>
  kernel.gemm batch(%b) rows(%n) n 10 k 8 lhs(%x at #map : memref<?x4x8xf16>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x4x10xbf16>) tiling #tiling
  return
}
}
