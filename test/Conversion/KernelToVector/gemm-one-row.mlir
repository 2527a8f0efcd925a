// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#tiling = #kernel.gemm_tiling<provider = vector, rows = 2, columns = 16, kBlock = 8, unroll = 2, rowBlock = 256>
#map = affine_map<(b, i, j) -> (b, i, j)>

module attributes {kernel.cpu = #cpu} {

// A run with one item reads the panel in one sweep over all 16 terms, 8 vectors
// of sums, and asks for every other line of the weights 1024 values ahead. One
// with more items has strips of 16 columns and blocks of 8 terms.
// CHECK-LABEL: func private @gemm_n64_k16(
//       CHECK:   %[[ONE:.*]] = arith.cmpi eq, %{{.*}}, %c1
//       CHECK:   scf.if %[[ONE]] {
//       CHECK:     scf.for %[[K:.*]] = %c0 to %c16 step %c2
//  CHECK-SAME:       -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
// CHECK-COUNT-2:       memref.prefetch
// CHECK-COUNT-8:       math.fma
// CHECK-COUNT-2:       memref.prefetch
// CHECK-COUNT-8:       math.fma
//   CHECK-NOT:       memref.prefetch
//       CHECK:     } else {
//       CHECK:     scf.for %{{.*}} = %c0 to %c16 step %c8
//       CHECK:       scf.for %{{.*}} = %c0 to %c64 step %c16
func.func @gemm(%context: !kernel.context) {
  %b = kernel.batch %context
  %one = arith.constant 1 : index
  %x = kernel.buffer %context input : memref<?x1x16xf32>
  %w = kernel.buffer %context input at 1 : memref<1024xf32>
  %y = kernel.buffer %context output : memref<?x1x64xf32>
  kernel.gemm batch(%b) rows(%one) n 64 k 16 lhs(%x at #map : memref<?x1x16xf32>) weights(%w : memref<1024xf32>)
      init(%y at #map : memref<?x1x64xf32>) tiling #tiling
  return
}

// One row of one item has no other code.
// CHECK-LABEL: func private @gemm_n80_k16(
//   CHECK-NOT:   scf.index_switch
//       CHECK:   return
func.func @gemm_one_item(%context: !kernel.context) {
  %one = arith.constant 1 : index
  %x = kernel.buffer %context input : memref<1x1x16xf32>
  %w = kernel.buffer %context input at 1 : memref<1280xf32>
  %y = kernel.buffer %context output : memref<1x1x80xf32>
  kernel.gemm batch(%one) rows(%one) n 80 k 16 lhs(%x at #map : memref<1x1x16xf32>) weights(%w : memref<1280xf32>)
      init(%y at #map : memref<1x1x80xf32>) tiling #tiling
  return
}
}
