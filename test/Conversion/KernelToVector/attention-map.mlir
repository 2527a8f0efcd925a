// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s

#cpu = #kernel.cpu<isa = "x86-64-v2", cpu = "x86-64-v2", features = "", lanes = 4, registers = 16, fma = false>
#heads = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>

module attributes {kernel.cpu = #cpu} {

// A task is a head; a layer of which nothing is asked has none. Layers share
// the function.
// CHECK-LABEL: func @attention_map(
//   CHECK-DAG:   %[[ZERO:.*]] = arith.constant 0 : i64
//   CHECK-DAG:   %[[C0:.*]] = arith.constant 0 : index
//   CHECK-DAG:   %[[C1:.*]] = arith.constant 1 : index
//   CHECK-DAG:   %[[S:.*]] = kernel.buffer %{{.*}} input at 2
//       CHECK:   %[[COUNT:.*]] = memref.load %[[S]][%[[C0]], %[[C1]]]
//       CHECK:   %[[SKIP:.*]] = arith.cmpi eq, %[[COUNT]], %[[ZERO]]
//       CHECK:   %[[ALL:.*]] = arith.muli %{{.*}}, %{{.*}} : index
//       CHECK:   %[[TASKS:.*]] = arith.select %[[SKIP]], %[[C0]], %[[ALL]]
//       CHECK:   kernel.launch %{{.*}} @attention_map_h2_d4 tasks(%[[TASKS]]) args({{.*}}%[[C0]]
//       CHECK:   memref.load %[[S]][%[[C1]], %[[C1]]]
//       CHECK:   kernel.launch %{{.*}} @attention_map_h2_d4 tasks
func.func @attention_map(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 9 : index
  %l0 = arith.constant 0 : index
  %l1 = arith.constant 1 : index
  %q = kernel.buffer %context input at 0 : memref<?x9x8xf32>
  %k = kernel.buffer %context input at 1 : memref<?x9x8xf32>
  %s = kernel.buffer %context input at 2 : memref<2x2xi64>
  %o = kernel.buffer %context output at 0 : memref<?x1x2x9x9xf32>
  %p = kernel.buffer %context output at 1 : memref<?x1x2x9x9xf32>
  kernel.attention_map batch(%b) queries(%n) keys(%n) heads 2 head_dim 4 scale 5.000000e-01
      selection(%s at %l0 : memref<2x2xi64>) query(%q at #heads : memref<?x9x8xf32>) key(%k at #heads : memref<?x9x8xf32>)
      init(%o : memref<?x1x2x9x9xf32>) tiling <rows = 2, columns = 8, queryBlock = 8, keyBlock = 64>
  kernel.attention_map batch(%b) queries(%n) keys(%n) heads 2 head_dim 4 scale 5.000000e-01
      selection(%s at %l1 : memref<2x2xi64>) query(%q at #heads : memref<?x9x8xf32>) key(%k at #heads : memref<?x9x8xf32>)
      init(%p : memref<?x1x2x9x9xf32>) tiling <rows = 2, columns = 8, queryBlock = 8, keyBlock = 64>
  return
}

// The mean weighs each of 9 queries by 1 / 9.
// CHECK-LABEL: func private @attention_map_h2_d4(
//       CHECK:   %[[NINE:.*]] = arith.constant 9.000000e+00 : f32
//       CHECK:   %[[FIRST:.*]] = memref.load %{{.*}} : memref<2x2xi64>
//       CHECK:   %[[INDEX:.*]] = arith.index_cast %[[FIRST]]
//       CHECK:   %[[MEAN:.*]] = arith.cmpi slt, %[[INDEX]]
//       CHECK:   %[[WEIGHT:.*]] = arith.select %[[MEAN]], %[[NINE]], %{{.*}} : f32
//       CHECK:   arith.divf %{{.*}}, %[[WEIGHT]]
}
