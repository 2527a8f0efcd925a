// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#tiling = #kernel.gemm_tiling<provider = vector, rows = 2, columns = 16, kBlock = 1536, unroll = 2, rowBlock = 256>
#map = affine_map<(b, i, j) -> (b, i, j)>

module attributes {kernel.cpu = #cpu} {

// A task has rows of one item alone: 300 rows are 2 blocks an item, or more if
// several threads share an item.
// CHECK-LABEL: func @gemm(
//       CHECK:   %[[B:.*]] = kernel.batch
//       CHECK:   %[[THREADS:.*]] = kernel.threads
//       CHECK:   %[[ITEMS:.*]] = arith.maxui %[[B]], %c1
//       CHECK:   %[[SHARE:.*]] = arith.divui %{{.*}}, %[[ITEMS]]
//       CHECK:   %[[EACH:.*]] = arith.divui %{{.*}}, %[[SHARE]]
//       CHECK:   %[[EVEN:.*]] = arith.muli %[[EACH]], %[[SHARE]]
//       CHECK:   %[[FEW:.*]] = arith.minui %[[EVEN]], %c25
//       CHECK:   %[[BLOCKS:.*]] = arith.maxui %[[FEW]], %c2
//       CHECK:   %[[TASKS:.*]] = arith.muli %[[B]], %[[BLOCKS]]
//       CHECK:   kernel.launch %{{.*}} @gemm_n16_k8_batched tasks(%[[TASKS]])
func.func @gemm(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 300 : index
  %x = kernel.buffer %context input : memref<?x300x8xf32>
  %w = kernel.buffer %context arena : memref<?x256xf32>
  %y = kernel.buffer %context output : memref<?x300x16xf32>
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #map : memref<?x300x8xf32>) weights(%w : memref<?x256xf32>)
      init(%y at #map : memref<?x300x16xf32>) tiling #tiling
  return
}

// Its weights lie 256 elements behind those of the item before.
// CHECK-LABEL: func private @gemm_n16_k8_batched(
//  CHECK-SAME:     %[[TASK:[^ ]+]]: index
//       CHECK:   %[[BLOCKS:.*]] = arith.divui
//       CHECK:   %[[ITEM:.*]] = arith.divui %[[TASK]], %[[BLOCKS]]
//       CHECK:   %[[BLOCK:.*]] = arith.remui %[[TASK]], %[[BLOCKS]]
//       CHECK:   %[[WEIGHTS:.*]] = arith.muli %[[ITEM]], %c256
//       CHECK:   arith.muli %[[ITEM]], %c300
//       CHECK:   arith.addi {{.*}}%[[WEIGHTS]]
}
