// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s

#cpu = #kernel.cpu<isa = "x86-64-v2", cpu = "x86-64-v2", features = "", lanes = 4, registers = 16, fma = false>
#row = affine_map<(b, i, c) -> (b, i, c)>

module attributes {kernel.cpu = #cpu} {

// One input goes along the row, one is the same for all rows, one the same
// along a row: vectors, with a scalar for the last of 5 elements.
// CHECK-LABEL: func @generic(
//       CHECK:   kernel.launch %{{.*}} @generic_3x5 tasks
//  CHECK-SAME:     work [0, 30, 20, 132]
func.func @generic(%context: !kernel.context) {
  %b = kernel.batch %context
  %limit = arith.constant 2.000000e+00 : f32
  %x = kernel.buffer %context input at 0 : memref<?x3x5xf32>
  %p = kernel.buffer %context input at 1 : memref<5xf32>
  %s = kernel.buffer %context input at 2 : memref<?x3xf32>
  %y = kernel.buffer %context output at 0 : memref<?x3x5xf32>
  kernel.generic batch(%b) sizes [3, 5] inputs(%x, %p, %s : memref<?x3x5xf32>, memref<5xf32>, memref<?x3xf32>)
      at [#row, affine_map<(b, i, c) -> (c)>, affine_map<(b, i, c) -> (b, i)>]
      init(%y at #row : memref<?x3x5xf32>) tiling <rows = 8> {
  ^bb0(%a: f32, %q: f32, %w: f32):
    %0 = math.fma %a, %q, %w : f32
    %1 = arith.minimumf %0, %limit : f32
    kernel.yield %1 : f32
  }
  return
}

// Elements in reverse order are loaded one by one, and computed with together.
// CHECK-LABEL: func @generic_reverse(
//       CHECK:   kernel.launch %{{.*}} @generic_8 tasks
func.func @generic_reverse(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x8xf32>
  %y = kernel.buffer %context output at 0 : memref<?x8xf32>
  kernel.generic batch(%b) sizes [8] inputs(%x : memref<?x8xf32>) at [affine_map<(b, c) -> (b, 7 - c)>]
      init(%y at affine_map<(b, c) -> (b, c)> : memref<?x8xf32>) tiling <rows = 8> {
  ^bb0(%a: f32):
    %0 = math.sqrt %a : f32
    kernel.yield %0 : f32
  }
  return
}

// CHECK-LABEL: func @generic_math(
//       CHECK:   kernel.launch %{{.*}} @generic_4 tasks
func.func @generic_math(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x4xf32>
  %y = kernel.buffer %context output at 0 : memref<?x4xf32>
  kernel.generic batch(%b) sizes [4] inputs(%x : memref<?x4xf32>) at [affine_map<(b, c) -> (b, c)>]
      init(%y at affine_map<(b, c) -> (b, c)> : memref<?x4xf32>) tiling <rows = 8> {
  ^bb0(%a: f32):
    %0 = math.powf %a, %a : f32
    %1 = math.tanh %0 : f32
    kernel.yield %1 : f32
  }
  return
}

// Rows of 3 elements that follow each other in memory are one of 12.
// CHECK-LABEL: func @generic_short_rows(
//       CHECK:   kernel.launch %{{.*}} @generic_4x3 tasks
func.func @generic_short_rows(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x4x3xf32>
  %y = kernel.buffer %context output at 0 : memref<?x4x3xf32>
  kernel.generic batch(%b) sizes [4, 3] inputs(%x : memref<?x4x3xf32>) at [#row] init(%y at #row : memref<?x4x3xf32>)
      tiling <rows = 8> {
  ^bb0(%a: f32):
    %0 = arith.negf %a : f32
    kernel.yield %0 : f32
  }
  return
}

// Without fused multiply-add, math.fma would be a call: it is two operations.
// CHECK-LABEL: func private @generic_3x5(
//   CHECK-DAG:   %[[LIMIT:.*]] = arith.constant dense<2.000000e+00> : vector<4xf32>
//   CHECK-DAG:   %[[SCALAR:.*]] = arith.constant 2.000000e+00 : f32
//       CHECK:   %[[A:.*]] = vector.load {{.*}} vector<4xf32>
//       CHECK:   %[[Q:.*]] = vector.load {{.*}} memref<5xf32>, vector<4xf32>
//       CHECK:   memref.load
//       CHECK:   %[[W:.*]] = vector.broadcast
//       CHECK:   %[[P:.*]] = arith.mulf %[[A]], %[[Q]]
//       CHECK:   %[[F:.*]] = arith.addf %[[P]], %[[W]]
//       CHECK:   %[[M:.*]] = arith.minimumf %[[F]], %[[LIMIT]]
//       CHECK:   vector.store %[[M]]
//       CHECK:   arith.minimumf %{{.*}}, %[[SCALAR]] : f32
//       CHECK:   memref.store

// CHECK-LABEL: func private @generic_8(
//   CHECK-NOT:   vector.load
// CHECK-COUNT-4:   memref.load
//       CHECK:   vector.from_elements
//       CHECK:   math.sqrt {{.*}} : vector<4xf32>
//       CHECK:   vector.store

// powf is functions of exp and log here, which are polynomials as tanh is,
// without fused multiply-add either.
// CHECK-LABEL: func private @generic_4(
//   CHECK-NOT:   math.{{powf|exp|log|tanh|fma}}
//       CHECK:   vector.store {{.*}} vector<4xf32>
//   CHECK-NOT:   math.{{powf|exp|log|tanh|fma}}

// CHECK-LABEL: func private @generic_4x3(
//       CHECK:   scf.for %[[I:.*]] = %c0 to %c12 step %c4
//       CHECK:     arith.negf {{.*}} : vector<4xf32>
}
