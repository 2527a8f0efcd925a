// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#map = affine_map<(b, i, c) -> (b, i, c)>

module attributes {kernel.cpu = #cpu} {

// Tasks of 4 rows; 20 channels are two vectors of 8 and one of 4. Both norms run
// one function.
// CHECK-LABEL: func @norm(
//       CHECK:   %[[X:.*]] = kernel.buffer %{{.*}} input : memref<?x5x20xf32>
//       CHECK:   %[[Y:.*]] = kernel.buffer %{{.*}} arena
//       CHECK:   %[[Z:.*]] = kernel.buffer %{{.*}} output
//       CHECK:   kernel.launch %{{.*}} @norm_c20 tasks(%[[TASKS:.*]]) args(%{{.*}}, %[[X]], %{{.*}}, %{{.*}}, %[[Y]] :
//  CHECK-SAME:     scratch 0 work [0, 800, 160, 800]
//       CHECK:   kernel.launch %{{.*}} @norm_c20 tasks(%[[TASKS]]) args(%{{.*}}, %[[Y]], %{{.*}}, %{{.*}}, %[[Z]] :
//   CHECK-NOT:   @norm_c20_
func.func @norm(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input at 0 : memref<?x5x20xf32>
  %s = kernel.buffer %context input at 1 : memref<20xf32>
  %t = kernel.buffer %context input at 2 : memref<20xf32>
  %y = kernel.buffer %context arena at 0 per_batch 448 : memref<?x5x20xf32>
  %z = kernel.buffer %context output at 0 : memref<?x5x20xf32>
  kernel.norm batch(%b) rows(%n) channels 20 epsilon 1.000000e-06 input(%x at #map : memref<?x5x20xf32>)
      scale(%s : memref<20xf32>) shift(%t : memref<20xf32>) init(%y at #map : memref<?x5x20xf32>) tiling <rows = 4>
  kernel.norm batch(%b) rows(%n) channels 20 epsilon 1.000000e-06 input(%y at #map : memref<?x5x20xf32>)
      scale(%s : memref<20xf32>) shift(%t : memref<20xf32>) init(%z at #map : memref<?x5x20xf32>) tiling <rows = 4>
  return
}

// Without scale and shift there is one product an element.
// CHECK-LABEL: func @norm_plain(
//       CHECK:   kernel.launch %{{.*}} @norm_c16
func.func @norm_plain(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input at 0 : memref<?x5x16xf32>
  %y = kernel.buffer %context output at 0 : memref<?x5x16xf32>
  kernel.norm batch(%b) rows(%n) channels 16 epsilon 1.000000e-06 input(%x at #map : memref<?x5x16xf32>)
      init(%y at #map : memref<?x5x16xf32>) tiling <rows = 4>
  return
}

// The last task ends with the last row of the last image.
// CHECK-LABEL: func private @norm_c20(
//  CHECK-SAME:   %[[TASK:[a-z0-9]+]]: index, %{{[a-z0-9]+}}: index, %{{[a-z0-9]+}}: memref<?xi8>, %{{[a-z0-9]+}}: index, %[[XARG:[a-z0-9]+]]: memref
//   CHECK-DAG:   %[[TAIL:.*]] = arith.constant dense<[true, true, true, true, false, false, false, false]>
//       CHECK:   %[[IN:.*]] = memref.reinterpret_cast %[[XARG]]
//       CHECK:   %[[BEGIN:.*]] = arith.muli %[[TASK]], %c4
//       CHECK:   %[[END:.*]] = arith.minui
//       CHECK:   scf.for %{{.*}} = %[[BEGIN]] to %[[END]]
//       CHECK:     scf.for {{.*}} iter_args
//       CHECK:       vector.load %[[IN]]{{.*}} vector<8xf32>
//       CHECK:     vector.load %[[IN]]{{.*}} vector<4xf32>
//       CHECK:     arith.select %[[TAIL]]
//       CHECK:     scf.for {{.*}} iter_args
//       CHECK:     math.sqrt
//       CHECK:     scf.for
//       CHECK:       vector.store {{.*}} vector<8xf32>
//       CHECK:     vector.store {{.*}} vector<4xf32>

// CHECK-LABEL: func private @norm_c16(
//       CHECK:   math.sqrt
//       CHECK:   scf.for
//       CHECK:     arith.subf
//       CHECK:     %[[R:.*]] = arith.mulf
//  CHECK-NEXT:     vector.store %[[R]]

// No mean is subtracted: the squares are those of the elements.
// CHECK-LABEL: func private @rms_norm_c20(
//       CHECK:   %[[E:.*]] = vector.load
//   CHECK-NOT:   arith.subf
//       CHECK:   math.sqrt
//   CHECK-NOT:   arith.subf
//       CHECK:   return
func.func @rms_norm(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input at 0 : memref<?x5x20xf32>
  %y = kernel.buffer %context output at 0 : memref<?x5x20xf32>
  kernel.norm batch(%b) rows(%n) channels 20 rms epsilon 1.000000e-06 input(%x at #map : memref<?x5x20xf32>)
      init(%y at #map : memref<?x5x20xf32>) tiling <rows = 4>
  return
}
}
