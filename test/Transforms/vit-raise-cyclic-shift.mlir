// RUN: vit-opt %s -vit-raise-cyclic-shift -split-input-file -verify-diagnostics | FileCheck %s

// torch.roll of both axes: the rows, then the columns.
// CHECK-LABEL: func @cyclic_shift(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x8x10x32xf32>
//  CHECK-NEXT:   %[[Y:.*]] = vit.cyclic_shift %[[X]] shift [2, 3] : tensor<?x8x10x32xf32>
//  CHECK-NEXT:   return %[[Y]]
func.func @cyclic_shift(%x: tensor<?x8x10x32xf32>) -> tensor<?x8x10x32xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x8x10x32xf32>
  %0 = tensor.extract_slice %x[0, 2, 0, 0] [%b, 6, 10, 32] [1, 1, 1, 1] : tensor<?x8x10x32xf32> to tensor<?x6x10x32xf32>
  %1 = tensor.extract_slice %x[0, 0, 0, 0] [%b, 2, 10, 32] [1, 1, 1, 1] : tensor<?x8x10x32xf32> to tensor<?x2x10x32xf32>
  %2 = tensor.concat dim(1) %0, %1 : (tensor<?x6x10x32xf32>, tensor<?x2x10x32xf32>) -> tensor<?x8x10x32xf32>
  %3 = tensor.extract_slice %2[0, 0, 3, 0] [%b, 8, 7, 32] [1, 1, 1, 1] : tensor<?x8x10x32xf32> to tensor<?x8x7x32xf32>
  %4 = tensor.extract_slice %2[0, 0, 0, 0] [%b, 8, 3, 32] [1, 1, 1, 1] : tensor<?x8x10x32xf32> to tensor<?x8x3x32xf32>
  %5 = tensor.concat dim(2) %3, %4 : (tensor<?x8x7x32xf32>, tensor<?x8x3x32xf32>) -> tensor<?x8x10x32xf32>
  return %5 : tensor<?x8x10x32xf32>
}

// The shift back takes the last rows first; half of the map either way.
// CHECK-LABEL: func @cyclic_shift_back(
//  CHECK-SAME:   %[[X:.*]]: tensor<1x8x8x32xf32>
//  CHECK-NEXT:   %[[Y:.*]] = vit.cyclic_shift %[[X]] shift [-2, 0]
//  CHECK-NEXT:   %[[Z:.*]] = vit.cyclic_shift %[[X]] shift [4, 0]
//  CHECK-NEXT:   return %[[Y]], %[[Z]]
func.func @cyclic_shift_back(%x: tensor<1x8x8x32xf32>) -> (tensor<1x8x8x32xf32>, tensor<1x8x8x32xf32>) {
  %0 = tensor.extract_slice %x[0, 6, 0, 0] [1, 2, 8, 32] [1, 1, 1, 1] : tensor<1x8x8x32xf32> to tensor<1x2x8x32xf32>
  %1 = tensor.extract_slice %x[0, 0, 0, 0] [1, 6, 8, 32] [1, 1, 1, 1] : tensor<1x8x8x32xf32> to tensor<1x6x8x32xf32>
  %2 = tensor.concat dim(1) %0, %1 : (tensor<1x2x8x32xf32>, tensor<1x6x8x32xf32>) -> tensor<1x8x8x32xf32>
  %3 = tensor.extract_slice %x[0, 4, 0, 0] [1, 4, 8, 32] [1, 1, 1, 1] : tensor<1x8x8x32xf32> to tensor<1x4x8x32xf32>
  %4 = tensor.extract_slice %x[0, 0, 0, 0] [1, 4, 8, 32] [1, 1, 1, 1] : tensor<1x8x8x32xf32> to tensor<1x4x8x32xf32>
  %5 = tensor.concat dim(1) %3, %4 : (tensor<1x4x8x32xf32>, tensor<1x4x8x32xf32>) -> tensor<1x8x8x32xf32>
  return %2, %5 : tensor<1x8x8x32xf32>, tensor<1x8x8x32xf32>
}

// Gathers of both axes, of the rows and of the columns by arange, rolled.
// CHECK-LABEL: func @cyclic_shift_gather(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x4x6x8xf32>
//  CHECK-NEXT:   %[[Y:.*]] = vit.cyclic_shift %[[X]] shift [1, -2] : tensor<?x4x6x8xf32>
//  CHECK-NEXT:   return %[[Y]]
#all = affine_map<(b, y, x, c) -> (b, y, x, c)>
#axis1 = affine_map<(b, y, x, c) -> (y)>
#axis2 = affine_map<(b, y, x, c) -> (x)>
func.func @cyclic_shift_gather(%x: tensor<?x4x6x8xf32>) -> tensor<?x4x6x8xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x4x6x8xf32>
  %e = tensor.empty(%b) : tensor<?x4x6x8xf32>
  %yi = arith.constant dense<[1, 2, 3, 0]> : tensor<4xi64>
  %0 = linalg.generic {indexing_maps = [#axis1, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%yi : tensor<4xi64>) outs(%e : tensor<?x4x6x8xf32>) {
  ^bb0(%in: i64, %out: f32):
    %l0 = linalg.index 0 : index
    %l2 = linalg.index 2 : index
    %l3 = linalg.index 3 : index
    %l1 = arith.index_cast %in : i64 to index
    %element = tensor.extract %x[%l0, %l1, %l2, %l3] : tensor<?x4x6x8xf32>
    linalg.yield %element : f32
  } -> tensor<?x4x6x8xf32>
  %xi = arith.constant dense<[4, 5, 0, 1, 2, 3]> : tensor<6xi64>
  %1 = linalg.generic {indexing_maps = [#axis2, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%xi : tensor<6xi64>) outs(%e : tensor<?x4x6x8xf32>) {
  ^bb0(%in: i64, %out: f32):
    %l0 = linalg.index 0 : index
    %l1 = linalg.index 1 : index
    %l3 = linalg.index 3 : index
    %l2 = arith.index_cast %in : i64 to index
    %element = tensor.extract %0[%l0, %l1, %l2, %l3] : tensor<?x4x6x8xf32>
    linalg.yield %element : f32
  } -> tensor<?x4x6x8xf32>
  return %1 : tensor<?x4x6x8xf32>
}

// Rows 0 and 3 are exchanged.
// CHECK-LABEL: func @negative_cyclic_shift_gather_order(
//   CHECK-NOT:   vit.cyclic_shift
func.func @negative_cyclic_shift_gather_order(%x: tensor<1x4x6x8xf32>) -> tensor<1x4x6x8xf32> {
  %e = tensor.empty() : tensor<1x4x6x8xf32>
  %yi = arith.constant dense<[3, 1, 2, 0]> : tensor<4xi64>
  %0 = linalg.generic {indexing_maps = [#axis1, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%yi : tensor<4xi64>) outs(%e : tensor<1x4x6x8xf32>) {
  ^bb0(%in: i64, %out: f32):
    %l0 = linalg.index 0 : index
    %l2 = linalg.index 2 : index
    %l3 = linalg.index 3 : index
    %l1 = arith.index_cast %in : i64 to index
    %element = tensor.extract %x[%l0, %l1, %l2, %l3] : tensor<1x4x6x8xf32>
    linalg.yield %element : f32
  } -> tensor<1x4x6x8xf32>
  return %0 : tensor<1x4x6x8xf32>
}

// The columns of the map are read at the rows' index.
// CHECK-LABEL: func @negative_cyclic_shift_gather_transposed(
//   CHECK-NOT:   vit.cyclic_shift
func.func @negative_cyclic_shift_gather_transposed(%x: tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32> {
  %e = tensor.empty() : tensor<1x4x4x8xf32>
  %yi = arith.constant dense<[1, 2, 3, 0]> : tensor<4xi64>
  %0 = linalg.generic {indexing_maps = [#axis1, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%yi : tensor<4xi64>) outs(%e : tensor<1x4x4x8xf32>) {
  ^bb0(%in: i64, %out: f32):
    %l0 = linalg.index 0 : index
    %l2 = linalg.index 2 : index
    %l3 = linalg.index 3 : index
    %l1 = arith.index_cast %in : i64 to index
    %element = tensor.extract %x[%l0, %l2, %l1, %l3] : tensor<1x4x4x8xf32>
    linalg.yield %element : f32
  } -> tensor<1x4x4x8xf32>
  return %0 : tensor<1x4x4x8xf32>
}

// Row 2 is missing, and the first slices are of two tensors.
// CHECK-LABEL: func @negative_cyclic_shift_parts(
//   CHECK-NOT:   vit.cyclic_shift
func.func @negative_cyclic_shift_parts(%x: tensor<1x8x8x32xf32>, %y: tensor<1x8x8x32xf32>)
    -> (tensor<1x7x8x32xf32>, tensor<1x8x8x32xf32>) {
  %0 = tensor.extract_slice %x[0, 3, 0, 0] [1, 5, 8, 32] [1, 1, 1, 1] : tensor<1x8x8x32xf32> to tensor<1x5x8x32xf32>
  %1 = tensor.extract_slice %x[0, 0, 0, 0] [1, 2, 8, 32] [1, 1, 1, 1] : tensor<1x8x8x32xf32> to tensor<1x2x8x32xf32>
  %2 = tensor.concat dim(1) %0, %1 : (tensor<1x5x8x32xf32>, tensor<1x2x8x32xf32>) -> tensor<1x7x8x32xf32>
  %3 = tensor.extract_slice %y[0, 0, 0, 0] [1, 3, 8, 32] [1, 1, 1, 1] : tensor<1x8x8x32xf32> to tensor<1x3x8x32xf32>
  %4 = tensor.concat dim(1) %0, %3 : (tensor<1x5x8x32xf32>, tensor<1x3x8x32xf32>) -> tensor<1x8x8x32xf32>
  return %2, %4 : tensor<1x7x8x32xf32>, tensor<1x8x8x32xf32>
}

// The rows come back in their order: nothing is rolled.
// CHECK-LABEL: func @negative_cyclic_shift_in_order(
//   CHECK-NOT:   vit.cyclic_shift
func.func @negative_cyclic_shift_in_order(%x: tensor<1x8x8x32xf32>) -> tensor<1x8x8x32xf32> {
  %0 = tensor.extract_slice %x[0, 0, 0, 0] [1, 2, 8, 32] [1, 1, 1, 1] : tensor<1x8x8x32xf32> to tensor<1x2x8x32xf32>
  %1 = tensor.extract_slice %x[0, 2, 0, 0] [1, 6, 8, 32] [1, 1, 1, 1] : tensor<1x8x8x32xf32> to tensor<1x6x8x32xf32>
  %2 = tensor.concat dim(1) %0, %1 : (tensor<1x2x8x32xf32>, tensor<1x6x8x32xf32>) -> tensor<1x8x8x32xf32>
  return %2 : tensor<1x8x8x32xf32>
}

// -----

// CHECK-LABEL: func @negative_cyclic_shift_channels(
//   CHECK-NOT:   vit.cyclic_shift
func.func @negative_cyclic_shift_channels(%x: tensor<1x8x8x32xf32>) -> tensor<1x8x8x32xf32> {
  %0 = tensor.extract_slice %x[0, 0, 0, 2] [1, 8, 8, 30] [1, 1, 1, 1] : tensor<1x8x8x32xf32> to tensor<1x8x8x30xf32>
  %1 = tensor.extract_slice %x[0, 0, 0, 0] [1, 8, 8, 2] [1, 1, 1, 1] : tensor<1x8x8x32xf32> to tensor<1x8x8x2xf32>
  // expected-remark @below {{rolls dim 3 of 'tensor<1x8x8x32xf32>'; vit.cyclic_shift rolls dim 1 or 2 of floats [B, H, W, C]}}
  %2 = tensor.concat dim(3) %0, %1 : (tensor<1x8x8x30xf32>, tensor<1x8x8x2xf32>) -> tensor<1x8x8x32xf32>
  return %2 : tensor<1x8x8x32xf32>
}

// -----

// vit's tensors have one dynamic dim, the batch.
// CHECK-LABEL: func @negative_cyclic_shift_dynamic_channels(
//   CHECK-NOT:   vit.cyclic_shift
func.func @negative_cyclic_shift_dynamic_channels(%x: tensor<1x8x?x32xf32>, %w: index) -> tensor<1x8x?x32xf32> {
  %0 = tensor.extract_slice %x[0, 2, 0, 0] [1, 6, %w, 32] [1, 1, 1, 1] : tensor<1x8x?x32xf32> to tensor<1x6x?x32xf32>
  %1 = tensor.extract_slice %x[0, 0, 0, 0] [1, 2, %w, 32] [1, 1, 1, 1] : tensor<1x8x?x32xf32> to tensor<1x2x?x32xf32>
  %2 = tensor.concat dim(1) %0, %1 : (tensor<1x6x?x32xf32>, tensor<1x2x?x32xf32>) -> tensor<1x8x?x32xf32>
  return %2 : tensor<1x8x?x32xf32>
}
