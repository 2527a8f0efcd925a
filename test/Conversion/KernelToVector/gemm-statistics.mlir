// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#tiling = #kernel.gemm_tiling<provider = vector, rows = 2, columns = 16, kBlock = 1536, unroll = 2, rowBlock = 8>
#map = affine_map<(b, i, j) -> (b, i, j)>

module attributes {kernel.cpu = #cpu} {

// A block is a chunk of an item, however many threads there are.
// CHECK-LABEL: func @gemm_statistics(
//       CHECK:   %[[B:.*]] = kernel.batch
//   CHECK-NOT:   kernel.threads
//       CHECK:   %[[TASKS:.*]] = arith.muli %[[B]], %c2
//       CHECK:   kernel.launch %{{.*}} @gemm_n16_k8_statistics tasks(%[[TASKS]])
func.func @gemm_statistics(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 16 : index
  %x = kernel.buffer %context input : memref<?x16x8xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %s = kernel.buffer %context input at 2 : memref<?x2x2x16xf32>
  %y = kernel.buffer %context output : memref<?x16x16xf32>
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #map : memref<?x16x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x16x16xf32>) statistics(%s : memref<?x2x2x16xf32>) tiling #tiling
  return
}

// Behind each tile that is stored come the differences to the chunk's first row;
// the first tile begins with zeros.
// CHECK-LABEL: func private @gemm_n16_k8_statistics(
//   CHECK-DAG:   %[[SUMS:.*]] = memref.reinterpret_cast %{{.*}}2x2x16xf32>
//   CHECK-DAG:   %[[Y:.*]] = memref.reinterpret_cast %{{.*}}16x16xf32>
//       CHECK:   scf.index_switch
//       CHECK:     vector.store %[[ROW:.*]], %[[Y]]
//       CHECK:     %[[FIRST:.*]] = vector.load %[[Y]]
//       CHECK:     %[[SUM:.*]] = vector.load %[[SUMS]]
//       CHECK:     %[[SUM0:.*]] = arith.select %{{.*}}, %{{.*}}, %[[SUM]]
//       CHECK:     %[[D:.*]] = arith.subf %[[ROW]], %[[FIRST]]
//       CHECK:     %[[SUM1:.*]] = arith.addf %[[SUM0]], %[[D]]
//       CHECK:     %[[SQUARES:.*]] = math.fma %[[D]], %[[D]]
//       CHECK:     vector.store %[[SUM1]], %[[SUMS]]
//       CHECK:     vector.store %[[SQUARES]], %[[SUMS]]
}
