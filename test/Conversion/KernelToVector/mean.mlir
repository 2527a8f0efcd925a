// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s

#cpu = #kernel.cpu<isa = "x86-64-v2", cpu = "x86-64-v2", features = "", lanes = 4, registers = 16, fma = false>

module attributes {kernel.cpu = #cpu} {

// A task is 4 vectors of 4 channels; the last of the 3 has 6 channels left.
// CHECK-LABEL: func @mean(
//       CHECK:   %[[BATCH:.*]] = kernel.batch
//       CHECK:   %[[TASKS:.*]] = arith.muli %[[BATCH]], %c3
//       CHECK:   kernel.launch %{{.*}} @mean_c38 tasks(%[[TASKS]])
func.func @mean(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 49 : index
  %x = kernel.buffer %context input at 0 : memref<?x49x38xf32>
  %y = kernel.buffer %context output at 0 : memref<?x38xf32>
  kernel.mean batch(%b) rows(%n) channels 38 input(%x at affine_map<(b, i, c) -> (b, i, c)> : memref<?x49x38xf32>)
      init(%y at affine_map<(b, c) -> (b, c)> : memref<?x38xf32>) tiling <rows = 8>
  return
}

// CHECK-LABEL: func private @mean_c38(
//       CHECK:   scf.if
//       CHECK:     %[[SUMS:.*]]:4 = scf.for {{.*}} -> (vector<4xf32>, vector<4xf32>, vector<4xf32>, vector<4xf32>)
//       CHECK:     arith.divf %[[SUMS]]#0
//       CHECK:   } else {
//       CHECK:     scf.for {{.*}} -> (vector<4xf32>, vector<4xf32>)
//       CHECK:       vector.load {{.*}} vector<4xf32>
//       CHECK:       vector.load {{.*}} vector<2xf32>
}
