// RUN: vit-opt %s -kernel-schedule-nvptx -convert-kernel-to-nvvm -cse | FileCheck %s

#entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>
#rows = affine_map<(b, i, c) -> (b, i, c)>

// Four rows a block, one a warp: lanes take channels in turn, and add up what
// they have by five exchanges; twice, for the mean and for the variance.
// CHECK-LABEL: func @norm(
//       CHECK:   kernel.grid_launch %{{[^ ]+}} @kernels::@norm_c48 blocks
//       CHECK: llvm.func @norm_c48(
//  CHECK-SAME:     nvvm.reqntid = array<i32: 128>
//       CHECK:   scf.if
//       CHECK:     scf.for %{{.*}} = %[[LANE:.*]] to %c48{{.*}} step %c32
//       CHECK:       llvm.load %{{.*}} : !llvm.ptr<1> -> f32
// CHECK-COUNT-5:   nvvm.shfl.sync bfly
//       CHECK:     scf.for
// CHECK-COUNT-5:   nvvm.shfl.sync bfly
//       CHECK:     math.sqrt
//       CHECK:     scf.for
//       CHECK:       llvm.store %{{.*}}, %{{.*}} : f32, !llvm.ptr<1>
func.func @norm(%context: !kernel.context) attributes {kernel.entry = #entry} {
  %b = kernel.batch %context
  %n = arith.constant 197 : index
  %x = kernel.buffer %context input at 0 : memref<?x197x48xf32>
  %g = kernel.buffer %context input at 1 : memref<48xf32>
  %s = kernel.buffer %context input at 2 : memref<48xf32>
  %y = kernel.buffer %context output at 0 : memref<?x197x48xf32>
  kernel.norm batch(%b) rows(%n) channels 48 epsilon 1.000000e-06 input(%x at #rows : memref<?x197x48xf32>)
      scale(%g : memref<48xf32>) shift(%s : memref<48xf32>) init(%y at #rows : memref<?x197x48xf32>)
  return
}

// The mean of squares alone.
// CHECK-LABEL: llvm.func @rms_norm_c48(
// CHECK-COUNT-5:   nvvm.shfl.sync bfly
//   CHECK-NOT:   nvvm.shfl.sync bfly
//       CHECK:   math.sqrt
func.func @rms_norm(%context: !kernel.context) attributes {kernel.entry = #entry} {
  %b = kernel.batch %context
  %n = arith.constant 197 : index
  %x = kernel.buffer %context input at 0 : memref<?x197x48xf32>
  %y = kernel.buffer %context output at 0 : memref<?x197x48xf32>
  kernel.norm batch(%b) rows(%n) channels 48 rms epsilon 1.000000e-06 input(%x at #rows : memref<?x197x48xf32>)
      init(%y at #rows : memref<?x197x48xf32>)
  return
}
