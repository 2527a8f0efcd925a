// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>

module attributes {kernel.cpu = #cpu} {

// Each lane sums a column of its own, four vectors at once.
func.func @columns(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x7x64xf32>
  %y = kernel.buffer %context output at 0 : memref<?x64xf32>
  kernel.generic batch(%b) sizes [64] reduce [7] identity 0.0 : f32
      inputs(%x : memref<?x7x64xf32>) at [affine_map<(b, c, r) -> (b, r, c)>]
      init(%y at affine_map<(b, c, r) -> (b, c)> : memref<?x64xf32>) tiling <rows = 64> {
  ^bb0(%e: f32, %sum: f32):
    %0 = arith.addf %sum, %e : f32
    kernel.yield %0 : f32
  }
  return
}

// Lanes sum parts of a row; halves are added until one element is left. The
// row's rest, which fills no vector, is added last.
func.func @rows(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x5x19xf32>
  %y = kernel.buffer %context output at 0 : memref<?x5xf32>
  kernel.generic batch(%b) sizes [5] reduce [19] identity 0.0 : f32
      inputs(%x : memref<?x5x19xf32>) at [affine_map<(b, c, r) -> (b, c, r)>]
      init(%y at affine_map<(b, c, r) -> (b, c)> : memref<?x5xf32>) tiling <rows = 64> {
  ^bb0(%e: f32, %sum: f32):
    %0 = arith.mulf %e, %e : f32
    %1 = arith.addf %sum, %0 : f32
    kernel.yield %1 : f32
  }
  return
}

// What is no associative op stays in order, a scalar.
func.func @negative_in_order(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x19xf32>
  %y = kernel.buffer %context output at 0 : memref<?xf32>
  kernel.generic batch(%b) sizes [1] reduce [19] identity 0.0 : f32
      inputs(%x : memref<?x19xf32>) at [affine_map<(b, c, r) -> (b, r)>]
      init(%y at affine_map<(b, c, r) -> (b + c)> : memref<?xf32>) tiling <rows = 64> {
  ^bb0(%e: f32, %last: f32):
    %0 = arith.subf %e, %last : f32
    kernel.yield %0 : f32
  }
  return
}

// CHECK-LABEL: func private @reduce_64(
//       CHECK:   scf.for {{.*}} step %c32
//       CHECK:     scf.for {{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
// CHECK-COUNT-4:       arith.addf {{.*}} : vector<8xf32>
// CHECK-COUNT-4:     vector.store

// CHECK-LABEL: func private @reduce_5(
//       CHECK:   math.fma {{.*}} : vector<8xf32>
//       CHECK:   math.fma {{.*}} : f32
//       CHECK:   vector.extract_strided_slice {{.*}} : vector<8xf32> to vector<4xf32>
//       CHECK:   arith.addf {{.*}} : vector<4xf32>
//       CHECK:   arith.addf {{.*}} : vector<2xf32>
//       CHECK:   arith.addf {{.*}} : vector<1xf32>
//       CHECK:   memref.store

// CHECK-LABEL: func private @reduce_1(
//   CHECK-NOT:   vector
//       CHECK:   arith.subf {{.*}} : f32
//   CHECK-NOT:   vector
}
