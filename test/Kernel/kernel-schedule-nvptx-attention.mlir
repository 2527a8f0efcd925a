// RUN: vit-opt %s -kernel-schedule-nvptx=arch=sm_80 | FileCheck %s
// RUN: vit-opt %s -kernel-schedule-nvptx=arch=sm_90a | FileCheck %s --check-prefix=HOPPER

#rows = affine_map<(b, h, i, d) -> (b, h, i, d)>

// A thread's micro-tile is as large as leaves warps enough; blocks of queries
// are nearly even.
// CHECK-LABEL: func.func @image(
//       CHECK:   tiling <rows = 5, columns = 2, queryBlock = 40, keyBlock = 16>
func.func @image(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 197 : index
  %x = kernel.buffer %context input at 0 : memref<?x12x197x64xf32>
  %o = kernel.buffer %context output at 0 : memref<?x12x197x64xf32>
  kernel.attention batch(%b) queries(%n) keys(%n) heads 12 head_dim 64 value_dim 64 scale 1.250000e-01
      query(%x at #rows : memref<?x12x197x64xf32>) key(%x at #rows : memref<?x12x197x64xf32>)
      value(%x at #rows : memref<?x12x197x64xf32>) init(%o at #rows : memref<?x12x197x64xf32>)
  return
}

// All keys of a window are one block.
// CHECK-LABEL: func.func @window(
//       CHECK:   tiling <rows = 7, columns = 3, queryBlock = 56, keyBlock = 24>
func.func @window(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 49 : index
  %x = kernel.buffer %context input at 0 : memref<?x3x49x32xf32>
  %o = kernel.buffer %context output at 0 : memref<?x3x49x32xf32>
  kernel.attention batch(%b) queries(%n) keys(%n) heads 3 head_dim 32 value_dim 32 scale 1.000000e+00
      query(%x at #rows : memref<?x3x49x32xf32>) key(%x at #rows : memref<?x3x49x32xf32>)
      value(%x at #rows : memref<?x3x49x32xf32>) init(%o at #rows : memref<?x3x49x32xf32>)
  return
}

// Two keys for each thread of a block that computes one query.
// CHECK-LABEL: func.func @one_query(
//       CHECK:   tiling <rows = 1, columns = 2, queryBlock = 1, keyBlock = 256>
func.func @one_query(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 1 : index
  %m = arith.constant 577 : index
  %q = kernel.buffer %context input at 0 : memref<?x8x1x64xf32>
  %k = kernel.buffer %context input at 1 : memref<?x8x577x64xf32>
  %o = kernel.buffer %context output at 0 : memref<?x8x1x64xf32>
  kernel.attention batch(%b) queries(%n) keys(%m) heads 8 head_dim 64 value_dim 64 scale 1.250000e-01
      query(%q at #rows : memref<?x8x1x64xf32>) key(%k at #rows : memref<?x8x577x64xf32>)
      value(%k at #rows : memref<?x8x577x64xf32>) init(%o at #rows : memref<?x8x1x64xf32>)
  return
}

// Tensor cores: two rows a thread, four threads a row; or a warpgroup's.
//  CHECK-LABEL: func.func @short_factors(
//        CHECK:   tiling <rows = 2, columns = 16, queryBlock = 64, keyBlock = 64>
// HOPPER-LABEL: func.func @short_factors(
//       HOPPER:   tiling <rows = 64, columns = 64, queryBlock = 64, keyBlock = 64>
func.func @short_factors(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 197 : index
  %x = kernel.buffer %context input at 0 : memref<?x12x197x64xbf16>
  %o = kernel.buffer %context output at 0 : memref<?x12x197x64xf32>
  kernel.attention batch(%b) queries(%n) keys(%n) heads 12 head_dim 64 value_dim 64 scale 1.250000e-01
      query(%x at #rows : memref<?x12x197x64xbf16>) key(%x at #rows : memref<?x12x197x64xbf16>)
      value(%x at #rows : memref<?x12x197x64xbf16>) init(%o at #rows : memref<?x12x197x64xf32>)
  return
}

// Fewer queries of large heads fit, or keys where a thread would keep too many
// results.
//  CHECK-LABEL: func.func @short_factors_large_head(
//        CHECK:   tiling <rows = 2, columns = 8, queryBlock = 64, keyBlock = 32>
// HOPPER-LABEL: func.func @short_factors_large_head(
//       HOPPER:   tiling <rows = 64, columns = 32, queryBlock = 64, keyBlock = 32>
func.func @short_factors_large_head(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 197 : index
  %x = kernel.buffer %context input at 0 : memref<?x2x197x256xf16>
  %o = kernel.buffer %context output at 0 : memref<?x2x197x256xf32>
  kernel.attention batch(%b) queries(%n) keys(%n) heads 2 head_dim 256 value_dim 256 scale 1.250000e-01
      query(%x at #rows : memref<?x2x197x256xf16>) key(%x at #rows : memref<?x2x197x256xf16>)
      value(%x at #rows : memref<?x2x197x256xf16>) init(%o at #rows : memref<?x2x197x256xf32>)
  return
}

// Few queries would leave most of a warpgroup's rows empty.
//  CHECK-LABEL: func.func @short_factors_few_queries(
//        CHECK:   tiling <rows = 2, columns = 16, queryBlock = 32, keyBlock = 64>
// HOPPER-LABEL: func.func @short_factors_few_queries(
//       HOPPER:   tiling <rows = 2, columns = 16, queryBlock = 32, keyBlock = 64>
func.func @short_factors_few_queries(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 32 : index
  %m = arith.constant 197 : index
  %q = kernel.buffer %context input at 0 : memref<?x12x32x64xbf16>
  %k = kernel.buffer %context input at 1 : memref<?x12x197x64xbf16>
  %o = kernel.buffer %context output at 0 : memref<?x12x32x64xf32>
  kernel.attention batch(%b) queries(%n) keys(%m) heads 12 head_dim 64 value_dim 64 scale 1.250000e-01
      query(%q at #rows : memref<?x12x32x64xbf16>) key(%k at #rows : memref<?x12x197x64xbf16>)
      value(%k at #rows : memref<?x12x197x64xbf16>) init(%o at #rows : memref<?x12x32x64xf32>)
  return
}

// No block for tensor cores does: a row of threads shares more than four.
// CHECK-LABEL: func.func @negative_short_factors(
//   CHECK-NOT:   tiling <rows = 2
//       CHECK:   tiling <rows = {{[0-9]+}}
func.func @negative_short_factors(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 197 : index
  %x = kernel.buffer %context input at 0 : memref<?x1x197x768xbf16>
  %o = kernel.buffer %context output at 0 : memref<?x1x197x768xf32>
  kernel.attention batch(%b) queries(%n) keys(%n) heads 1 head_dim 768 value_dim 768 scale 1.250000e-01
      query(%x at #rows : memref<?x1x197x768xbf16>) key(%x at #rows : memref<?x1x197x768xbf16>)
      value(%x at #rows : memref<?x1x197x768xbf16>) init(%o at #rows : memref<?x1x197x768xf32>)
  return
}

// Shared memory holds less of large heads, on each architecture.
// CHECK-LABEL: func.func @large_head(
//       CHECK:   tiling <rows = 5, columns = 1, queryBlock = 40, keyBlock = 16>
func.func @large_head(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 197 : index
  %x = kernel.buffer %context input at 0 : memref<?x2x197x256xf32>
  %o = kernel.buffer %context output at 0 : memref<?x2x197x256xf32>
  kernel.attention batch(%b) queries(%n) keys(%n) heads 2 head_dim 256 value_dim 256 scale 1.250000e-01
      query(%x at #rows : memref<?x2x197x256xf32>) key(%x at #rows : memref<?x2x197x256xf32>)
      value(%x at #rows : memref<?x2x197x256xf32>) init(%o at #rows : memref<?x2x197x256xf32>)
  return
}

// A map: any number of queries.
// CHECK-LABEL: func.func @map(
//       CHECK:   kernel.attention_map {{.*}} tiling <rows = {{[0-9]+}}, columns = {{[0-9]+}}, queryBlock = {{[0-9]+}}, keyBlock = {{[0-9]+}}>
func.func @map(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 197 : index
  %l = arith.constant 0 : index
  %s = kernel.buffer %context input at 1 : memref<12x2xi64>
  %x = kernel.buffer %context input at 0 : memref<?x12x197x64xf32>
  %o = kernel.buffer %context output at 0 : memref<?x12x197x197xf32>
  kernel.attention_map batch(%b) queries(%n) keys(%n) heads 12 head_dim 64 scale 1.250000e-01
      selection(%s at %l : memref<12x2xi64>) query(%x at #rows : memref<?x12x197x64xf32>)
      key(%x at #rows : memref<?x12x197x64xf32>) init(%o : memref<?x12x197x197xf32>)
  return
}
