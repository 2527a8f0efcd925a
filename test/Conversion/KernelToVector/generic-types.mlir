// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s

#cpu = #kernel.cpu<isa = "x86-64-v2", cpu = "x86-64-v2", features = "", lanes = 4, registers = 16, fma = false>
#row = affine_map<(b, c) -> (b, c)>

module attributes {kernel.cpu = #cpu} {

// A byte each in memory; vectors are as long as the widest type allows.
func.func @booleans(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x32xi1>
  %y = kernel.buffer %context output at 0 : memref<?x32xi1>
  kernel.generic batch(%b) sizes [32] inputs(%x : memref<?x32xi1>) at [#row] init(%y at #row : memref<?x32xi1>)
      tiling <rows = 8> {
  ^bb0(%a: i1):
    %true = arith.constant true
    %0 = arith.xori %a, %true : i1
    kernel.yield %0 : i1
  }
  return
}

// Without an instruction for the cast, it is integer arithmetic.
func.func @half(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x4x2xf16>
  %y = kernel.buffer %context output at 0 : memref<?x4x2xf16>
  kernel.generic batch(%b) sizes [8] inputs(%x : memref<?x4x2xf16>)
      at [affine_map<(b, c) -> (b, c floordiv 2, c mod 2)>]
      init(%y at affine_map<(b, c) -> (b, c floordiv 2, c mod 2)> : memref<?x4x2xf16>) tiling <rows = 8> {
  ^bb0(%a: f16):
    %0 = arith.mulf %a, %a : f16
    kernel.yield %0 : f16
  }
  return
}

// Whole rows of a table are vectors; the row's number is a scalar.
func.func @embedding(%context: !kernel.context) {
  %b = kernel.batch %context
  %t = kernel.buffer %context input at 0 : memref<9x16xf32>
  %x = kernel.buffer %context input at 1 : memref<?xi64>
  %y = kernel.buffer %context output at 0 : memref<?x16xf32>
  kernel.generic batch(%b) sizes [16] inputs(%x : memref<?xi64>) at [affine_map<(b, c) -> (b)>]
      tables(%t : memref<9x16xf32>) through [affine_map<(i, c) -> (i, c)>]
      init(%y at #row : memref<?x16xf32>) tiling <rows = 8> {
  ^bb0(%token: i64):
    %i = arith.index_cast %token : i64 to index
    %c = kernel.index 1
    %0 = kernel.load 0[%i, %c] : f32
    kernel.yield %0 : f32
  }
  return
}

// CHECK-LABEL: func private @generic_32({{.*}}memref<?x32xi8>, {{.*}}memref<?x32xi8>)
//       CHECK:   vector.load {{.*}} vector<16xi8>
//       CHECK:   arith.trunci {{.*}} : vector<16xi8> to vector<16xi1>
//       CHECK:   arith.xori
//       CHECK:   arith.extui {{.*}} : vector<16xi1> to vector<16xi8>
//       CHECK:   vector.store

// CHECK-LABEL: func private @generic_8(
//   CHECK-NOT:   arith.{{extf|truncf}}
//       CHECK:   arith.mulf {{.*}} : vector<8xf32>
//   CHECK-NOT:   arith.{{extf|truncf}}
//       CHECK:   return

// CHECK-LABEL: func private @generic_16(
//       CHECK:   memref.load {{.*}} : memref<?xi64>
//       CHECK:   arith.index_cast {{.*}} : i64 to index
//       CHECK:   vector.load {{.*}} vector<4xf32>
//       CHECK:   vector.store
}
