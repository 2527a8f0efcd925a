// RUN: vit-opt %s -kernel-schedule-nvptx -convert-kernel-to-nvvm -cse | FileCheck %s

#entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>
#box = affine_map<(b, c) -> (b, c)>

// Significands are divided 8 places at a time, as many as exponents differ by;
// where x is the smaller one, none. The result is x then, or no number where x
// is infinite or y 0.
// CHECK-LABEL: func.func private @generic_8_task(
//   CHECK-NOT:   arith.remf
//       CHECK:   %[[X:.*]] = arith.bitcast %{{.*}} : f32 to i32
//       CHECK:   %[[IS_LESS:.*]] = arith.cmpi ult, %[[ABS_X:.*]], %[[ABS_Y:.*]] : i32
//       CHECK:   %[[OTHER:.*]] = arith.ori %[[IS_LESS]], %[[IS_NAN:.*]] : i1
//       CHECK:   %[[SHIFT:.*]] = arith.select %[[OTHER]], %c0_i32
//       CHECK:   %[[FIRST:.*]] = arith.remui
//       CHECK:   scf.for %{{.*}} = %c0_i32{{.*}} to %[[SHIFT]] step %c8_i32 iter_args(%{{.*}} = %[[FIRST]]) -> (i32)
//       CHECK:     arith.shli
//       CHECK:     arith.remui
//       CHECK:   math.ctlz
//       CHECK:   arith.select %[[IS_LESS]], %[[X]]
//       CHECK:   arith.select %[[IS_NAN]], %c2143289344_i32
//   CHECK-NOT:   arith.remf
func.func @remainder(%context: !kernel.context) attributes {kernel.entry = #entry} {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x8xf32>
  %y = kernel.buffer %context output at 0 : memref<?x8xf32>
  kernel.generic batch(%b) sizes [8] inputs(%x, %x : memref<?x8xf32>, memref<?x8xf32>) at [#box, #box]
      init(%y at #box : memref<?x8xf32>) {
  ^bb0(%e: f32, %f: f32):
    %0 = arith.remf %e, %f : f32
    kernel.yield %0 : f32
  }
  return
}

// Two elements of 16 bits are a thread's, and f32 while it computes.
// CHECK-LABEL: func.func private @generic_9_task(
//   CHECK-NOT:   arith.remf
// CHECK-COUNT-2:   scf.for %{{.*}} = %c0_i32{{.*}} -> (i32)
//       CHECK:   vector.from_elements
//       CHECK:   arith.truncf
func.func @remainder_of_16_bits(%context: !kernel.context) attributes {kernel.entry = #entry} {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x9xf16>
  %y = kernel.buffer %context output at 0 : memref<?x9xf16>
  kernel.generic batch(%b) sizes [9] inputs(%x, %x : memref<?x9xf16>, memref<?x9xf16>) at [#box, #box]
      init(%y at #box : memref<?x9xf16>) {
  ^bb0(%e: f16, %f: f16):
    %0 = arith.remf %e, %f : f16
    kernel.yield %0 : f16
  }
  return
}
