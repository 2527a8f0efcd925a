// RUN: vit-opt %s -kernel-schedule-nvptx -convert-kernel-to-nvvm -cse | FileCheck %s

#qk = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>

// The grid is for all queries, in blocks of 8; the kernel reads which are
// selected, and its blocks beyond them leave. Layers share the kernel.
// CHECK-LABEL: func.func @maps(
//   CHECK-NOT:   kernel.read
//       CHECK:   %[[HEADS:.*]] = arith.muli %{{.*}}, %c2
//       CHECK:   %[[BLOCKS:.*]] = arith.muli %[[HEADS]], %c2
//       CHECK:   kernel.grid_launch %{{.*}} @kernels::@attention_map_h2_d4 blocks(%[[BLOCKS]]) args(%{{.*}}, %{{.*}}, %c3
//       CHECK:   kernel.grid_launch %{{.*}} @kernels::@attention_map_h2_d4 blocks(%[[BLOCKS]]) args(%{{.*}}, %{{.*}}, %c5
// CHECK-LABEL: llvm.func @attention_map_h2_d4(
//       CHECK:   %[[FIRST:.*]] = llvm.load {{.*}} : !llvm.ptr<1> -> i64
//       CHECK:   %[[COUNT:.*]] = llvm.load {{.*}} : !llvm.ptr<1> -> i64
//       CHECK:   %[[MEAN:.*]] = arith.cmpi slt
//       CHECK:   scf.if
//       CHECK:     nvvm.cp.async.shared.global
//       CHECK:     scf.for
// Once for maxima and sums, once for the probabilities.
//       CHECK:       scf.for
//       CHECK:         math.fma
//       CHECK:       scf.for
//       CHECK:         math.fma
//       CHECK:         scf.if %[[MEAN]]
//       CHECK:         llvm.store {{.*}} : f32, !llvm.ptr<1>
//   CHECK-NOT: llvm.func @attention_map
func.func @maps(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 9 : index
  %layer3 = arith.constant 3 : index
  %layer5 = arith.constant 5 : index
  %s = kernel.buffer %context input at 0 : memref<12x2xi64>
  %x = kernel.buffer %context input at 1 : memref<?x9x8xf32>
  %m = kernel.buffer %context output at 0 : memref<?x2x9x9xf32>
  kernel.attention_map batch(%b) queries(%n) keys(%n) heads 2 head_dim 4 scale 5.000000e-01
      selection(%s at %layer3 : memref<12x2xi64>) query(%x at #qk : memref<?x9x8xf32>)
      key(%x at #qk : memref<?x9x8xf32>) init(%m : memref<?x2x9x9xf32>)
      tiling <rows = 2, columns = 2, queryBlock = 8, keyBlock = 16>
  kernel.attention_map batch(%b) queries(%n) keys(%n) heads 2 head_dim 4 scale 5.000000e-01
      selection(%s at %layer5 : memref<12x2xi64>) query(%x at #qk : memref<?x9x8xf32>)
      key(%x at #qk : memref<?x9x8xf32>) init(%m : memref<?x2x9x9xf32>)
      tiling <rows = 2, columns = 2, queryBlock = 8, keyBlock = 16>
  return
}
