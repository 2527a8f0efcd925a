// RUN: vit-opt %s -split-input-file -kernel-schedule-nvptx -convert-kernel-to-nvvm -cse | FileCheck %s

#rows = affine_map<(b, h, i, d) -> (b, i, d)>

// Blocks of keys end with what the last query of the block sees, and with the
// item's keys; what a query does not see is -inf.
// CHECK-LABEL: llvm.func @attention_h1_d16(
//       CHECK:   %[[LENGTH:.*]] = llvm.load {{.*}} -> i32
//       CHECK:   %[[INDEX:.*]] = arith.index_cast %[[LENGTH]] : i32 to index
//       CHECK:   %[[POSITIVE:.*]] = arith.maxsi %[[INDEX]],
//       CHECK:   %[[KEYS:.*]] = arith.minui %[[POSITIVE]],
//       CHECK:   %[[END:.*]] = arith.addi %{{.*}}, %c3{{.*}} : index
//       CHECK:   %[[SEEN:.*]] = arith.maxsi %[[END]],
//       CHECK:   %[[VISIBLE:.*]] = arith.minui %[[SEEN]], %[[KEYS]]
//       CHECK:   scf.for %{{.*}} = %{{.*}} to %[[VISIBLE]] step %c16{{.*}} iter_args(
//       CHECK:     arith.cmpi ult
//       CHECK:     arith.select
func.func @limits(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 40 : index
  %x = kernel.buffer %context input at 0 : memref<?x40x16xf32>
  %l = kernel.buffer %context input at 1 : memref<?xi32>
  %o = kernel.buffer %context output at 0 : memref<?x40x16xf32>
  kernel.attention batch(%b) queries(%n) keys(%n) heads 1 head_dim 16 value_dim 16 scale 1.0 causal 3
      query(%x at #rows : memref<?x40x16xf32>) key(%x at #rows : memref<?x40x16xf32>)
      value(%x at #rows : memref<?x40x16xf32>) key_length(%l at affine_map<(b) -> (b)> : memref<?xi32>)
      init(%o at #rows : memref<?x40x16xf32>) tiling <rows = 2, columns = 2, queryBlock = 8, keyBlock = 16>
  return
}

// -----

#rows = affine_map<(b, h, i, d) -> (b, i, d)>

// A softcap is a tanh of the special function unit, groups are compared as
// integers.
// CHECK-LABEL: llvm.func @attention_h1_d16(
//       CHECK:   arith.remui
//       CHECK:   llvm.store {{.*}} : i32, !llvm.ptr<3>
//       CHECK:   llvm.load {{.*}} : !llvm.ptr<3> -> i32
//       CHECK:   math.absf
//       CHECK:   llvm.nvvm.ex2.approx.ftz.f32
//       CHECK:   math.copysign
//       CHECK:   %[[DIFFERS:.*]] = arith.cmpi ne, %{{.*}}, %{{.*}} : i32
//       CHECK:   arith.select %[[DIFFERS]]
func.func @softcap_groups(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 9 : index
  %x = kernel.buffer %context input at 0 : memref<?x9x16xf32>
  %o = kernel.buffer %context output at 0 : memref<?x9x16xf32>
  kernel.attention batch(%b) queries(%n) keys(%n) heads 1 head_dim 16 value_dim 16 scale 1.0 softcap 5.0
      query(%x at #rows : memref<?x9x16xf32>) key(%x at #rows : memref<?x9x16xf32>)
      value(%x at #rows : memref<?x9x16xf32>) groups affine_map<(b, i) -> (i mod 2)> group_bias -1.000000e+02
      init(%o at #rows : memref<?x9x16xf32>) tiling <rows = 2, columns = 2, queryBlock = 8, keyBlock = 16>
  return
}

// -----

#rows = affine_map<(b, h, i, d) -> (b, i, d)>

// Scores that are read: no product, and no copies but of the values.
// CHECK-LABEL: llvm.func @attention_h1_d0(
// CHECK-COUNT-1: nvvm.cp.async.shared.global
//   CHECK-NOT:   nvvm.cp.async.shared.global
//       CHECK:   llvm.load %{{.*}} : !llvm.ptr<1> -> f32
//       CHECK:   llvm.return
func.func @no_product(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 9 : index
  %x = kernel.buffer %context input at 0 : memref<?x9x9xf32>
  %v = kernel.buffer %context input at 1 : memref<?x9x16xf32>
  %o = kernel.buffer %context output at 0 : memref<?x9x16xf32>
  kernel.attention batch(%b) queries(%n) keys(%n) heads 1 head_dim 0 value_dim 16 scale 1.0
      value(%v at #rows : memref<?x9x16xf32>) bias(%x at #rows : memref<?x9x9xf32>)
      init(%o at #rows : memref<?x9x16xf32>) tiling <rows = 2, columns = 2, queryBlock = 8, keyBlock = 16>
  return
}
