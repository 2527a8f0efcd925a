// RUN: vit-opt %s -vit-raise-attention -split-input-file -verify-diagnostics | FileCheck %s

// Each softmax stays, with a remark that says why.

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// Softmax along the queries, values summed along the keys.
// CHECK-LABEL: func @negative_attention_other_axis(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_other_axis(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: the product with values sums over another axis than softmax}}
  %probabilities = linalg.softmax dimension(2) ins(%scores : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%probabilities, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %r : tensor<2x3x4x8xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// The probabilities are an output: they have to be computed.
// CHECK-LABEL: func @negative_attention_probabilities_are_read(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_probabilities_are_read(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> (tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: more than one op reads the probabilities}}
  %probabilities = linalg.softmax dimension(3) ins(%scores : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%probabilities, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %probabilities, %r : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>

// XCA and classifiers: no product follows.
// CHECK-LABEL: func @negative_attention_no_values(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_no_values(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x4xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: no product with values follows}}
  %probabilities = linalg.softmax dimension(3) ins(%scores : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  return %probabilities : tensor<2x3x4x4xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// Probabilities that are scaled do not sum to 1 any more.
// CHECK-LABEL: func @negative_attention_probabilities_changed(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_probabilities_changed(%weights: tensor<2x3x4x4xf32>,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: the probabilities are changed before the product with values}}
  %probabilities = linalg.softmax dimension(3) ins(%scores : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %changed = arith.mulf %probabilities, %weights : tensor<2x3x4x4xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%changed, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %r : tensor<2x3x4x8xf32>
}

// -----

#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// The scores are an argument.
// CHECK-LABEL: func @negative_attention_no_product(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_no_product(%scores: tensor<2x3x4x4xf32>,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: the scores are an argument}}
  %probabilities = linalg.softmax dimension(3) ins(%scores : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%probabilities, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %r : tensor<2x3x4x8xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// Of a product: vit.attention has no such scores.
// CHECK-LABEL: func @negative_attention_exp(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_exp(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %powers = math.exp %scores : tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: the scores come from math.exp, not from a product of queries and keys}}
  %probabilities = linalg.softmax dimension(3) ins(%powers : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%probabilities, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %r : tensor<2x3x4x8xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// A tensor that differs between keys multiplies the scores.
// CHECK-LABEL: func @negative_attention_scale_of_keys(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_scale_of_keys(%scale: tensor<2x3x4x4xf32>,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %scaled = arith.mulf %scores, %scale : tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: a scale that is no number differs between keys}}
  %probabilities = linalg.softmax dimension(3) ins(%scaled : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%probabilities, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %r : tensor<2x3x4x8xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// Scaled after the bias, by a tensor.
// CHECK-LABEL: func @negative_attention_scale_of_biased_scores(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_scale_of_biased_scores(%bias: tensor<2x3x4x4xf32>, %scale: tensor<3xf32>,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %biased = arith.addf %scores, %bias : tensor<2x3x4x4xf32>
  %scaled = linalg.generic {
      indexing_maps = [affine_map<(b, h, i, j) -> (b, h, i, j)>, affine_map<(b, h, i, j) -> (h)>,
                       affine_map<(b, h, i, j) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%biased, %scale : tensor<2x3x4x4xf32>, tensor<3xf32>) outs(%z0 : tensor<2x3x4x4xf32>) {
  ^bb0(%s: f32, %t: f32, %out: f32):
    %product = arith.mulf %s, %t : f32
    linalg.yield %product : f32
  } -> tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: a scale that is no number multiplies bias or mask}}
  %probabilities = linalg.softmax dimension(3) ins(%scaled : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%probabilities, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %r : tensor<2x3x4x8xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// A masked score of -100 is not the score minus 100.
// CHECK-LABEL: func @negative_attention_weak_mask(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_weak_mask(%mask: tensor<2x3x4x4xi1>,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %low = arith.constant dense<-100.0> : tensor<2x3x4x4xf32>
  %masked = arith.select %mask, %low, %scores : tensor<2x3x4x4xi1>, tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: masked scores are -1.000000e+02; -1e30 or less is needed}}
  %probabilities = linalg.softmax dimension(3) ins(%masked : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%probabilities, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %r : tensor<2x3x4x8xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// One of two computed scores is selected.
// CHECK-LABEL: func @negative_attention_computed_where(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_computed_where(%mask: tensor<2x3x4x4xi1>, %other: tensor<2x3x4x4xf32>,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %masked = arith.select %mask, %other, %scores : tensor<2x3x4x4xi1>, tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: a select between two computed tensors makes the scores}}
  %probabilities = linalg.softmax dimension(3) ins(%masked : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%probabilities, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %r : tensor<2x3x4x8xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// The scores divide.
// CHECK-LABEL: func @negative_attention_divisor(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_divisor(%other: tensor<2x3x4x4xf32>,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %inverse = arith.divf %other, %scores : tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: the scores are a divisor}}
  %probabilities = linalg.softmax dimension(3) ins(%inverse : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%probabilities, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %r : tensor<2x3x4x8xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, i, j, d, h) -> (b, h, i, j)>
#v = affine_map<(b, i, j, d, h) -> (b, h, i, d)>
#o = affine_map<(b, i, j, d, h) -> (b, i, j, d)>

// Both factors of the scores have the axis of the softmax.
// CHECK-LABEL: func @negative_attention_factors_share_keys(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_factors_share_keys(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x4x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: softmax is taken along an axis that both factors of the scores have}}
  %probabilities = linalg.softmax dimension(1) ins(%scores : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %z2 = arith.constant dense<0.0> : tensor<2x4x4x8xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%probabilities, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) outs(%z2 : tensor<2x4x4x8xf32>) -> tensor<2x4x4x8xf32>
  return %r : tensor<2x4x4x8xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#s2 = affine_map<(b, h, i, j, k) -> (b, h, j, k)>
#s3 = affine_map<(b, h, i, j, k) -> (b, h, i, k)>

// The probabilities are both factors.
// CHECK-LABEL: func @negative_attention_probabilities_squared(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_probabilities_squared(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x4xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: the probabilities are multiplied with themselves}}
  %probabilities = linalg.softmax dimension(3) ins(%scores : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %r = linalg.contract indexing_maps = [#s, #s2, #s3] ins(%probabilities, %probabilities : tensor<2x3x4x4xf32>, tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  return %r : tensor<2x3x4x4xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// A softmax over one key is 1.
// CHECK-LABEL: func @negative_attention_one_key(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_one_key(%k1: tensor<2x3x1x8xf32>,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %z = arith.constant dense<0.0> : tensor<2x3x4x1xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k1 : tensor<2x3x4x8xf32>, tensor<2x3x1x8xf32>) outs(%z : tensor<2x3x4x1xf32>) -> tensor<2x3x4x1xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: there is one key only}}
  %probabilities = linalg.softmax dimension(3) ins(%scores : tensor<2x3x4x1xf32>) outs(%z : tensor<2x3x4x1xf32>) -> tensor<2x3x4x1xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%probabilities, %k1 : tensor<2x3x4x1xf32>, tensor<2x3x1x8xf32>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %r : tensor<2x3x4x8xf32>
}

// -----

#q = affine_map<(b, h, i, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, d) -> (b, h, d)>
#s = affine_map<(b, h, i, d) -> (b, h, i)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// All keys have the same score.
// CHECK-LABEL: func @negative_attention_keys_broadcast(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_keys_broadcast(%one: tensor<2x3x8xf32>,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %z = arith.constant dense<0.0> : tensor<2x3x4xf32>
  %row = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %one : tensor<2x3x4x8xf32>, tensor<2x3x8xf32>) outs(%z : tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  %scores = linalg.broadcast ins(%row : tensor<2x3x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) dimensions = [3]
  // expected-remark @below {{softmax is not raised to vit.attention: softmax is taken along an axis that the product of queries and keys has not}}
  %probabilities = linalg.softmax dimension(3) ins(%scores : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%probabilities, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %r : tensor<2x3x4x8xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// Queries and keys in f16, values in f32.
// CHECK-LABEL: func @negative_attention_types(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_types(%qh: tensor<2x3x4x8xf16>,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %z = arith.constant dense<0.0> : tensor<2x3x4x4xf16>
  %half = linalg.contract indexing_maps = [#q, #k, #s] ins(%qh, %qh : tensor<2x3x4x8xf16>, tensor<2x3x4x8xf16>) outs(%z : tensor<2x3x4x4xf16>) -> tensor<2x3x4x4xf16>
  %scores = arith.extf %half : tensor<2x3x4x4xf16> to tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: the value is f32, the query f16}}
  %probabilities = linalg.softmax dimension(3) ins(%scores : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%probabilities, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %r : tensor<2x3x4x8xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// The bias is added in f32.
// CHECK-LABEL: func @negative_attention_bias_type(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_bias_type(%bias: tensor<2x3x4x4xf32>, %qh: tensor<2x3x4x8xf16>,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %z = arith.constant dense<0.0> : tensor<2x3x4x4xf16>
  %half = linalg.contract indexing_maps = [#q, #k, #s] ins(%qh, %qh : tensor<2x3x4x8xf16>, tensor<2x3x4x8xf16>) outs(%z : tensor<2x3x4x4xf16>) -> tensor<2x3x4x4xf16>
  %wide = arith.extf %half : tensor<2x3x4x4xf16> to tensor<2x3x4x4xf32>
  %scores = arith.addf %wide, %bias : tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: a bias or mask is f32, the query f16}}
  %probabilities = linalg.softmax dimension(3) ins(%scores : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%probabilities, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %r : tensor<2x3x4x8xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// NaN becomes 1, which no row of attention gives.
// CHECK-LABEL: func @negative_attention_nan_to_one(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_nan_to_one(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: the probabilities are changed before the product with values}}
  %probabilities = linalg.softmax dimension(3) ins(%scores : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %ones = arith.constant dense<1.0> : tensor<2x3x4x4xf32>
  %nan = arith.cmpf uno, %probabilities, %probabilities : tensor<2x3x4x4xf32>
  %changed = arith.select %nan, %ones, %probabilities : tensor<2x3x4x4xi1>, tensor<2x3x4x4xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%changed, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %r : tensor<2x3x4x8xf32>
}

// -----

#q = affine_map<(b, i, j, d) -> (b, i, d)>
#k = affine_map<(b, i, j, d) -> (b, j, d)>
#s = affine_map<(b, i, j, d) -> (b, i, j)>
#p = affine_map<(b, i, d, j) -> (b, i, j)>
#v = affine_map<(b, i, d, j) -> (b, j, d)>
#o = affine_map<(b, i, d, j) -> (b, i, d)>

// Attention among the items of the batch.
// CHECK-LABEL: func @negative_attention_dynamic_keys(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_dynamic_keys(%q: tensor<2x4x8xf32>, %k: tensor<?x2x8xf32>) -> tensor<2x4x8xf32> {
  %z1 = arith.constant dense<0.0> : tensor<2x4x8xf32>
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %n = tensor.dim %k, %c0 : tensor<?x2x8xf32>
  %ek = tensor.empty(%n) : tensor<2x?x8xf32>
  %es = tensor.empty(%n) : tensor<2x4x?xf32>
  %z0 = linalg.fill ins(%zero : f32) outs(%es : tensor<2x4x?xf32>) -> tensor<2x4x?xf32>
  %kt = linalg.transpose ins(%k : tensor<?x2x8xf32>) outs(%ek : tensor<2x?x8xf32>) permutation = [1, 0, 2]
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %kt : tensor<2x4x8xf32>, tensor<2x?x8xf32>)
      outs(%z0 : tensor<2x4x?xf32>) -> tensor<2x4x?xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: keys or channels grow with the batch}}
  %probabilities = linalg.softmax dimension(2) ins(%scores : tensor<2x4x?xf32>) outs(%es : tensor<2x4x?xf32>) -> tensor<2x4x?xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%probabilities, %kt : tensor<2x4x?xf32>, tensor<2x?x8xf32>)
      outs(%z1 : tensor<2x4x8xf32>) -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}

// -----

#q = affine_map<(b, i, j, d) -> (b, i, d)>
#k = affine_map<(b, i, j, d) -> (b, j, d)>
#s = affine_map<(b, i, j, d) -> (b, i, j)>
#p = affine_map<(b, i, d, j) -> (b, i, j)>
#v = affine_map<(b, i, d, j) -> (b, j, d)>
#o = affine_map<(b, i, d, j) -> (b, i, d)>

// Values without channels: no op of vit has empty operands.
// CHECK-LABEL: func @negative_attention_empty(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_empty(%q: tensor<2x4x8xf32>, %v: tensor<2x4x0xf32>) -> tensor<2x4x0xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x4x0xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %q : tensor<2x4x8xf32>, tensor<2x4x8xf32>)
      outs(%z0 : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: an operand is empty or has a dynamic size that is no known multiple of the batch}}
  %probabilities = linalg.softmax dimension(2) ins(%scores : tensor<2x4x4xf32>) outs(%z0 : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%probabilities, %v : tensor<2x4x4xf32>, tensor<2x4x0xf32>)
      outs(%z1 : tensor<2x4x0xf32>) -> tensor<2x4x0xf32>
  return %r : tensor<2x4x0xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// In a row without keys, -1e9 hides the scores; added to them, it rounds them.
// CHECK-LABEL: func @negative_attention_mask_rounds(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_mask_rounds(%mask: tensor<2x3x4x4xi1>,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %low = arith.constant dense<-1.0e9> : tensor<2x3x4x4xf32>
  %masked = arith.select %mask, %low, %scores : tensor<2x3x4x4xi1>, tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: masked scores are -1.000000e+09; -1e30 or less is needed}}
  %probabilities = linalg.softmax dimension(3) ins(%masked : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%probabilities, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %r : tensor<2x3x4x8xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// The outer mask hides the inner one, a sum would not.
// CHECK-LABEL: func @negative_attention_two_masks(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_two_masks(%mask: tensor<2x3x4x4xi1>, %other: tensor<2x3x4x4xi1>,
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %low = arith.constant dense<-1.0e30> : tensor<2x3x4x4xf32>
  %inf = arith.constant dense<0xFF800000> : tensor<2x3x4x4xf32>
  %inner = arith.select %other, %inf, %scores : tensor<2x3x4x4xi1>, tensor<2x3x4x4xf32>
  %masked = arith.select %mask, %low, %inner : tensor<2x3x4x4xi1>, tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: masked scores are -1.000000e+30 and -INF; one number is needed}}
  %probabilities = linalg.softmax dimension(3) ins(%masked : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%probabilities, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %r : tensor<2x3x4x8xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// The test for NaN is of the transposed probabilities.
// CHECK-LABEL: func @negative_attention_nan_test_transposed(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_nan_test_transposed(
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: the probabilities are changed before the product with values}}
  %probabilities = linalg.softmax dimension(3) ins(%scores : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %nan = arith.cmpf uno, %probabilities, %probabilities : tensor<2x3x4x4xf32>
  %e = tensor.empty() : tensor<2x3x4x4xf32>
  %changed = linalg.generic {
      indexing_maps = [affine_map<(b, h, i, j) -> (b, h, j, i)>, affine_map<(b, h, i, j) -> (b, h, i, j)>,
                       affine_map<(b, h, i, j) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%nan, %probabilities : tensor<2x3x4x4xi1>, tensor<2x3x4x4xf32>) outs(%e : tensor<2x3x4x4xf32>) {
  ^bb0(%n: i1, %t: f32, %out: f32):
    %zero = arith.constant 0.0 : f32
    %u = arith.select %n, %zero, %t : f32
    linalg.yield %u : f32
  } -> tensor<2x3x4x4xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%changed, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %r : tensor<2x3x4x8xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// The test compares probabilities with transposed ones.
// CHECK-LABEL: func @negative_attention_nan_test_of_two(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_nan_test_of_two(
    %q: tensor<2x3x4x8xf32>, %k: tensor<2x3x4x8xf32>, %v: tensor<2x3x4x8xf32>)
    -> tensor<2x3x4x8xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x4x8xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: more than one op reads the probabilities}}
  %probabilities = linalg.softmax dimension(3) ins(%scores : tensor<2x3x4x4xf32>) outs(%z0 : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %b = arith.constant dense<false> : tensor<2x3x4x4xi1>
  %nan = linalg.generic {
      indexing_maps = [affine_map<(b, h, i, j) -> (b, h, i, j)>, affine_map<(b, h, i, j) -> (b, h, j, i)>,
                       affine_map<(b, h, i, j) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%probabilities, %probabilities : tensor<2x3x4x4xf32>, tensor<2x3x4x4xf32>) outs(%b : tensor<2x3x4x4xi1>) {
  ^bb0(%t: f32, %u: f32, %out: i1):
    %n = arith.cmpf uno, %t, %u : f32
    linalg.yield %n : i1
  } -> tensor<2x3x4x4xi1>
  %changed = arith.select %nan, %z0, %probabilities : tensor<2x3x4x4xi1>, tensor<2x3x4x4xf32>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%changed, %v : tensor<2x3x4x4xf32>, tensor<2x3x4x8xf32>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %r : tensor<2x3x4x8xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// Scores of f16 are scaled in f32.
// CHECK-LABEL: func @negative_attention_scale_type(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_scale_type(%scale: tensor<2x3x4x1xf32>, %q: tensor<2x3x4x8xf16>) -> tensor<2x3x4x8xf16> {
  %z = arith.constant dense<0.0> : tensor<2x3x4x4xf16>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf16>
  %e = tensor.empty() : tensor<2x3x4x4xf32>
  %half = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %q : tensor<2x3x4x8xf16>, tensor<2x3x4x8xf16>) outs(%z : tensor<2x3x4x4xf16>) -> tensor<2x3x4x4xf16>
  %wide = arith.extf %half : tensor<2x3x4x4xf16> to tensor<2x3x4x4xf32>
  %scores = linalg.generic {
      indexing_maps = [affine_map<(b, h, i, j) -> (b, h, i, j)>, affine_map<(b, h, i, j) -> (b, h, i, 0)>,
                       affine_map<(b, h, i, j) -> (b, h, i, j)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%wide, %scale : tensor<2x3x4x4xf32>, tensor<2x3x4x1xf32>) outs(%e : tensor<2x3x4x4xf32>) {
  ^bb0(%s: f32, %t: f32, %out: f32):
    %u = arith.mulf %s, %t : f32
    linalg.yield %u : f32
  } -> tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: a scale that is no number is f32, the query f16}}
  %probabilities = linalg.softmax dimension(3) ins(%scores : tensor<2x3x4x4xf32>) outs(%e : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %narrow = arith.truncf %probabilities : tensor<2x3x4x4xf32> to tensor<2x3x4x4xf16>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%narrow, %q : tensor<2x3x4x4xf16>, tensor<2x3x4x8xf16>) outs(%z1 : tensor<2x3x4x8xf16>) -> tensor<2x3x4x8xf16>
  return %r : tensor<2x3x4x8xf16>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// Scores of f16 are masked in f32; f16 has no such number but -inf.
// CHECK-LABEL: func @negative_attention_mask_type(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_mask_type(%mask: tensor<2x3x4x4xi1>, %q: tensor<2x3x4x8xf16>) -> tensor<2x3x4x8xf16> {
  %z = arith.constant dense<0.0> : tensor<2x3x4x4xf16>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf16>
  %e = tensor.empty() : tensor<2x3x4x4xf32>
  %half = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %q : tensor<2x3x4x8xf16>, tensor<2x3x4x8xf16>) outs(%z : tensor<2x3x4x4xf16>) -> tensor<2x3x4x4xf16>
  %wide = arith.extf %half : tensor<2x3x4x4xf16> to tensor<2x3x4x4xf32>
  %low = arith.constant dense<0xFF7FFFFF> : tensor<2x3x4x4xf32>
  %scores = arith.select %mask, %low, %wide : tensor<2x3x4x4xi1>, tensor<2x3x4x4xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: masked scores are -3.402823e+38, beyond f16}}
  %probabilities = linalg.softmax dimension(3) ins(%scores : tensor<2x3x4x4xf32>) outs(%e : tensor<2x3x4x4xf32>) -> tensor<2x3x4x4xf32>
  %narrow = arith.truncf %probabilities : tensor<2x3x4x4xf32> to tensor<2x3x4x4xf16>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%narrow, %q : tensor<2x3x4x4xf16>, tensor<2x3x4x8xf16>) outs(%z1 : tensor<2x3x4x8xf16>) -> tensor<2x3x4x8xf16>
  return %r : tensor<2x3x4x8xf16>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// The product with values widens them.
// CHECK-LABEL: func @negative_attention_result_type(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_result_type(%q: tensor<2x3x4x8xf16>) -> tensor<2x3x4x8xf32> {
  %z = arith.constant dense<0.0> : tensor<2x3x4x4xf16>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x8xf32>
  %scores = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %q : tensor<2x3x4x8xf16>, tensor<2x3x4x8xf16>) outs(%z : tensor<2x3x4x4xf16>) -> tensor<2x3x4x4xf16>
  // expected-remark @below {{softmax is not raised to vit.attention: the result is f32, the query f16}}
  %probabilities = linalg.softmax dimension(3) ins(%scores : tensor<2x3x4x4xf16>) outs(%z : tensor<2x3x4x4xf16>) -> tensor<2x3x4x4xf16>
  %r = linalg.contract indexing_maps = [#p, #v, #o] ins(%probabilities, %q : tensor<2x3x4x4xf16>, tensor<2x3x4x8xf16>) outs(%z1 : tensor<2x3x4x8xf32>) -> tensor<2x3x4x8xf32>
  return %r : tensor<2x3x4x8xf32>
}
