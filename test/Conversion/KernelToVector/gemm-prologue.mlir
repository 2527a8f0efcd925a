// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#tiling = #kernel.gemm_tiling<provider = vector, rows = 2, columns = 16, kBlock = 1536, unroll = 2, rowBlock = 4>
#groups = #kernel.gemm_tiling<provider = vector, rows = 2, columns = 16, kBlock = 1536, unroll = 2, rowBlock = 4, panels = 2>
#map = affine_map<(b, i, j) -> (b, i, j)>

module attributes {kernel.cpu = #cpu} {

// Scratch memory holds 4 rows of 8 values.
// CHECK-LABEL: func @gemm_norm(
//       CHECK:   kernel.launch %{{.*}} @gemm_n16_k8_norm {{.*}} scratch 128 work
func.func @gemm_norm(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x8xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x5x16xf32>
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #map : memref<?x5x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x5x16xf32>) norm <epsilon = 1.000000e-05 : f64> tiling #tiling
  return
}

// Five panels in groups of two: three tasks a block of rows.
// CHECK-LABEL: func @gemm_rms_norm(
//       CHECK:   %[[TASKS:.*]] = arith.muli %{{.*}}, %c3
//       CHECK:   kernel.launch %{{.*}} @gemm_n272_k8_rms_norm tasks(%[[TASKS]])
func.func @gemm_rms_norm(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x8xf32>
  %w = kernel.buffer %context input at 1 : memref<4352xf32>
  %y = kernel.buffer %context output : memref<?x5x272xf32>
  kernel.gemm batch(%b) rows(%n) n 272 k 8 lhs(%x at #map : memref<?x5x8xf32>) weights(%w : memref<4352xf32>)
      init(%y at #map : memref<?x5x272xf32>) norm <epsilon = 1.000000e-05 : f64, rms = true> tiling #groups
  return
}

// Rows of patches of 2 x 8 pixels.
// CHECK-LABEL: func @gemm_patches(
//       CHECK:   kernel.launch %{{.*}} @gemm_n16_k16 {{.*}} scratch 256 work
func.func @gemm_patches(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 4 : index
  %x = kernel.buffer %context input : memref<?x4x16xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x4x16xf32>
  kernel.gemm batch(%b) rows(%n) n 16 k 16
      lhs(%x at affine_map<(b, i, l) -> (b, 2 * (i floordiv 2) + l floordiv 8, 8 * (i mod 2) + l mod 8)>
          : memref<?x4x16xf32>)
      weights(%w : memref<256xf32>) init(%y at #map : memref<?x4x16xf32>) tiling #tiling
  return
}

// Seven of eight pixels in each of three rows.
// CHECK-LABEL: func @gemm_overlapping(
//       CHECK:   kernel.launch %{{.*}} @gemm_n16_k21 {{.*}} work
func.func @gemm_overlapping(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 4 : index
  %x = kernel.buffer %context input : memref<?x6x8xf32>
  %w = kernel.buffer %context input at 1 : memref<512xf32>
  %y = kernel.buffer %context output : memref<?x4x16xf32>
  kernel.gemm batch(%b) rows(%n) n 16 k 21
      lhs(%x at affine_map<(b, i, l) -> (b, i + l floordiv 7, l mod 7)> : memref<?x6x8xf32>)
      weights(%w : memref<512xf32>) init(%y at #map : memref<?x4x16xf32>) tiling #tiling
  return
}

// The pixels under a filter of 3 x 3, scaled, zeros outside of the map.
// CHECK-LABEL: func @gemm_taps(
//       CHECK:   kernel.launch %{{.*}} @gemm_n16_k72_scaled {{.*}} scratch 1152 work
func.func @gemm_taps(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 16 : index
  %x = kernel.buffer %context input : memref<?x4x4x8xf32>
  %w = kernel.buffer %context input at 1 : memref<1280xf32>
  %s = kernel.buffer %context input at 2 : memref<?x8xf32>
  %t = kernel.buffer %context input at 3 : memref<?x8xf32>
  %y = kernel.buffer %context output : memref<?x16x16xf32>
  kernel.gemm batch(%b) rows(%n) n 16 k 72
      lhs(%x at affine_map<(b, i, l) -> (b, i floordiv 4 + l floordiv 24 - 1, i mod 4 + (l floordiv 8) mod 3 - 1, l mod 8)>
          : memref<?x4x4x8xf32>) zero_outside
      lhs_scale(%s at affine_map<(b, l) -> (b, l mod 8)> : memref<?x8xf32>) lhs_shift(%t : memref<?x8xf32>)
      lhs_activation relu weights(%w : memref<1280xf32>) init(%y at #map : memref<?x16x16xf32>) tiling #tiling
  return
}

// The first task of a range, and of a block of rows, normalises the rows; the
// product reads what was written.
// CHECK-LABEL: func private @gemm_n16_k8_norm(
//  CHECK-SAME:     %[[TASK:[^ ]+]]: index, %[[FIRST:[^ ]+]]: index,
//   CHECK-DAG:   %[[COPY:.*]] = memref.view %{{.*}} to memref<32xf32>
//   CHECK-DAG:   %[[XFLAT:.*]] = memref.reinterpret_cast %{{.*}}5x8xf32>
//       CHECK:   scf.for
//       CHECK:     vector.load %[[XFLAT]]
//       CHECK:     arith.subf
//       CHECK:     math.sqrt
//       CHECK:     vector.store %{{.*}}, %[[COPY]]
//       CHECK:   scf.index_switch
//       CHECK:     memref.load %[[COPY]]
//   CHECK-NOT:     memref.load %[[XFLAT]]

// The second and third of three groups only copy where their range begins.
// CHECK-LABEL: func private @gemm_n272_k8_rms_norm(
//  CHECK-SAME:     %[[TASK:[^ ]+]]: index, %[[FIRST:[^ ]+]]: index,
//       CHECK:   %[[GROUP:.*]] = arith.remui %[[TASK]], %c3
//   CHECK-DAG:   %[[STARTS:.*]] = arith.cmpi eq, %[[TASK]], %[[FIRST]]
//   CHECK-DAG:   %[[NEW:.*]] = arith.cmpi eq, %[[GROUP]], %c0
//       CHECK:   %[[COPIES:.*]] = arith.ori %[[STARTS]], %[[NEW]]
//       CHECK:   scf.if %[[COPIES]] {
//   CHECK-NOT:     arith.subf
//       CHECK:     math.sqrt

// Eight pixels side by side are a vector.
// CHECK-LABEL: func private @gemm_n16_k16(
//       CHECK:   %[[COPY:.*]] = memref.view %{{.*}} to memref<64xf32>
//       CHECK:   scf.for
//       CHECK:     %[[UPPER:.*]] = vector.load {{.*}} vector<8xf32>
//       CHECK:     vector.store %[[UPPER]], %[[COPY]]
//       CHECK:     %[[LOWER:.*]] = vector.load {{.*}} vector<8xf32>
//       CHECK:     vector.store %[[LOWER]], %[[COPY]]
//   CHECK-NOT:   math.sqrt
//       CHECK:   scf.index_switch

// Two vectors of four that overlap copy each seven.
// CHECK-LABEL: func private @gemm_n16_k21(
//       CHECK:   scf.for
//       CHECK:     %[[FIRST:.*]] = vector.load %{{.*}}[%[[PLACE:.*]]] : {{.*}} vector<4xf32>
//       CHECK:     vector.store %[[FIRST]]
//       CHECK:     %[[LAST_PLACE:.*]] = arith.addi %[[PLACE]], %c3
//       CHECK:     %[[LAST:.*]] = vector.load %{{.*}}[%[[LAST_PLACE]]] : {{.*}} vector<4xf32>
//       CHECK:     vector.store %[[LAST]]
// CHECK-COUNT-4:     vector.load %{{.*}} vector<4xf32>
//   CHECK-NOT:     vector.load
//       CHECK:   scf.index_switch

// A row whose pixels are all inside is copied unchecked: the first and the last
// of rows and columns are seen once. Others are checked pixel by pixel.
// CHECK-LABEL: func private @gemm_n16_k72_scaled(
//   CHECK-DAG:   %[[COPY:.*]] = memref.view %{{.*}} to memref<288xf32>
//   CHECK-DAG:   %[[ZEROS:.*]] = arith.constant dense<0.000000e+00> : vector<8xf32>
//       CHECK:   scf.for
// CHECK-COUNT-2:     arith.andi
//       CHECK:     %[[INSIDE:.*]] = arith.andi
//  CHECK-NEXT:     scf.if %[[INSIDE]] {
//   CHECK-NOT:       arith.cmpi
//       CHECK:       %[[SCALED:.*]] = math.fma
//       CHECK:       %[[POSITIVE:.*]] = arith.select %{{.*}}, %[[ZEROS]], %[[SCALED]]
//       CHECK:       vector.store %[[POSITIVE]], %[[COPY]]
// CHECK-COUNT-8:       math.fma
//   CHECK-NOT:       math.fma
//       CHECK:     } else {
//       CHECK:       scf.for %{{.*}} = %c0 to %c72 step %c8
//       CHECK:         %[[HERE:.*]] = arith.andi
//       CHECK:         scf.if %[[HERE]] {
//       CHECK:           math.fma
//       CHECK:         } else {
//       CHECK:           vector.store %[[ZEROS]], %[[COPY]]
}
