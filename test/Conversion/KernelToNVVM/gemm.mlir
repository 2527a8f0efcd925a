// RUN: vit-opt %s -kernel-schedule-nvptx -convert-kernel-to-nvvm -canonicalize -cse -split-input-file | FileCheck %s

#map = affine_map<(b, i, j) -> (b, i, j)>
#tiling = #kernel.gemm_tiling<provider = nvvm, rows = 4, columns = 4, kBlock = 16, unroll = 3, rowBlock = 16>

// Blocks of 16 rows and 64 columns, 64 threads. Rows of 8 terms are copied 16
// bytes at a time, those behind k become 0, as columns of weights behind the
// tail panel do; two steps are under way while one is multiplied. Both gemms
// run one kernel.
// CHECK-LABEL: func @gemm(
//   CHECK-DAG:   %[[C2:.*]] = arith.constant 2 : index
//   CHECK-DAG:   %[[C15:.*]] = arith.constant 15 : index
//   CHECK-DAG:   %[[C16:.*]] = arith.constant 16 : index
//       CHECK:   %[[M:.*]] = arith.muli %{{.*}}, %c5
//       CHECK:   %[[UP:.*]] = arith.addi %[[M]], %[[C15]]
//       CHECK:   %[[ROWS:.*]] = arith.divui %[[UP]], %[[C16]]
//       CHECK:   %[[BLOCKS:.*]] = arith.muli %[[ROWS]], %[[C2]]
//       CHECK:   kernel.grid_launch %{{.*}} @kernels::@gemm_n74_k24 blocks(%[[BLOCKS]])
//       CHECK:   kernel.grid_launch %{{.*}} @kernels::@gemm_n74_k24 blocks(%[[BLOCKS]])
// CHECK-LABEL: llvm.func @gemm_n74_k24(
//  CHECK-SAME:   kernel.shared_bytes = 16128 : i64
//  CHECK-SAME:   nvvm.minctasm = 4 : i32, nvvm.reqntid = array<i32: 64>
//       CHECK:   nvvm.cp.async.shared.global {{.*}}, 16, cache = cg, %{{.*}} :
//       CHECK:   nvvm.cp.async.commit.group
//       CHECK:   %[[SUMS:.*]]:5 = scf.for
//       CHECK:     nvvm.cp.async.wait.group 1
//       CHECK:     nvvm.barrier
//       CHECK:     scf.if
//       CHECK:       nvvm.cp.async.shared.global
//       CHECK:     nvvm.cp.async.commit.group
//       CHECK:     llvm.load {{.*}} {alignment = 16 : i64} : !llvm.ptr<3> -> vector<4xf32>
// CHECK-COUNT-64: math.fma {{.*}} : vector<4xf32>
//       CHECK:   arith.addf %[[SUMS]]#1, %{{.*}} : vector<4xf32>
//       CHECK:   llvm.store
func.func @gemm(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x24xf32>
  %w = kernel.buffer %context input at 1 : memref<2560xf32>
  %v = kernel.buffer %context input at 2 : memref<2560xf32>
  %c = kernel.buffer %context input at 3 : memref<74xf32>
  %y = kernel.buffer %context output : memref<?x5x74xf32>
  %z = kernel.buffer %context output at 1 : memref<?x5x74xf32>
  kernel.gemm batch(%b) rows(%n) n 74 k 24 lhs(%x at #map : memref<?x5x24xf32>) weights(%w : memref<2560xf32>)
      bias(%c : memref<74xf32>) init(%y at #map : memref<?x5x74xf32>) tiling #tiling
  kernel.gemm batch(%b) rows(%n) n 74 k 24 lhs(%x at #map : memref<?x5x24xf32>) weights(%v : memref<2560xf32>)
      bias(%c : memref<74xf32>) init(%z at #map : memref<?x5x74xf32>) tiling #tiling
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
#tiling = #kernel.gemm_tiling<provider = nvvm, rows = 4, columns = 4, kBlock = 16, unroll = 3, rowBlock = 16>

// Each item has weights and blocks of its own.
// CHECK-LABEL: func @gemm_weights_per_item(
//       CHECK:   %[[BLOCKS:.*]] = arith.muli %{{.*}}, %c2
//       CHECK:   kernel.grid_launch %{{.*}} @kernels::@gemm_n16_k16_batched blocks(%[[BLOCKS]])
func.func @gemm_weights_per_item(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 20 : index
  %x = kernel.buffer %context input : memref<?x20x16xf32>
  %w = kernel.buffer %context input at 1 : memref<?x256xf32>
  %y = kernel.buffer %context output : memref<?x20x16xf32>
  kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #map : memref<?x20x16xf32>) weights(%w : memref<?x256xf32>)
      init(%y at #map : memref<?x20x16xf32>) tiling #tiling
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>
#tiling = #kernel.gemm_tiling<provider = nvvm, rows = 4, columns = 4, kBlock = 16, unroll = 3, rowBlock = 16>

// A block has the chunk's rows, a tile of 16 after the other; its sums pass
// through shared memory.
// CHECK-LABEL: func @gemm_statistics(
//       CHECK:   %[[BLOCKS:.*]] = arith.muli %{{.*}}, %c2
//       CHECK:   kernel.grid_launch %{{.*}} @kernels::@gemm_n16_k32_statistics blocks(%[[BLOCKS]])
// CHECK-LABEL: llvm.func @gemm_n16_k32_statistics(
//       CHECK:   %[[SUMS:.*]]:2 = scf.for %[[BEGIN:.*]] = %{{.*}} to %{{.*}} step %c16
//       CHECK:     nvvm.barrier
//       CHECK:     scf.for
//       CHECK:       math.fma
//       CHECK:     llvm.store %{{.*}} vector<4xf32>, !llvm.ptr<3>
//       CHECK:     nvvm.barrier
//       CHECK:     arith.subf
//       CHECK:   llvm.store %[[SUMS]]#0, %{{.*}} !llvm.ptr<3>
//       CHECK:   llvm.store %[[SUMS]]#1, %{{.*}} !llvm.ptr<3>
//       CHECK:   nvvm.barrier
func.func @gemm_statistics(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 80 : index
  %x = kernel.buffer %context input : memref<?x80x32xf32>
  %w = kernel.buffer %context input at 1 : memref<512xf32>
  %y = kernel.buffer %context output : memref<?x80x16xf32>
  %s = kernel.buffer %context output at 1 : memref<?x2x2x16xf32>
  kernel.gemm batch(%b) rows(%n) n 16 k 32 lhs(%x at #map : memref<?x80x32xf32>) weights(%w : memref<512xf32>)
      init(%y at #map : memref<?x80x16xf32>) statistics(%s : memref<?x2x2x16xf32>) tiling #tiling
  return
}
