// RUN: vit-opt %s -kernel-schedule-nvptx -convert-kernel-to-nvvm | FileCheck %s
// RUN: vit-opt %s -kernel-schedule-nvptx | FileCheck %s --check-prefix=TILE

// As many blocks share a multiprocessor as the registers of their threads let.
// Each element of the last product has an address and bounds of its own: the
// tile is one that has registers for them.
// TILE-COUNT-3: tiling <provider = nvvm, rows = 8, columns = 8,
//         TILE: zero_outside {{.*}} tiling <provider = nvvm, rows = 4, columns = 8,

#map = affine_map<(b, i, j) -> (b, i, j)>
#columns = affine_map<(b, i, l) -> (b, l floordiv 49, i + (l floordiv 7) mod 7 - 3)>
#tiling = #kernel.gemm_tiling<provider = nvvm, rows = 8, columns = 8, kBlock = 16, unroll = 3, rowBlock = 128>

func.func @gemms(%context: !kernel.context) {
  %one = arith.constant 1 : index
  %n = arith.constant 16384 : index
  %x = kernel.buffer %context input : memref<1x16384x64xf32>
  %w = kernel.buffer %context input at 1 : memref<4096xf32>
  %u = kernel.buffer %context input at 2 : memref<1x3x16384xf32>
  %t = kernel.buffer %context input at 3 : memref<10240xf32>
  %y = kernel.buffer %context output : memref<1x16384x64xf32>
  %s = kernel.buffer %context output at 1 : memref<1x1x2x64xf32>
  kernel.gemm batch(%one) rows(%n) n 64 k 64 lhs(%x at #map : memref<1x16384x64xf32>) weights(%w : memref<4096xf32>)
      init(%y at #map : memref<1x16384x64xf32>) tiling #tiling
  kernel.gemm batch(%one) rows(%n) n 64 k 64 lhs(%x at #map : memref<1x16384x64xf32>) weights(%w : memref<4096xf32>)
      init(%y at #map : memref<1x16384x64xf32>) norm <epsilon = 1.000000e-06 : f64> tiling #tiling
  kernel.gemm batch(%one) rows(%n) n 64 k 64 lhs(%x at #map : memref<1x16384x64xf32>) weights(%w : memref<4096xf32>)
      init(%y at #map : memref<1x16384x64xf32>) statistics(%s : memref<1x1x2x64xf32>) tiling #tiling
  kernel.gemm batch(%one) rows(%n) n 64 k 147 lhs(%u at #columns : memref<1x3x16384xf32>) zero_outside
      weights(%t : memref<10240xf32>) init(%y at #map : memref<1x16384x64xf32>)
  return
}

// CHECK-LABEL: llvm.func @gemm_n64_k64(
//  CHECK-SAME:   nvvm.minctasm = 4 : i32
// What is normalised passes through registers.
// CHECK-LABEL: llvm.func @gemm_n64_k64_norm(
//  CHECK-SAME:   nvvm.minctasm = 3 : i32
// Sums are kept over all rows of a chunk.
// CHECK-LABEL: llvm.func @gemm_n64_k64_statistics(
//  CHECK-SAME:   nvvm.minctasm = 2 : i32
