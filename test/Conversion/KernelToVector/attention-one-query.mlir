// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#heads = affine_map<(b, h, i, d) -> (b, i, h * 20 + d)>

module attributes {kernel.cpu = #cpu} {

// Four keys at once are multiplied by 16 elements in vectors and by the four
// behind them, where they lie; the values' 20 columns are three sums.
// CHECK-LABEL: func @attention_one_query(
//       CHECK:   kernel.launch %{{.*}} @attention_h2_d20
// CHECK-LABEL: func private @attention_h2_d20(
//   CHECK-NOT:   memref.prefetch
//       CHECK:   scf.for %{{.*}} = %c0 to %c8 step %c4
//       CHECK:     scf.for %{{.*}} = %c0 to %c16 step %c8
//  CHECK-SAME:       -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
// CHECK-COUNT-4:     math.fma {{.*}} : vector<8xf32>
//       CHECK:   vector.shuffle
//       CHECK:   scf.for %{{.*}} = %c0 to %c12 step %c1
//  CHECK-SAME:     -> (vector<8xf32>, vector<8xf32>, vector<8xf32>)
//   CHECK-NOT:   memref.prefetch
//       CHECK:   return
func.func @attention_one_query(%context: !kernel.context) {
  %b = kernel.batch %context
  %nq = arith.constant 1 : index
  %nk = arith.constant 12 : index
  %q = kernel.buffer %context input at 0 : memref<?x1x40xf32>
  %k = kernel.buffer %context input at 1 : memref<?x12x40xf32>
  %o = kernel.buffer %context output at 0 : memref<?x1x40xf32>
  kernel.attention batch(%b) queries(%nq) keys(%nk) heads 2 head_dim 20 value_dim 20 scale 2.500000e-01
      query(%q at #heads : memref<?x1x40xf32>) key(%k at #heads : memref<?x12x40xf32>)
      value(%k at #heads : memref<?x12x40xf32>) init(%o at #heads : memref<?x1x40xf32>)
      tiling <rows = 4, columns = 16, queryBlock = 8, keyBlock = 64>
  return
}
}
