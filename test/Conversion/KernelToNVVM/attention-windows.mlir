// RUN: vit-opt %s -kernel-schedule-nvptx -convert-kernel-to-nvvm -cse | FileCheck %s

#windows = affine_map<(b, h, i, d) -> (b floordiv 4, (b mod 4 floordiv 2 * 4 + i floordiv 4 + 2) mod 8,
                                       (b mod 2 * 4 + i mod 4 + 2) mod 8, h * 8 + d)>

// A window's tokens lie at offsets full of divisions: one table of them, for
// queries, keys, values and results, is computed before the first copy.
// CHECK-LABEL: llvm.func @attention_h2_d8(
//       CHECK:   scf.for %[[TOKEN:.*]] = %{{.*}} to %c16
//       CHECK:     arith.divui %[[TOKEN]], %c4
//       CHECK:     llvm.store %{{.*}}, %{{.*}} : i64, !llvm.ptr<3>
//   CHECK-NOT:     i64, !llvm.ptr<3>
//       CHECK:   nvvm.barrier0
//       CHECK:   llvm.load {{.*}} : !llvm.ptr<3> -> i64
//       CHECK:   nvvm.cp.async.shared.global
func.func @windows(%context: !kernel.context) {
  %b = kernel.batch %context
  %c4 = arith.constant 4 : index
  %w = arith.muli %b, %c4 : index
  %n = arith.constant 16 : index
  %x = kernel.buffer %context input at 0 : memref<?x8x8x16xf32>
  %o = kernel.buffer %context output at 0 : memref<?x8x8x16xf32>
  kernel.attention batch(%w) queries(%n) keys(%n) heads 2 head_dim 8 value_dim 8 scale 1.000000e+00
      query(%x at #windows : memref<?x8x8x16xf32>) key(%x at #windows : memref<?x8x8x16xf32>)
      value(%x at #windows : memref<?x8x8x16xf32>) init(%o at #windows : memref<?x8x8x16xf32>)
      tiling <rows = 4, columns = 2, queryBlock = 16, keyBlock = 16>
  return
}
