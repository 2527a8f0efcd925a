// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#map = affine_map<(b, c) -> (b, c)>

module attributes {kernel.cpu = #cpu} {

// 1003 elements are 11 pieces of 96, whole vectors: the last has 43.
// CHECK-LABEL: func @generic(
//   CHECK-DAG:   %[[C11:.*]] = arith.constant 11 : index
//       CHECK:   %[[BATCH:.*]] = kernel.batch
//       CHECK:   %[[TASKS:.*]] = arith.muli %[[BATCH]], %[[C11]]
//       CHECK:   kernel.launch %{{.*}} @generic_1003 tasks(%[[TASKS]])
func.func @generic(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input : memref<?x1003xf32>
  %y = kernel.buffer %context output : memref<?x1003xf32>
  kernel.generic batch(%b) sizes [1003] inputs(%x : memref<?x1003xf32>) at [#map]
      init(%y at #map : memref<?x1003xf32>) tiling <rows = 1, columns = 100> {
  ^bb0(%a: f32):
    %0 = arith.addf %a, %a : f32
    kernel.yield %0 : f32
  }
  return
}

// Runs of 40 elements stay whole: two make a piece.
// CHECK-LABEL: func @gather(
//   CHECK-DAG:   %[[C4:.*]] = arith.constant 4 : index
//       CHECK:   %[[TASKS:.*]] = arith.muli %{{.*}}, %[[C4]]
//       CHECK:   kernel.launch %{{.*}} @gather_320 tasks(%[[TASKS]])
func.func @gather(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input : memref<?x40x8xf32>
  %y = kernel.buffer %context output : memref<?x320xf32>
  kernel.gather batch(%b) sizes [320] input(%x at affine_map<(b, c) -> (b, c mod 40, c floordiv 40)> : memref<?x40x8xf32>)
      init(%y at #map : memref<?x320xf32>) tiling <rows = 1, columns = 100>
  return
}

// CHECK-LABEL: func private @generic_1003(
//  CHECK-SAME:     %[[TASK:[^ ]+]]: index
//       CHECK:   %[[PIECE:.*]] = arith.remui %[[TASK]], %c11
//       CHECK:   %[[BEGIN:.*]] = arith.muli %[[PIECE]], %c96
//       CHECK:   %[[NEXT:.*]] = arith.addi %[[BEGIN]], %c96
//       CHECK:   %[[END:.*]] = arith.minui %[[NEXT]], %c1003
//       CHECK:   %[[VECTORS:.*]] = arith.minui %[[END]], %c1000
//       CHECK:   scf.for %{{.*}} = %[[BEGIN]] to %[[VECTORS]] step %c8
//       CHECK:     vector.store
//       CHECK:   %[[LAST:.*]] = arith.cmpi eq, %[[END]], %c1003
//       CHECK:   scf.if %[[LAST]]
//       CHECK:     vector.load {{.*}} vector<2xf32>

// CHECK-LABEL: func private @gather_320(
//       CHECK:   scf.for %{{.*}} = %{{.*}} to %{{.*}} step
}
