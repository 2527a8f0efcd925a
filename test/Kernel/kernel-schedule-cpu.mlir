// RUN: vit-opt %s -kernel-schedule-cpu | FileCheck %s --check-prefixes=CHECK,V4
// RUN: vit-opt %s -kernel-schedule-cpu=isa=x86-64-v3 | FileCheck %s --check-prefixes=CHECK,V3
// RUN: vit-opt %s -kernel-schedule-cpu=isa=x86-64-v2 | FileCheck %s --check-prefixes=CHECK,V2
// RUN: vit-opt %s -kernel-schedule-cpu=backend=onednn | FileCheck %s --check-prefix=ONEDNN

// V4: module attributes {kernel.cpu = #kernel.cpu<isa = "x86-64-v4", cpu = "x86-64-v4", features = "", lanes = 16, registers = 32, fma = true>}
// V3: module attributes {kernel.cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>}
// V2: module attributes {kernel.cpu = #kernel.cpu<isa = "x86-64-v2", cpu = "x86-64-v2", features = "", lanes = 4, registers = 16, fma = false>}

#map = affine_map<(b, i, j) -> (b, i, j)>

// A micro-tile of rows x columns fills the registers of the level.
// CHECK-LABEL: func @gemm(
//          V4:   tiling <provider = vector, rows = 6, columns = 64, kBlock = 1536, unroll = 4, rowBlock = 256>
//          V3:   tiling <provider = vector, rows = 6, columns = 16, kBlock = 1536, unroll = 4, rowBlock = 256>
//          V2:   tiling <provider = vector, rows = 4, columns = 8, kBlock = 1536, unroll = 4, rowBlock = 256>
// ONEDNN-LABEL: func @gemm(
//      ONEDNN:   tiling <provider = onednn,
func.func @gemm(%b: index, %n: index, %x: memref<?x5x8xf32>, %w: memref<256xf32>, %y: memref<?x5x16xf32>) {
  kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #map : memref<?x5x8xf32>) weights(%w : memref<256xf32>)
      init(%y at #map : memref<?x5x16xf32>)
  return
}

// CHECK-LABEL: func @attention(
//          V4:   tiling <rows = 6, columns = 64, queryBlock = 256, keyBlock = 512>
//          V3:   tiling <rows = 6, columns = 16, queryBlock = 256, keyBlock = 512>
//          V2:   tiling <rows = 4, columns = 8, queryBlock = 256, keyBlock = 512>
#heads = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
func.func @attention(%b: index, %n: index, %q: memref<?x9x8xf32>, %o: memref<?x9x8xf32>) {
  kernel.attention batch(%b) queries(%n) keys(%n) heads 2 head_dim 4 value_dim 4 scale 5.000000e-01
      query(%q at #heads : memref<?x9x8xf32>) key(%q at #heads : memref<?x9x8xf32>)
      value(%q at #heads : memref<?x9x8xf32>) init(%o at #heads : memref<?x9x8xf32>)
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
