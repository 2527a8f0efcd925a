// RUN: vit-opt %s -convert-vit-to-kernel -canonicalize | FileCheck %s

#id = affine_map<(b, c) -> (b, c)>
#column = affine_map<(b, c) -> (c)>

// A splat and a captured scalar become constants of the body; the index map of
// the slice is composed with the operand's.
// CHECK-DAG: #[[$ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[$SECOND:.*]] = affine_map<(d0, d1) -> (d0, 1, d1)>
// CHECK-LABEL: func @generic(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x2x8xf32>, %[[Y:[^ ]+]]: tensor<?x8xf32>
//   CHECK-DAG:   %[[TWO:.*]] = arith.constant 2.000000e+00 : f32
//   CHECK-DAG:   %[[THREE:.*]] = arith.constant 3.000000e+00 : f32
//       CHECK:   kernel.generic batch(%{{.*}}) sizes [8] inputs(%[[X]] : tensor<?x2x8xf32>) at [#[[$SECOND]]] init(%[[Y]] at #[[$ID]] : tensor<?x8xf32>)
//       CHECK:   ^bb0(%[[E:.*]]: f32):
//       CHECK:     %[[P:.*]] = arith.mulf %[[E]], %[[TWO]]
//       CHECK:     %[[S:.*]] = arith.addf %[[P]], %[[THREE]]
//       CHECK:     kernel.yield %[[S]]
func.func @generic(%x: tensor<?x2x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x2x8xf32>
  %three = arith.constant 3.0 : f32
  %two = arith.constant dense<2.0> : tensor<8xf32>
  %slice = tensor.extract_slice %x[0, 1, 0] [%n, 1, 8] [1, 1, 1] : tensor<?x2x8xf32> to tensor<?x8xf32>
  %e = tensor.empty(%n) : tensor<?x8xf32>
  %0 = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%slice, %two : tensor<?x8xf32>, tensor<8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.addf %1, %three : f32
    linalg.yield %2 : f32
  } -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// A constant, and memory that nobody wrote, are values of their own.
// CHECK-LABEL: func @splat(
//       CHECK:   %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
//       CHECK:   %[[X:.*]] = kernel.generic {{.*}} sizes [8] at []
//       CHECK:     kernel.yield %[[ONE]]
//       CHECK:   kernel.norm {{.*}} input(%[[X]]
func.func @splat() -> tensor<2x8xf32> {
  %x = arith.constant dense<1.0> : tensor<2x8xf32>
  %0 = vit.layer_norm %x epsilon 1.0e-06 : tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// CHECK-LABEL: func @empty(
//       CHECK:   %[[X:.*]] = tensor.empty() : tensor<2x8xf32>
//       CHECK:   kernel.norm {{.*}} input(%[[X]]
func.func @empty() -> tensor<2x8xf32> {
  %x = tensor.empty() : tensor<2x8xf32>
  %0 = vit.layer_norm %x epsilon 1.0e-06 : tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// The value that a fill starts from is the identity; loops in any order become
// the batch, then the results, then what is reduced.
// CHECK-LABEL: func @reduce(
//       CHECK:   kernel.generic batch(%{{.*}}) sizes [4] reduce [8] identity 1.000000e+00 : f32 inputs(%{{.*}} : tensor<?x8x4xf32>)
//       CHECK:   ^bb0(%[[E:.*]]: f32, %[[ACC:.*]]: f32):
//       CHECK:     arith.addf %[[ACC]], %[[E]]
func.func @reduce(%x: tensor<?x8x4xf32>) -> tensor<?x4xf32> {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x8x4xf32>
  %e = tensor.empty(%n) : tensor<?x4xf32>
  %f = linalg.fill ins(%one : f32) outs(%e : tensor<?x4xf32>) -> tensor<?x4xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(r, c, b) -> (b, r, c)>, affine_map<(r, c, b) -> (b, c)>],
                       iterator_types = ["reduction", "parallel", "parallel"]}
      ins(%x : tensor<?x8x4xf32>) outs(%f : tensor<?x4xf32>) {
  ^bb0(%a: f32, %acc: f32):
    %1 = arith.addf %acc, %a : f32
    linalg.yield %1 : f32
  } -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// Other values are copied to where the sum goes on from them.
// CHECK-LABEL: func @reduce_from_tensor(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<2x8xf32>, %[[START:[^ ]+]]: tensor<2xf32>, %[[OUT:[^ ]+]]: tensor<2xf32>
//       CHECK:   %[[COPY:.*]] = kernel.gather {{.*}} input(%[[START]] {{.*}} init(%[[OUT]]
//       CHECK:   kernel.generic {{.*}} sizes [2] reduce [8] inputs(%[[X]] {{.*}} init(%[[COPY]]
func.func @reduce_from_tensor(%x: tensor<2x8xf32>, %start: tensor<2xf32>) -> tensor<2xf32> {
  %0 = linalg.reduce ins(%x : tensor<2x8xf32>) outs(%start : tensor<2xf32>) dimensions = [1]
    (%a: f32, %acc: f32) {
      %1 = arith.addf %a, %acc : f32
      linalg.yield %1 : f32
    }
  return %0 : tensor<2xf32>
}

// A sum of everything has a box of one element.
// CHECK-LABEL: func @reduce_all(
//       CHECK:   kernel.generic batch(%c1) sizes [1] reduce [2, 8] identity
//       CHECK:   kernel.generic batch(%c2) sizes [8] inputs
func.func @reduce_all(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<f32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<f32>) -> tensor<f32>
  %sum = linalg.reduce ins(%x : tensor<2x8xf32>) outs(%f : tensor<f32>) dimensions = [0, 1]
    (%a: f32, %acc: f32) {
      %1 = arith.addf %a, %acc : f32
      linalg.yield %1 : f32
    }
  %o = tensor.empty() : tensor<2x8xf32>
  %0 = linalg.generic {indexing_maps = [#id, affine_map<(b, c) -> ()>, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum : tensor<2x8xf32>, tensor<f32>) outs(%o : tensor<2x8xf32>) {
  ^bb0(%a: f32, %s: f32, %out: f32):
    %1 = arith.divf %a, %s : f32
    linalg.yield %1 : f32
  } -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// Elements at computed indices come from a table, read through what moved it.
// CHECK-LABEL: func @tables(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x5xi64>, %[[T:[^ ]+]]: tensor<8x11xf32>
//       CHECK:   kernel.generic batch(%{{.*}}) sizes [5, 8] inputs(%[[X]] : tensor<?x5xi64>) at [#{{.*}}] tables(%[[T]] : tensor<8x11xf32>) through [#[[$SWAP:.*]]]
//       CHECK:     %[[ROW:.*]] = arith.index_cast
//       CHECK:     %[[C:.*]] = kernel.index 2
//       CHECK:     kernel.load 0[%[[ROW]], %[[C]]] : f32
func.func @tables(%x: tensor<?x5xi64>, %t: tensor<8x11xf32>) -> tensor<?x5x8xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x5xi64>
  %te = tensor.empty() : tensor<11x8xf32>
  %table = linalg.transpose ins(%t : tensor<8x11xf32>) outs(%te : tensor<11x8xf32>) permutation = [1, 0]
  %e = tensor.empty(%n) : tensor<?x5x8xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(b, i, c) -> (b, i)>, affine_map<(b, i, c) -> (b, i, c)>],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x : tensor<?x5xi64>) outs(%e : tensor<?x5x8xf32>) {
  ^bb0(%i: i64, %o: f32):
    %row = arith.index_cast %i : i64 to index
    %c = linalg.index 2 : index
    %v = tensor.extract %table[%row, %c] : tensor<11x8xf32>
    linalg.yield %v : f32
  } -> tensor<?x5x8xf32>
  return %0 : tensor<?x5x8xf32>
}

// One kernel a result; a scalar operand and a dim of one element are constants.
// CHECK-LABEL: func @results(
//       CHECK:   kernel.generic {{.*}} sizes [8] inputs(%{{[^ ]+}} : tensor<?x1x8xf32>)
//       CHECK:     arith.addf %{{.*}}, %cst
//       CHECK:   kernel.generic {{.*}} sizes [8] inputs(%{{[^ ]+}} : tensor<?x1x8xf32>)
//       CHECK:     arith.cmpf
//       CHECK:     kernel.yield %{{.*}} : i1
func.func @results(%x: tensor<?x1x8xf32>) -> (tensor<?x1x8xf32>, tensor<?x1x8xi1>) {
  %c0 = arith.constant 0 : index
  %two = arith.constant 2.0 : f32
  %n = tensor.dim %x, %c0 : tensor<?x1x8xf32>
  %e = tensor.empty(%n) : tensor<?x1x8xf32>
  %f = tensor.empty(%n) : tensor<?x1x8xi1>
  %0:2 = linalg.generic {indexing_maps = [affine_map<(b, i, c) -> (b, i, c)>, affine_map<(b, i, c) -> ()>,
                                          affine_map<(b, i, c) -> (b, i, c)>, affine_map<(b, i, c) -> (b, i, c)>],
                         iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %two : tensor<?x1x8xf32>, f32) outs(%e, %f : tensor<?x1x8xf32>, tensor<?x1x8xi1>) {
  ^bb0(%a: f32, %s: f32, %o: f32, %p: i1):
    %1 = arith.addf %a, %s : f32
    %2 = arith.cmpf ogt, %a, %s : f32
    linalg.yield %1, %2 : f32, i1
  } -> (tensor<?x1x8xf32>, tensor<?x1x8xi1>)
  return %0#0, %0#1 : tensor<?x1x8xf32>, tensor<?x1x8xi1>
}

// CHECK-LABEL: func @softmax(
//       CHECK:   kernel.generic {{.*}} sizes [4] reduce [8]
//       CHECK:     arith.maxnumf
//       CHECK:   kernel.generic {{.*}} sizes [4, 8]
//       CHECK:     math.exp
//       CHECK:   kernel.generic {{.*}} sizes [4] reduce [8]
//       CHECK:     arith.addf
//       CHECK:   kernel.generic {{.*}} sizes [4, 8]
//       CHECK:     arith.divf
func.func @softmax(%x: tensor<?x4x8xf32>) -> tensor<?x4x8xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x4x8xf32>
  %e = tensor.empty(%n) : tensor<?x4x8xf32>
  %0 = linalg.softmax dimension(2) ins(%x : tensor<?x4x8xf32>) outs(%e : tensor<?x4x8xf32>) -> tensor<?x4x8xf32>
  return %0 : tensor<?x4x8xf32>
}

// A scalar from outside of the body is computed within it.
// CHECK-LABEL: func @computed_fill(
//  CHECK-SAME:     %[[S:[^ ]+]]: tensor<2xf32>
//       CHECK:   kernel.generic {{.*}} sizes [8] at [] tables(%[[S]] : tensor<2xf32>)
//       CHECK:     %[[E:.*]] = kernel.load 0[%c1] : f32
//       CHECK:     kernel.yield %[[E]]
func.func @computed_fill(%s: tensor<2xf32>) -> tensor<4x8xf32> {
  %c1 = arith.constant 1 : index
  %v = tensor.extract %s[%c1] : tensor<2xf32>
  %e = tensor.empty() : tensor<4x8xf32>
  %0 = linalg.fill ins(%v : f32) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}
