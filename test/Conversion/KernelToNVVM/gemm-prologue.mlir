// RUN: vit-opt %s -kernel-schedule-nvptx -convert-kernel-to-nvvm -canonicalize -cse | FileCheck %s

#map = affine_map<(b, i, j) -> (b, i, j)>
#tiling = #kernel.gemm_tiling<provider = nvvm, rows = 4, columns = 4, kBlock = 8, unroll = 2, rowBlock = 16>

// A filter of 3 x 3 over one channel leads outside of the map, and its elements
// lie apart: they are copied one by one, 4 bytes or zeros.
// CHECK-LABEL: llvm.func @gemm_n16_k9(
//       CHECK:   arith.cmpi ult
//       CHECK:   nvvm.cp.async.shared.global {{.*}}, 4, cache = ca, %{{.*}} :
//       CHECK:   scf.for
//   CHECK-NOT:   llvm.load {{.*}} !llvm.ptr<1> -> f32
//       CHECK:   math.fma
func.func @gemm_filter(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 49 : index
  %x = kernel.buffer %context input : memref<?x7x7xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x49x16xf32>
  kernel.gemm batch(%b) rows(%n) n 16 k 9
      lhs(%x at affine_map<(b, i, l) -> (b, i floordiv 7 + l floordiv 3 - 1, i mod 7 + l mod 3 - 1)> : memref<?x7x7xf32>)
      zero_outside weights(%w : memref<256xf32>) init(%y at #map : memref<?x49x16xf32>) tiling #tiling
  return
}

// Elements that change are loaded before the tiles of a step are multiplied,
// and stored behind it.
// CHECK-LABEL: llvm.func @gemm_n16_k32_scaled(
//       CHECK:   scf.for
//       CHECK:     %[[LOADED:.*]] = scf.if %{{.*}} -> (vector<2xf32>)
//       CHECK:       llvm.load %{{.*}} !llvm.ptr<1> -> vector<2xf32>
//       CHECK:     math.fma {{.*}} : vector<4xf32>
//       CHECK:     scf.if
//       CHECK:       math.fma %[[LOADED]], %{{.*}}, %{{.*}} : vector<2xf32>
//       CHECK:       llvm.store %{{.*}} vector<2xf32>, !llvm.ptr<3>
func.func @gemm_scaled(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 16 : index
  %x = kernel.buffer %context input : memref<?x16x32xf32>
  %g = kernel.buffer %context input at 1 : memref<?x32xf32>
  %s = kernel.buffer %context input at 2 : memref<?x32xf32>
  %w = kernel.buffer %context input at 3 : memref<512xf32>
  %y = kernel.buffer %context output : memref<?x16x16xf32>
  kernel.gemm batch(%b) rows(%n) n 16 k 32 lhs(%x at #map : memref<?x16x32xf32>)
      lhs_scale(%g at affine_map<(b, l) -> (b, l)> : memref<?x32xf32>) lhs_shift(%s : memref<?x32xf32>)
      lhs_activation silu weights(%w : memref<512xf32>) init(%y at #map : memref<?x16x16xf32>) tiling #tiling
  return
}

// Means and deviations of the block's rows are computed first, a warp two rows
// at a time; elements are normalised on the way to shared memory.
// CHECK-LABEL: llvm.func @gemm_n16_k32_norm(
//       CHECK:   scf.for
//       CHECK:     nvvm.shfl.sync
//       CHECK:     math.sqrt
//       CHECK:     llvm.store %{{.*}} f32, !llvm.ptr<3>
//       CHECK:   nvvm.barrier
//       CHECK:   scf.for
//       CHECK:     nvvm.barrier
//       CHECK:     scf.if
//       CHECK:       arith.subf
//       CHECK:       llvm.store %{{.*}} vector<2xf32>, !llvm.ptr<3>
func.func @gemm_norm(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 16 : index
  %x = kernel.buffer %context input : memref<?x16x32xf32>
  %w = kernel.buffer %context input at 1 : memref<512xf32>
  %y = kernel.buffer %context output : memref<?x16x16xf32>
  kernel.gemm batch(%b) rows(%n) n 16 k 32 lhs(%x at #map : memref<?x16x32xf32>) weights(%w : memref<512xf32>)
      init(%y at #map : memref<?x16x16xf32>) norm <epsilon = 1.000000e-05 : f64> tiling #tiling
  return
}

// Rows of bf16 become f32 on the way.
// CHECK-LABEL: llvm.func @gemm_n16_k32_from_bf16(
//       CHECK:   llvm.load %{{.*}} !llvm.ptr<1> -> vector<2xbf16>
//       CHECK:   arith.extf
//       CHECK:   llvm.store %{{.*}} vector<2xf32>, !llvm.ptr<3>
func.func @gemm_bf16(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 16 : index
  %x = kernel.buffer %context input : memref<?x16x32xbf16>
  %w = kernel.buffer %context input at 1 : memref<512xf32>
  %y = kernel.buffer %context output : memref<?x16x16xf32>
  kernel.gemm batch(%b) rows(%n) n 16 k 32 lhs(%x at #map : memref<?x16x32xbf16>) weights(%w : memref<512xf32>)
      init(%y at #map : memref<?x16x16xf32>) tiling #tiling
  return
}
