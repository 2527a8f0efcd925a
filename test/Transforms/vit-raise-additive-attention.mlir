// RUN: vit-opt %s -vit-raise-additive-attention -split-input-file | FileCheck %s

#query = affine_map<(b, i, j, d) -> (b, i, d)>
#key = affine_map<(b, i, j, d) -> (b, j, d)>
#all = affine_map<(b, i, j, d) -> (b, i, j, d)>

// A linear layer with one column; its bias is added to all scores alike.
// CHECK-LABEL: func @linear(
//  CHECK-SAME:     %[[Q:[^:]*]]: tensor<2x3x8xf32>, %[[K:[^:]*]]: tensor<2x5x8xf32>, %[[W:[^:]*]]: tensor<1x8xf32>
//  CHECK-SAME:     %[[V:[^:]*]]: tensor<2x5x6xf32>
//       CHECK:   %[[C:.*]] = tensor.collapse_shape %[[W]] {{.*}} into tensor<8xf32>
//       CHECK:   %[[R:.*]] = vit.additive_attention %[[Q]], %[[K]], %[[C]], %[[V]]
//       CHECK:   return %[[R]]
func.func @linear(%q: tensor<2x3x8xf32>, %k: tensor<2x5x8xf32>, %w: tensor<1x8xf32>, %bias: tensor<1xf32>,
                  %v: tensor<2x5x6xf32>) -> tensor<2x3x6xf32> {
  %e = tensor.empty() : tensor<2x3x5x8xf32>
  %0 = linalg.generic {indexing_maps = [#query, #key, #all], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%q, %k : tensor<2x3x8xf32>, tensor<2x5x8xf32>) outs(%e : tensor<2x3x5x8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<2x3x5x8xf32>
  %1 = math.tanh %0 : tensor<2x3x5x8xf32>
  %2 = vit.linear %1, %w bias(%bias : tensor<1xf32>) : tensor<2x3x5x8xf32>, tensor<1x8xf32> -> tensor<2x3x5x1xf32>
  %3 = tensor.collapse_shape %2 [[0], [1], [2, 3]] : tensor<2x3x5x1xf32> into tensor<2x3x5xf32>
  %4 = tensor.expand_shape %3 [[0], [1, 2], [3]] output_shape [2, 1, 3, 5] : tensor<2x3x5xf32> into tensor<2x1x3x5xf32>
  %5 = vit.split_heads %v heads 1 : tensor<2x5x6xf32> -> tensor<2x1x5x6xf32>
  %6 = vit.softmax_matmul %4, %5 : tensor<2x1x3x5xf32>, tensor<2x1x5x6xf32> -> tensor<2x1x3x6xf32>
  %7 = vit.merge_heads %6 : tensor<2x1x3x6xf32> -> tensor<2x3x6xf32>
  return %7 : tensor<2x3x6xf32>
}

// -----

#query = affine_map<(b, j, d) -> (b, 0, d)>
#all = affine_map<(b, j, d) -> (b, j, d)>
#weight = affine_map<(b, j, d) -> (d)>
#score = affine_map<(b, j, d) -> (b, j)>

// One query, which is the second addend, and a sum of products with the weight.
// CHECK-LABEL: func @sum(
//  CHECK-SAME:     %[[Q:[^:]*]]: tensor<?x1x8xf32>, %[[K:[^:]*]]: tensor<?x5x8xf32>, %[[W:[^:]*]]: tensor<8xf32>
//  CHECK-SAME:     %[[V:[^:]*]]: tensor<?x1x5x6xf32>
//       CHECK:   %[[T:.*]] = tensor.collapse_shape %[[V]] {{.*}} into tensor<?x5x6xf32>
//       CHECK:   %[[R:.*]] = vit.additive_attention %[[Q]], %[[K]], %[[W]], %[[T]]
//       CHECK:   %[[E:.*]] = tensor.expand_shape %[[R]]
//       CHECK:   return %[[E]]
func.func @sum(%q: tensor<?x1x8xf32>, %k: tensor<?x5x8xf32>, %w: tensor<8xf32>, %v: tensor<?x1x5x6xf32>) -> tensor<?x1x1x6xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %k, %c0 : tensor<?x5x8xf32>
  %e = tensor.empty(%n) : tensor<?x5x8xf32>
  %0 = linalg.generic {indexing_maps = [#all, #query, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%k, %q : tensor<?x5x8xf32>, tensor<?x1x8xf32>) outs(%e : tensor<?x5x8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x5x8xf32>
  %1 = math.tanh %0 : tensor<?x5x8xf32>
  %2 = linalg.generic {indexing_maps = [#weight, #all, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%w, %1 : tensor<8xf32>, tensor<?x5x8xf32>) outs(%e : tensor<?x5x8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.mulf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x5x8xf32>
  %f = tensor.empty(%n) : tensor<?x5xf32>
  %z = linalg.fill ins(%zero : f32) outs(%f : tensor<?x5xf32>) -> tensor<?x5xf32>
  %3 = linalg.generic {indexing_maps = [#all, #score], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%2 : tensor<?x5x8xf32>) outs(%z : tensor<?x5xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.addf %a, %out : f32
    linalg.yield %s : f32
  } -> tensor<?x5xf32>
  %4 = tensor.expand_shape %3 [[0], [1, 2, 3]] output_shape [%n, 1, 1, 5] : tensor<?x5xf32> into tensor<?x1x1x5xf32>
  %5 = vit.softmax_matmul %4, %v : tensor<?x1x1x5xf32>, tensor<?x1x5x6xf32> -> tensor<?x1x1x6xf32>
  return %5 : tensor<?x1x1x6xf32>
}

// -----

#query = affine_map<(b, j, d) -> (b, 0, d)>
#all = affine_map<(b, j, d) -> (b, j, d)>
#weight = affine_map<(b, j, d) -> (d)>
#score = affine_map<(b, j, d) -> (b, j)>

// As a contraction, but of the logistic function.
// CHECK-LABEL: func @negative_no_tanh(
//       CHECK:   vit.softmax_matmul
func.func @negative_no_tanh(%q: tensor<2x1x8xf32>, %k: tensor<2x5x8xf32>, %w: tensor<8xf32>, %v: tensor<2x1x5x6xf32>) -> tensor<2x1x1x6xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x5x8xf32>
  %0 = linalg.generic {indexing_maps = [#all, #query, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%k, %q : tensor<2x5x8xf32>, tensor<2x1x8xf32>) outs(%e : tensor<2x5x8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<2x5x8xf32>
  %1 = math.exp %0 : tensor<2x5x8xf32>
  %f = tensor.empty() : tensor<2x5xf32>
  %z = linalg.fill ins(%zero : f32) outs(%f : tensor<2x5xf32>) -> tensor<2x5xf32>
  %2 = linalg.contract indexing_maps = [#all, #weight, #score] ins(%1, %w : tensor<2x5x8xf32>, tensor<8xf32>)
      outs(%z : tensor<2x5xf32>) -> tensor<2x5xf32>
  %3 = tensor.expand_shape %2 [[0], [1, 2, 3]] output_shape [2, 1, 1, 5] : tensor<2x5xf32> into tensor<2x1x1x5xf32>
  %4 = vit.softmax_matmul %3, %v : tensor<2x1x1x5xf32>, tensor<2x1x5x6xf32> -> tensor<2x1x1x6xf32>
  return %4 : tensor<2x1x1x6xf32>
}

// -----

#query = affine_map<(b, j, d) -> (b, 0, d)>
#all = affine_map<(b, j, d) -> (b, j, d)>
#weight = affine_map<(b, j, d) -> (b, d)>
#score = affine_map<(b, j, d) -> (b, j)>

// A weight of each item: vit.additive_attention has one for all.
// CHECK-LABEL: func @negative_weight_per_item(
//       CHECK:   vit.softmax_matmul
func.func @negative_weight_per_item(%q: tensor<2x1x8xf32>, %k: tensor<2x5x8xf32>, %w: tensor<2x8xf32>, %v: tensor<2x1x5x6xf32>)
    -> tensor<2x1x1x6xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<2x5x8xf32>
  %0 = linalg.generic {indexing_maps = [#all, #query, #all], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%k, %q : tensor<2x5x8xf32>, tensor<2x1x8xf32>) outs(%e : tensor<2x5x8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<2x5x8xf32>
  %1 = math.tanh %0 : tensor<2x5x8xf32>
  %f = tensor.empty() : tensor<2x5xf32>
  %z = linalg.fill ins(%zero : f32) outs(%f : tensor<2x5xf32>) -> tensor<2x5xf32>
  %2 = linalg.contract indexing_maps = [#all, #weight, #score] ins(%1, %w : tensor<2x5x8xf32>, tensor<2x8xf32>)
      outs(%z : tensor<2x5xf32>) -> tensor<2x5xf32>
  %3 = tensor.expand_shape %2 [[0], [1, 2, 3]] output_shape [2, 1, 1, 5] : tensor<2x5xf32> into tensor<2x1x1x5xf32>
  %4 = vit.softmax_matmul %3, %v : tensor<2x1x1x5xf32>, tensor<2x1x5x6xf32> -> tensor<2x1x1x6xf32>
  return %4 : tensor<2x1x1x6xf32>
}
