// RUN: vit-opt %s -kernel-schedule-nvptx -convert-kernel-to-nvvm -cse | FileCheck %s

#entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>
#box = affine_map<(b, c) -> (b, c)>

// 8 elements an item of the batch, 256 threads a block.
// CHECK-LABEL: func @elementwise(
//  CHECK-SAME:     %[[CONTEXT:[^ ]+]]: !kernel.context
//       CHECK:   %[[BATCH:.*]] = kernel.batch
//       CHECK:   %[[X:.*]] = kernel.buffer %[[CONTEXT]] input
//       CHECK:   %[[Y:.*]] = kernel.buffer %[[CONTEXT]] output
//       CHECK:   %[[ELEMENTS:.*]] = arith.muli %[[BATCH]], %c8
//       CHECK:   %[[ROUNDED:.*]] = arith.addi %[[ELEMENTS]], %c255
//       CHECK:   %[[BLOCKS:.*]] = arith.divui %[[ROUNDED]], %c256
//       CHECK:   kernel.grid_launch %[[CONTEXT]] @kernels::@generic_8 blocks(%[[BLOCKS]]) args(%[[BATCH]], %[[X]], %[[Y]] : index, memref<?x8xf32>, memref<?x8xf32>) work
// Equal kernels share the function.
//       CHECK:   kernel.grid_launch %[[CONTEXT]] @kernels::@generic_8 blocks
func.func @elementwise(%context: !kernel.context) attributes {kernel.entry = #entry} {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x8xf32>
  %y = kernel.buffer %context output at 0 : memref<?x8xf32>
  kernel.generic batch(%b) sizes [8] inputs(%x : memref<?x8xf32>) at [#box] init(%y at #box : memref<?x8xf32>) {
  ^bb0(%e: f32):
    %0 = arith.negf %e : f32
    kernel.yield %0 : f32
  }
  kernel.generic batch(%b) sizes [8] inputs(%y : memref<?x8xf32>) at [#box] init(%x at #box : memref<?x8xf32>) {
  ^bb0(%e: f32):
    %0 = arith.negf %e : f32
    kernel.yield %0 : f32
  }
  return
}

// What the host decides on lies on the GPU. An i1 is a byte there.
// CHECK-LABEL: func @condition(
//  CHECK-SAME:     %[[CONTEXT:[^ ]+]]: !kernel.context
//       CHECK:   %[[GO:.*]] = kernel.buffer %[[CONTEXT]] input : memref<i8>
//       CHECK:   %[[BYTE:.*]] = kernel.read %[[CONTEXT]] %[[GO]][] : memref<i8> -> i8
//       CHECK:   %[[BIT:.*]] = arith.trunci %[[BYTE]] : i8 to i1
//       CHECK:   scf.if %[[BIT]]
func.func @condition(%context: !kernel.context) attributes {kernel.entry = #entry} {
  %b = kernel.batch %context
  %go = kernel.buffer %context input at 0 : memref<i1>
  %y = kernel.buffer %context output at 0 : memref<?x4xf32>
  %0 = memref.load %go[] : memref<i1>
  scf.if %0 {
    kernel.gather batch(%b) sizes [4] input(%y at #box : memref<?x4xf32>) init(%y at #box : memref<?x4xf32>)
  }
  return
}

//       CHECK: gpu.module @kernels
// A thread computes one element, without a loop.
//       CHECK:   func.func private @generic_8_task(%[[TASK:[^ ]+]]: index,
//   CHECK-NOT:     scf.for
//       CHECK:     arith.negf
//       CHECK:     memref.store
//       CHECK:   llvm.func @generic_8(%[[N:[^ ]+]]: i64, %{{[^ ]+}}: !llvm.ptr<1>, %{{[^ ]+}}: !llvm.ptr<1>)
//  CHECK-SAME:     attributes {kernel.shared_bytes = 0 : i64, nvvm.kernel, nvvm.minctasm = 1 : i32, nvvm.reqntid = array<i32: 256>}
//   CHECK-DAG:     %[[THREAD:.*]] = nvvm.read.ptx.sreg.tid.x
//   CHECK-DAG:     %[[BLOCK:.*]] = nvvm.read.ptx.sreg.ctaid.x
//       CHECK:     %[[INSIDE:.*]] = arith.cmpi ult
//       CHECK:     scf.if %[[INSIDE]]
//       CHECK:       func.call @generic_8_task
