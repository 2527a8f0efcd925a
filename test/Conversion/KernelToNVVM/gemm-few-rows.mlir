// RUN: vit-opt %s -kernel-schedule-nvptx -convert-kernel-to-nvvm -canonicalize -cse | FileCheck %s

#map = affine_map<(b, i, j) -> (b, i, j)>

// One row and 8 columns a block: two threads for the columns of a term, 128 for
// terms. Of 2000 a thread asks for eight before the row is there, then for
// seven; some have one more. Sums are added over the 16 lanes of a column, then
// over warps.
// CHECK-LABEL: func @gemm(
//       CHECK:   kernel.grid_launch %{{.*}} @kernels::@gemm_n64_k2000 blocks(%c8)
// CHECK-LABEL: llvm.func @gemm_n64_k2000(
//  CHECK-SAME:   nvvm.reqntid = array<i32: 256>
// CHECK-COUNT-8: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
//       CHECK:   scf.for
//       CHECK:     llvm.store %{{.*}} vector<4xf32>, !llvm.ptr<3>
//       CHECK:   nvvm.barrier
// CHECK-COUNT-7: llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
//       CHECK:   scf.if
//       CHECK:     llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
// CHECK-COUNT-16: nvvm.shfl.sync bfly
//       CHECK:   nvvm.barrier
//       CHECK:   scf.for
//       CHECK:     llvm.store %{{.*}} f32, !llvm.ptr<1>
func.func @gemm(%context: !kernel.context) {
  %b = arith.constant 1 : index
  %n = arith.constant 1 : index
  %x = kernel.buffer %context input : memref<1x1x2000xf32>
  %w = kernel.buffer %context input at 1 : memref<128000xf32>
  %y = kernel.buffer %context output : memref<1x1x64xf32>
  kernel.gemm batch(%b) rows(%n) n 64 k 2000 lhs(%x at #map : memref<1x1x2000xf32>) weights(%w : memref<128000xf32>)
      init(%y at #map : memref<1x1x64xf32>)
      tiling <provider = nvvm, rows = 1, columns = 8, kBlock = 2000, unroll = 1, rowBlock = 1>
  return
}

// Of 16 bits 8 terms of a column lie side by side; rows are rounded as tensor cores need them.
// A row is normalised in shared memory.
// CHECK-LABEL: llvm.func @gemm_n64_k256_norm_by_bf16(
//       CHECK:   llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<8xbf16>
//       CHECK:   math.sqrt
//       CHECK:   scf.for
//       CHECK:     llvm.load %{{.*}} !llvm.ptr<3> -> vector<4xf32>
//       CHECK:     arith.truncf %{{.*}} : vector<4xf32> to vector<4xbf16>
//       CHECK:     arith.extf
//       CHECK:     llvm.store %{{.*}} vector<4xf32>, !llvm.ptr<3>
func.func @gemm_norm(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 2 : index
  %x = kernel.buffer %context input : memref<?x2x256xf32>
  %w = kernel.buffer %context input at 1 : memref<16384xbf16>
  %y = kernel.buffer %context output : memref<?x2x64xf32>
  kernel.gemm batch(%b) rows(%n) n 64 k 256 lhs(%x at #map : memref<?x2x256xf32>) weights(%w : memref<16384xbf16>)
      init(%y at #map : memref<?x2x64xf32>) norm <epsilon = 1.000000e-05 : f64>
      tiling <provider = nvvm, rows = 2, columns = 16, kBlock = 256, unroll = 1, rowBlock = 2>
  return
}

// Of tf32 4 terms of a column do; each row is rounded once, for shared memory.
// CHECK-LABEL: llvm.func @gemm_n64_k256_by_tf32(
//       CHECK:   llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
//       CHECK:   scf.for
// CHECK-COUNT-4:     nvvm.convert.float.to.tf32 %{{[^ ]+}} {rnd = #nvvm.fp_rnd_mode<rna>}
//       CHECK:     llvm.store %{{.*}} vector<4xf32>, !llvm.ptr<3>
//       CHECK:   scf.for
// CHECK-COUNT-4:     nvvm.convert.float.to.tf32
//       CHECK:     llvm.store %{{.*}} vector<4xf32>, !llvm.ptr<3>
//   CHECK-NOT:   nvvm.convert.float.to.tf32
//       CHECK:   llvm.return
func.func @gemm_tf32(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 2 : index
  %x = kernel.buffer %context input : memref<?x2x256xf32>
  %w = kernel.buffer %context input at 1 : memref<16384xtf32>
  %y = kernel.buffer %context output : memref<?x2x64xf32>
  kernel.gemm batch(%b) rows(%n) n 64 k 256 lhs(%x at #map : memref<?x2x256xf32>) weights(%w : memref<16384xtf32>)
      init(%y at #map : memref<?x2x64xf32>)
      tiling <provider = nvvm, rows = 2, columns = 16, kBlock = 256, unroll = 1, rowBlock = 2>
  return
}
