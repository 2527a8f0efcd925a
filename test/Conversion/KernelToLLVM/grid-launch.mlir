// RUN: vit-opt %s -convert-kernel-to-llvm | FileCheck %s

gpu.module @kernels {
  llvm.func @helper() {
    llvm.return
  }
  llvm.func @first() attributes {kernel.shared_bytes = 0 : i64, nvvm.kernel, nvvm.reqntid = array<i32: 128>} {
    llvm.return
  }
  llvm.func @second(%n: i64, %x: !llvm.ptr<1>) attributes {kernel.shared_bytes = 0 : i64, nvvm.kernel, nvvm.reqntid = array<i32: 128>} {
    llvm.return
  }
}

// Context: launch at 64, read at 72, as Runtime/Descriptor.h lays them out.
// Kernels alone are counted: @second is number 1.
// CHECK-LABEL: func @launch(
//  CHECK-SAME:     %[[CONTEXT:[^ ]+]]: !llvm.ptr) attributes {
//  CHECK-SAME:     kernel.code = #kernel.code<scratch = 0, onednn = false, sites = [<source = "blocks.0.norm", kernel = "second", work = [1, 2, 3, 4]>, <source = "", kernel = "first">]>
//   CHECK-DAG:   %[[VALUES:.*]] = llvm.alloca %{{.*}} x !llvm.struct<(i64, ptr)>
//   CHECK-DAG:   %[[ADDRESSES:.*]] = llvm.alloca %{{.*}} x !llvm.array<2 x ptr>
//       CHECK:   %[[VALUE0:.*]] = llvm.getelementptr %[[VALUES]][0, 0]
//       CHECK:   llvm.store %{{.*}}, %[[VALUE0]] : i64
//       CHECK:   %[[SLOT0:.*]] = llvm.getelementptr %[[VALUES]][0, 0]
//       CHECK:   %[[ADDRESS0:.*]] = llvm.getelementptr %[[ADDRESSES]][0, 0]
//       CHECK:   llvm.store %[[SLOT0]], %[[ADDRESS0]] : !llvm.ptr
//       CHECK:   llvm.getelementptr %[[CONTEXT]][64]
//       CHECK:   %[[LAUNCH:.*]] = llvm.load
//       CHECK:   %[[SITE:.*]] = llvm.mlir.constant(0 : i32)
//       CHECK:   %[[NUMBER:.*]] = llvm.mlir.constant(1 : i32)
//       CHECK:   llvm.call %[[LAUNCH]](%[[CONTEXT]], %[[SITE]], %[[NUMBER]], %{{.*}}, %[[ADDRESSES]]) : !llvm.ptr, (!llvm.ptr, i32, i32, i64, !llvm.ptr) -> ()
//       CHECK:   llvm.call
func.func @launch(%context: !kernel.context) attributes {
    kernel.entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>} {
  %n = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x8xf32>
  kernel.grid_launch %context @kernels::@second blocks(%n) args(%n, %x : index, memref<?x8xf32>) work [1, 2, 3, 4] loc("blocks.0.norm")
  kernel.grid_launch %context @kernels::@first blocks(%n) args()
  return
}

// To the host weights of tf32 are an address as any others.
// CHECK-LABEL: func @launch_tf32(
//       CHECK:   llvm.alloca %{{.*}} x !llvm.struct<(i64, ptr)>
//       CHECK:   llvm.call
func.func @launch_tf32(%context: !kernel.context) attributes {
    kernel.entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>} {
  %n = kernel.batch %context
  %w = kernel.buffer %context input at 0 : memref<256xtf32>
  kernel.grid_launch %context @kernels::@second blocks(%n) args(%n, %w : index, memref<256xtf32>)
  return
}

// CHECK-LABEL: func @read(
//  CHECK-SAME:     %[[CONTEXT:[^ ]+]]: !llvm.ptr) attributes {
//  CHECK-SAME:     reads_device = true
//       CHECK:   %[[SLOT:.*]] = llvm.alloca %{{.*}} x i64
//       CHECK:   llvm.getelementptr %[[CONTEXT]][72]
//       CHECK:   %[[READ:.*]] = llvm.load
//       CHECK:   %[[RESULT:.*]] = llvm.call %[[READ]](%[[CONTEXT]], %[[SLOT]], %{{.*}}, %{{.*}}) : !llvm.ptr, (!llvm.ptr, !llvm.ptr, !llvm.ptr, i64) -> i32
//       CHECK:   %[[ZERO:.*]] = llvm.mlir.constant(0 : i32)
//       CHECK:   %[[IS_READ:.*]] = llvm.icmp "ne" %[[RESULT]], %[[ZERO]]
//       CHECK:   cf.cond_br %[[IS_READ]], ^[[GOES_ON:.*]], ^[[END:.*]]
//       CHECK: ^[[GOES_ON]]:
//       CHECK:   llvm.load %[[SLOT]] : !llvm.ptr -> i64
//       CHECK: ^[[END]]:
//  CHECK-NEXT:   return
//  CHECK-NEXT: }
func.func @read(%context: !kernel.context) attributes {
    kernel.entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>} {
  %b = kernel.batch %context
  %list = kernel.buffer %context input at 0 : memref<4xi64>
  %0 = kernel.read %context %list[%b] : memref<4xi64> -> i64
  %1 = arith.index_cast %0 : i64 to index
  scf.for %i = %b to %1 step %b {
  }
  return
}

// A read that fails ends a loop from within, whatever it waits for.
// CHECK-LABEL: func @read_in_loop(
//   CHECK-NOT:   scf.while
//       CHECK:   llvm.call %{{.*}} -> i32
//       CHECK:   cf.cond_br %{{.*}}, ^{{.*}}, ^[[END:[a-z0-9]+]]
//       CHECK: ^[[END]]:
//  CHECK-NEXT:   return
//  CHECK-NEXT: }
func.func @read_in_loop(%context: !kernel.context) attributes {
    kernel.entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>} {
  %zero = arith.constant 0 : i8
  %done = kernel.buffer %context arena at 0 : memref<i8>
  scf.while : () -> () {
    %0 = kernel.read %context %done[] : memref<i8> -> i8
    %1 = arith.cmpi eq, %0, %zero : i8
    scf.condition(%1)
  } do {
    scf.yield
  }
  return
}
