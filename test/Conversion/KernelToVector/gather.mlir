// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#row = affine_map<(b, i, c) -> (b, i, c)>

module attributes {kernel.cpu = #cpu} {

// Patches of 3 x 16 x 16 become rows: 16 pixels at a time lie side by side, two
// vectors.
// CHECK-LABEL: func @gather_patches(
//       CHECK:   kernel.launch %{{.*}} @gather_4x768 tasks
func.func @gather_patches(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x3x32x32xf32>
  %y = kernel.buffer %context output at 0 : memref<?x4x768xf32>
  kernel.gather batch(%b) sizes [4, 768]
      input(%x at affine_map<(b, i, c) -> (b, c floordiv 256, (i floordiv 2) * 16 + (c mod 256) floordiv 16,
                                           (i mod 2) * 16 + c mod 16)> : memref<?x3x32x32xf32>)
      init(%y at #row : memref<?x4x768xf32>) tiling <rows = 2>
  return
}

// Patches of 14 pixels a row: a vector of 8, one of 4, one of 2.
// CHECK-LABEL: func @gather_odd_patches(
//       CHECK:   kernel.launch %{{.*}} @gather_4x588 tasks
func.func @gather_odd_patches(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x3x28x28xf32>
  %y = kernel.buffer %context output at 0 : memref<?x4x588xf32>
  kernel.gather batch(%b) sizes [4, 588]
      input(%x at affine_map<(b, i, c) -> (b, c floordiv 196, (i floordiv 2) * 14 + (c mod 196) floordiv 14,
                                           (i mod 2) * 14 + c mod 14)> : memref<?x3x28x28xf32>)
      init(%y at #row : memref<?x4x588xf32>) tiling <rows = 2>
  return
}

// A class token that is the same for all images.
// CHECK-LABEL: func @gather_token(
//       CHECK:   kernel.launch %{{.*}} @gather_16 tasks
func.func @gather_token(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<16xf32>
  %y = kernel.buffer %context output at 0 : memref<?x5x16xf32>
  kernel.gather batch(%b) sizes [16] input(%x at affine_map<(b, c) -> (c)> : memref<16xf32>)
      init(%y at affine_map<(b, c) -> (b, 0, c)> : memref<?x5x16xf32>) tiling <rows = 2>
  return
}

// A transpose has no two elements side by side in both: scalars.
// CHECK-LABEL: func @negative_gather_transpose(
//       CHECK:   kernel.launch %{{.*}} @gather_8x6 tasks
func.func @negative_gather_transpose(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x6x8xf32>
  %y = kernel.buffer %context output at 0 : memref<?x8x6xf32>
  kernel.gather batch(%b) sizes [8, 6] input(%x at affine_map<(b, i, c) -> (b, c, i)> : memref<?x6x8xf32>)
      init(%y at #row : memref<?x8x6xf32>) tiling <rows = 2>
  return
}

// CHECK-LABEL: func private @gather_4x768(
//       CHECK:   scf.for %{{.*}} = %c0 to %c768 step %c16
//       CHECK:     scf.for %{{.*}} = %c0 to %c16 step %c8
//       CHECK:       vector.load {{.*}} vector<8xf32>
//       CHECK:       vector.store {{.*}} vector<8xf32>

// CHECK-LABEL: func private @gather_4x588(
//       CHECK:   scf.for %{{.*}} = %c0 to %c588 step %c14
//       CHECK:     vector.load {{.*}} vector<8xf32>
//       CHECK:     vector.load {{.*}} vector<4xf32>
//       CHECK:     vector.load {{.*}} vector<2xf32>

// CHECK-LABEL: func private @gather_16(
//       CHECK:   scf.for %[[C:.*]] = %c0 to %c16 step %c8
//       CHECK:     vector.load %{{.*}}[%[[C]]] : memref<16xf32>, vector<8xf32>

// CHECK-LABEL: func private @gather_8x6(
//   CHECK-NOT:   vector
//       CHECK:   memref.load
//       CHECK:   memref.store
//   CHECK-NOT:   vector
}
