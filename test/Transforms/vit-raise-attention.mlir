// RUN: vit-opt %s -vit-raise-attention -canonicalize -cse -split-input-file | FileCheck %s

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#kt = affine_map<(b, h, i, j, d) -> (b, h, d, j)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// vit_pytorch, any exporter: the product is scaled.
// CHECK-LABEL: func @attention_scale_after_product(
//  CHECK-SAME:     %[[Q:[^:]*]]: tensor<2x3x4x8xf32>, %[[K:[^:]*]]: tensor<2x3x5x8xf32>, %[[V:.*]]: tensor<2x3x5x6xf32>
//       CHECK:   %[[R:.*]] = vit.attention %[[Q]], %[[K]], %[[V]] scale 2.500000e-01 :
//       CHECK:   return %[[R]]
func.func @attention_scale_after_product(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x5x8xf32>, %v: tensor<2x3x5x6xf32>)
    -> tensor<2x3x4x6xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x6xf32>
  %scale = arith.constant dense<0.25> : tensor<2x3x4x5xf32>
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x5x8xf32>)
      outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = arith.mulf %0, %scale : tensor<2x3x4x5xf32>
  %2 = linalg.softmax dimension(3) ins(%1 : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %3 = linalg.contract indexing_maps = [#p, #v, #o] ins(%2, %v : tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32>)
      outs(%z1 : tensor<2x3x4x6xf32>) -> tensor<2x3x4x6xf32>
  return %3 : tensor<2x3x4x6xf32>
}

// Hugging Face's eager attention up to transformers 4: the product is divided.
// CHECK-LABEL: func @attention_division(
//       CHECK:   vit.attention %{{.*}} scale 2.500000e-01 :
//   CHECK-NOT:   softmax
func.func @attention_division(%q: tensor<?x3x4x8xf32>, %k: tensor<?x3x5x8xf32>, %v: tensor<?x3x5x6xf32>)
    -> tensor<?x3x4x6xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %q, %c0 : tensor<?x3x4x8xf32>
  %e0 = tensor.empty(%b) : tensor<?x3x4x5xf32>
  %e1 = tensor.empty(%b) : tensor<?x3x4x6xf32>
  %z0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<?x3x4x5xf32>) -> tensor<?x3x4x5xf32>
  %z1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?x3x4x6xf32>) -> tensor<?x3x4x6xf32>
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<?x3x4x8xf32>, tensor<?x3x5x8xf32>)
      outs(%z0 : tensor<?x3x4x5xf32>) -> tensor<?x3x4x5xf32>
  %1 = linalg.generic {
      indexing_maps = [affine_map<(b, h, i, j) -> (b, h, i, j)>, affine_map<(b, h, i, j) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%0 : tensor<?x3x4x5xf32>) outs(%e0 : tensor<?x3x4x5xf32>) {
  ^bb0(%s: f32, %out: f32):
    %four = arith.constant 4.0 : f32
    %t = arith.divf %s, %four : f32
    linalg.yield %t : f32
  } -> tensor<?x3x4x5xf32>
  %2 = linalg.softmax dimension(3) ins(%1 : tensor<?x3x4x5xf32>) outs(%e0 : tensor<?x3x4x5xf32>) -> tensor<?x3x4x5xf32>
  %3 = linalg.contract indexing_maps = [#p, #v, #o] ins(%2, %v : tensor<?x3x4x5xf32>, tensor<?x3x5x6xf32>)
      outs(%z1 : tensor<?x3x4x6xf32>) -> tensor<?x3x4x6xf32>
  return %3 : tensor<?x3x4x6xf32>
}

// torch.onnx with dynamo=True, opset 18, of scaled_dot_product_attention: both
// factors are scaled, and the keys are transposed in three dims.
// CHECK-LABEL: func @attention_scale_before_product(
//  CHECK-SAME:     %[[Q:[^:]*]]: tensor<2x3x4x8xf32>, %[[K:[^:]*]]: tensor<2x3x5x8xf32>, %[[V:.*]]: tensor<2x3x5x6xf32>
//       CHECK:   vit.attention %[[Q]], %[[K]], %[[V]] scale 2.500000e-01 :
func.func @attention_scale_before_product(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x5x8xf32>, %v: tensor<2x3x5x6xf32>)
    -> tensor<2x3x4x6xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x6xf32>
  %half = arith.constant dense<0.5> : tensor<2x3x4x8xf32>
  %halfk = arith.constant dense<0.5> : tensor<2x3x8x5xf32>
  %empty = tensor.empty() : tensor<6x8x5xf32>
  %q1 = arith.mulf %q, %half : tensor<2x3x4x8xf32>
  %k1 = tensor.collapse_shape %k [[0, 1], [2], [3]] : tensor<2x3x5x8xf32> into tensor<6x5x8xf32>
  %k2 = linalg.transpose ins(%k1 : tensor<6x5x8xf32>) outs(%empty : tensor<6x8x5xf32>) permutation = [0, 2, 1]
  %k3 = tensor.expand_shape %k2 [[0, 1], [2], [3]] output_shape [2, 3, 8, 5] : tensor<6x8x5xf32> into tensor<2x3x8x5xf32>
  %k4 = arith.mulf %halfk, %k3 : tensor<2x3x8x5xf32>
  %0 = linalg.contract indexing_maps = [#q, #kt, #s] ins(%q1, %k4 : tensor<2x3x4x8xf32>, tensor<2x3x8x5xf32>)
      outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = linalg.softmax dimension(3) ins(%0 : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %2 = linalg.contract indexing_maps = [#p, #v, #o] ins(%1, %v : tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32>)
      outs(%z1 : tensor<2x3x4x6xf32>) -> tensor<2x3x4x6xf32>
  return %2 : tensor<2x3x4x6xf32>
}

// timm's Swin, any exporter: bias, then Reshape-Add-Reshape around the mask of
// the windows. Window w of each image reads row w of the mask.
// CHECK-LABEL: func @attention_bias_then_mask_of_windows(
//  CHECK-SAME:     %[[BIAS:[^:]*]]: tensor<1x3x4x4xf32>, %[[MASK:[^:]*]]: tensor<1x2x1x4x4xf32>
//       CHECK:   %[[M:.*]] = tensor.collapse_shape %[[MASK]] {{\[\[}}0, 1], [2], [3], [4]]
//       CHECK:   vit.attention %{{.*}} bias(%[[BIAS]] : tensor<1x3x4x4xf32>) mask(%[[M]] : tensor<2x1x4x4xf32>) scale 1.000000e+00
func.func @attention_bias_then_mask_of_windows(%bias: tensor<1x3x4x4xf32>, %mask: tensor<1x2x1x4x4xf32>,
    %q: tensor<6x3x4x8xf32>, %k: tensor<6x3x4x8xf32>, %v: tensor<6x3x4x8xf32>) -> tensor<6x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<6x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<6x3x4x8xf32>
  %e5 = tensor.empty() : tensor<3x2x3x4x4xf32>
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<6x3x4x8xf32>, tensor<6x3x4x8xf32>)
      outs(%z0 : tensor<6x3x4x4xf32>) -> tensor<6x3x4x4xf32>
  %1 = linalg.generic {
      indexing_maps = [affine_map<(b, h, i, j) -> (b, h, i, j)>, affine_map<(b, h, i, j) -> (0, h, i, j)>,
                       affine_map<(b, h, i, j) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%0, %bias : tensor<6x3x4x4xf32>, tensor<1x3x4x4xf32>) outs(%z0 : tensor<6x3x4x4xf32>) {
  ^bb0(%s: f32, %t: f32, %out: f32):
    %sum = arith.addf %s, %t : f32
    linalg.yield %sum : f32
  } -> tensor<6x3x4x4xf32>
  %2 = tensor.expand_shape %1 [[0, 1], [2], [3], [4]] output_shape [3, 2, 3, 4, 4] : tensor<6x3x4x4xf32> into tensor<3x2x3x4x4xf32>
  %3 = linalg.generic {
      indexing_maps = [affine_map<(b, w, h, i, j) -> (b, w, h, i, j)>, affine_map<(b, w, h, i, j) -> (0, w, 0, i, j)>,
                       affine_map<(b, w, h, i, j) -> (b, w, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel"]}
      ins(%2, %mask : tensor<3x2x3x4x4xf32>, tensor<1x2x1x4x4xf32>) outs(%e5 : tensor<3x2x3x4x4xf32>) {
  ^bb0(%s: f32, %t: f32, %out: f32):
    %sum = arith.addf %s, %t : f32
    linalg.yield %sum : f32
  } -> tensor<3x2x3x4x4xf32>
  %4 = tensor.collapse_shape %3 [[0, 1], [2], [3], [4]] : tensor<3x2x3x4x4xf32> into tensor<6x3x4x4xf32>
  %5 = linalg.softmax dimension(3) ins(%4 : tensor<6x3x4x4xf32>) outs(%z0 : tensor<6x3x4x4xf32>) -> tensor<6x3x4x4xf32>
  %6 = linalg.contract indexing_maps = [#p, #v, #o] ins(%5, %v : tensor<6x3x4x4xf32>, tensor<6x3x4x8xf32>)
      outs(%z1 : tensor<6x3x4x8xf32>) -> tensor<6x3x4x8xf32>
  return %6 : tensor<6x3x4x8xf32>
}

// Hugging Face's Swin: the mask is expanded to all images, then bias and mask are
// added to each other, then to the scores.
// CHECK-LABEL: func @attention_sum_of_bias_and_mask(
//  CHECK-SAME:     %[[BIAS:[^:]*]]: tensor<3x4x4xf32>, %[[MASK:[^:]*]]: tensor<2x4x4xf32>
//   CHECK-DAG:   %[[B:.*]] = tensor.expand_shape %[[BIAS]] {{.*}} output_shape [1, 3, 4, 4]
//   CHECK-DAG:   %[[M:.*]] = tensor.expand_shape %[[MASK]] {{.*}} output_shape [2, 1, 4, 4]
//       CHECK:   vit.attention %{{.*}} bias(%[[B]] : tensor<1x3x4x4xf32>) mask(%[[M]] : tensor<2x1x4x4xf32>) scale 1.000000e+00
func.func @attention_sum_of_bias_and_mask(%bias: tensor<3x4x4xf32>, %mask: tensor<2x4x4xf32>,
    %q: tensor<6x3x4x8xf32>, %k: tensor<6x3x4x8xf32>, %v: tensor<6x3x4x8xf32>) -> tensor<6x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<6x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<6x3x4x8xf32>
  %e4 = tensor.empty() : tensor<3x2x4x4xf32>
  %0 = linalg.broadcast ins(%mask : tensor<2x4x4xf32>) outs(%e4 : tensor<3x2x4x4xf32>) dimensions = [0]
  %1 = tensor.collapse_shape %0 [[0, 1], [2], [3]] : tensor<3x2x4x4xf32> into tensor<6x4x4xf32>
  %2 = linalg.generic {
      indexing_maps = [affine_map<(b, h, i, j) -> (h, i, j)>, affine_map<(b, h, i, j) -> (b, i, j)>,
                       affine_map<(b, h, i, j) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%bias, %1 : tensor<3x4x4xf32>, tensor<6x4x4xf32>) outs(%z0 : tensor<6x3x4x4xf32>) {
  ^bb0(%s: f32, %t: f32, %out: f32):
    %sum = arith.addf %s, %t : f32
    linalg.yield %sum : f32
  } -> tensor<6x3x4x4xf32>
  %3 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<6x3x4x8xf32>, tensor<6x3x4x8xf32>)
      outs(%z0 : tensor<6x3x4x4xf32>) -> tensor<6x3x4x4xf32>
  %4 = arith.addf %2, %3 : tensor<6x3x4x4xf32>
  %5 = linalg.softmax dimension(3) ins(%4 : tensor<6x3x4x4xf32>) outs(%z0 : tensor<6x3x4x4xf32>) -> tensor<6x3x4x4xf32>
  %6 = linalg.contract indexing_maps = [#p, #v, #o] ins(%5, %v : tensor<6x3x4x4xf32>, tensor<6x3x4x8xf32>)
      outs(%z1 : tensor<6x3x4x8xf32>) -> tensor<6x3x4x8xf32>
  return %6 : tensor<6x3x4x8xf32>
}

// Three addends of one kind are summed; so does Hugging Face's Swin v2, whose
// mask is added twice. A number is added to all scores of a row: no effect.
// CHECK-LABEL: func @attention_addends_of_one_kind(
//  CHECK-SAME:     %[[A:[^:]*]]: tensor<2x1x4x5xf32>, %[[B:[^:]*]]: tensor<2x3x4x5xf32>
//       CHECK:   %[[BB:.*]] = linalg.broadcast ins(%{{.*}} : tensor<2x4x5xf32>) outs(%{{.*}} : tensor<2x3x4x5xf32>) dimensions = [1]
//       CHECK:   %[[SUM:.*]] = arith.addf %{{.*}}, %{{.*}} : tensor<2x3x4x5xf32>
//       CHECK:   vit.attention %{{[^ ]+}}, %{{[^ ]+}}, %{{[^ ]+}} mask(%[[SUM]] : tensor<2x3x4x5xf32>) scale
func.func @attention_addends_of_one_kind(%a: tensor<2x1x4x5xf32>, %b: tensor<2x3x4x5xf32>,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x5x8xf32>, %v: tensor<2x3x5x6xf32>) -> tensor<2x3x4x6xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x6xf32>
  %one = arith.constant dense<1.0> : tensor<2x3x4x5xf32>
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x5x8xf32>)
      outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = linalg.generic {
      indexing_maps = [affine_map<(b, h, i, j) -> (b, h, i, j)>, affine_map<(b, h, i, j) -> (b, 0, i, j)>,
                       affine_map<(b, h, i, j) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%0, %a : tensor<2x3x4x5xf32>, tensor<2x1x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) {
  ^bb0(%s: f32, %t: f32, %out: f32):
    %sum = arith.addf %s, %t : f32
    linalg.yield %sum : f32
  } -> tensor<2x3x4x5xf32>
  %2 = arith.addf %1, %b : tensor<2x3x4x5xf32>
  %3 = arith.addf %2, %one : tensor<2x3x4x5xf32>
  %4 = linalg.softmax dimension(3) ins(%3 : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %5 = linalg.contract indexing_maps = [#p, #v, #o] ins(%4, %v : tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32>)
      outs(%z1 : tensor<2x3x4x6xf32>) -> tensor<2x3x4x6xf32>
  return %5 : tensor<2x3x4x6xf32>
}

// A scale behind the bias scales both; a subtracted bias is negated.
// CHECK-LABEL: func @attention_scaled_and_subtracted_bias(
//  CHECK-SAME:     %[[BIAS:[^:]*]]: tensor<2x3x4x5xf32>
//       CHECK:   %[[B:.*]] = linalg.generic {{.*}} ins(%[[BIAS]] :
//       CHECK:     arith.mulf %{{.*}}, %[[C:.*]] : f32
//       CHECK:   vit.attention %{{.*}} mask(%[[B]] : tensor<2x3x4x5xf32>) scale 5.000000e-01
func.func @attention_scaled_and_subtracted_bias(%bias: tensor<2x3x4x5xf32>,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x5x8xf32>, %v: tensor<2x3x5x6xf32>) -> tensor<2x3x4x6xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x6xf32>
  %half = arith.constant dense<0.5> : tensor<2x3x4x5xf32>
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x5x8xf32>)
      outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = arith.subf %0, %bias : tensor<2x3x4x5xf32>
  %2 = arith.mulf %1, %half : tensor<2x3x4x5xf32>
  %3 = linalg.softmax dimension(3) ins(%2 : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %4 = linalg.contract indexing_maps = [#p, #v, #o] ins(%3, %v : tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32>)
      outs(%z1 : tensor<2x3x4x6xf32>) -> tensor<2x3x4x6xf32>
  return %4 : tensor<2x3x4x6xf32>
}

// Swin v2: a constant scale for each head, on queries and keys of length 1.
// CHECK-LABEL: func @attention_scale_of_heads(
//  CHECK-SAME:     %[[S:[^:]*]]: tensor<3x1x1xf32>, %[[Q:[^:]*]]: tensor<2x3x4x8xf32>
//       CHECK:   %[[F:.*]] = tensor.expand_shape %[[S]] {{.*}} output_shape [1, 3, 1, 1]
//       CHECK:   %[[QS:.*]] = linalg.generic {{.*}} ins(%[[Q]], %[[F]] : tensor<2x3x4x8xf32>, tensor<1x3x1x1xf32>)
//       CHECK:     arith.mulf
//       CHECK:   vit.attention %[[QS]], %{{.*}} scale 1.000000e+00
func.func @attention_scale_of_heads(%scale: tensor<3x1x1xf32>,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x5x8xf32>, %v: tensor<2x3x5x6xf32>) -> tensor<2x3x4x6xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x6xf32>
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x5x8xf32>)
      outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = linalg.generic {
      indexing_maps = [affine_map<(b, h, i, j) -> (b, h, i, j)>, affine_map<(b, h, i, j) -> (h, 0, 0)>,
                       affine_map<(b, h, i, j) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%0, %scale : tensor<2x3x4x5xf32>, tensor<3x1x1xf32>) outs(%z0 : tensor<2x3x4x5xf32>) {
  ^bb0(%s: f32, %t: f32, %out: f32):
    %product = arith.mulf %s, %t : f32
    linalg.yield %product : f32
  } -> tensor<2x3x4x5xf32>
  %2 = linalg.softmax dimension(3) ins(%1 : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %3 = linalg.contract indexing_maps = [#p, #v, #o] ins(%2, %v : tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32>)
      outs(%z1 : tensor<2x3x4x6xf32>) -> tensor<2x3x4x6xf32>
  return %3 : tensor<2x3x4x6xf32>
}

// masked_fill before the softmax: Where(mask, -inf, scores).
// CHECK-LABEL: func @attention_where_masked(
//  CHECK-SAME:     %[[MASK:[^:]*]]: tensor<2x1x4x5xi1>
//   CHECK-DAG:   %[[INF:.*]] = arith.constant 0xFF800000 : f32
//   CHECK-DAG:   %[[ZERO:.*]] = arith.constant 0.000000e+00 : f32
//       CHECK:   %[[M:.*]] = linalg.generic {{.*}} ins(%[[MASK]] : tensor<2x1x4x5xi1>)
//       CHECK:     arith.select %{{.*}}, %[[INF]], %[[ZERO]] : f32
//       CHECK:   vit.attention %{{.*}} mask(%[[M]] : tensor<2x1x4x5xf32>)
func.func @attention_where_masked(%mask: tensor<2x1x4x5xi1>,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x5x8xf32>, %v: tensor<2x3x5x6xf32>) -> tensor<2x3x4x6xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x6xf32>
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x5x8xf32>)
      outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = linalg.generic {
      indexing_maps = [affine_map<(b, h, i, j) -> (b, 0, i, j)>, affine_map<(b, h, i, j) -> (b, h, i, j)>,
                       affine_map<(b, h, i, j) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%mask, %0 : tensor<2x1x4x5xi1>, tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) {
  ^bb0(%m: i1, %s: f32, %out: f32):
    %inf = arith.constant 0xFF800000 : f32
    %t = arith.select %m, %inf, %s : f32
    linalg.yield %t : f32
  } -> tensor<2x3x4x5xf32>
  %2 = linalg.softmax dimension(3) ins(%1 : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %3 = linalg.contract indexing_maps = [#p, #v, #o] ins(%2, %v : tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32>)
      outs(%z1 : tensor<2x3x4x6xf32>) -> tensor<2x3x4x6xf32>
  return %3 : tensor<2x3x4x6xf32>
}

// Where(mask, scores, -1e30) masks where the condition is false.
// CHECK-LABEL: func @attention_where_kept(
//       CHECK:     arith.select %{{.*}}, %cst{{.*}}, %[[BIG:cst[_0-9]*]] : f32
//       CHECK:   vit.attention %{{.*}} mask(
func.func @attention_where_kept(%mask: tensor<2x3x4x5xi1>,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x5x8xf32>, %v: tensor<2x3x5x6xf32>) -> tensor<2x3x4x6xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x6xf32>
  %big = arith.constant dense<-1.0e30> : tensor<2x3x4x5xf32>
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x5x8xf32>)
      outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = arith.select %mask, %0, %big : tensor<2x3x4x5xi1>, tensor<2x3x4x5xf32>
  %2 = linalg.softmax dimension(3) ins(%1 : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %3 = linalg.contract indexing_maps = [#p, #v, #o] ins(%2, %v : tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32>)
      outs(%z1 : tensor<2x3x4x6xf32>) -> tensor<2x3x4x6xf32>
  return %3 : tensor<2x3x4x6xf32>
}

// A causal and a padding mask: a key that both mask has the number once.
// It is -1e30, not the lowest of f32, below which every sum is -inf.
// CHECK-LABEL: func @attention_where_twice(
//  CHECK-SAME:     %[[CAUSAL:[^:]*]]: tensor<4x5xi1>, %[[PADDING:[^:]*]]: tensor<2x3x4x5xi1>
//   CHECK-DAG:   arith.constant -1.000000e+30 : f32
//   CHECK-DAG:   %[[P:.*]] = linalg.generic {{.*}} ins(%[[PADDING]] : tensor<2x3x4x5xi1>)
//   CHECK-DAG:   %[[C:.*]] = linalg.generic {{.*}} ins(%[[CAUSAL]] : tensor<4x5xi1>)
//   CHECK-NOT:   arith.addf
//       CHECK:   %[[M:.*]] = arith.minimumf %[[P]], %{{.*}} : tensor<2x3x4x5xf32>
//       CHECK:   vit.attention %{{.*}}, %{{.*}}, %{{[^ ]*}} mask(%[[M]] :
func.func @attention_where_twice(%causal: tensor<4x5xi1>, %padding: tensor<2x3x4x5xi1>,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x5x8xf32>, %v: tensor<2x3x5x6xf32>) -> tensor<2x3x4x6xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x6xf32>
  %low = arith.constant dense<0xFF7FFFFF> : tensor<2x3x4x5xf32>
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x5x8xf32>)
      outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = linalg.generic {
      indexing_maps = [affine_map<(b, h, i, j) -> (i, j)>, affine_map<(b, h, i, j) -> (b, h, i, j)>,
                       affine_map<(b, h, i, j) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%causal, %0 : tensor<4x5xi1>, tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) {
  ^bb0(%m: i1, %s: f32, %out: f32):
    %lowest = arith.constant 0xFF7FFFFF : f32
    %t = arith.select %m, %lowest, %s : f32
    linalg.yield %t : f32
  } -> tensor<2x3x4x5xf32>
  %2 = arith.select %padding, %low, %1 : tensor<2x3x4x5xi1>, tensor<2x3x4x5xf32>
  %p = linalg.softmax dimension(3) ins(%2 : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%p, %v : tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32>)
      outs(%z1 : tensor<2x3x4x6xf32>) -> tensor<2x3x4x6xf32>
  return %r : tensor<2x3x4x6xf32>
}

// The factor of each score is an argument of the function, not the number that
// the factor's op reads.
// CHECK-LABEL: func @attention_scale_captured(
//  CHECK-SAME:     %[[S:[^:]*]]: f32
//       CHECK:   linalg.yield %[[S]]
//       CHECK:   %[[Q:.*]] = linalg.generic {{.*}} ins(%{{.*}}, %{{.*}} : tensor<2x3x4x8xf32>, tensor<2x3x4x1xf32>)
//       CHECK:   vit.attention %[[Q]], %{{.*}} scale 1.000000e+00
func.func @attention_scale_captured(%scale: f32,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x5x8xf32>, %v: tensor<2x3x5x6xf32>) -> tensor<2x3x4x6xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x6xf32>
  %other = arith.constant dense<3.0> : tensor<2x3x4xf32>
  %e = tensor.empty() : tensor<2x3x4xf32>
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x5x8xf32>)
      outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %factor = linalg.generic {
      indexing_maps = [affine_map<(b, h, i) -> (b, h, i)>, affine_map<(b, h, i) -> (b, h, i)>],
      iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%other : tensor<2x3x4xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %scale : f32
  } -> tensor<2x3x4xf32>
  %1 = linalg.generic {
      indexing_maps = [affine_map<(b, h, i, j) -> (b, h, i, j)>, affine_map<(b, h, i, j) -> (b, h, i)>,
                       affine_map<(b, h, i, j) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%0, %factor : tensor<2x3x4x5xf32>, tensor<2x3x4xf32>) outs(%z0 : tensor<2x3x4x5xf32>) {
  ^bb0(%s: f32, %t: f32, %out: f32):
    %u = arith.mulf %s, %t : f32
    linalg.yield %u : f32
  } -> tensor<2x3x4x5xf32>
  %p = linalg.softmax dimension(3) ins(%1 : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%p, %v : tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32>)
      outs(%z1 : tensor<2x3x4x6xf32>) -> tensor<2x3x4x6xf32>
  return %r : tensor<2x3x4x6xf32>
}

// Half of the rows are read: half of the queries are computed.
// CHECK-LABEL: func @attention_sliced_queries(
//  CHECK-SAME:     %[[Q:[^:]*]]: tensor<2x3x4x8xf32>
//       CHECK:   %[[S:.*]] = tensor.extract_slice {{.*}} : {{.*}} to tensor<2x3x2x8xf32>
//   CHECK-NOT:   linalg.broadcast
//       CHECK:   %[[R:.*]] = vit.attention %[[S]], {{.*}} -> tensor<2x3x2x6xf32>
//       CHECK:   return %[[R]]
func.func @attention_sliced_queries(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x5x8xf32>, %v: tensor<2x3x5x6xf32>)
    -> tensor<2x3x2x6xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x2x6xf32>
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x5x8xf32>)
      outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = linalg.softmax dimension(3) ins(%0 : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %2 = tensor.extract_slice %1[0, 0, 2, 0] [2, 3, 2, 5] [1, 1, 1, 1] : tensor<2x3x4x5xf32> to tensor<2x3x2x5xf32>
  %3 = linalg.contract indexing_maps = [#p, #v, #o] ins(%2, %v : tensor<2x3x2x5xf32>, tensor<2x3x5x6xf32>)
      outs(%z1 : tensor<2x3x2x6xf32>) -> tensor<2x3x2x6xf32>
  return %3 : tensor<2x3x2x6xf32>
}

// torch 2.9 and later, of scaled_dot_product_attention with a mask: rows without
// any key become zero, as vit.attention's do.
// CHECK-LABEL: func @attention_nan_to_zero(
//       CHECK:   %[[R:.*]] = vit.attention
//       CHECK:   return %[[R]]
func.func @attention_nan_to_zero(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x5x8xf32>, %v: tensor<2x3x5x6xf32>)
    -> tensor<2x3x4x6xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x6xf32>
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x5x8xf32>)
      outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = linalg.softmax dimension(3) ins(%0 : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %nan = arith.cmpf uno, %1, %1 : tensor<2x3x4x5xf32>
  %2 = arith.select %nan, %z0, %1 : tensor<2x3x4x5xi1>, tensor<2x3x4x5xf32>
  %3 = linalg.contract indexing_maps = [#p, #v, #o] ins(%2, %v : tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32>)
      outs(%z1 : tensor<2x3x4x6xf32>) -> tensor<2x3x4x6xf32>
  return %3 : tensor<2x3x4x6xf32>
}

// A model in f16 takes its softmax in f32.
// CHECK-LABEL: func @attention_casts(
//       CHECK:   vit.attention %{{.*}} : tensor<2x3x4x8xf16>, tensor<2x3x5x8xf16>, tensor<2x3x5x6xf16> -> tensor<2x3x4x6xf16>
func.func @attention_casts(%q: tensor<2x3x4x8xf16>, %k: tensor<2x3x5x8xf16>, %v: tensor<2x3x5x6xf16>)
    -> tensor<2x3x4x6xf16> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf16>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x6xf16>
  %zf = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf16>, tensor<2x3x5x8xf16>)
      outs(%z0 : tensor<2x3x4x5xf16>) -> tensor<2x3x4x5xf16>
  %1 = arith.extf %0 : tensor<2x3x4x5xf16> to tensor<2x3x4x5xf32>
  %2 = linalg.softmax dimension(3) ins(%1 : tensor<2x3x4x5xf32>) outs(%zf : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %3 = arith.truncf %2 : tensor<2x3x4x5xf32> to tensor<2x3x4x5xf16>
  %4 = linalg.contract indexing_maps = [#p, #v, #o] ins(%3, %v : tensor<2x3x4x5xf16>, tensor<2x3x5x6xf16>)
      outs(%z1 : tensor<2x3x4x6xf16>) -> tensor<2x3x4x6xf16>
  return %4 : tensor<2x3x4x6xf16>
}

// The scores are an output, too: their product stays, attention is fused still.
// CHECK-LABEL: func @attention_scores_are_read(
//       CHECK:   %[[S:.*]] = linalg.contract
//   CHECK-NOT:   softmax
//       CHECK:   %[[R:.*]] = vit.attention
//       CHECK:   return %[[S]], %[[R]]
func.func @attention_scores_are_read(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x5x8xf32>, %v: tensor<2x3x5x6xf32>)
    -> (tensor<2x3x4x5xf32>, tensor<2x3x4x6xf32>) {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x6xf32>
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x5x8xf32>)
      outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = linalg.softmax dimension(3) ins(%0 : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %2 = linalg.contract indexing_maps = [#p, #v, #o] ins(%1, %v : tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32>)
      outs(%z1 : tensor<2x3x4x6xf32>) -> tensor<2x3x4x6xf32>
  return %0, %2 : tensor<2x3x4x5xf32>, tensor<2x3x4x6xf32>
}
