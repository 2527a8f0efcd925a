// RUN: vit-opt %s -kernel-schedule-nvptx -convert-kernel-to-nvvm -cse | FileCheck %s

#rows = affine_map<(b, h, i, d) -> (b, h, i, d)>

// A decoder's token: a block a head. Keys and values are read where they lie,
// four rows at a time; four lanes add up a product.
// CHECK-LABEL: func.func @one_query(
//       CHECK:   kernel.grid_launch %{{.*}} @kernels::@attention_one_query_d16
// CHECK-LABEL: llvm.func @attention_one_query_d16(
//  CHECK-SAME:   nvvm.reqntid = array<i32: 128>
//   CHECK-NOT:   nvvm.cp.async
//       CHECK:   %[[QUERY:.*]] = llvm.load {{.*}} : !llvm.ptr<1> -> vector<4xf32>
//       CHECK:   scf.for {{.*}} step %c256{{.*}} iter_args(
// CHECK-COUNT-4:   llvm.load {{.*}} : !llvm.ptr<1> -> vector<4xf32>
// CHECK-COUNT-8:   nvvm.shfl.sync bfly
//       CHECK:     nvvm.barrier0
//       CHECK:     llvm.nvvm.ex2.approx.ftz.f32
//       CHECK:     nvvm.barrier0
//       CHECK:     scf.for
// CHECK-COUNT-4:   llvm.load {{.*}} : !llvm.ptr<1> -> vector<4xf32>
//       CHECK:     nvvm.barrier0
//       CHECK:   llvm.store {{.*}} : f32, !llvm.ptr<1>
func.func @one_query(%context: !kernel.context) {
  %b = kernel.batch %context
  %nq = arith.constant 1 : index
  %nk = arith.constant 577 : index
  %q = kernel.buffer %context input at 0 : memref<?x2x1x16xf32>
  %k = kernel.buffer %context input at 1 : memref<?x2x577x16xf32>
  %o = kernel.buffer %context output at 0 : memref<?x2x1x16xf32>
  kernel.attention batch(%b) queries(%nq) keys(%nk) heads 2 head_dim 16 value_dim 16 scale 2.500000e-01
      query(%q at #rows : memref<?x2x1x16xf32>) key(%k at #rows : memref<?x2x577x16xf32>)
      value(%k at #rows : memref<?x2x577x16xf32>) init(%o at #rows : memref<?x2x1x16xf32>)
  return
}
