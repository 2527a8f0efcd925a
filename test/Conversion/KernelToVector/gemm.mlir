// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#tiling = #kernel.gemm_tiling<provider = vector, rows = 2, columns = 16, kBlock = 1536, unroll = 2, rowBlock = 256>
#map = affine_map<(b, i, j) -> (b, i, j)>

module attributes {kernel.cpu = #cpu} {

// 74 columns are one panel of 64, strip by strip, and a tail of 10, 8 + 2: two
// tasks a block of up to 256 rows. There are as many blocks for each thread, if
// they have 12 rows then. Both gemms run one function.
// CHECK-LABEL: func @gemm(
//   CHECK-DAG:   %[[C2:.*]] = arith.constant 2 : index
//   CHECK-DAG:   %[[C5:.*]] = arith.constant 5 : index
//   CHECK-DAG:   %[[C255:.*]] = arith.constant 255 : index
//   CHECK-DAG:   %[[C256:.*]] = arith.constant 256 : index
//       CHECK:   %[[B:.*]] = kernel.batch
//       CHECK:   %[[THREADS:.*]] = kernel.threads
//       CHECK:   %[[M:.*]] = arith.muli %[[B]], %[[C5]]
//       CHECK:   %[[UP:.*]] = arith.addi %[[M]], %[[C255]]
//       CHECK:   %[[LEAST:.*]] = arith.divui %[[UP]], %[[C256]]
//       CHECK:   %[[EACH:.*]] = arith.divui %{{.*}}, %[[THREADS]]
//       CHECK:   %[[EVEN:.*]] = arith.muli %[[EACH]], %[[THREADS]]
//       CHECK:   %[[MOST:.*]] = arith.divui %[[M]], %c12
//       CHECK:   %[[FEW:.*]] = arith.minui %[[EVEN]], %[[MOST]]
//       CHECK:   %[[BLOCKS:.*]] = arith.maxui %[[LEAST]], %[[FEW]]
//       CHECK:   %[[TASKS:.*]] = arith.muli %[[BLOCKS]], %[[C2]]
//       CHECK:   kernel.launch %{{.*}} @gemm_n74_k5 tasks(%[[TASKS]])
//  CHECK-SAME:     args(%[[B]], %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %[[TASKS]] :
//  CHECK-SAME:     index, memref<?x5x5xf32>, memref<1280xf32>, memref<74xf32>, memref<?x5x74xf32>, index)
//  CHECK-SAME:     scratch 0 work [0, 4070, 5416, 1580]
//       CHECK:   kernel.launch %{{.*}} @gemm_n74_k5 tasks
func.func @gemm(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x5xf32>
  %w = kernel.buffer %context input at 1 : memref<1280xf32>
  %v = kernel.buffer %context input at 2 : memref<1280xf32>
  %c = kernel.buffer %context input at 3 : memref<74xf32>
  %y = kernel.buffer %context output : memref<?x5x74xf32>
  %z = kernel.buffer %context output at 1 : memref<?x5x74xf32>
  kernel.gemm batch(%b) rows(%n) n 74 k 5 lhs(%x at #map : memref<?x5x5xf32>) weights(%w : memref<1280xf32>)
      bias(%c : memref<74xf32>) init(%y at #map : memref<?x5x74xf32>) tiling #tiling
  kernel.gemm batch(%b) rows(%n) n 74 k 5 lhs(%x at #map : memref<?x5x5xf32>) weights(%v : memref<1280xf32>)
      bias(%c : memref<74xf32>) init(%z at #map : memref<?x5x74xf32>) tiling #tiling
  return
}

// The residual is added to what the activation made of the sums, which pass
// through a scratch tile of 2 x 16.
// CHECK-LABEL: func @gemm_epilogue(
//       CHECK:   kernel.launch %{{.*}} @gemm_n16_k8_gelu_residual {{.*}} scratch 128 work
func.func @gemm_epilogue(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x8xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %r = kernel.buffer %context input at 2 : memref<?x5x16xf32>
  %y = kernel.buffer %context output : memref<?x5x16xf32>
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #map : memref<?x5x8xf32>) weights(%w : memref<256xf32>)
      residual(%r at #map : memref<?x5x16xf32>) init(%y at #map : memref<?x5x16xf32>) activation gelu tiling #tiling
  return
}

// K runs in two blocks of 4; the result holds the sums between them.
// CHECK-LABEL: func @gemm_k_blocks(
//       CHECK:   kernel.launch %{{.*}} @gemm_n16_k8 {{.*}} scratch 0
func.func @gemm_k_blocks(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x8xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x5x16xf32>
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #map : memref<?x5x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x5x16xf32>)
      tiling <provider = vector, rows = 2, columns = 16, kBlock = 4, unroll = 2, rowBlock = 256>
  return
}

// The first row of each item is skipped: offsets come from a table.
// CHECK-LABEL: func @gemm_skipped_rows(
//       CHECK:   kernel.launch %{{.*}} @gemm_n16_k8_0 {{.*}} scratch 64
func.func @gemm_skipped_rows(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 4 : index
  %x = kernel.buffer %context input : memref<?x5x8xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x4x16xf32>
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at affine_map<(b, i, l) -> (b, i + 1, l)> : memref<?x5x8xf32>)
      weights(%w : memref<256xf32>) init(%y at #map : memref<?x4x16xf32>) tiling #tiling
  return
}

// Another provider's gemm stays.
// CHECK-LABEL: func @gemm_onednn(
//       CHECK:   kernel.gemm
func.func @gemm_onednn(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 5 : index
  %x = kernel.buffer %context input : memref<?x5x8xf32>
  %w = kernel.buffer %context input at 1 : memref<256xf32>
  %y = kernel.buffer %context output : memref<?x5x16xf32>
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #map : memref<?x5x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x5x16xf32>)
      tiling <provider = onednn, rows = 2, columns = 16, kBlock = 1536, unroll = 2, rowBlock = 256>
  return
}

// A tile of 1 row in a case and 2 in the default. k 4 is what unrolling by 2
// leaves. Two vectors of weights meet one broadcast value of each row.
// CHECK-LABEL: func private @gemm_n74_k5(
//  CHECK-SAME:     %[[TASK:.*]]: index, %{{.*}}: index, %{{.*}}: memref<?xi8>, %{{.*}}: index, %[[X:.*]]: memref<?x5x5xf32>,
//  CHECK-SAME:     %[[W:.*]]: memref<1280xf32>, %[[BIAS:.*]]: memref<74xf32>, %[[Y:.*]]: memref<?x5x74xf32>,
//  CHECK-SAME:     %[[TASKS:.*]]: index)
//   CHECK-DAG:   %[[XFLAT:.*]] = memref.reinterpret_cast %[[X]]
//   CHECK-DAG:   %[[YFLAT:.*]] = memref.reinterpret_cast %[[Y]]
//   CHECK-DAG:   arith.remui %[[TASK]]
//   CHECK-DAG:   arith.divui %[[TASK]]
//   CHECK-DAG:   arith.divui %[[TASKS]]
//       CHECK:   scf.for
//       CHECK:     scf.for
//       CHECK:       scf.for
//       CHECK:         scf.index_switch
//       CHECK:         case 1 {
//       CHECK:           vector.load %[[BIAS]]
//       CHECK:           scf.for {{.*}} -> (vector<8xf32>, vector<8xf32>)
//       CHECK:             memref.prefetch %[[W]]
//       CHECK:         default {
//       CHECK:           vector.load %[[BIAS]]{{.*}} : memref<74xf32>, vector<8xf32>
//       CHECK:           scf.for {{.*}} -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>)
//       CHECK:             vector.load %[[W]]
//       CHECK:             vector.load %[[W]]
//       CHECK:             memref.load %[[XFLAT]]
//       CHECK:             vector.broadcast
// CHECK-COUNT-2:           math.fma
//       CHECK:             memref.load %[[XFLAT]]
//       CHECK:             vector.broadcast
// CHECK-COUNT-2:           math.fma
// CHECK-COUNT-4:         vector.store {{.*}}, %[[YFLAT]]
//       CHECK:   scf.if
//       CHECK:         vector.load %[[BIAS]]{{.*}} : memref<74xf32>, vector<8xf32>
//       CHECK:         vector.load %[[BIAS]]{{.*}} : memref<74xf32>, vector<2xf32>
//       CHECK:         vector.store {{.*}} : memref<?xf32>, vector<8xf32>
//       CHECK:         vector.store {{.*}} : memref<?xf32>, vector<2xf32>

// CHECK-LABEL: func private @gemm_n16_k8_gelu_residual(
//       CHECK:   %[[TILE:.*]] = memref.view {{.*}} to memref<32xf32>
//       CHECK:   vector.store {{.*}}, %[[TILE]]
//       CHECK:   scf.for
//       CHECK:     vector.load %[[TILE]]
//       CHECK:     math.absf
//       CHECK:     %[[TAIL:.*]] = math.fma
//       CHECK:     %[[RESIDUAL:.*]] = vector.load
//       CHECK:     arith.addf {{.*}}, %[[RESIDUAL]]
//       CHECK:     vector.store

// CHECK-LABEL: func private @gemm_n16_k8(
//       CHECK:   scf.for
//       CHECK:     %[[FIRST:.*]] = arith.cmpi eq
//       CHECK:     scf.if %[[FIRST]] -> (vector<8xf32>, vector<8xf32>)

// CHECK-LABEL: func private @gemm_n16_k8_0(
//       CHECK:   %[[TABLE:.*]] = memref.view {{.*}} to memref<2xindex>
//       CHECK:   scf.for
//       CHECK:     memref.store %{{.*}}, %[[TABLE]]
//       CHECK:   scf.index_switch
//       CHECK:     memref.load %[[TABLE]]
}
