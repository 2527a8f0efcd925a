// RUN: vit-opt %s -kernel-schedule-nvptx | FileCheck %s
// RUN: vit-opt %s -kernel-schedule-nvptx=arch=sm_90a | FileCheck %s --check-prefix=HOPPER
// RUN: vit-opt %s -kernel-schedule-nvptx=arch=sm_120 | FileCheck %s

#map = affine_map<(b, i, j) -> (b, i, j)>

// One row, as a decoder's step has: narrow blocks where there are few columns.
// CHECK-LABEL: func @one_row(
//       CHECK:   tiling <provider = nvvm, rows = 1, columns = 8, kBlock = 768, unroll = 1, rowBlock = 1>
//       CHECK:   tiling <provider = nvvm, rows = 1, columns = 64, kBlock = 768, unroll = 1, rowBlock = 1>
func.func @one_row(%x: memref<1x1x768xf32>, %w: memref<589824xf32>, %y: memref<1x1x768xf32>,
                   %v: memref<24576000xf32>, %z: memref<1x1x32000xf32>) {
  %one = arith.constant 1 : index
  kernel.gemm batch(%one) rows(%one) n 768 k 768 lhs(%x at #map : memref<1x1x768xf32>)
      weights(%w : memref<589824xf32>) init(%y at #map : memref<1x1x768xf32>)
  kernel.gemm batch(%one) rows(%one) n 32000 k 768 lhs(%x at #map : memref<1x1x768xf32>)
      weights(%v : memref<24576000xf32>) init(%z at #map : memref<1x1x32000xf32>)
  return
}

// Where the batch is open a block takes four rows; terms that do not fit into
// shared memory come in equal parts, but for rows that are normalised.
// CHECK-LABEL: func @few_rows(
//       CHECK:   tiling <provider = nvvm, rows = 4, columns = 8, kBlock = 1536, unroll = 1, rowBlock = 4>
//       CHECK:   norm {{.*}} tiling <provider = nvvm, rows = 4, columns = 8, kBlock = 3072, unroll = 1, rowBlock = 4>
func.func @few_rows(%context: !kernel.context) {
  %b = kernel.batch %context
  %one = arith.constant 1 : index
  %x = kernel.buffer %context input : memref<?x1x3072xf32>
  %w = kernel.buffer %context input at 1 : memref<2359296xf32>
  %y = kernel.buffer %context output : memref<?x1x768xf32>
  kernel.gemm batch(%b) rows(%one) n 768 k 3072 lhs(%x at #map : memref<?x1x3072xf32>)
      weights(%w : memref<2359296xf32>) init(%y at #map : memref<?x1x768xf32>)
  kernel.gemm batch(%b) rows(%one) n 768 k 3072 lhs(%x at #map : memref<?x1x3072xf32>)
      weights(%w : memref<2359296xf32>) init(%y at #map : memref<?x1x768xf32>) norm <epsilon = 1.000000e-05 : f64>
  return
}

// Small blocks for a picture of 197 tokens, larger ones for many rows.
// CHECK-LABEL: func @tiles(
//       CHECK:   tiling <provider = nvvm, rows = 4, columns = 4, kBlock = 16, unroll = 3, rowBlock = 32>
//       CHECK:   tiling <provider = nvvm, rows = 8, columns = 8, kBlock = 16, unroll = 3, rowBlock = 128, panels = 2>
func.func @tiles(%x: memref<1x197x768xf32>, %w: memref<589824xf32>, %y: memref<1x197x768xf32>,
                 %u: memref<1x4097x768xf32>, %z: memref<1x4097x768xf32>) {
  %one = arith.constant 1 : index
  %n = arith.constant 197 : index
  %m = arith.constant 4097 : index
  kernel.gemm batch(%one) rows(%n) n 768 k 768 lhs(%x at #map : memref<1x197x768xf32>)
      weights(%w : memref<589824xf32>) init(%y at #map : memref<1x197x768xf32>)
  kernel.gemm batch(%one) rows(%m) n 768 k 768 lhs(%u at #map : memref<1x4097x768xf32>)
      weights(%w : memref<589824xf32>) init(%z at #map : memref<1x4097x768xf32>)
  return
}

// By weights of 16 bits a micro-tile is a warp's; on sm_90a, where there is
// enough to do, a warpgroup's: 33 x 4 tiles are one for each multiprocessor.
// CHECK-LABEL: func @tensor_tiles(
//       CHECK:   tiling <provider = nvvm, rows = 16, columns = 16, kBlock = 32, unroll = 3, rowBlock = 32>
//       CHECK:   tiling <provider = nvvm, rows = 64, columns = 32, kBlock = 32, unroll = 3, rowBlock = 128, panels = 2>
// HOPPER-LABEL: func @tensor_tiles(
//       HOPPER:   tiling <provider = nvvm, rows = 16, columns = 16, kBlock = 32, unroll = 3, rowBlock = 32>
//       HOPPER:   tiling <provider = nvvm, rows = 64, columns = 192, kBlock = 32, unroll = 8, rowBlock = 128, panels = 3>
func.func @tensor_tiles(%x: memref<1x197x768xf32>, %w: memref<589824xbf16>, %y: memref<1x197x768xf32>,
                        %u: memref<1x4097x768xf32>, %z: memref<1x4097x768xf32>) {
  %one = arith.constant 1 : index
  %n = arith.constant 197 : index
  %m = arith.constant 4097 : index
  kernel.gemm batch(%one) rows(%n) n 768 k 768 lhs(%x at #map : memref<1x197x768xf32>)
      weights(%w : memref<589824xbf16>) init(%y at #map : memref<1x197x768xf32>)
  kernel.gemm batch(%one) rows(%m) n 768 k 768 lhs(%u at #map : memref<1x4097x768xf32>)
      weights(%w : memref<589824xbf16>) init(%z at #map : memref<1x4097x768xf32>)
  return
}

// Of many rows blocks are as large as they get. Rows that are copied come 64
// terms a step, as many steps as fit into shared memory.
// HOPPER-LABEL: func @warpgroups(
//       HOPPER:   tiling <provider = nvvm, rows = 64, columns = 256, kBlock = 64, unroll = 4, rowBlock = 128, panels = 4>
//       HOPPER:   norm {{.*}} tiling <provider = nvvm, rows = 64, columns = 256, kBlock = 32, unroll = 8, rowBlock = 128, panels = 4>
func.func @warpgroups(%x: memref<256x197x768xbf16>, %w: memref<1769472xbf16>, %y: memref<256x197x2304xbf16>,
                      %u: memref<256x197x768xf32>) {
  %batch = arith.constant 256 : index
  %n = arith.constant 197 : index
  kernel.gemm batch(%batch) rows(%n) n 2304 k 768 lhs(%x at #map : memref<256x197x768xbf16>)
      weights(%w : memref<1769472xbf16>) init(%y at #map : memref<256x197x2304xbf16>)
  kernel.gemm batch(%batch) rows(%n) n 2304 k 768 lhs(%u at #map : memref<256x197x768xf32>)
      weights(%w : memref<1769472xbf16>) init(%y at #map : memref<256x197x2304xbf16>) norm <epsilon = 1.000000e-05 : f64>
  return
}

// Few rows of a chunk that has statistics are a block's tile all the same.
// CHECK-LABEL: func @statistics(
//       CHECK:   tiling <provider = nvvm, rows = 4, columns = 4, kBlock = 16, unroll = 3, rowBlock = 32>
func.func @statistics(%x: memref<1x8x48xf32>, %w: memref<3072xf32>, %y: memref<1x8x64xf32>,
                      %s: memref<1x1x2x64xf32>) {
  %one = arith.constant 1 : index
  %n = arith.constant 8 : index
  kernel.gemm batch(%one) rows(%n) n 64 k 48 lhs(%x at #map : memref<1x8x48xf32>) weights(%w : memref<3072xf32>)
      init(%y at #map : memref<1x8x64xf32>) statistics(%s : memref<1x1x2x64xf32>)
  return
}

// By weights of tf32 a step has half as many terms, in as many bytes; what
// warpgroups multiply is of 16 bits.
// CHECK-LABEL: func @tf32_tiles(
//       CHECK:   tiling <provider = nvvm, rows = 16, columns = 16, kBlock = 16, unroll = 3, rowBlock = 32>
//       CHECK:   tiling <provider = nvvm, rows = 64, columns = 32, kBlock = 16, unroll = 3, rowBlock = 128, panels = 2>
// HOPPER-LABEL: func @tf32_tiles(
//       HOPPER:   tiling <provider = nvvm, rows = 16, columns = 16, kBlock = 16, unroll = 3, rowBlock = 32>
//       HOPPER:   tiling <provider = nvvm, rows = 64, columns = 32, kBlock = 16, unroll = 3, rowBlock = 128, panels = 2>
func.func @tf32_tiles(%x: memref<1x197x768xtf32>, %w: memref<589824xtf32>, %y: memref<1x197x768xf32>,
                      %u: memref<1x4097x768xtf32>, %z: memref<1x4097x768xf32>) {
  %one = arith.constant 1 : index
  %n = arith.constant 197 : index
  %m = arith.constant 4097 : index
  kernel.gemm batch(%one) rows(%n) n 768 k 768 lhs(%x at #map : memref<1x197x768xtf32>)
      weights(%w : memref<589824xtf32>) init(%y at #map : memref<1x197x768xf32>)
  kernel.gemm batch(%one) rows(%m) n 768 k 768 lhs(%u at #map : memref<1x4097x768xtf32>)
      weights(%w : memref<589824xtf32>) init(%z at #map : memref<1x4097x768xf32>)
  return
}
