// RUN: vit-opt %s -kernel-schedule-nvptx -convert-kernel-to-nvvm | FileCheck %s

// A row's place is a number of an input: the kernel loads it, and layers that
// do so alike share it.

#entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>
#row = affine_map<(b, n, c, p) -> (b, n, c)>
#place = affine_map<(b, n, c, p) -> (b, n + p, c)>
#one = affine_map<(b, n) -> (b)>

// CHECK-LABEL: func.func @step(
//   CHECK-NOT:   kernel.read
//   CHECK-DAG:   %[[X:.*]] = kernel.buffer %{{[^ ]+}} input : memref<?x1x8xf32>
//   CHECK-DAG:   %[[POSITION:.*]] = kernel.buffer %{{[^ ]+}} input at 1 : memref<2xi64>
//   CHECK-DAG:   %[[KEYS:.*]] = kernel.buffer %{{[^ ]+}} input at 2
//   CHECK-DAG:   %[[VALUES:.*]] = kernel.buffer %{{[^ ]+}} input at 3
//       CHECK:   kernel.grid_launch {{.*}} @kernels::@gather_1x8_at {{.*}} args(%{{[^ ]+}}, %[[X]], %[[KEYS]], %[[POSITION]] :
//       CHECK:   kernel.grid_launch {{.*}} @kernels::@gather_1x8_at {{.*}} args(%{{[^ ]+}}, %[[X]], %[[VALUES]], %[[POSITION]] :
//       CHECK:   kernel.grid_launch {{.*}} @kernels::@gather_1x8_at_{{[0-9]+}} {{.*}} %[[POSITION]] :
func.func @step(%context: !kernel.context) attributes {kernel.entry = #entry} {
  %b = kernel.batch %context
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c19 = arith.constant 19 : index
  %x = kernel.buffer %context input at 0 : memref<?x1x8xf32>
  %position = kernel.buffer %context input at 1 : memref<2xi64>
  %keys = kernel.buffer %context input at 2 : memref<?x20x8xf32>
  %values = kernel.buffer %context input at 3 : memref<?x20x8xf32>
  %l0 = memref.load %position[%c1] : memref<2xi64>
  %i0 = arith.index_cast %l0 : i64 to index
  %p0 = arith.minsi %i0, %c19 : index
  kernel.gather batch(%b) sizes [1, 8] offsets(%p0) input(%x at #row : memref<?x1x8xf32>) init(%keys at #place : memref<?x20x8xf32>)
  %l1 = memref.load %position[%c1] : memref<2xi64>
  %i1 = arith.index_cast %l1 : i64 to index
  %p1 = arith.minsi %i1, %c19 : index
  kernel.gather batch(%b) sizes [1, 8] offsets(%p1) input(%x at #row : memref<?x1x8xf32>) init(%values at #place : memref<?x20x8xf32>)
  // Another element, so another kernel.
  %l2 = memref.load %position[%c0] : memref<2xi64>
  %i2 = arith.index_cast %l2 : i64 to index
  %p2 = arith.minsi %i2, %c19 : index
  kernel.gather batch(%b) sizes [1, 8] offsets(%p2) input(%x at #row : memref<?x1x8xf32>) init(%values at #place : memref<?x20x8xf32>)
  return
}

// What a kernel writes, an input or not, may have changed by then; so may what
// a loop decides on.
// CHECK-LABEL: func.func @negative_written(
//       CHECK:   kernel.read %{{[^ ]+}} %{{[^ ]+}}[%{{[^ ]+}}] : memref<?xi64> -> i64
//       CHECK:   kernel.read %{{[^ ]+}} %{{[^ ]+}}[%{{[^ ]+}}] : memref<1xi64> -> i64
//       CHECK:   scf.for
//       CHECK:   @kernels::@gather_1x8 blocks
func.func @negative_written(%context: !kernel.context) attributes {kernel.entry = #entry} {
  %b = kernel.batch %context
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %x = kernel.buffer %context input at 0 : memref<?x1x8xf32>
  %state = kernel.buffer %context input at 1 : memref<?xi64>
  %trips = kernel.buffer %context input at 3 : memref<1xi64>
  %keys = kernel.buffer %context input at 2 : memref<?x20x8xf32>
  kernel.generic batch(%b) sizes [1] inputs(%state : memref<?xi64>) at [#one] init(%state at #one : memref<?xi64>) {
  ^bb0(%e: i64):
    %next = arith.addi %e, %e : i64
    kernel.yield %next : i64
  }
  %l0 = memref.load %state[%c0] : memref<?xi64>
  %p0 = arith.index_cast %l0 : i64 to index
  %l1 = memref.load %trips[%c0] : memref<1xi64>
  %n = arith.index_cast %l1 : i64 to index
  scf.for %i = %c0 to %n step %c1 {
    kernel.gather batch(%b) sizes [1, 8] offsets(%p0) input(%x at #row : memref<?x1x8xf32>) init(%keys at #place : memref<?x20x8xf32>)
  }
  return
}

//       CHECK: llvm.func @gather_1x8_at(%{{[^ ]+}}: i64, %{{[^ ]+}}: !llvm.ptr<1>, %{{[^ ]+}}: !llvm.ptr<1>, %[[ADDRESS:[^ ]+]]: !llvm.ptr<1>)
//       CHECK:   %[[ELEMENT:.*]] = llvm.getelementptr %[[ADDRESS]][1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i64
//       CHECK:   %[[NUMBER:.*]] = llvm.load %[[ELEMENT]] {alignment = 8 : i64} : !llvm.ptr<1> -> i64
//       CHECK:   %[[INDEX:.*]] = arith.index_cast %[[NUMBER]] : i64 to index
//       CHECK:   arith.minsi %[[INDEX]]
