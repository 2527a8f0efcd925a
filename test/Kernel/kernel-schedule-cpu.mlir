// RUN: vit-opt %s -kernel-schedule-cpu | FileCheck %s --check-prefixes=CHECK,V4
// RUN: vit-opt %s -kernel-schedule-cpu=isa=x86-64-v3 | FileCheck %s --check-prefixes=CHECK,V3
// RUN: vit-opt %s -kernel-schedule-cpu=isa=x86-64-v2 | FileCheck %s --check-prefixes=CHECK,V2
// RUN: vit-opt %s -kernel-schedule-cpu=isa=armv8-a | FileCheck %s --check-prefixes=CHECK,NEON
// RUN: vit-opt %s -kernel-schedule-cpu=backend=auto | FileCheck %s --check-prefixes=CHECK,AUTO
// RUN: vit-opt %s -kernel-schedule-cpu=backend=onednn | FileCheck %s --check-prefix=ONEDNN

// V4: module attributes {kernel.cpu = #kernel.cpu<isa = "x86-64-v4", cpu = "x86-64-v4", features = "", lanes = 16, registers = 32, fma = true>}
// V3: module attributes {kernel.cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>}
// V2: module attributes {kernel.cpu = #kernel.cpu<isa = "x86-64-v2", cpu = "x86-64-v2", features = "", lanes = 4, registers = 16, fma = false>}
// NEON: module attributes {kernel.cpu = #kernel.cpu<isa = "armv8-a", cpu = "generic", features = "", lanes = 4, registers = 32, fma = true>}

#map = affine_map<(b, i, j) -> (b, i, j)>

// A micro-tile of rows x columns fills the registers of the level.
// CHECK-LABEL: func @gemm(
//          V4:   tiling <provider = vector, rows = 14, columns = 32, kBlock = 1536, unroll = 4, rowBlock = 256>
//          V3:   tiling <provider = vector, rows = 6, columns = 16, kBlock = 1536, unroll = 4, rowBlock = 256>
//          V2:   tiling <provider = vector, rows = 6, columns = 8, kBlock = 1536, unroll = 4, rowBlock = 256>
//        NEON:   tiling <provider = vector, rows = 14, columns = 8, kBlock = 1536, unroll = 4, rowBlock = 256>
//        AUTO:   tiling <provider = vector,
// ONEDNN-LABEL: func @gemm(
//      ONEDNN:   tiling <provider = onednn,
func.func @gemm(%b: index, %n: index, %x: memref<?x5x8xf32>, %w: memref<256xf32>, %y: memref<?x5x16xf32>) {
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #map : memref<?x5x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x5x16xf32>)
  return
}

// CHECK-LABEL: func @attention(
//          V4:   tiling <rows = 6, columns = 64, queryBlock = 1088, keyBlock = 1088>
//          V3:   tiling <rows = 6, columns = 16, queryBlock = 256, keyBlock = 512>
//          V2:   tiling <rows = 4, columns = 8, queryBlock = 256, keyBlock = 512>
//        NEON:   tiling <rows = 6, columns = 16, queryBlock = 256, keyBlock = 512>
#heads = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
func.func @attention(%b: index, %n: index, %q: memref<?x9x8xf32>, %o: memref<?x9x8xf32>) {
  kernel.attention batch(%b) queries(%n) keys(%n) heads 2 head_dim 4 value_dim 4 scale 5.000000e-01
      query(%q at #heads : memref<?x9x8xf32>) key(%q at #heads : memref<?x9x8xf32>)
      value(%q at #heads : memref<?x9x8xf32>) init(%o at #heads : memref<?x9x8xf32>)
  return
}

// Narrow values leave registers to more rows, where the number of queries is
// known: each number of rows has code. Up to half a tile's width they are cut
// into vectors.
// CHECK-LABEL: func @attention_narrow(
//          V4:   tiling <rows = 9, columns = 16,
//          V3:   tiling <rows = 6, columns = 16,
//          V2:   tiling <rows = 4, columns = 8,
//        NEON:   tiling <rows = 6, columns = 16,
//          V4:   tiling <rows = 8, columns = 48,
func.func @attention_narrow(%b: index, %q: memref<?x49x64xf32>, %o: memref<?x49x64xf32>,
                            %q80: memref<?x49x80xf32>, %o80: memref<?x49x80xf32>) {
  %n = arith.constant 49 : index
  kernel.attention batch(%b) queries(%n) keys(%n) heads 2 head_dim 32 value_dim 32 scale 5.000000e-01
      query(%q at affine_map<(b, h, i, d) -> (b, i, h * 32 + d)> : memref<?x49x64xf32>)
      key(%q at affine_map<(b, h, i, d) -> (b, i, h * 32 + d)> : memref<?x49x64xf32>)
      value(%q at affine_map<(b, h, i, d) -> (b, i, h * 32 + d)> : memref<?x49x64xf32>)
      init(%o at affine_map<(b, h, i, d) -> (b, i, h * 32 + d)> : memref<?x49x64xf32>)
  kernel.attention batch(%b) queries(%n) keys(%n) heads 1 head_dim 80 value_dim 80 scale 5.000000e-01
      query(%q80 at affine_map<(b, h, i, d) -> (b, i, d)> : memref<?x49x80xf32>)
      key(%q80 at affine_map<(b, h, i, d) -> (b, i, d)> : memref<?x49x80xf32>)
      value(%q80 at affine_map<(b, h, i, d) -> (b, i, d)> : memref<?x49x80xf32>)
      init(%o80 at affine_map<(b, h, i, d) -> (b, i, d)> : memref<?x49x80xf32>)
  return
}

// A task has about 16384 elements, and one row at least.
// CHECK-LABEL: func @norm(
//       CHECK:   tiling <rows = 128>
//       CHECK:   tiling <rows = 1>
func.func @norm(%b: index, %n: index, %x: memref<?x5x128xf32>, %y: memref<?x5x20000xf32>) {
  kernel.norm batch(%b) rows(%n) channels 128 epsilon 1.000000e-06 input(%x at #map : memref<?x5x128xf32>)
      init(%x at #map : memref<?x5x128xf32>)
  kernel.norm batch(%b) rows(%n) channels 20000 epsilon 1.000000e-06 input(%y at #map : memref<?x5x20000xf32>)
      init(%y at #map : memref<?x5x20000xf32>)
  return
}

// CHECK-LABEL: func @mean(
//       CHECK:   tiling <rows = 128>
func.func @mean(%b: index, %n: index, %x: memref<?x5x128xf32>, %y: memref<?x128xf32>) {
  kernel.mean batch(%b) rows(%n) channels 128 input(%x at #map : memref<?x5x128xf32>)
      init(%y at affine_map<(b, c) -> (b, c)> : memref<?x128xf32>)
  return
}

// A row of more than 16384 elements is cut.
// CHECK-LABEL: func @gather(
//       CHECK:   tiling <rows = 512, columns = 16384>
func.func @gather(%b: index, %x: memref<?x5x32xf32>, %y: memref<?x5x32xf32>) {
  kernel.gather batch(%b) sizes [5, 32] input(%x at #map : memref<?x5x32xf32>) init(%y at #map : memref<?x5x32xf32>)
  return
}

// Rows that are normalised or have no unit stride are copied: blocks of them
// take at most 1 MiB.
// CHECK-LABEL: func @gemm_copies(
//       CHECK:   norm {{.*}} rowBlock = 256>
//       CHECK:   norm {{.*}} rowBlock = 128>
//       CHECK:   kernel.gemm {{.*}} rowBlock = 256>
// ONEDNN-LABEL: func @gemm_copies(
//      ONEDNN:   norm {{.*}}provider = vector,
//      ONEDNN:   norm {{.*}}provider = vector,
//      ONEDNN:   kernel.gemm {{.*}}provider = vector,
func.func @gemm_copies(%b: index, %n: index, %x: memref<?x8x8xf32>, %w: memref<256xf32>, %y: memref<?x8x16xf32>,
                       %long: memref<?x8x2048xf32>, %deep: memref<32768xf32>) {
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #map : memref<?x8x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x8x16xf32>) norm <epsilon = 1.000000e-05 : f64>
  kernel.gemm batch(%b) rows(%n) n 16 k 2048 lhs(%long at #map : memref<?x8x2048xf32>) weights(%deep : memref<32768xf32>)
      init(%y at #map : memref<?x8x16xf32>) norm <epsilon = 1.000000e-05 : f64>
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at affine_map<(b, i, l) -> (b, l, i)> : memref<?x8x8xf32>)
      weights(%w : memref<256xf32>) init(%y at #map : memref<?x8x16xf32>)
  return
}

// Weights of each item of the batch are not for oneDNN.
// CHECK-LABEL: func @gemm_batched(
// ONEDNN-LABEL: func @gemm_batched(
//      ONEDNN:   tiling <provider = vector,
func.func @gemm_batched(%b: index, %n: index, %x: memref<?x5x8xf32>, %w: memref<?x256xf32>, %y: memref<?x5x16xf32>) {
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #map : memref<?x5x8xf32>) weights(%w : memref<?x256xf32>)
      init(%y at #map : memref<?x5x16xf32>)
  return
}

// Nor are rows that lie in windows.
// CHECK-LABEL: func @gemm_windows(
// ONEDNN-LABEL: func @gemm_windows(
//      ONEDNN:   tiling <provider = vector,
func.func @gemm_windows(%b: index, %n: index, %x: memref<?x4x8xf32>, %w: memref<256xf32>, %y: memref<?x4x4x16xf32>) {
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #map : memref<?x4x8xf32>) weights(%w : memref<256xf32>)
      init(%y at affine_map<(b, i, j) -> (b floordiv 4, b mod 4 floordiv 2 * 2 + i floordiv 2, b mod 2 * 2 + i mod 2, j)>
           : memref<?x4x4x16xf32>)
  return
}

// Accumulators, a quarter of the registers for a row of the filter, and one
// vector of the input. Outputs of a group are up to 4 vectors; two of channels
// whose columns lie 1 KiB apart.
// CHECK-LABEL: func @grouped_conv(
//          V4:   tiling <columns = 24, vectors = 1, taps = 7, rows = 4, channels = 64>
//          V3:   tiling <columns = 11, vectors = 1, taps = 4, rows = 4, channels = 64>
//          V2:   tiling <columns = 10, vectors = 1, taps = 4, rows = 4, channels = 64>
//          V4:   tiling <columns = 8, vectors = 3, taps = 2, rows = 4, channels = 64>
//          V3:   tiling <columns = 4, vectors = 3, taps = 1, rows = 4, channels = 64>
//          V2:   tiling <columns = 2, vectors = 4, taps = 1, rows = 4, channels = 64>
//          V4:   tiling <columns = 12, vectors = 2, taps = 3, rows = 3, channels = 64>
#places = affine_map<(b, y, x, c) -> (b, y, x, c)>
func.func @grouped_conv(%b: index, %x: memref<?x56x56x96xf32>, %w: memref<7x7x1x96xf32>, %g: memref<3x3x48x96xf32>,
                        %z: memref<?x3x3x256xf32>, %h: memref<3x3x1x256xf32>) {
  kernel.grouped_conv batch(%b) size [56, 56] input_size [56, 56] groups 96 stride [1, 1] dilation [1, 1] pad [3, 3]
      input(%x at #places : memref<?x56x56x96xf32>) filter(%w : memref<7x7x1x96xf32>)
      init(%x at #places : memref<?x56x56x96xf32>)
  kernel.grouped_conv batch(%b) size [56, 56] input_size [56, 56] groups 2 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%x at #places : memref<?x56x56x96xf32>) filter(%g : memref<3x3x48x96xf32>)
      init(%x at #places : memref<?x56x56x96xf32>)
  kernel.grouped_conv batch(%b) size [3, 3] input_size [3, 3] groups 256 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%z at #places : memref<?x3x3x256xf32>) filter(%h : memref<3x3x1x256xf32>)
      init(%z at #places : memref<?x3x3x256xf32>)
  return
}

// What has a tiling keeps it.
// CHECK-LABEL: func @gemm_tiled(
//       CHECK:   tiling <provider = vector, rows = 3, columns = 16, kBlock = 512, unroll = 2, rowBlock = 8>
func.func @gemm_tiled(%b: index, %n: index, %x: memref<?x5x8xf32>, %w: memref<256xf32>, %y: memref<?x5x16xf32>) {
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #map : memref<?x5x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x5x16xf32>)
      tiling <provider = vector, rows = 3, columns = 16, kBlock = 512, unroll = 2, rowBlock = 8>
  return
}

// A product of 768 columns: the tile fills the registers.
// CHECK-LABEL: func @gemm_wide(
//          V4:   rows = 6, columns = 64,
//          V3:   rows = 6, columns = 16,
//          V2:   rows = 6, columns = 8,
//        NEON:   rows = 6, columns = 16,
func.func @gemm_wide(%b: index, %n: index, %x: memref<?x197x768xf32>, %w: memref<589824xf32>, %y: memref<?x197x768xf32>) {
  kernel.gemm batch(%b) rows(%n) n 768 k 768 lhs(%x at #map : memref<?x197x768xf32>) weights(%w : memref<589824xf32>)
      init(%y at #map : memref<?x197x768xf32>)
  return
}

// Rows of a class token: few for a fixed batch, some for one that the run knows.
// CHECK-LABEL: func @gemm_row(
//          V3:   rows = 2, columns = 32,
//          V3:   rows = 6, columns = 16,
func.func @gemm_row(%ctx: !kernel.context, %x: memref<1x1x768xf32>, %w: memref<774144xf32>, %y: memref<1x1x1000xf32>,
                    %dx: memref<?x1x768xf32>, %dy: memref<?x1x1000xf32>) {
  %c1 = arith.constant 1 : index
  kernel.gemm batch(%c1) rows(%c1) n 1000 k 768 lhs(%x at #map : memref<1x1x768xf32>) weights(%w : memref<774144xf32>)
      init(%y at #map : memref<1x1x1000xf32>)
  %b = kernel.batch %ctx
  kernel.gemm batch(%b) rows(%c1) n 1000 k 768 lhs(%dx at #map : memref<?x1x768xf32>) weights(%w : memref<774144xf32>)
      init(%dy at #map : memref<?x1x1000xf32>)
  return
}
