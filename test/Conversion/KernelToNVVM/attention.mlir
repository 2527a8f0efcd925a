// RUN: vit-opt %s -split-input-file -kernel-schedule-nvptx -convert-kernel-to-nvvm -cse | FileCheck %s

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 16 + d)>

// Two blocks of 16 keys and a rest of 5, which has a column less. The values
// are copied while scores are computed, the next keys while results are.
// CHECK-LABEL: func.func @blocks(
//       CHECK:   %[[HEADS:.*]] = arith.muli %{{.*}}, %c2
//       CHECK:   %[[BLOCKS:.*]] = arith.muli %[[HEADS]], %c3
//       CHECK:   kernel.grid_launch %{{.*}} @kernels::@attention_h2_d16 blocks(%[[BLOCKS]])
// CHECK-LABEL: llvm.func @attention_h2_d16(
//  CHECK-SAME:   kernel.shared_bytes = 3712 : i64, nvvm.kernel, nvvm.minctasm = 1 : i32, nvvm.reqntid = array<i32: 32>
// The first keys, with the queries.
//       CHECK:   nvvm.cp.async.shared.global {{.*}}, 16, cache =  cg
//       CHECK:   nvvm.cp.async.shared.global {{.*}}, 16, cache =  cg
//       CHECK:   nvvm.cp.async.commit.group
//       CHECK:   scf.for %{{.*}} = %c0{{.*}} to %c32{{.*}} step %c16{{.*}} iter_args(
//       CHECK:     nvvm.cp.async.wait.group 0
//  CHECK-NEXT:     nvvm.barrier0
// Values.
//       CHECK:     nvvm.cp.async.shared.global
//       CHECK:     nvvm.cp.async.commit.group
// Scores: 2 x 2 of a thread.
//       CHECK:     scf.for %{{.*}} = %c0{{.*}} to %c16{{.*}} step %c4{{.*}} iter_args({{.*}}) -> (f32, f32, f32, f32)
// CHECK-COUNT-4:     llvm.load {{.*}} -> vector<4xf32>
// CHECK-COUNT-16:    math.fma
//       CHECK:     nvvm.shfl.sync bfly
//       CHECK:     llvm.nvvm.ex2.approx.ftz.f32
//       CHECK:     nvvm.cp.async.wait.group 0
//  CHECK-NEXT:     nvvm.barrier0
//       CHECK:     scf.if
//       CHECK:       nvvm.cp.async.shared.global
//       CHECK:     nvvm.cp.async.commit.group
// Results: a vector of 2 for each of 2 queries.
//       CHECK:     scf.for {{.*}} -> (f32, f32, f32, f32)
// CHECK-COUNT-16:    math.fma
//       CHECK:   scf.for %{{.*}} = %c0{{.*}} to %c16{{.*}} step %c4{{.*}} iter_args({{.*}}) -> (f32, f32)
//       CHECK:   scf.for %{{.*}} = %c0{{.*}} to %c8{{.*}} step %c4{{.*}} iter_args({{.*}}) -> (f32, f32, f32, f32)
//       CHECK:   llvm.store %{{.*}} : vector<2xf32>, !llvm.ptr<1>
func.func @blocks(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 21 : index
  %m = arith.constant 37 : index
  %q = kernel.buffer %context input at 0 : memref<?x21x32xf32>
  %k = kernel.buffer %context input at 1 : memref<?x37x32xf32>
  %v = kernel.buffer %context input at 2 : memref<?x37x32xf32>
  %o = kernel.buffer %context output at 0 : memref<?x21x32xf32>
  kernel.attention batch(%b) queries(%n) keys(%m) heads 2 head_dim 16 value_dim 16 scale 2.500000e-01
      query(%q at #qkv : memref<?x21x32xf32>) key(%k at #qkv : memref<?x37x32xf32>)
      value(%v at #qkv : memref<?x37x32xf32>) init(%o at #qkv : memref<?x21x32xf32>)
      tiling <rows = 2, columns = 2, queryBlock = 8, keyBlock = 16>
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 16 + d)>

// All keys are one block: no loop over blocks, and nothing is rescaled.
// CHECK-LABEL: llvm.func @attention_h2_d16(
//       CHECK:   nvvm.cp.async.commit.group
//   CHECK-NOT:   scf.for {{.*}}iter_args
//       CHECK:   nvvm.barrier0
//       CHECK:   scf.for {{.*}} iter_args({{.*}}) -> (f32, f32, f32, f32)
//       CHECK:   nvvm.barrier0
//       CHECK:   scf.for {{.*}} iter_args({{.*}}) -> (f32, f32, f32, f32)
//   CHECK-NOT:   scf.for {{.*}}iter_args
//       CHECK:   llvm.return
func.func @one_block(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 9 : index
  %x = kernel.buffer %context input at 0 : memref<?x9x32xf32>
  %o = kernel.buffer %context output at 0 : memref<?x9x32xf32>
  kernel.attention batch(%b) queries(%n) keys(%n) heads 2 head_dim 16 value_dim 16 scale 2.500000e-01
      query(%x at #qkv : memref<?x9x32xf32>) key(%x at #qkv : memref<?x9x32xf32>)
      value(%x at #qkv : memref<?x9x32xf32>) init(%o at #qkv : memref<?x9x32xf32>)
      tiling <rows = 2, columns = 2, queryBlock = 8, keyBlock = 16>
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 7 + d)>

// Rows of 7 elements are copied one by one, and filled up with zeros; elements
// of 16 bits are not copied as they are.
// CHECK-LABEL: llvm.func @attention_h2_d7(
//       CHECK:   llvm.store %cst{{.*}}, %{{.*}} : f32, !llvm.ptr<3>
//       CHECK:   nvvm.cp.async.shared.global {{.*}}, 4, cache =  ca
//       CHECK:   llvm.load {{.*}} -> bf16
//       CHECK:   arith.extf
//       CHECK:   llvm.store {{.*}} : f32, !llvm.ptr<3>
func.func @odd_rows(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 9 : index
  %x = kernel.buffer %context input at 0 : memref<?x9x14xf32>
  %v = kernel.buffer %context input at 1 : memref<?x9x14xbf16>
  %o = kernel.buffer %context output at 0 : memref<?x9x14xf32>
  kernel.attention batch(%b) queries(%n) keys(%n) heads 2 head_dim 7 value_dim 7 scale 1.000000e+00
      query(%x at #qkv : memref<?x9x14xf32>) key(%x at #qkv : memref<?x9x14xf32>)
      value(%v at #qkv : memref<?x9x14xbf16>) init(%o at #qkv : memref<?x9x14xf32>)
      tiling <rows = 2, columns = 2, queryBlock = 8, keyBlock = 16>
  return
}
