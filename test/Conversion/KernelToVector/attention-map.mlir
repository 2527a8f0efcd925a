// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s

#cpu = #kernel.cpu<isa = "x86-64-v2", cpu = "x86-64-v2", features = "", lanes = 4, registers = 16, fma = false>
#heads = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#result = affine_map<(b, h, j, layer) -> (b, layer, h, j)>

module attributes {kernel.cpu = #cpu} {

// A task is a head. The class token's map reads one query of 9.
// CHECK-LABEL: func @attention_map(
//       CHECK:   %[[TASKS:.*]] = arith.muli %{{.*}}, %c2
//       CHECK:   kernel.launch %{{.*}} @attention_map_h2_d4 tasks(%[[TASKS]]) {{.*}} work [0, 288, 0, 792]
//       CHECK:   kernel.launch %{{.*}} @attention_map_h2_d4_0 tasks(%[[TASKS]]) {{.*}} work [0, 2592, 0, 792]
func.func @attention_map(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 9 : index
  %layer = arith.constant 2 : index
  %q = kernel.buffer %context input at 0 : memref<?x9x8xf32>
  %k = kernel.buffer %context input at 1 : memref<?x9x8xf32>
  %o = kernel.buffer %context output at 0 : memref<?x3x2x9xf32>
  kernel.attention_map batch(%b) queries(%n) keys(%n) layer(%layer) heads 2 head_dim 4 scale 5.000000e-01 selection first
      query(%q at #heads : memref<?x9x8xf32>) key(%k at #heads : memref<?x9x8xf32>)
      init(%o at #result : memref<?x3x2x9xf32>) tiling <rows = 2, columns = 8, queryBlock = 8, keyBlock = 64>
  kernel.attention_map batch(%b) queries(%n) keys(%n) layer(%layer) heads 2 head_dim 4 scale 5.000000e-01 selection mean
      query(%q at #heads : memref<?x9x8xf32>) key(%k at #heads : memref<?x9x8xf32>)
      init(%o at #result : memref<?x3x2x9xf32>) tiling <rows = 2, columns = 8, queryBlock = 8, keyBlock = 64>
  return
}

// The mean over one query divides by 1, the mean over all by 9.
// CHECK-LABEL: func private @attention_map_h2_d4(
//   CHECK-NOT:   9.000000e+00
// CHECK-LABEL: func private @attention_map_h2_d4_0(
//       CHECK:   %[[COUNT:.*]] = arith.constant 9.000000e+00 : f32
//       CHECK:   arith.divf %{{.*}}, %[[COUNT]]
}
