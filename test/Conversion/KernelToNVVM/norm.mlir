// RUN: vit-opt %s -kernel-schedule-nvptx -convert-kernel-to-nvvm -cse | FileCheck %s

#entry = #kernel.entry<inputs = [], outputs = [], arena = 0, per_batch = 0>
#rows = affine_map<(b, i, c) -> (b, i, c)>

// 32 rows a block, of four lanes each: a lane reads three vectors of a row and
// keeps them; lanes add up what they have by two exchanges, for the mean and
// for the variance. A row is where its number says, whatever its item is.
// CHECK-LABEL: func @norm(
//       CHECK:   kernel.grid_launch %{{[^ ]+}} @kernels::@norm_c48 blocks
//       CHECK: llvm.func @norm_c48(
//  CHECK-SAME:     nvvm.reqntid = array<i32: 128>
//       CHECK:   %[[ROW:.*]] = arith.addi
//       CHECK:   %[[IS_ROW:.*]] = arith.cmpi ult, %[[ROW]], %[[ROWS:.*]] : index
//   CHECK-NOT:   arith.remui
// CHECK-COUNT-3:   llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
//   CHECK-NOT:   llvm.load
// CHECK-COUNT-4:   nvvm.shfl.sync bfly
//   CHECK-NOT:   nvvm.shfl.sync bfly
//       CHECK:   math.sqrt
//       CHECK:   scf.if %[[IS_ROW]]
//       CHECK:     llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
//       CHECK:     llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
//       CHECK:     llvm.store %{{.*}}, %{{.*}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<1>
func.func @norm(%context: !kernel.context) attributes {kernel.entry = #entry} {
  %b = kernel.batch %context
  %n = arith.constant 197 : index
  %x = kernel.buffer %context input at 0 : memref<?x197x48xf32>
  %g = kernel.buffer %context input at 1 : memref<48xf32>
  %s = kernel.buffer %context input at 2 : memref<48xf32>
  %y = kernel.buffer %context output at 0 : memref<?x197x48xf32>
  kernel.norm batch(%b) rows(%n) channels 48 epsilon 1.000000e-06 input(%x at #rows : memref<?x197x48xf32>)
      scale(%g : memref<48xf32>) shift(%s : memref<48xf32>) init(%y at #rows : memref<?x197x48xf32>)
  return
}

// The mean of squares alone.
// CHECK-LABEL: llvm.func @rms_norm_c48(
// CHECK-COUNT-2:   nvvm.shfl.sync bfly
//   CHECK-NOT:   nvvm.shfl.sync bfly
//       CHECK:   math.sqrt
func.func @rms_norm(%context: !kernel.context) attributes {kernel.entry = #entry} {
  %b = kernel.batch %context
  %n = arith.constant 197 : index
  %x = kernel.buffer %context input at 0 : memref<?x197x48xf32>
  %y = kernel.buffer %context output at 0 : memref<?x197x48xf32>
  kernel.norm batch(%b) rows(%n) channels 48 rms epsilon 1.000000e-06 input(%x at #rows : memref<?x197x48xf32>)
      init(%y at #rows : memref<?x197x48xf32>)
  return
}

// Vectors have 16 bytes of 16 bits too, for which two of scale are read.
// CHECK-LABEL: llvm.func @norm_c768(
// CHECK-COUNT-3:   llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<8xbf16>
// CHECK-COUNT-10:  nvvm.shfl.sync bfly
// CHECK-COUNT-6:   llvm.load %{{.*}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
//   CHECK-NOT:   llvm.load
//       CHECK:   llvm.store %{{.*}}, %{{.*}} {alignment = 16 : i64} : vector<8xbf16>, !llvm.ptr<1>
func.func @norm_of_16_bits(%context: !kernel.context) attributes {kernel.entry = #entry} {
  %b = kernel.batch %context
  %n = arith.constant 197 : index
  %x = kernel.buffer %context input at 0 : memref<?x197x768xbf16>
  %g = kernel.buffer %context input at 1 : memref<768xf32>
  %y = kernel.buffer %context output at 0 : memref<?x197x768xbf16>
  kernel.norm batch(%b) rows(%n) channels 768 epsilon 1.000000e-06 input(%x at #rows : memref<?x197x768xbf16>)
      scale(%g : memref<768xf32>) init(%y at #rows : memref<?x197x768xbf16>)
  return
}

// Elements of a row that vectors do not divide; the last lanes have one less,
// for which 0 stands in both sums, and which is not stored.
// CHECK-LABEL: llvm.func @norm_c33(
//       CHECK:   %[[IS_ROW:.*]] = arith.cmpi ult, %{{.*}} : index
//       CHECK:   %[[IS_INSIDE:.*]] = arith.cmpi ult, %[[CHANNEL:.*]], %c33 : index
//       CHECK:   arith.select %[[IS_INSIDE]], %[[CHANNEL]], %c0
//       CHECK:   llvm.load %{{.*}} : !llvm.ptr<1> -> f32
//       CHECK:   arith.select %[[IS_INSIDE]]
//       CHECK:   arith.select %[[IS_INSIDE]]
//       CHECK:   scf.if %[[IS_ROW]]
//       CHECK:     llvm.store
//       CHECK:     scf.if %[[IS_INSIDE]]
//       CHECK:       llvm.store
func.func @norm_of_elements(%context: !kernel.context) attributes {kernel.entry = #entry} {
  %b = kernel.batch %context
  %n = arith.constant 197 : index
  %x = kernel.buffer %context input at 0 : memref<?x197x33xf32>
  %y = kernel.buffer %context output at 0 : memref<?x197x33xf32>
  kernel.norm batch(%b) rows(%n) channels 33 epsilon 1.000000e-06 input(%x at #rows : memref<?x197x33xf32>)
      init(%y at #rows : memref<?x197x33xf32>)
  return
}

// A long row is read three times, eight vectors of a lane at once.
// CHECK-LABEL: llvm.func @norm_c4096(
//       CHECK:   scf.for %{{.*}} = %c0{{.*}} to %c4096{{.*}} step %c1024
// CHECK-COUNT-8:   llvm.load %{{.*}} : !llvm.ptr<1> -> vector<4xf32>
//   CHECK-NOT:     llvm.load
//       CHECK:   scf.for %{{.*}} = %c0{{.*}} to %c4096{{.*}} step %c1024
//       CHECK:   math.sqrt
//       CHECK:   scf.for %{{.*}} = %c0{{.*}} to %c4096{{.*}} step %c1024
//       CHECK:     llvm.store
func.func @norm_of_long_rows(%context: !kernel.context) attributes {kernel.entry = #entry} {
  %b = kernel.batch %context
  %n = arith.constant 197 : index
  %x = kernel.buffer %context input at 0 : memref<?x197x4096xf32>
  %y = kernel.buffer %context output at 0 : memref<?x197x4096xf32>
  kernel.norm batch(%b) rows(%n) channels 4096 epsilon 1.000000e-06 input(%x at #rows : memref<?x197x4096xf32>)
      init(%y at #rows : memref<?x197x4096xf32>)
  return
}

// Rows of an item that follow each other in a circle: where a row is depends on
// its item.
// CHECK-LABEL: llvm.func @norm_c16(
//       CHECK:   arith.divui
//       CHECK:   arith.remui
//       CHECK:   llvm.load
func.func @norm_of_shifted_rows(%context: !kernel.context) attributes {kernel.entry = #entry} {
  %b = kernel.batch %context
  %n = arith.constant 49 : index
  %x = kernel.buffer %context input at 0 : memref<?x49x16xf32>
  %y = kernel.buffer %context output at 0 : memref<?x49x16xf32>
  kernel.norm batch(%b) rows(%n) channels 16 epsilon 1.000000e-06
      input(%x at affine_map<(b, i, c) -> (b, (i + 5) mod 49, c)> : memref<?x49x16xf32>)
      init(%y at #rows : memref<?x49x16xf32>)
  return
}
