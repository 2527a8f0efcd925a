// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s
// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s --check-prefix=LOADS

#cpu = #kernel.cpu<isa = "x86-64-v2", cpu = "x86-64-v2", features = "", lanes = 4, registers = 16, fma = true>
#places = affine_map<(b, y, x, c) -> (b, y, x, c)>

module attributes {kernel.cpu = #cpu} {

// Tasks are 2 strips of 4 channels, of the 3 strips that there are, and 4 of 7
// rows: 2 x 2 for each item.
// CHECK-LABEL: func @depthwise(
//       CHECK:   %[[TASKS:.*]] = arith.muli %{{.*}}, %c4
//       CHECK:   kernel.launch %{{.*}} @grouped_conv_3x3_c10_g10 tasks(%[[TASKS]])
func.func @depthwise(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x7x12x10xf32>
  %w = kernel.buffer %context input at 1 : memref<3x3x1x10xf32>
  %y = kernel.buffer %context output at 0 : memref<?x7x12x10xf32>
  kernel.grouped_conv batch(%b) size [7, 12] input_size [7, 12] groups 10 stride [1, 1] dilation [1, 1] pad [1, 1]
      input(%x at #places : memref<?x7x12x10xf32>) filter(%w : memref<3x3x1x10xf32>)
      init(%y at #places : memref<?x7x12x10xf32>)
      tiling <columns = 3, vectors = 1, taps = 3, rows = 4, channels = 8>
  return
}

// The first and the last tile of a row meet the padding: their first and last
// column has two taps. Those between share their code, and load 5 columns for 3
// x 3 products. Filter rows beyond the input are not visited. The last strip
// has 2 channels.
// CHECK-LABEL: func private @grouped_conv_3x3_c10_g10(
//       CHECK:   scf.if
//       CHECK:     %[[BEGIN:.*]] = arith.select
//       CHECK:     %[[END:.*]] = arith.select
//       CHECK:     %[[FIRST:.*]]:3 = scf.for %{{.*}} = %[[BEGIN]] to %[[END]] step
//  CHECK-COUNT-8:     math.fma
//  CHECK-NEXT:       scf.yield
//       CHECK:     vector.store %[[FIRST]]#0
//       CHECK:   } else {
//       CHECK:     vector.load {{.*}} vector<2xf32>
//  CHECK-COUNT-8:     math.fma
//  CHECK-NEXT:       scf.yield
//       CHECK:   scf.for %{{.*}} = %c3 to %c9 step %c3
//       CHECK:     scf.if
//  CHECK-COUNT-9:       math.fma
//  CHECK-NEXT:         scf.yield
//       CHECK:   scf.if
//  CHECK-COUNT-8:     math.fma
//  CHECK-NEXT:       scf.yield
// LOADS-LABEL: func private @grouped_conv_3x3_c10_g10(
//       LOADS:       scf.for %{{.*}} = %c3 to %c9 step %c3
//  LOADS-COUNT-3:         vector.load {{.*}} memref<90xf32>
//  LOADS-COUNT-5:         vector.load {{.*}} memref<?xf32>
//   LOADS-NOT:         vector.load
//       LOADS:         scf.yield

// Outputs of a group are one vector: the input's channel is broadcast, and
// channels of a group are a loop.
// CHECK-LABEL: func private @grouped_conv_1x1_c8_g2(
//       CHECK:   scf.for %{{.*}} = %c0 to %c3 step %c1
//       CHECK:     memref.load
//       CHECK:     vector.broadcast
//       CHECK:     math.fma
func.func @groups(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x5x5x6xf32>
  %w = kernel.buffer %context input at 1 : memref<1x1x3x8xf32>
  %y = kernel.buffer %context output at 0 : memref<?x5x5x8xf32>
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 5] groups 2 stride [1, 1] dilation [1, 1] pad [0, 0]
      input(%x at #places : memref<?x5x5x6xf32>) filter(%w : memref<1x1x3x8xf32>)
      init(%y at #places : memref<?x5x5x8xf32>)
      tiling <columns = 5, vectors = 1, taps = 1, rows = 5, channels = 8>
  return
}

// Two groups make a vector: each channel of a group is repeated for its two
// outputs.
// CHECK-LABEL: func private @grouped_conv_1x1_c8_g4(
//       CHECK:   vector.shuffle %{{.*}}, %{{.*}} [0, 0, 2, 2]
//       CHECK:   vector.shuffle %{{.*}}, %{{.*}} [1, 1, 3, 3]
func.func @groups_in_vector(%context: !kernel.context) {
  %b = kernel.batch %context
  %x = kernel.buffer %context input at 0 : memref<?x5x5x8xf32>
  %w = kernel.buffer %context input at 1 : memref<1x1x2x8xf32>
  %y = kernel.buffer %context output at 0 : memref<?x5x5x8xf32>
  kernel.grouped_conv batch(%b) size [5, 5] input_size [5, 5] groups 4 stride [1, 1] dilation [1, 1] pad [0, 0]
      input(%x at #places : memref<?x5x5x8xf32>) filter(%w : memref<1x1x2x8xf32>)
      init(%y at #places : memref<?x5x5x8xf32>)
      tiling <columns = 5, vectors = 1, taps = 1, rows = 5, channels = 8>
  return
}
}
