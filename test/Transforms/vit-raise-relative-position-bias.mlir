// RUN: vit-opt %s -vit-raise-relative-position-bias -split-input-file -verify-diagnostics | FileCheck %s

#rows = affine_map<(i, h) -> (i)>
#id = affine_map<(i, h) -> (i, h)>

// ONNX's Gather, Reshape, Transpose, Unsqueeze, as TorchScript writes it.
// CHECK-LABEL: func @relative_position_bias(
//  CHECK-SAME:   %[[T:.*]]: tensor<9x3xf32>
//  CHECK-NEXT:   %[[B:.*]] = vit.relative_position_bias %[[T]] window [2, 2] : tensor<9x3xf32> -> tensor<1x3x4x4xf32>
//  CHECK-NEXT:   return %[[B]]
func.func @relative_position_bias(%t: tensor<9x3xf32>) -> tensor<1x3x4x4xf32> {
  %index = arith.constant dense<[4, 3, 1, 0, 5, 4, 2, 1, 7, 6, 4, 3, 8, 7, 5, 4]> : tensor<16xi64>
  %e = tensor.empty() : tensor<16x3xf32>
  %0 = linalg.generic {indexing_maps = [#rows, #id], iterator_types = ["parallel", "parallel"]} ins(%index : tensor<16xi64>) outs(%e : tensor<16x3xf32>) {
  ^bb0(%in: i64, %out: f32):
    %h = linalg.index 1 : index
    %row = arith.index_cast %in : i64 to index
    %element = tensor.extract %t[%row, %h] : tensor<9x3xf32>
    linalg.yield %element : f32
  } -> tensor<16x3xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [4, 4, 3] : tensor<16x3xf32> into tensor<4x4x3xf32>
  %et = tensor.empty() : tensor<3x4x4xf32>
  %2 = linalg.transpose ins(%1 : tensor<4x4x3xf32>) outs(%et : tensor<3x4x4xf32>) permutation = [2, 0, 1]
  %3 = tensor.expand_shape %2 [[0, 1], [2], [3]] output_shape [1, 3, 4, 4] : tensor<3x4x4xf32> into tensor<1x3x4x4xf32>
  return %3 : tensor<1x3x4x4xf32>
}

// One head: transposes of dims of size 1 move nothing.
// CHECK-LABEL: func @relative_position_bias_one_head(
//       CHECK:   %[[B:.*]] = vit.relative_position_bias %{{.*}} window [2, 2] : tensor<9x1xf32> -> tensor<1x1x4x4xf32>
//  CHECK-NEXT:   return %[[B]]
func.func @relative_position_bias_one_head(%t: tensor<9x1xf32>) -> tensor<1x1x4x4xf32> {
  %index = arith.constant dense<[4, 3, 1, 0, 5, 4, 2, 1, 7, 6, 4, 3, 8, 7, 5, 4]> : tensor<16xi64>
  %e = tensor.empty() : tensor<16x1xf32>
  %0 = linalg.generic {indexing_maps = [#rows, #id], iterator_types = ["parallel", "parallel"]} ins(%index : tensor<16xi64>) outs(%e : tensor<16x1xf32>) {
  ^bb0(%in: i64, %out: f32):
    %h = linalg.index 1 : index
    %row = arith.index_cast %in : i64 to index
    %element = tensor.extract %t[%row, %h] : tensor<9x1xf32>
    linalg.yield %element : f32
  } -> tensor<16x1xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [4, 4, 1] : tensor<16x1xf32> into tensor<4x4x1xf32>
  %et = tensor.empty() : tensor<1x4x4xf32>
  %2 = linalg.transpose ins(%1 : tensor<4x4x1xf32>) outs(%et : tensor<1x4x4xf32>) permutation = [2, 0, 1]
  %3 = tensor.expand_shape %2 [[0, 1], [2], [3]] output_shape [1, 1, 4, 4] : tensor<1x4x4xf32> into tensor<1x1x4x4xf32>
  return %3 : tensor<1x1x4x4xf32>
}

// -----

#heads = affine_map<(h, i) -> (h, i)>

// GatherND, with the checks of indices that its import writes.
// CHECK-LABEL: func @relative_position_bias_gather_nd(
//  CHECK-SAME:   %[[T:.*]]: tensor<15x2xf32>
//       CHECK:   vit.relative_position_bias %[[T]] window [2, 3] : tensor<15x2xf32> -> tensor<1x2x6x6xf32>
//   CHECK-NOT:   linalg
func.func @relative_position_bias_gather_nd(%t: tensor<15x2xf32>) -> tensor<2x6x6xf32> {
  %index = arith.constant dense<[[-8], [6], [-10], [2], [-14], [0], [8], [-8], [6], [-12], [2], [-14], [-6], [8], [-8], [4], [-12], [2], [12], [-4], [10], [-8], [6], [-10], [-2], [12], [-4], [8], [-8], [6], [14], [-2], [12], [-6], [8], [-8]]> : tensor<36x1xi32>
  %c15 = arith.constant 15 : index
  %e = tensor.empty() : tensor<36x2xf32>
  %0 = linalg.generic {indexing_maps = [#heads], iterator_types = ["parallel", "parallel"]} outs(%e : tensor<36x2xf32>) {
  ^bb0(%out: f32):
    %i = linalg.index 0 : index
    %h = linalg.index 1 : index
    %c0 = arith.constant 0 : index
    %number = tensor.extract %index[%i, %c0] : tensor<36x1xi32>
    %row = arith.index_cast %number : i32 to index
    %negative = arith.cmpi slt, %row, %c0 : index
    %from_end = arith.addi %row, %c15 : index
    %position = arith.select %negative, %from_end, %row : index
    %element = tensor.extract %t[%position, %h] : tensor<15x2xf32>
    linalg.yield %element : f32
  } -> tensor<36x2xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [6, 6, 2] : tensor<36x2xf32> into tensor<6x6x2xf32>
  %et = tensor.empty() : tensor<2x6x6xf32>
  %2 = linalg.transpose ins(%1 : tensor<6x6x2xf32>) outs(%et : tensor<2x6x6xf32>) permutation = [2, 0, 1]
  return %2 : tensor<2x6x6xf32>
}

// -----

#pairs = affine_map<(i, j, h) -> (i, j)>
#all = affine_map<(i, j, h) -> (i, j, h)>

// torch's dynamo exporter gathers by an index of [N, N].
// CHECK-LABEL: func @relative_position_bias_pairs(
//  CHECK-SAME:   %[[T:.*]]: tensor<9x3xf32>
//       CHECK:   vit.relative_position_bias %[[T]] window [2, 2] : tensor<9x3xf32> -> tensor<1x3x4x4xf32>
//   CHECK-NOT:   linalg
func.func @relative_position_bias_pairs(%t: tensor<9x3xf32>) -> tensor<3x4x4xf32> {
  %index = arith.constant dense<[[4, 3, 1, 0], [5, 4, 2, 1], [7, 6, 4, 3], [8, 7, 5, 4]]> : tensor<4x4xi64>
  %e = tensor.empty() : tensor<4x4x3xf32>
  %0 = linalg.generic {indexing_maps = [#pairs, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%index : tensor<4x4xi64>) outs(%e : tensor<4x4x3xf32>) {
  ^bb0(%in: i64, %out: f32):
    %h = linalg.index 2 : index
    %row = arith.index_cast %in : i64 to index
    %element = tensor.extract %t[%row, %h] : tensor<9x3xf32>
    linalg.yield %element : f32
  } -> tensor<4x4x3xf32>
  %et = tensor.empty() : tensor<3x4x4xf32>
  %1 = linalg.transpose ins(%0 : tensor<4x4x3xf32>) outs(%et : tensor<3x4x4xf32>) permutation = [2, 0, 1]
  return %1 : tensor<3x4x4xf32>
}

// -----

#rows = affine_map<(i, h) -> (i)>
#id = affine_map<(i, h) -> (i, h)>

// BEiT: three more rows, for the class token.
// CHECK-LABEL: func @relative_position_bias_class_token(
//       CHECK:   vit.relative_position_bias %{{.*}} window [2, 2] class_token : tensor<12x2xf32> -> tensor<1x2x5x5xf32>
//   CHECK-NOT:   linalg
func.func @relative_position_bias_class_token(%t: tensor<12x2xf32>) -> tensor<2x5x5xf32> {
  %index = arith.constant dense<[11, 9, 9, 9, 9, 10, 4, 3, 1, 0, 10, 5, 4, 2, 1, 10, 7, 6, 4, 3, 10, 8, 7, 5, 4]> : tensor<25xi64>
  %e = tensor.empty() : tensor<25x2xf32>
  %0 = linalg.generic {indexing_maps = [#rows, #id], iterator_types = ["parallel", "parallel"]} ins(%index : tensor<25xi64>) outs(%e : tensor<25x2xf32>) {
  ^bb0(%in: i64, %out: f32):
    %h = linalg.index 1 : index
    %row = arith.index_cast %in : i64 to index
    %element = tensor.extract %t[%row, %h] : tensor<12x2xf32>
    linalg.yield %element : f32
  } -> tensor<25x2xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [5, 5, 2] : tensor<25x2xf32> into tensor<5x5x2xf32>
  %et = tensor.empty() : tensor<2x5x5xf32>
  %2 = linalg.transpose ins(%1 : tensor<5x5x2xf32>) outs(%et : tensor<2x5x5xf32>) permutation = [2, 0, 1]
  return %2 : tensor<2x5x5xf32>
}

// -----

#rows = affine_map<(i, h) -> (i)>
#id = affine_map<(i, h) -> (i, h)>
#all = affine_map<(h, i, j) -> (h, i, j)>

// Swin v2 scales the bias; here it is the table that is scaled.
// CHECK-LABEL: func @relative_position_bias_elementwise(
//  CHECK-SAME:   %[[T:.*]]: tensor<9x3xf32>
//       CHECK:   %[[S:.*]] = linalg.generic {{.*}} ins(%[[T]] : tensor<9x3xf32>)
//       CHECK:     arith.mulf
//       CHECK:   vit.relative_position_bias %[[S]] window [2, 2]
//   CHECK-NOT:   linalg.generic
func.func @relative_position_bias_elementwise(%t: tensor<9x3xf32>) -> tensor<3x4x4xf32> {
  %index = arith.constant dense<[4, 3, 1, 0, 5, 4, 2, 1, 7, 6, 4, 3, 8, 7, 5, 4]> : tensor<16xi64>
  %e = tensor.empty() : tensor<16x3xf32>
  %0 = linalg.generic {indexing_maps = [#rows, #id], iterator_types = ["parallel", "parallel"]} ins(%index : tensor<16xi64>) outs(%e : tensor<16x3xf32>) {
  ^bb0(%in: i64, %out: f32):
    %h = linalg.index 1 : index
    %row = arith.index_cast %in : i64 to index
    %element = tensor.extract %t[%row, %h] : tensor<9x3xf32>
    linalg.yield %element : f32
  } -> tensor<16x3xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [4, 4, 3] : tensor<16x3xf32> into tensor<4x4x3xf32>
  %et = tensor.empty() : tensor<3x4x4xf32>
  %2 = linalg.transpose ins(%1 : tensor<4x4x3xf32>) outs(%et : tensor<3x4x4xf32>) permutation = [2, 0, 1]
  %3 = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%2 : tensor<3x4x4xf32>) outs(%et : tensor<3x4x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %c16 = arith.constant 16.0 : f32
    %scaled = arith.mulf %in, %c16 : f32
    linalg.yield %scaled : f32
  } -> tensor<3x4x4xf32>
  return %3 : tensor<3x4x4xf32>
}

// What is computed from a position stays behind the bias.
// CHECK-LABEL: func @relative_position_bias_by_position(
//       CHECK:   vit.relative_position_bias %{{.*}} window [2, 2]
//       CHECK:   linalg.generic
//       CHECK:     linalg.index 1
func.func @relative_position_bias_by_position(%t: tensor<9x3xf32>) -> tensor<3x4x4xf32> {
  %index = arith.constant dense<[4, 3, 1, 0, 5, 4, 2, 1, 7, 6, 4, 3, 8, 7, 5, 4]> : tensor<16xi64>
  %e = tensor.empty() : tensor<16x3xf32>
  %0 = linalg.generic {indexing_maps = [#rows, #id], iterator_types = ["parallel", "parallel"]} ins(%index : tensor<16xi64>) outs(%e : tensor<16x3xf32>) {
  ^bb0(%in: i64, %out: f32):
    %h = linalg.index 1 : index
    %row = arith.index_cast %in : i64 to index
    %element = tensor.extract %t[%row, %h] : tensor<9x3xf32>
    linalg.yield %element : f32
  } -> tensor<16x3xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [4, 4, 3] : tensor<16x3xf32> into tensor<4x4x3xf32>
  %et = tensor.empty() : tensor<3x4x4xf32>
  %2 = linalg.transpose ins(%1 : tensor<4x4x3xf32>) outs(%et : tensor<3x4x4xf32>) permutation = [2, 0, 1]
  %3 = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel", "parallel"]} ins(%2 : tensor<3x4x4xf32>) outs(%et : tensor<3x4x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %i = linalg.index 1 : index
    %number = arith.index_cast %i : index to i32
    %float = arith.sitofp %number : i32 to f32
    %sum = arith.addf %in, %float : f32
    linalg.yield %sum : f32
  } -> tensor<3x4x4xf32>
  return %3 : tensor<3x4x4xf32>
}

// -----

#rows = affine_map<(i, h) -> (i)>
#id = affine_map<(i, h) -> (i, h)>

// The index of keys to queries: the rows of the window in another order.
// CHECK-LABEL: func @negative_relative_position_bias_permuted_rows(
//   CHECK-NOT:   vit.relative_position_bias
func.func @negative_relative_position_bias_permuted_rows(%t: tensor<9x3xf32>) -> tensor<3x4x4xf32> {
  %index = arith.constant dense<[4, 5, 7, 8, 3, 4, 6, 7, 1, 2, 4, 5, 0, 1, 3, 4]> : tensor<16xi64>
  // expected-remark @+2 {{reads a table of 9 rows for 4 x 4 pairs of tokens, but not the rows of relative positions in a window of 2 x 2}}
  %e = tensor.empty() : tensor<16x3xf32>
  %0 = linalg.generic {indexing_maps = [#rows, #id], iterator_types = ["parallel", "parallel"]} ins(%index : tensor<16xi64>) outs(%e : tensor<16x3xf32>) {
  ^bb0(%in: i64, %out: f32):
    %h = linalg.index 1 : index
    %row = arith.index_cast %in : i64 to index
    %element = tensor.extract %t[%row, %h] : tensor<9x3xf32>
    linalg.yield %element : f32
  } -> tensor<16x3xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [4, 4, 3] : tensor<16x3xf32> into tensor<4x4x3xf32>
  %et = tensor.empty() : tensor<3x4x4xf32>
  %2 = linalg.transpose ins(%1 : tensor<4x4x3xf32>) outs(%et : tensor<3x4x4xf32>) permutation = [2, 0, 1]
  return %2 : tensor<3x4x4xf32>
}

// -----

#rows = affine_map<(i, h) -> (i)>
#id = affine_map<(i, h) -> (i, h)>

// The index of a window of 1 x 4, which has 7 rows.
// CHECK-LABEL: func @negative_relative_position_bias_other_window(
//   CHECK-NOT:   vit.relative_position_bias
func.func @negative_relative_position_bias_other_window(%t: tensor<9x3xf32>) -> tensor<3x4x4xf32> {
  %index = arith.constant dense<[3, 2, 1, 0, 4, 3, 2, 1, 5, 4, 3, 2, 6, 5, 4, 3]> : tensor<16xi64>
  // expected-remark @+2 {{but not the rows of relative positions in a window of 2 x 2}}
  %e = tensor.empty() : tensor<16x3xf32>
  %0 = linalg.generic {indexing_maps = [#rows, #id], iterator_types = ["parallel", "parallel"]} ins(%index : tensor<16xi64>) outs(%e : tensor<16x3xf32>) {
  ^bb0(%in: i64, %out: f32):
    %h = linalg.index 1 : index
    %row = arith.index_cast %in : i64 to index
    %element = tensor.extract %t[%row, %h] : tensor<9x3xf32>
    linalg.yield %element : f32
  } -> tensor<16x3xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [4, 4, 3] : tensor<16x3xf32> into tensor<4x4x3xf32>
  %et = tensor.empty() : tensor<3x4x4xf32>
  %2 = linalg.transpose ins(%1 : tensor<4x4x3xf32>) outs(%et : tensor<3x4x4xf32>) permutation = [2, 0, 1]
  return %2 : tensor<3x4x4xf32>
}

// -----

#rows = affine_map<(i, h) -> (i)>
#id = affine_map<(i, h) -> (i, h)>

// A window of 2 x 2 reads the first rows, but the table has one more.
// CHECK-LABEL: func @negative_relative_position_bias_long_table(
//   CHECK-NOT:   vit.relative_position_bias
func.func @negative_relative_position_bias_long_table(%t: tensor<10x3xf32>) -> tensor<3x4x4xf32> {
  %index = arith.constant dense<[4, 3, 1, 0, 5, 4, 2, 1, 7, 6, 4, 3, 8, 7, 5, 4]> : tensor<16xi64>
  %e = tensor.empty() : tensor<16x3xf32>
  %0 = linalg.generic {indexing_maps = [#rows, #id], iterator_types = ["parallel", "parallel"]} ins(%index : tensor<16xi64>) outs(%e : tensor<16x3xf32>) {
  ^bb0(%in: i64, %out: f32):
    %h = linalg.index 1 : index
    %row = arith.index_cast %in : i64 to index
    %element = tensor.extract %t[%row, %h] : tensor<10x3xf32>
    linalg.yield %element : f32
  } -> tensor<16x3xf32>
  %1 = tensor.expand_shape %0 [[0, 1], [2]] output_shape [4, 4, 3] : tensor<16x3xf32> into tensor<4x4x3xf32>
  %et = tensor.empty() : tensor<3x4x4xf32>
  %2 = linalg.transpose ins(%1 : tensor<4x4x3xf32>) outs(%et : tensor<3x4x4xf32>) permutation = [2, 0, 1]
  return %2 : tensor<3x4x4xf32>
}

// The index is not known until the program runs.
// CHECK-LABEL: func @negative_relative_position_bias_computed_index(
//   CHECK-NOT:   vit.relative_position_bias
func.func @negative_relative_position_bias_computed_index(%t: tensor<9x3xf32>, %index: tensor<16xi64>) -> tensor<16x3xf32> {
  %e = tensor.empty() : tensor<16x3xf32>
  %0 = linalg.generic {indexing_maps = [#rows, #id], iterator_types = ["parallel", "parallel"]} ins(%index : tensor<16xi64>) outs(%e : tensor<16x3xf32>) {
  ^bb0(%in: i64, %out: f32):
    %h = linalg.index 1 : index
    %row = arith.index_cast %in : i64 to index
    %element = tensor.extract %t[%row, %h] : tensor<9x3xf32>
    linalg.yield %element : f32
  } -> tensor<16x3xf32>
  return %0 : tensor<16x3xf32>
}
