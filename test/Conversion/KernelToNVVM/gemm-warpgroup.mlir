// RUN: vit-opt %s -kernel-schedule-nvptx=arch=sm_90a -convert-kernel-to-nvvm -canonicalize -cse -split-input-file | FileCheck %s

#map = affine_map<(b, i, j) -> (b, i, j)>

// A micro-tile of 64 rows and all columns of a block is a warpgroup's. Blocks
// stay: no more are launched than run at once, and each has several tiles.
// CHECK-LABEL: func.func @gemm_copied(
//       CHECK:   %[[BLOCKS:.*]] = arith.minui %{{.*}}, %c132 : index
//       CHECK:   kernel.grid_launch %{{.*}} @kernels::@gemm_n256_k64_from_bf16_by_bf16 blocks(%[[BLOCKS]])

// Of three warpgroups the first fills stages. Rows of the same type are copied
// 16 bytes at a time; each run of a panel of weights is one copy.
// CHECK-LABEL: llvm.func @gemm_n256_k64_from_bf16_by_bf16(
//  CHECK-SAME:   nvvm.maxnreg = 168 : i32
//  CHECK-SAME:   nvvm.reqntid = array<i32: 384>
// CHECK-COUNT-8: llvm.inline_asm {{.*}} "mbarrier.init.shared.b64 [$0], $1;"
//       CHECK:   nvvm.barrier0
//       CHECK:   scf.if
//       CHECK:     nvvm.setmaxregister decrease 80
//       CHECK:     scf.for
//       CHECK:       llvm.inline_asm {{.*}}mbarrier.try_wait.parity.shared.b64
//       CHECK:       llvm.inline_asm {{.*}} "mbarrier.arrive.expect_tx.shared.b64 _, [$0], $1;"
//       CHECK:       llvm.inline_asm {{.*}} "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [$0], [$1], $2, [$3];"
//       CHECK:       nvvm.cp.async.shared.global {{.*}}, 16, cache = cg
//       CHECK:       nvvm.cp.async.wait.group 2
//       CHECK:       llvm.inline_asm {{.*}} "fence.proxy.async.shared::cta;"
//       CHECK:       llvm.inline_asm {{.*}} "mbarrier.arrive.shared.b64 _, [$0];"

// A step of 64 terms is four instructions, which have read a stage before it is
// filled again.
//       CHECK:   } else {
//       CHECK:     nvvm.setmaxregister increase 208
//       CHECK:     scf.for
//       CHECK:       llvm.inline_asm {{.*}}mbarrier.try_wait.parity.shared.b64
//       CHECK:       nvvm.wgmma.fence.aligned
// CHECK-COUNT-4:     llvm.inline_asm {{.*}} "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
//       CHECK:       nvvm.wgmma.commit.group.sync.aligned
//       CHECK:       nvvm.wgmma.wait.group.sync.aligned 0
//       CHECK:       llvm.inline_asm {{.*}} "mbarrier.arrive.shared.b64 _, [$0];"
//       CHECK:     llvm.store {{.*}} {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
func.func @gemm_copied(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 16 : index
  %x = kernel.buffer %context input : memref<?x16x64xbf16>
  %w = kernel.buffer %context input at 1 : memref<16384xbf16>
  %y = kernel.buffer %context output : memref<?x16x256xf32>
  kernel.gemm batch(%b) rows(%n) n 256 k 64 lhs(%x at #map : memref<?x16x64xbf16>) weights(%w : memref<16384xbf16>)
      init(%y at #map : memref<?x16x256xf32>)
      tiling <provider = nvvm, rows = 64, columns = 128, kBlock = 64, unroll = 4, rowBlock = 128, panels = 2>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>

// Rows that are normalised are loaded a step before threads store them, behind
// a barrier of the warpgroup; who fills stages keeps more registers than who
// multiplies. An instruction has no more columns than there are; what is left
// of k is a step of fewer terms.
// CHECK-LABEL: llvm.func @gemm_n96_k80_norm_by_f16(
//  CHECK-SAME:   nvvm.maxnreg = 128 : i32
//  CHECK-SAME:   nvvm.reqntid = array<i32: 256>
//       CHECK:   nvvm.setmaxregister increase 136
//       CHECK:     nvvm.barrier id = %c1_i32 number_of_threads = %c128_i32
//       CHECK:     llvm.load %{{.*}} !llvm.ptr<1> -> vector<4xf32>
//       CHECK:     arith.truncf %{{.*}} : vector<4xf32> to vector<4xf16>
//       CHECK:     llvm.store %{{.*}} vector<4xf16>, !llvm.ptr<3>
//       CHECK:   nvvm.setmaxregister decrease 120
// CHECK-COUNT-2:   "wgmma.mma_async.sync.aligned.m64n96k16.f32.f16.f16
//       CHECK:   nvvm.wgmma.wait.group.sync.aligned 0
// CHECK-COUNT-1:   "wgmma.mma_async.sync.aligned.m64n96k16.f32.f16.f16
//       CHECK:   nvvm.wgmma.wait.group.sync.aligned 0
func.func @gemm_normalised(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 16 : index
  %x = kernel.buffer %context input : memref<?x16x80xf32>
  %w = kernel.buffer %context input at 1 : memref<7680xf16>
  %y = kernel.buffer %context output : memref<?x16x96xf32>
  kernel.gemm batch(%b) rows(%n) n 96 k 80 lhs(%x at #map : memref<?x16x80xf32>) weights(%w : memref<7680xf16>)
      init(%y at #map : memref<?x16x96xf32>) norm <epsilon = 1.000000e-05 : f64>
      tiling <provider = nvvm, rows = 64, columns = 128, kBlock = 32, unroll = 3, rowBlock = 64, panels = 2>
  return
}

// -----

#map = affine_map<(b, i, j) -> (b, i, j)>

// The sums of 256 columns leave no room for a second block.
// CHECK-LABEL: func.func @gemm_wide(
//       CHECK:   %[[BLOCKS:.*]] = arith.minui %{{.*}}, %c132 : index
//       CHECK:   kernel.grid_launch %{{.*}} @kernels::@gemm_n256_k80_norm_by_f16 blocks(%[[BLOCKS]])
// CHECK-LABEL: llvm.func @gemm_n256_k80_norm_by_f16(
//  CHECK-SAME:   nvvm.maxnreg = 168 : i32
//  CHECK-SAME:   nvvm.reqntid = array<i32: 256>
//       CHECK:   nvvm.setmaxregister decrease 136
//       CHECK:   nvvm.setmaxregister increase 200
//       CHECK:   "wgmma.mma_async.sync.aligned.m64n256k16.f32.f16.f16
func.func @gemm_wide(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 16 : index
  %x = kernel.buffer %context input : memref<?x16x80xf32>
  %w = kernel.buffer %context input at 1 : memref<20480xf16>
  %y = kernel.buffer %context output : memref<?x16x256xf32>
  kernel.gemm batch(%b) rows(%n) n 256 k 80 lhs(%x at #map : memref<?x16x80xf32>) weights(%w : memref<20480xf16>)
      init(%y at #map : memref<?x16x256xf32>) norm <epsilon = 1.000000e-05 : f64>
      tiling <provider = nvvm, rows = 64, columns = 256, kBlock = 32, unroll = 3, rowBlock = 64, panels = 4>
  return
}
