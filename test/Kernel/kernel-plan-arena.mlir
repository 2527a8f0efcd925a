// RUN: vit-opt %s -kernel-plan-arena | FileCheck %s --check-prefixes=CHECK,REUSE
// RUN: vit-opt %s -kernel-plan-arena=reuse=false | FileCheck %s --check-prefixes=CHECK,ALONE

#all = affine_map<(b, k, s, j) -> (b, k, s, j)>
#inner = affine_map<(b, i, j) -> (b, 0, i, j)>
#rows = affine_map<(b, i, c) -> (b, i, c)>
#places = affine_map<(b, y, x, c) -> (b, y, x, c)>

vit.weight @g : tensor<8xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @s : tensor<8xf32> seed(2 mean 0.0 scale 1.0)
vit.weight @w : tensor<8x8xf32> seed(3 mean 0.0 scale 1.0)
vit.weight @f : tensor<8x1x3x3xf32> seed(4 mean 0.0 scale 1.0)
vit.weight @p : tensor<16xf32> seed(5 mean 0.0 scale 1.0)
vit.weight @q : tensor<16xf32> seed(6 mean 0.0 scale 1.0)
vit.weight @r : tensor<8xf32> seed(7 mean 0.0 scale 1.0)

// Equal expressions are one weight, in all entries. Offsets are multiples of 64.
// CHECK: kernel.weight @weight0 at 0 value #vit.expr<ref, [@g]> : tensor<8xf32>
// CHECK: kernel.weight @weight1 at 64 value #vit.expr<pack
// CHECK: kernel.weight @weight2 at 1088 value #vit.expr<ref, [@s]> : tensor<8xf32>
// CHECK: kernel.weight @weight3 at 1152 value #vit.expr<transpose
// CHECK: kernel.weight @weight4 at 1472 value #vit.expr<concat, [#vit.expr<ref, [@p]>
// CHECK-NOT: kernel.weight

// A chain of three buffers of 160 bytes an item, rounded up to 192: the first
// is dead when the third is written.
// CHECK-LABEL: func @chain(
//  CHECK-SAME:     %[[CONTEXT:[^ ]+]]: !kernel.context) attributes
//  CHECK-SAME:     inputs = [<name = "x", type = tensor<?x5x8xf32>>], outputs = [<name = "y", type = tensor<?x5x8xf32>>]
//  REUSE-SAME:     arena = 0, per_batch = 384
//  ALONE-SAME:     arena = 0, per_batch = 576
//   CHECK-DAG:   %[[X:.*]] = kernel.buffer %[[CONTEXT]] input : memref<?x5x8xf32>
//   CHECK-DAG:   %[[Y:.*]] = kernel.buffer %[[CONTEXT]] output : memref<?x5x8xf32>
//       CHECK:   %[[BATCH:.*]] = kernel.batch %[[CONTEXT]]
//       CHECK:   %[[A:.*]] = kernel.buffer %[[CONTEXT]] arena : memref<?x5x8xf32>
//       CHECK:   %[[G:.*]] = kernel.buffer %[[CONTEXT]] weights @weight0 : memref<8xf32>
//       CHECK:   kernel.norm batch(%[[BATCH]]) {{.*}} input(%[[X]] {{.*}} scale(%[[G]] {{.*}} init(%[[A]]
//       CHECK:   %[[B:.*]] = kernel.buffer %[[CONTEXT]] arena per_batch 192 : memref<?x5x8xf32>
//       CHECK:   kernel.gather {{.*}} input(%[[A]] {{.*}} init(%[[B]]
//       REUSE:   %[[C:.*]] = kernel.buffer %[[CONTEXT]] arena : memref<?x5x8xf32>
//       ALONE:   %[[C:.*]] = kernel.buffer %[[CONTEXT]] arena per_batch 384 : memref<?x5x8xf32>
//       CHECK:   kernel.gather {{.*}} input(%[[B]] {{.*}} init(%[[C]]
//       CHECK:   kernel.norm {{.*}} input(%[[C]] {{.*}} init(%[[Y]]
//  CHECK-NEXT:   return
func.func @chain(%x: memref<?x5x8xf32> {vit.name = "x"}, %y: memref<?x5x8xf32> {vit.name = "y"}) -> memref<?x5x8xf32> {
  %c0 = arith.constant 0 : index
  %m = arith.constant 5 : index
  %n = memref.dim %x, %c0 : memref<?x5x8xf32>
  %a = memref.alloc(%n) : memref<?x5x8xf32>
  %g = kernel.constant #vit.expr<ref, [@g]> : tensor<8xf32> as memref<8xf32>
  kernel.norm batch(%n) rows(%m) channels 8 epsilon 1.0e-06 input(%x at #rows : memref<?x5x8xf32>)
      scale(%g : memref<8xf32>) init(%a at #rows : memref<?x5x8xf32>)
  %b = memref.alloc(%n) : memref<?x5x8xf32>
  kernel.gather batch(%n) sizes [5, 8] input(%a at #rows : memref<?x5x8xf32>) init(%b at #rows : memref<?x5x8xf32>)
  %c = memref.alloc(%n) : memref<?x5x8xf32>
  kernel.gather batch(%n) sizes [5, 8] input(%b at #rows : memref<?x5x8xf32>) init(%c at #rows : memref<?x5x8xf32>)
  kernel.norm batch(%n) rows(%m) channels 8 epsilon 1.0e-06 input(%c at #rows : memref<?x5x8xf32>)
      init(%y at #rows : memref<?x5x8xf32>)
  return %y : memref<?x5x8xf32>
}

// A product takes the memory of its residual, a norm that of its input, an
// elementwise kernel that of an input: none is read again.
// CHECK-LABEL: func @in_place(
//  REUSE-SAME:     arena = 0, per_batch = 192
//  ALONE-SAME:     arena = 0, per_batch = 768
//       REUSE:   %[[A:.*]] = kernel.buffer %{{.*}} arena : memref<?x5x8xf32>
//       REUSE:   kernel.gather {{.*}} init(%[[A]]
//       REUSE:   kernel.gemm {{.*}} residual(%[[A]] {{.*}} init(%[[A]]
//       REUSE:   kernel.norm {{.*}} input(%[[A]] {{.*}} init(%[[A]]
//       REUSE:   kernel.generic {{.*}} inputs(%{{[^ ]+}}, %[[A]] : {{.*}} init(%[[A]]
func.func @in_place(%x: memref<?x5x8xf32>, %y: memref<?x5x8xf32>) -> memref<?x5x8xf32> {
  %c0 = arith.constant 0 : index
  %m = arith.constant 5 : index
  %n = memref.dim %x, %c0 : memref<?x5x8xf32>
  %w = kernel.constant #vit.expr<pack, [#vit.expr<ref, [@w]> : tensor<8x8xf32>]> : tensor<256xf32> as memref<256xf32>
  %a = memref.alloc(%n) : memref<?x5x8xf32>
  kernel.gather batch(%n) sizes [5, 8] input(%x at #rows : memref<?x5x8xf32>) init(%a at #rows : memref<?x5x8xf32>)
  %b = memref.alloc(%n) : memref<?x5x8xf32>
  kernel.gemm batch(%n) rows(%m) n 8 k 8 lhs(%x at #rows : memref<?x5x8xf32>) weights(%w : memref<256xf32>)
      residual(%a at #rows : memref<?x5x8xf32>) init(%b at #rows : memref<?x5x8xf32>)
  %c = memref.alloc(%n) : memref<?x5x8xf32>
  kernel.norm batch(%n) rows(%m) channels 8 epsilon 1.0e-06 input(%b at #rows : memref<?x5x8xf32>)
      init(%c at #rows : memref<?x5x8xf32>)
  %d = memref.alloc(%n) : memref<?x5x8xf32>
  kernel.generic batch(%n) sizes [5, 8] inputs(%x, %c : memref<?x5x8xf32>, memref<?x5x8xf32>) at [#rows, #rows]
      init(%d at #rows : memref<?x5x8xf32>) {
  ^bb0(%e: f32, %f: f32):
    %0 = arith.mulf %e, %f : f32
    kernel.yield %0 : f32
  }
  kernel.gather batch(%n) sizes [5, 8] input(%d at #rows : memref<?x5x8xf32>) init(%y at #rows : memref<?x5x8xf32>)
  return %y : memref<?x5x8xf32>
}

// Statistics are written beside the result: they do not take the memory of its
// residual, which has their type.
// CHECK-LABEL: func @negative_in_place_statistics(
//       REUSE:   kernel.gemm {{.*}} residual(%[[A:[^ ]+]] {{.*}} init(%[[A]] {{.*}} statistics(%[[S:[^ ]+]]
//       REUSE:   kernel.gather {{.*}} input(%[[S]]
func.func @negative_in_place_statistics(%x: memref<?x1x2x8xf32>, %y: memref<?x1x2x8xf32>, %z: memref<?x1x2x8xf32>)
    -> (memref<?x1x2x8xf32>, memref<?x1x2x8xf32>) {
  %c0 = arith.constant 0 : index
  %m = arith.constant 2 : index
  %n = memref.dim %x, %c0 : memref<?x1x2x8xf32>
  %w = kernel.constant #vit.expr<pack, [#vit.expr<ref, [@w]> : tensor<8x8xf32>]> : tensor<256xf32> as memref<256xf32>
  %a = memref.alloc(%n) : memref<?x1x2x8xf32>
  kernel.gather batch(%n) sizes [1, 2, 8] input(%x at #all : memref<?x1x2x8xf32>) init(%a at #all : memref<?x1x2x8xf32>)
  %s = memref.alloc(%n) : memref<?x1x2x8xf32>
  %b = memref.alloc(%n) : memref<?x1x2x8xf32>
  kernel.gemm batch(%n) rows(%m) n 8 k 8 lhs(%x at #inner : memref<?x1x2x8xf32>) weights(%w : memref<256xf32>)
      residual(%a at #inner : memref<?x1x2x8xf32>) init(%b at #inner : memref<?x1x2x8xf32>)
      statistics(%s : memref<?x1x2x8xf32>)
  kernel.gather batch(%n) sizes [1, 2, 8] input(%b at #all : memref<?x1x2x8xf32>) init(%y at #all : memref<?x1x2x8xf32>)
  kernel.gather batch(%n) sizes [1, 2, 8] input(%s at #all : memref<?x1x2x8xf32>) init(%z at #all : memref<?x1x2x8xf32>)
  return %y, %z : memref<?x1x2x8xf32>, memref<?x1x2x8xf32>
}

// Of one type, but of an item and two items for each of the batch: the memory is
// that of two.
// CHECK-LABEL: func @in_place_larger(
//  REUSE-SAME:     arena = 0, per_batch = 320
//  ALONE-SAME:     arena = 0, per_batch = 512
func.func @in_place_larger(%x: memref<?x5x8xf32>, %y: memref<?x5x8xf32>) -> memref<?x5x8xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %m = arith.constant 5 : index
  %n = memref.dim %x, %c0 : memref<?x5x8xf32>
  %twice = arith.muli %n, %c2 : index
  %a = memref.alloc(%n) : memref<?x5x8xf32>
  kernel.gather batch(%n) sizes [5, 8] input(%x at #rows : memref<?x5x8xf32>) init(%a at #rows : memref<?x5x8xf32>)
  %b = memref.alloc(%twice) : memref<?x5x8xf32>
  kernel.norm batch(%n) rows(%m) channels 8 epsilon 1.0e-06 input(%a at #rows : memref<?x5x8xf32>)
      init(%b at #rows : memref<?x5x8xf32>)
  kernel.gather batch(%n) sizes [5, 8] input(%b at affine_map<(b, i, c) -> (b * 2 + 1, i, c)> : memref<?x5x8xf32>)
      init(%y at #rows : memref<?x5x8xf32>)
  return %y : memref<?x5x8xf32>
}

// Not in place: lhs is the residual, which other rows of the product still read;
// the input is read again; the norm writes its rows in another order.
// CHECK-LABEL: func @negative_in_place(
//  REUSE-SAME:     arena = 0, per_batch = 576
//       REUSE:   kernel.gemm {{.*}} residual(%[[A:[^ ]+]] {{.*}} init(%[[B:[^ ]+]]
//   REUSE-NOT:   init(%[[A]]
//       REUSE:   kernel.norm {{.*}} input(%[[B]] {{.*}} init(%[[C:[^ ]+]]
//       REUSE:   kernel.norm {{.*}} input(%[[C]] {{.*}} init(%[[D:[^ ]+]]
func.func @negative_in_place(%x: memref<?x5x8xf32>, %y: memref<?x5x8xf32>) -> memref<?x5x8xf32> {
  %c0 = arith.constant 0 : index
  %m = arith.constant 5 : index
  %n = memref.dim %x, %c0 : memref<?x5x8xf32>
  %w = kernel.constant #vit.expr<pack, [#vit.expr<ref, [@w]> : tensor<8x8xf32>]> : tensor<256xf32> as memref<256xf32>
  %a = memref.alloc(%n) : memref<?x5x8xf32>
  kernel.gather batch(%n) sizes [5, 8] input(%x at #rows : memref<?x5x8xf32>) init(%a at #rows : memref<?x5x8xf32>)
  %b = memref.alloc(%n) : memref<?x5x8xf32>
  kernel.gemm batch(%n) rows(%m) n 8 k 8 lhs(%a at #rows : memref<?x5x8xf32>) weights(%w : memref<256xf32>)
      residual(%a at #rows : memref<?x5x8xf32>) init(%b at #rows : memref<?x5x8xf32>)
  %c = memref.alloc(%n) : memref<?x5x8xf32>
  kernel.norm batch(%n) rows(%m) channels 8 epsilon 1.0e-06 input(%b at #rows : memref<?x5x8xf32>)
      init(%c at #rows : memref<?x5x8xf32>)
  %d = memref.alloc(%n) : memref<?x5x8xf32>
  kernel.norm batch(%n) rows(%m) channels 8 epsilon 1.0e-06 input(%c at #rows : memref<?x5x8xf32>)
      init(%d at affine_map<(b, i, c) -> (b, 4 - i, c)> : memref<?x5x8xf32>)
  kernel.generic batch(%n) sizes [5, 8] inputs(%b, %d : memref<?x5x8xf32>, memref<?x5x8xf32>) at [#rows, #rows]
      init(%y at #rows : memref<?x5x8xf32>) {
  ^bb0(%e: f32, %f: f32):
    %0 = arith.mulf %e, %f : f32
    kernel.yield %0 : f32
  }
  return %y : memref<?x5x8xf32>
}

// What does not grow with the batch comes first: offsets of the rest are
// base + per_batch * batch. Arguments without a name have their number.
// CHECK-LABEL: func @base_and_batch(
//  CHECK-SAME:     inputs = [<name = "arg0", type = tensor<?x5x8xf32>>], outputs = [<name = "arg1", type = tensor<?x5x8xf32>>], arena = 320, per_batch = 192
//       CHECK:   %[[FIXED:.*]] = kernel.buffer %{{.*}} arena : memref<2x5x8xf32>
//       CHECK:   kernel.buffer %{{.*}} weights @weight2 : memref<8xf32>
//       CHECK:   kernel.buffer %{{.*}} weights @weight0 : memref<8xf32>
//       CHECK:   kernel.norm {{.*}} init(%[[FIXED]]
//       CHECK:   %[[SCALED:.*]] = kernel.buffer %{{.*}} arena at 320 : memref<?x5x8xf32>
//       CHECK:   kernel.norm {{.*}} init(%[[SCALED]]
func.func @base_and_batch(%x: memref<?x5x8xf32>, %y: memref<?x5x8xf32>) -> memref<?x5x8xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %m = arith.constant 5 : index
  %n = memref.dim %x, %c0 : memref<?x5x8xf32>
  %a = memref.alloc() : memref<2x5x8xf32>
  %s = kernel.constant #vit.expr<ref, [@s]> : tensor<8xf32> as memref<8xf32>
  %g = kernel.constant #vit.expr<ref, [@g]> : tensor<8xf32> as memref<8xf32>
  kernel.norm batch(%c2) rows(%m) channels 8 epsilon 1.0e-06 input(%x at #rows : memref<?x5x8xf32>)
      scale(%g : memref<8xf32>) shift(%s : memref<8xf32>) init(%a at #rows : memref<2x5x8xf32>)
  %b = memref.alloc(%n) : memref<?x5x8xf32>
  kernel.norm batch(%n) rows(%m) channels 8 epsilon 1.0e-06 input(%x at #rows : memref<?x5x8xf32>)
      init(%b at #rows : memref<?x5x8xf32>)
  kernel.norm batch(%n) rows(%m) channels 8 epsilon 1.0e-06 input(%b at #rows : memref<?x5x8xf32>)
      init(%y at #rows : memref<?x5x8xf32>)
  return %y : memref<?x5x8xf32>
}

// CHECK-LABEL: func @empty(
//  CHECK-SAME:     %{{.*}}: !kernel.context) attributes {kernel.entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>}
func.func @empty() {
  return
}

// 4 windows an image: 4 x 160 bytes an item of the batch.
// CHECK-LABEL: func @multiple(
//  CHECK-SAME:     per_batch = 640
//       CHECK:   %[[BATCH:.*]] = kernel.batch
//       CHECK:   %[[WINDOWS:.*]] = arith.muli %[[BATCH]], %{{.*}} : index
//       CHECK:   kernel.norm batch(%[[WINDOWS]])
func.func @multiple(%x: memref<?x20x8xf32>, %y: memref<?x20x8xf32>) -> memref<?x20x8xf32> {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %m = arith.constant 5 : index
  %n = memref.dim %x, %c0 : memref<?x20x8xf32>
  %w = arith.muli %n, %c4 : index
  %a = memref.alloc(%w) : memref<?x5x8xf32>
  kernel.norm batch(%w) rows(%m) channels 8 epsilon 1.0e-06
      input(%x at affine_map<(b, i, c) -> (b floordiv 4, b mod 4 * 5 + i, c)> : memref<?x20x8xf32>)
      init(%a at #rows : memref<?x5x8xf32>)
  kernel.norm batch(%w) rows(%m) channels 8 epsilon 1.0e-06 input(%a at #rows : memref<?x5x8xf32>)
      init(%y at affine_map<(b, i, c) -> (b floordiv 4, b mod 4 * 5 + i, c)> : memref<?x20x8xf32>)
  return %y : memref<?x20x8xf32>
}

// A convolution reads its input round each place, and takes the memory of its
// residual alone.
// CHECK-LABEL: func @in_place_conv(
//       REUSE:   kernel.grouped_conv {{.*}} input(%[[A:[^ ]+]] {{.*}} residual(%[[B:[^ ]+]] {{.*}} init(%[[B]]
func.func @in_place_conv(%x: memref<?x4x4x8xf32>, %y: memref<?x4x4x8xf32>) -> memref<?x4x4x8xf32> {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x4x4x8xf32>
  %w = kernel.constant #vit.expr<transpose, [#vit.expr<ref, [@f]> : tensor<8x1x3x3xf32>], params = [2, 3, 1, 0]> : tensor<3x3x1x8xf32> as memref<3x3x1x8xf32>
  %a = memref.alloc(%n) : memref<?x4x4x8xf32>
  kernel.gather batch(%n) sizes [4, 4, 8] input(%x at #places : memref<?x4x4x8xf32>) init(%a at #places : memref<?x4x4x8xf32>)
  %b = memref.alloc(%n) : memref<?x4x4x8xf32>
  kernel.gather batch(%n) sizes [4, 4, 8] input(%a at #places : memref<?x4x4x8xf32>) init(%b at #places : memref<?x4x4x8xf32>)
  %c = memref.alloc(%n) : memref<?x4x4x8xf32>
  kernel.grouped_conv batch(%n) size [4, 4] input_size [4, 4] groups 8 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%a at #places : memref<?x4x4x8xf32>) filter(%w : memref<3x3x1x8xf32>) residual(%b at #places : memref<?x4x4x8xf32>)
      init(%c at #places : memref<?x4x4x8xf32>)
  kernel.gather batch(%n) sizes [4, 4, 8] input(%c at #places : memref<?x4x4x8xf32>) init(%y at #places : memref<?x4x4x8xf32>)
  return %y : memref<?x4x4x8xf32>
}

// A state that is updated where it lies is an input and no output; outputs
// count without it.
// CHECK-LABEL: func @in_place_state(
//  CHECK-SAME:     inputs = [<name = "cache", type = tensor<?x8x4xf32>>, <name = "row", type = tensor<?x4xf32>>]
//  CHECK-SAME:     outputs = [<name = "out", type = tensor<?x4xf32>>]
//  CHECK-SAME:     in_place = [0]
//       CHECK:   %[[CACHE:.*]] = kernel.buffer %{{.*}} input : memref<?x8x4xf32>
//       CHECK:   %[[OUT:.*]] = kernel.buffer %{{.*}} output : memref<?x4xf32>
//       CHECK:   kernel.gather {{.*}} init(%[[CACHE]]
//       CHECK:   kernel.gather {{.*}} init(%[[OUT]]
func.func @in_place_state(%cache: memref<?x8x4xf32> {vit.name = "cache"}, %row: memref<?x4xf32> {vit.name = "row"},
                          %unused: memref<?x8x4xf32> {vit.name = "cache"}, %out: memref<?x4xf32> {vit.name = "out"})
    -> (memref<?x8x4xf32>, memref<?x4xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %row, %c0 : memref<?x4xf32>
  kernel.gather batch(%n) sizes [4] input(%row at affine_map<(b, c) -> (b, c)> : memref<?x4xf32>)
      init(%cache at affine_map<(b, c) -> (b, 3, c)> : memref<?x8x4xf32>)
  kernel.gather batch(%n) sizes [4] input(%cache at affine_map<(b, c) -> (b, 3, c)> : memref<?x8x4xf32>)
      init(%out at affine_map<(b, c) -> (b, c)> : memref<?x4xf32>)
  return %cache, %out : memref<?x8x4xf32>, memref<?x4xf32>
}

// Of an output whose size depends on data another says how much is filled.
// CHECK-LABEL: func @counted_output(
//  CHECK-SAME: outputs = [<name = "y", type = tensor<?x4xf32>, counted = [0, 1]>, <name = "n", type = tensor<i64>>]
func.func @counted_output(%x: memref<?x4xf32>, %count: memref<1xi64>,
                          %y: memref<?x4xf32> {vit.name = "y", vit.counted = array<i64: 0, 1>},
                          %n: memref<1xi64> {vit.name = "n", kernel.scalar})
    -> (memref<?x4xf32>, memref<1xi64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %b = memref.dim %x, %c0 : memref<?x4xf32>
  kernel.gather batch(%b) sizes [4] input(%x at affine_map<(b, c) -> (b, c)> : memref<?x4xf32>)
      init(%y at affine_map<(b, c) -> (b, c)> : memref<?x4xf32>)
  kernel.gather batch(%c1) sizes [1] input(%count at affine_map<(b, c) -> (c)> : memref<1xi64>)
      init(%n at affine_map<(b, c) -> (c)> : memref<1xi64>)
  return %y, %n : memref<?x4xf32>, memref<1xi64>
}

// A part of a concatenation, or of one in another, is read where that lies.
// CHECK-LABEL: func @parts(
//   CHECK-DAG:   kernel.buffer %{{.*}} weights @weight4 : memref<40xf32>
//   CHECK-DAG:   kernel.buffer %{{.*}} weights @weight4 at 64 : memref<24xf32>
//   CHECK-DAG:   kernel.buffer %{{.*}} weights @weight4 : memref<16xf32>
//   CHECK-DAG:   kernel.buffer %{{.*}} weights @weight4 at 64 : memref<16xf32>
//   CHECK-DAG:   kernel.buffer %{{.*}} weights @weight4 at 128 : memref<8xf32>
//       CHECK:   return
func.func @parts(%x: memref<?x5x40xf32>, %y: memref<?x5x40xf32>) -> memref<?x5x40xf32> {
  %c0 = arith.constant 0 : index
  %m = arith.constant 5 : index
  %n = memref.dim %x, %c0 : memref<?x5x40xf32>
  %pps = kernel.constant #vit.expr<concat, [#vit.expr<ref, [@p]> : tensor<16xf32>, #vit.expr<concat, [#vit.expr<ref, [@q]> : tensor<16xf32>, #vit.expr<ref, [@r]> : tensor<8xf32>]> : tensor<24xf32>]> : tensor<40xf32> as memref<40xf32>
  %qs = kernel.constant #vit.expr<concat, [#vit.expr<ref, [@q]> : tensor<16xf32>, #vit.expr<ref, [@r]> : tensor<8xf32>]> : tensor<24xf32> as memref<24xf32>
  %p = kernel.constant #vit.expr<ref, [@p]> : tensor<16xf32> as memref<16xf32>
  %q = kernel.constant #vit.expr<ref, [@q]> : tensor<16xf32> as memref<16xf32>
  %s = kernel.constant #vit.expr<ref, [@r]> : tensor<8xf32> as memref<8xf32>
  %a = memref.alloc(%n) : memref<?x5x24xf32>
  kernel.norm batch(%n) rows(%m) channels 24 epsilon 1.0e-06 input(%x at #rows : memref<?x5x40xf32>)
      scale(%qs : memref<24xf32>) init(%a at #rows : memref<?x5x24xf32>)
  %b = memref.alloc(%n) : memref<?x5x16xf32>
  kernel.norm batch(%n) rows(%m) channels 16 epsilon 1.0e-06 input(%x at #rows : memref<?x5x40xf32>)
      scale(%p : memref<16xf32>) shift(%q : memref<16xf32>) init(%b at #rows : memref<?x5x16xf32>)
  %c = memref.alloc(%n) : memref<?x5x8xf32>
  kernel.norm batch(%n) rows(%m) channels 8 epsilon 1.0e-06 input(%x at #rows : memref<?x5x40xf32>)
      scale(%s : memref<8xf32>) init(%c at #rows : memref<?x5x8xf32>)
  kernel.norm batch(%n) rows(%m) channels 40 epsilon 1.0e-06 input(%x at #rows : memref<?x5x40xf32>)
      scale(%pps : memref<40xf32>) init(%y at #rows : memref<?x5x40xf32>)
  return %y : memref<?x5x40xf32>
}
