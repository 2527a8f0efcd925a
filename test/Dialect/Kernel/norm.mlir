// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// CHECK-DAG: #[[$ROWS:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[$SKIP:.*]] = affine_map<(d0, d1, d2) -> (d0, d1 + 1, d2)>
// CHECK-DAG: #[[$POOLED:.*]] = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL: func @norm(
//       CHECK:   kernel.norm batch(%{{[^ ]+}}) rows(%{{[^ ]+}}) channels 8 epsilon 9.9999999999999995E-7
//  CHECK-SAME:       input(%{{[^ ]+}} at #[[$ROWS]] : memref<?x9x8xf32>) scale(%{{[^ ]+}} : memref<8xf32>)
//  CHECK-SAME:       shift(%{{[^ ]+}} : memref<8xf32>) init(%{{[^ ]+}} at #[[$ROWS]] : memref<?x9x8xf32>)
func.func @norm(%b: index, %n: index, %x: memref<?x9x8xf32>, %g: memref<8xf32>, %s: memref<8xf32>, %y: memref<?x9x8xf32>) {
  kernel.norm batch(%b) rows(%n) channels 8 epsilon 1.000000e-06
      input(%x at affine_map<(b, i, c) -> (b, i, c)> : memref<?x9x8xf32>) scale(%g : memref<8xf32>)
      shift(%s : memref<8xf32>) init(%y at affine_map<(b, i, c) -> (b, i, c)> : memref<?x9x8xf32>)
  return
}

// CHECK-LABEL: func @norm_plain(
//       CHECK:   input(%{{[^ ]+}} at #[[$ROWS]] : tensor<?x9x8xf32>) init(%{{[^ ]+}} at #[[$ROWS]] : tensor<?x9x8xf32>) tiling <rows = 4> -> tensor<?x9x8xf32>
func.func @norm_plain(%b: index, %n: index, %x: tensor<?x9x8xf32>, %y: tensor<?x9x8xf32>) -> tensor<?x9x8xf32> {
  %0 = kernel.norm batch(%b) rows(%n) channels 8 epsilon 1.000000e-06
      input(%x at affine_map<(b, i, c) -> (b, i, c)> : tensor<?x9x8xf32>)
      init(%y at affine_map<(b, i, c) -> (b, i, c)> : tensor<?x9x8xf32>) tiling <rows = 4> -> tensor<?x9x8xf32>
  return %0 : tensor<?x9x8xf32>
}

// CHECK-LABEL: func @mean(
//       CHECK:   kernel.mean batch(%{{[^ ]+}}) rows(%{{[^ ]+}}) channels 8 input(%{{[^ ]+}} at #[[$SKIP]] : memref<?x9x8xf32>)
//  CHECK-SAME:       init(%{{[^ ]+}} at #[[$POOLED]] : memref<?x8xf32>)
func.func @mean(%b: index, %n: index, %x: memref<?x9x8xf32>, %y: memref<?x8xf32>) {
  kernel.mean batch(%b) rows(%n) channels 8 input(%x at affine_map<(b, i, c) -> (b, i + 1, c)> : memref<?x9x8xf32>)
      init(%y at affine_map<(b, c) -> (b, c)> : memref<?x8xf32>)
  return
}

// CHECK-LABEL: func @norm_rms(
//       CHECK:   kernel.norm batch(%{{.*}}) rows(%{{.*}}) channels 8 rms epsilon
func.func @norm_rms(%b: index, %n: index, %x: memref<?x9x8xf32>) {
  kernel.norm batch(%b) rows(%n) channels 8 rms epsilon 1.000000e-06
      input(%x at affine_map<(b, i, c) -> (b, i, c)> : memref<?x9x8xf32>)
      init(%x at affine_map<(b, i, c) -> (b, i, c)> : memref<?x9x8xf32>)
  return
}
