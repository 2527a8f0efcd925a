// RUN: vit-opt %s -kernel-schedule-nvptx -convert-kernel-to-nvvm -canonicalize -cse | FileCheck %s

#map = affine_map<(b, i, j) -> (b, i, j)>
#tiling = #kernel.gemm_tiling<provider = nvvm, rows = 16, columns = 16, kBlock = 32, unroll = 3, rowBlock = 32>

// Weights of 16 bits are what tensor cores multiply; 8 warps of 16 x 16. Rows
// of the same type are copied 16 bytes at a time. Of weights ldmatrix reads two
// tiles of 8 columns, of lhs one of 16 rows.
// CHECK-LABEL: llvm.func @gemm_n64_k64_from_bf16_by_bf16(
//  CHECK-SAME:   nvvm.reqntid = array<i32: 256>
//       CHECK:   nvvm.cp.async.shared.global {{.*}}, 8, cache = ca
//       CHECK:   scf.for
// CHECK-COUNT-2:     nvvm.ldmatrix {{.*}} {eltType = #nvvm.ld_st_matrix_elt_type<b16>, layout = #nvvm.mma_layout<row>, num = 4 : i32
//       CHECK:     nvvm.mma.sync {{.*}} multiplicandAPtxType = #nvvm.mma_type<bf16>
//  CHECK-SAME:       shape = #nvvm.shape<m = 16, n = 8, k = 16>
//       CHECK:   llvm.store {{.*}} {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
func.func @gemm_bf16(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 16 : index
  %x = kernel.buffer %context input : memref<?x16x64xbf16>
  %w = kernel.buffer %context input at 1 : memref<4096xbf16>
  %y = kernel.buffer %context output : memref<?x16x64xf32>
  kernel.gemm batch(%b) rows(%n) n 64 k 64 lhs(%x at #map : memref<?x16x64xbf16>) weights(%w : memref<4096xbf16>)
      init(%y at #map : memref<?x16x64xf32>) tiling #tiling
  return
}

// Rows of f32 are rounded while they are stored.
// CHECK-LABEL: llvm.func @gemm_n64_k64_by_f16(
//       CHECK:   llvm.load %{{.*}} !llvm.ptr<1> -> vector<4xf32>
//       CHECK:   arith.truncf %{{.*}} : vector<4xf32> to vector<4xf16>
//       CHECK:   llvm.store %{{.*}} vector<4xf16>, !llvm.ptr<3>
//       CHECK:   nvvm.mma.sync {{.*}} shape = #nvvm.shape<m = 16, n = 8, k = 16>} : (vector<2xf16>, vector<2xf16>, f32)
func.func @gemm_rounded(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 16 : index
  %x = kernel.buffer %context input : memref<?x16x64xf32>
  %w = kernel.buffer %context input at 1 : memref<4096xf16>
  %y = kernel.buffer %context output : memref<?x16x64xf32>
  kernel.gemm batch(%b) rows(%n) n 64 k 64 lhs(%x at #map : memref<?x16x64xf32>) weights(%w : memref<4096xf16>)
      init(%y at #map : memref<?x16x64xf32>) tiling #tiling
  return
}

// Of tf32 a word is one term: an instruction takes 8. Rows are copied 16 bytes
// at a time.
// CHECK-LABEL: llvm.func @gemm_n64_k64_from_tf32_by_tf32(
//  CHECK-SAME:   nvvm.reqntid = array<i32: 256>
//   CHECK-NOT:   nvvm.convert.float.to.tf32
//       CHECK:   nvvm.cp.async.shared.global {{.*}}, 16, cache = cg
//       CHECK:   scf.for
// CHECK-COUNT-2:     nvvm.ldmatrix {{.*}} num = 4 : i32
//       CHECK:     nvvm.mma.sync {{.*}} multiplicandAPtxType = #nvvm.mma_type<tf32>
//  CHECK-SAME:       shape = #nvvm.shape<m = 16, n = 8, k = 8>} : (i32, i32, f32)
//       CHECK:   llvm.return
func.func @gemm_tf32(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 16 : index
  %x = kernel.buffer %context input : memref<?x16x64xtf32>
  %w = kernel.buffer %context input at 1 : memref<4096xtf32>
  %y = kernel.buffer %context output : memref<?x16x64xf32>
  kernel.gemm batch(%b) rows(%n) n 64 k 64 lhs(%x at #map : memref<?x16x64xtf32>) weights(%w : memref<4096xtf32>)
      init(%y at #map : memref<?x16x64xf32>)
      tiling <provider = nvvm, rows = 16, columns = 16, kBlock = 16, unroll = 3, rowBlock = 32>
  return
}

// Rows of f32 are rounded on the way to shared memory, results of tf32 on that
// to global memory; both are f32 in registers.
// CHECK-LABEL: llvm.func @gemm_n64_k64_by_tf32_to_tf32(
//       CHECK:   llvm.load %{{.*}} : !llvm.ptr<1> -> vector<2xf32>
// CHECK-COUNT-2:   nvvm.convert.float.to.tf32 %{{[^ ]+}} {rnd = #nvvm.fp_rnd_mode<rna>}
//       CHECK:   llvm.store %{{.*}} vector<2xf32>, !llvm.ptr<3>
//       CHECK:   scf.for
//       CHECK:     nvvm.mma.sync {{.*}} multiplicandAPtxType = #nvvm.mma_type<tf32>
// CHECK-COUNT-2:   nvvm.convert.float.to.tf32 %{{[^ ]+}} {rnd = #nvvm.fp_rnd_mode<rna>}
//       CHECK:   llvm.store {{.*}} {alignment = 8 : i64} : vector<2xf32>, !llvm.ptr<1>
func.func @gemm_tf32_rounded(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 16 : index
  %x = kernel.buffer %context input : memref<?x16x64xf32>
  %w = kernel.buffer %context input at 1 : memref<4096xtf32>
  %y = kernel.buffer %context output : memref<?x16x64xtf32>
  kernel.gemm batch(%b) rows(%n) n 64 k 64 lhs(%x at #map : memref<?x16x64xf32>) weights(%w : memref<4096xtf32>)
      init(%y at #map : memref<?x16x64xtf32>)
      tiling <provider = nvvm, rows = 16, columns = 16, kBlock = 16, unroll = 3, rowBlock = 32>
  return
}
