// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#tiling = #kernel.gemm_tiling<provider = vector, rows = 4, columns = 16, kBlock = 1536, unroll = 2, rowBlock = 2048>
#map = affine_map<(b, i, j) -> (b, i, j)>

module attributes {kernel.cpu = #cpu} {

// 512 KiB of results lie beyond L2: a tile of 4 rows asks for a line of each, and
// of the residual, before its sums. ReLU is applied in registers.
// CHECK-LABEL: func private @gemm_n64_k16_relu_residual(
//  CHECK-SAME:     %[[R:[^ ]*]]: memref<1x2048x64xf32>, %[[Y:[^ ]*]]: memref<1x2048x64xf32>
//   CHECK-DAG:   %[[RFLAT:.*]] = memref.reinterpret_cast %[[R]]
//   CHECK-DAG:   %[[YFLAT:.*]] = memref.reinterpret_cast %[[Y]]
//       CHECK:   default {
// CHECK-COUNT-4:   memref.prefetch %[[YFLAT]]{{.*}}, read, locality<3>
// CHECK-COUNT-4:   memref.prefetch %[[RFLAT]]{{.*}}, read, locality<3>
//   CHECK-NOT:     memref.prefetch %[[YFLAT]]
//       CHECK:     scf.for
//       CHECK:       math.fma
//       CHECK:     %[[ISLESS:.*]] = arith.cmpf ogt, %{{.*}}, %[[SUM:.*]] : vector<8xf32>
//       CHECK:     %[[RELU:.*]] = arith.select %[[ISLESS]], %{{.*}}, %[[SUM]]
//       CHECK:     arith.addf %[[RELU]],
//       CHECK:     vector.store {{.*}}, %[[YFLAT]]
func.func @far(%context: !kernel.context) {
  %one = arith.constant 1 : index
  %n = arith.constant 2048 : index
  %x = kernel.buffer %context input : memref<1x2048x16xf32>
  %w = kernel.buffer %context input at 1 : memref<1024xf32>
  %r = kernel.buffer %context input at 2 : memref<1x2048x64xf32>
  %y = kernel.buffer %context output : memref<1x2048x64xf32>
  kernel.gemm batch(%one) rows(%n) n 64 k 16 lhs(%x at #map : memref<1x2048x16xf32>) weights(%w : memref<1024xf32>)
      residual(%r at #map : memref<1x2048x64xf32>) init(%y at #map : memref<1x2048x64xf32>)
      activation relu tiling #tiling
  return
}

// A runtime batch leaves no registers to the addresses.
// CHECK-LABEL: func private @gemm_n64_k16(
//   CHECK-NOT:   memref.prefetch {{.*}} locality<3>
//       CHECK:   return
func.func @runtime_batch(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 2048 : index
  %x = kernel.buffer %context input : memref<?x2048x16xf32>
  %w = kernel.buffer %context input at 1 : memref<1024xf32>
  %y = kernel.buffer %context output : memref<?x2048x64xf32>
  kernel.gemm batch(%b) rows(%n) n 64 k 16 lhs(%x at #map : memref<?x2048x16xf32>) weights(%w : memref<1024xf32>)
      init(%y at #map : memref<?x2048x64xf32>) tiling #tiling
  return
}
}
