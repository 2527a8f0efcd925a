// RUN: vit-opt %s -kernel-schedule-nvptx | FileCheck %s --check-prefixes=CHECK,SM80
// RUN: vit-opt %s -kernel-schedule-nvptx=arch=sm_90a | FileCheck %s --check-prefixes=CHECK,SM90A
// RUN: vit-opt %s -kernel-schedule-nvptx=arch=sm_90 | FileCheck %s --check-prefixes=CHECK,SM90

// What later GPUs run too may use what the least of them has.
// SM80: module attributes {kernel.gpu = #kernel.gpu<arch = "sm_80", sharedBytes = 101376>}
// SM90: module attributes {kernel.gpu = #kernel.gpu<arch = "sm_90", sharedBytes = 101376>}
// SM90A: module attributes {kernel.gpu = #kernel.gpu<arch = "sm_90a", sharedBytes = 232448>}

#rows = affine_map<(b, i, c) -> (b, i, c)>
#box = affine_map<(b, c) -> (b, c)>
#places = affine_map<(b, y, x, c) -> (b, y, x, c)>

// 128 threads: a warp a row, or fewer threads where a row is of few vectors,
// of 16 bytes of the wider type, or else as many as threads find one each.
// CHECK-LABEL: func @norm(
//       CHECK:   kernel.norm batch(%{{.*}}) rows(%{{.*}}) channels 8
//  CHECK-SAME:     tiling <rows = 64>
//       CHECK:   kernel.norm batch(%{{.*}}) rows(%{{.*}}) channels 8
//  CHECK-SAME:     tiling <rows = 128>
//       CHECK:   kernel.norm batch(%{{.*}}) rows(%{{.*}}) channels 768
//  CHECK-SAME:     tiling <rows = 4>
//       CHECK:   kernel.norm batch(%{{.*}}) rows(%{{.*}}) channels 33
//  CHECK-SAME:     tiling <rows = 4>
func.func @norm(%b: index, %x: memref<?x9x8xf32>, %y: memref<?x9x8xf32>, %h: memref<?x9x8xf16>,
                %w: memref<?x9x768xbf16>, %v: memref<?x9x33xf32>) {
  %rows = arith.constant 9 : index
  kernel.norm batch(%b) rows(%rows) channels 8 epsilon 1.000000e-06
      input(%x at #rows : memref<?x9x8xf32>) init(%y at #rows : memref<?x9x8xf32>)
  kernel.norm batch(%b) rows(%rows) channels 8 epsilon 1.000000e-06
      input(%h at #rows : memref<?x9x8xf16>) init(%h at #rows : memref<?x9x8xf16>)
  kernel.norm batch(%b) rows(%rows) channels 768 epsilon 1.000000e-06
      input(%w at #rows : memref<?x9x768xbf16>) init(%w at #rows : memref<?x9x768xbf16>)
  kernel.norm batch(%b) rows(%rows) channels 33 epsilon 1.000000e-06
      input(%v at #rows : memref<?x9x33xf32>) init(%v at #rows : memref<?x9x33xf32>)
  return
}

// A thread an element.
// CHECK-LABEL: func @elements(
//       CHECK:   kernel.gather
//  CHECK-SAME:     tiling <rows = 1, columns = 1>
//       CHECK:   kernel.generic
//  CHECK-SAME:     tiling <rows = 1, columns = 1>
func.func @elements(%b: index, %x: memref<?x8xf32>, %y: memref<?x8xf32>, %z: memref<?x8xf32>) {
  kernel.gather batch(%b) sizes [8] input(%x at #box : memref<?x8xf32>) init(%y at #box : memref<?x8xf32>)
  kernel.generic batch(%b) sizes [8] inputs(%y : memref<?x8xf32>) at [#box] init(%z at #box : memref<?x8xf32>) {
  ^bb0(%e: f32):
    %0 = arith.negf %e : f32
    kernel.yield %0 : f32
  }
  return
}

// Up to four places of a row a thread, no more than there are.
// CHECK-LABEL: func @convolution(
//       CHECK:   tiling <columns = 4, vectors = 1, taps = 3, rows = 1, channels = 1>
//       CHECK:   tiling <columns = 2, vectors = 1, taps = 3, rows = 1, channels = 1>
func.func @convolution(%b: index, %x: memref<?x9x9x8xf32>, %w: memref<3x3x1x8xf32>, %y: memref<?x9x9x8xf32>,
                       %z: memref<?x2x2x8xf32>) {
  kernel.grouped_conv batch(%b) size [9, 9] input_size [9, 9] groups 8 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%x at #places : memref<?x9x9x8xf32>) filter(%w : memref<3x3x1x8xf32>)
      init(%y at #places : memref<?x9x9x8xf32>)
  kernel.grouped_conv batch(%b) size [2, 2] input_size [9, 9] groups 8 stride [4, 4] dilation [1, 1] pad [1, 1]
      input(%x at #places : memref<?x9x9x8xf32>) filter(%w : memref<3x3x1x8xf32>)
      init(%z at #places : memref<?x2x2x8xf32>)
  return
}

// CHECK-LABEL: func @keeps_tiling(
//       CHECK:   tiling <rows = 7>
func.func @keeps_tiling(%b: index, %x: memref<?x9x8xf32>, %y: memref<?x9x8xf32>) {
  %rows = arith.constant 9 : index
  kernel.norm batch(%b) rows(%rows) channels 8 epsilon 1.000000e-06
      input(%x at #rows : memref<?x9x8xf32>) init(%y at #rows : memref<?x9x8xf32>) tiling <rows = 7>
  return
}
