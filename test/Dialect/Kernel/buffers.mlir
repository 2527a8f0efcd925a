// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

vit.weight @bias : tensor<10xf32> seed(7 mean 0.000000e+00 scale 1.000000e+00)

// CHECK: kernel.weight @w0 at 0 value #vit.expr<ref, [@bias]> : tensor<10xf32>
kernel.weight @w0 at 0 value #vit.expr<ref, [@bias]> : tensor<10xf32>

// CHECK-LABEL: func @constant(
//       CHECK:   kernel.constant #vit.expr<ref, [@bias]> : tensor<10xf32> as memref<10xf32>
//       CHECK:   kernel.constant #vit.expr<ref, [@bias]> : tensor<10xf32> as tensor<10xf32>
func.func @constant() {
  %0 = kernel.constant #vit.expr<ref, [@bias]> : tensor<10xf32> as memref<10xf32>
  %1 = kernel.constant #vit.expr<ref, [@bias]> : tensor<10xf32> as tensor<10xf32>
  return
}

// CHECK-LABEL: func @batch(
//       CHECK:   kernel.batch %{{[^ ]+}}
func.func @batch(%context: !kernel.context) {
  %b = kernel.batch %context
  return
}

// CHECK-LABEL: func @threads(
//       CHECK:   kernel.threads %{{[^ ]+}}
func.func @threads(%context: !kernel.context) {
  %t = kernel.threads %context
  return
}

// CHECK-LABEL: func @buffer(
//  CHECK-SAME:     %[[CONTEXT:.*]]: !kernel.context
//       CHECK:   kernel.buffer %[[CONTEXT]] weights @w0 : memref<10xf32>
//       CHECK:   kernel.buffer %[[CONTEXT]] arena at 64 per_batch 4096 : memref<?x32x32xf32>
//       CHECK:   kernel.buffer %[[CONTEXT]] arena : memref<4xf32>
//       CHECK:   kernel.buffer %[[CONTEXT]] input at 1 : memref<?x4xf32>
//       CHECK:   kernel.buffer %[[CONTEXT]] output : memref<?x4xf32>
func.func @buffer(%context: !kernel.context) {
  %w = kernel.buffer %context weights @w0 : memref<10xf32>
  %x = kernel.buffer %context arena at 64 per_batch 4096 : memref<?x32x32xf32>
  %y = kernel.buffer %context arena at 0 per_batch 0 : memref<4xf32>
  %i = kernel.buffer %context input at 1 : memref<?x4xf32>
  %o = kernel.buffer %context output at 0 : memref<?x4xf32>
  return
}

func.func private @norm(index, index, memref<?xi8>, memref<?x8xf32>, memref<?x8xf32>)
func.func private @empty(index, index, memref<?xi8>)

// CHECK-LABEL: func @launch(
//       CHECK:   kernel.launch %{{[^ ]+}} @norm tasks(%{{[^ ]+}}) args(%{{[^ ]+}}, %{{[^ ]+}} : memref<?x8xf32>, memref<?x8xf32>) scratch 1024
//       CHECK:   kernel.launch %{{[^ ]+}} @empty tasks(%{{[^ ]+}}) args() scratch 0 work [1, 2, 3, 4]
func.func @launch(%context: !kernel.context, %n: index, %x: memref<?x8xf32>, %y: memref<?x8xf32>) {
  kernel.launch %context @norm tasks(%n) args(%x, %y : memref<?x8xf32>, memref<?x8xf32>) scratch 1024
  kernel.launch %context @empty tasks(%n) args() scratch 0 work [1, 2, 3, 4]
  return
}

gpu.module @kernels {
  llvm.func @norm(%n: i64, %x: !llvm.ptr<1>) attributes {kernel.shared_bytes = 0 : i64, nvvm.kernel, nvvm.reqntid = array<i32: 128>} {
    llvm.return
  }
}

// CHECK-LABEL: func @grid_launch(
//       CHECK:   kernel.grid_launch %{{[^ ]+}} @kernels::@norm blocks(%{{[^ ]+}}) args(%{{[^ ]+}}, %{{[^ ]+}} : index, memref<?x8xf32>) work [1, 2, 3, 4]
func.func @grid_launch(%context: !kernel.context, %n: index, %x: memref<?x8xf32>) {
  kernel.grid_launch %context @kernels::@norm blocks(%n) args(%n, %x : index, memref<?x8xf32>) work [1, 2, 3, 4]
  return
}

// CHECK-LABEL: func @read(
//       CHECK:   kernel.read %{{[^ ]+}} %{{[^ ]+}}[] : memref<i8> -> i8
//       CHECK:   kernel.read %{{[^ ]+}} %{{[^ ]+}}[%{{[^ ]+}}] : memref<4xi64> -> i64
func.func @read(%context: !kernel.context, %n: index, %go: memref<i8>, %list: memref<4xi64>) {
  %0 = kernel.read %context %go[] : memref<i8> -> i8
  %1 = kernel.read %context %list[%n] : memref<4xi64> -> i64
  return
}
