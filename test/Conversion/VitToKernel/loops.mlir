// RUN: vit-opt %s -convert-elementwise-to-linalg -convert-vit-to-kernel | FileCheck %s
// RUN: vit-opt %s -vitc-kernel | FileCheck %s --check-prefix=PLAN

// Row i of the input is added to what the loop carries, and written to row i of
// the output: nothing is copied but what the carried value becomes.
// CHECK-LABEL: func.func @running_sum(
//  CHECK-SAME:     %[[X:[a-z0-9]+]]: tensor<?x4x8xf32>, %[[OUT:[a-z0-9]+]]: tensor<?x4x8xf32>
//       CHECK:   scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %{{.*}} iter_args(%[[SUM:.*]] = %{{.*}}, %[[ALL:.*]] = %[[OUT]])
//       CHECK:     kernel.gather {{.*}} sizes [1, 8] offsets(%[[I]]) input(%[[X]] at
//       CHECK:     %[[NEXT:.*]] = kernel.generic {{.*}} inputs(%[[SUM]],
//       CHECK:     %[[WRITTEN:.*]] = kernel.gather {{.*}} offsets(%[[I]]) input(%[[NEXT]] at {{.*}}) init(%[[ALL]] at
//       CHECK:     %[[KEPT:.*]] = kernel.gather {{.*}} input(%[[NEXT]] at {{.*}}) init(%[[SUM]] at
//       CHECK:     scf.yield %[[KEPT]], %[[WRITTEN]]

// What the loop carries keeps its place while the body runs.
// PLAN-LABEL: func.func @running_sum(
//       PLAN:   %[[OUT:.*]] = kernel.buffer %{{.*}} output
//       PLAN:   %[[SUM:.*]] = kernel.buffer %{{.*}} arena : memref<?x1x8xf32>
//       PLAN:   %[[ROW:.*]] = kernel.buffer %{{.*}} arena per_batch 64 : memref<?x1x8xf32>
//       PLAN:   scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %{{[a-z0-9]+}} {
//       PLAN:     kernel.gather {{.*}} offsets(%[[I]]) {{.*}} init(%[[ROW]] at
//       PLAN:     kernel.generic {{.*}} inputs(%[[SUM]], %[[ROW]]
//       PLAN:     kernel.gather {{.*}} offsets(%[[I]]) input(%[[ROW]] at {{.*}}) init(%[[OUT]] at
//       PLAN:     kernel.gather {{.*}} input(%[[ROW]] at {{.*}}) init(%[[SUM]] at
//   PLAN-NOT:   kernel.gather
//       PLAN:   return
func.func @running_sum(%x: tensor<?x4x8xf32>) -> tensor<?x4x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x4x8xf32>
  %e = tensor.empty(%n) : tensor<?x1x8xf32>
  %start = linalg.fill ins(%zero : f32) outs(%e : tensor<?x1x8xf32>) -> tensor<?x1x8xf32>
  %rows = tensor.empty(%n) : tensor<?x4x8xf32>
  %r:2 = scf.for %i = %c0 to %c4 step %c1 iter_args(%sum = %start, %all = %rows) -> (tensor<?x1x8xf32>, tensor<?x4x8xf32>) {
    %row = tensor.extract_slice %x[0, %i, 0] [%n, 1, 8] [1, 1, 1] : tensor<?x4x8xf32> to tensor<?x1x8xf32>
    %next = arith.addf %sum, %row : tensor<?x1x8xf32>
    %written = tensor.insert_slice %next into %all[0, %i, 0] [%n, 1, 8] [1, 1, 1] : tensor<?x1x8xf32> into tensor<?x4x8xf32>
    scf.yield %next, %written : tensor<?x1x8xf32>, tensor<?x4x8xf32>
  }
  return %r#1 : tensor<?x4x8xf32>
}

// A number that others are computed from is computed once.
// CHECK-LABEL: func.func @offset_of_sums(
//       CHECK:   scf.for
// CHECK-COUNT-4:   arith.addi
//   CHECK-NOT:   arith.addi
//       CHECK:   kernel.gather {{.*}} offsets(
func.func @offset_of_sums(%x: tensor<64x8xf32>, %start: tensor<1x8xf32>) -> tensor<1x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %r = scf.for %i = %c0 to %c4 step %c1 iter_args(%sum = %start) -> (tensor<1x8xf32>) {
    %i2 = arith.addi %i, %i : index
    %i4 = arith.addi %i2, %i2 : index
    %i8 = arith.addi %i4, %i4 : index
    %i16 = arith.addi %i8, %i8 : index
    %row = tensor.extract_slice %x[%i16, 0] [1, 8] [1, 1] : tensor<64x8xf32> to tensor<1x8xf32>
    %next = arith.addf %sum, %row : tensor<1x8xf32>
    scf.yield %next : tensor<1x8xf32>
  }
  return %r : tensor<1x8xf32>
}

// What a reader in a loop wants first is written there, and its copy with it:
// before the loop it would not be there yet.
// CHECK-LABEL: func.func @fill_first_read_in_a_loop(
//       CHECK:   scf.for
//       CHECK:     %[[ONES:.*]] = kernel.generic
//       CHECK:     %[[ROWS:.*]] = kernel.gather {{.*}} input(%[[ONES]] at
//       CHECK:     kernel.norm {{.*}} input(%[[ROWS]] at
func.func @fill_first_read_in_a_loop(%start: tensor<1x4x8xf32>) -> tensor<1x4x8xf32> {
  %one = arith.constant 1.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %empty = tensor.empty() : tensor<1x8x4xf32>
  %ones = linalg.fill ins(%one : f32) outs(%empty : tensor<1x8x4xf32>) -> tensor<1x8x4xf32>
  %init = tensor.empty() : tensor<1x4x8xf32>
  %rows = linalg.transpose ins(%ones : tensor<1x8x4xf32>) outs(%init : tensor<1x4x8xf32>) permutation = [0, 2, 1]
  %r = scf.for %i = %c0 to %c4 step %c1 iter_args(%sum = %start) -> (tensor<1x4x8xf32>) {
    %norm = vit.layer_norm %rows epsilon 1.0e-05 : tensor<1x4x8xf32>
    %next = arith.addf %sum, %norm : tensor<1x4x8xf32>
    scf.yield %next : tensor<1x4x8xf32>
  }
  return %r : tensor<1x4x8xf32>
}

// A constant is there before the loop, and so is its copy.
// CHECK-LABEL: func.func @constant_first_read_in_a_loop(
//       CHECK:   %[[ROWS:.*]] = kernel.gather {{.*}} : tensor<1x8x4xf32>) init(
//       CHECK:   scf.for
//       CHECK:     kernel.norm {{.*}} input(%[[ROWS]] at
vit.weight @table : tensor<1x8x4xf32> seed(7 mean 0.0 scale 1.0)
func.func @constant_first_read_in_a_loop(%start: tensor<1x4x8xf32>) -> tensor<1x4x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %table = vit.constant #vit.expr<ref, [@table]> : tensor<1x8x4xf32>
  %init = tensor.empty() : tensor<1x4x8xf32>
  %rows = linalg.transpose ins(%table : tensor<1x8x4xf32>) outs(%init : tensor<1x4x8xf32>) permutation = [0, 2, 1]
  %r = scf.for %i = %c0 to %c4 step %c1 iter_args(%sum = %start) -> (tensor<1x4x8xf32>) {
    %norm = vit.layer_norm %rows epsilon 1.0e-05 : tensor<1x4x8xf32>
    %next = arith.addf %sum, %norm : tensor<1x4x8xf32>
    scf.yield %next : tensor<1x4x8xf32>
  }
  return %r : tensor<1x4x8xf32>
}

// What the condition reads is written again for the body.
// CHECK-LABEL: func.func @fill_first_read_by_a_condition(
//       CHECK:   scf.while
//       CHECK:     kernel.generic
//       CHECK:     scf.condition
//       CHECK:     %[[STEP:.*]] = kernel.generic
//       CHECK:     kernel.norm {{.*}} input(%[[STEP]] at
func.func @fill_first_read_by_a_condition(%x: tensor<1x1x4xf32>) -> tensor<1x1x4xf32> {
  %limit = arith.constant 1.0 : f32
  %c0 = arith.constant 0 : index
  %half = arith.constant 0.5 : f32
  %empty = tensor.empty() : tensor<1x1x4xf32>
  %step = linalg.fill ins(%half : f32) outs(%empty : tensor<1x1x4xf32>) -> tensor<1x1x4xf32>
  %r = scf.while (%a = %x) : (tensor<1x1x4xf32>) -> tensor<1x1x4xf32> {
    %first = tensor.extract %a[%c0, %c0, %c0] : tensor<1x1x4xf32>
    %more = tensor.extract %step[%c0, %c0, %c0] : tensor<1x1x4xf32>
    %sum = arith.addf %first, %more : f32
    %goes_on = arith.cmpf olt, %sum, %limit : f32
    scf.condition(%goes_on) %a : tensor<1x1x4xf32>
  } do {
  ^bb0(%a: tensor<1x1x4xf32>):
    %norm = vit.layer_norm %step epsilon 1.0e-05 : tensor<1x1x4xf32>
    %next = arith.addf %a, %norm : tensor<1x1x4xf32>
    scf.yield %next : tensor<1x1x4xf32>
  }
  return %r : tensor<1x1x4xf32>
}
