// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// CHECK-DAG: #[[$CLS:.*]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG: #[[$TOKENS:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[$ROWS:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG: #[[$ROW:.*]] = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL: func @gather(
//       CHECK:   kernel.gather batch(%{{[^ ]+}}) sizes [1, 8] input(%{{[^ ]+}} at #[[$CLS]] : memref<1x8xf32>)
//  CHECK-SAME:       init(%{{[^ ]+}} at #[[$TOKENS]] : memref<?x5x8xf32>)
func.func @gather(%b: index, %cls: memref<1x8xf32>, %x: memref<?x5x8xf32>) {
  kernel.gather batch(%b) sizes [1, 8] input(%cls at affine_map<(b, n, c) -> (n, c)> : memref<1x8xf32>)
      init(%x at affine_map<(b, n, c) -> (b, n, c)> : memref<?x5x8xf32>)
  return
}

// CHECK-LABEL: func @generic(
//       CHECK:   kernel.generic batch(%{{[^ ]+}}) sizes [8] inputs(%{{[^ ]+}} : memref<?x8xf32>) at [#[[$ROW]]]
//  CHECK-SAME:       init(%{{[^ ]+}} at #[[$ROW]] : memref<?x8xf32>) {
//  CHECK-NEXT:   ^bb0(%[[X:.*]]: f32):
//  CHECK-NEXT:     %[[Y:.*]] = math.absf %[[X]] : f32
//  CHECK-NEXT:     kernel.yield %[[Y]] : f32
func.func @generic(%b: index, %x: memref<?x8xf32>, %y: memref<?x8xf32>) {
  kernel.generic batch(%b) sizes [8] inputs(%x : memref<?x8xf32>) at [affine_map<(b, c) -> (b, c)>]
      init(%y at affine_map<(b, c) -> (b, c)> : memref<?x8xf32>) {
  ^bb0(%e: f32):
    %0 = math.absf %e : f32
    kernel.yield %0 : f32
  }
  return
}

// CHECK-LABEL: func @generic_no_inputs(
//       CHECK:   kernel.generic batch(%{{[^ ]+}}) sizes [8] at []
//  CHECK-SAME:       init(%{{[^ ]+}} at #[[$ROW]] : tensor<?x8xf32>) tiling <rows = 2> {
//       CHECK:   } -> tensor<?x8xf32>
func.func @generic_no_inputs(%b: index, %y: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = kernel.generic batch(%b) sizes [8] at [] init(%y at affine_map<(b, c) -> (b, c)> : tensor<?x8xf32>)
      tiling <rows = 2> {
    %c = arith.constant 1.000000e+00 : f32
    kernel.yield %c : f32
  } -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK-LABEL: func @generic_reduce(
//       CHECK:   kernel.generic batch(%{{[^ ]+}}) sizes [8] reduce [3] identity 0.000000e+00 : f32 inputs(%{{[^ ]+}} : memref<?x8x3xf32>) at [#[[$TOKENS]]]
//  CHECK-SAME:       init(%{{[^ ]+}} at #[[$ROWS]] : memref<?x8xf32>) {
//  CHECK-NEXT:   ^bb0(%[[X:.*]]: f32, %[[SUM:.*]]: f32):
//       CHECK:   kernel.generic {{.*}} sizes [8] reduce [3] inputs
func.func @generic_reduce(%b: index, %x: memref<?x8x3xf32>, %y: memref<?x8xf32>) {
  kernel.generic batch(%b) sizes [8] reduce [3] identity 0.000000e+00 : f32
      inputs(%x : memref<?x8x3xf32>) at [affine_map<(b, c, r) -> (b, c, r)>]
      init(%y at affine_map<(b, c, r) -> (b, c)> : memref<?x8xf32>) {
  ^bb0(%e: f32, %sum: f32):
    %0 = arith.addf %sum, %e : f32
    kernel.yield %0 : f32
  }
  kernel.generic batch(%b) sizes [8] reduce [3]
      inputs(%x : memref<?x8x3xf32>) at [affine_map<(b, c, r) -> (b, c, r)>]
      init(%y at affine_map<(b, c, r) -> (b, c)> : memref<?x8xf32>) {
  ^bb0(%e: f32, %sum: f32):
    %0 = arith.addf %sum, %e : f32
    kernel.yield %0 : f32
  }
  return
}

// CHECK-LABEL: func @generic_tables(
//       CHECK:   kernel.generic {{.*}} at [#{{.*}}] tables(%{{[^ ]+}} : memref<9x8xf32>) through [#[[$ROW]]] init
//       CHECK:     %[[C:.*]] = kernel.index 1
//       CHECK:     kernel.load 0[%{{.*}}, %[[C]]] : f32
func.func @generic_tables(%b: index, %x: memref<?xi64>, %t: memref<9x8xf32>, %y: memref<?x8xf32>) {
  kernel.generic batch(%b) sizes [8] inputs(%x : memref<?xi64>) at [affine_map<(b, c) -> (b)>]
      tables(%t : memref<9x8xf32>) through [affine_map<(i, c) -> (i, c)>]
      init(%y at affine_map<(b, c) -> (b, c)> : memref<?x8xf32>) {
  ^bb0(%e: i64):
    %row = arith.index_cast %e : i64 to index
    %c = kernel.index 1
    %0 = kernel.load 0[%row, %c] : f32
    kernel.yield %0 : f32
  }
  return
}

// CHECK-LABEL: func @gather_offsets(
//       CHECK:   kernel.gather batch(%{{.*}}) sizes [1, 8] offsets(%{{.*}}, %{{.*}}) input(
func.func @gather_offsets(%b: index, %p: index, %q: index, %x: memref<?x4x8xf32>, %y: memref<?x64x8xf32>) {
  kernel.gather batch(%b) sizes [1, 8] offsets(%p, %q) input(%x at affine_map<(b, n, c, p, q) -> (b, n + p, c)> : memref<?x4x8xf32>)
      init(%y at affine_map<(b, n, c, p, q) -> (b, n + q, c)> : memref<?x64x8xf32>)
  return
}
