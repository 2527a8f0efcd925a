// RUN: vit-opt %s -vit-raise-attention -split-input-file -verify-diagnostics | FileCheck %s

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// Gemma: the scaled scores are divided by the cap before tanh and multiplied with it.
// CHECK-LABEL: func @attention_softcap(
//       CHECK:   vit.attention %{{.*}} scale 2.500000e-01 softcap 5.000000e+01 :
func.func @attention_softcap(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x5x8xf32>, %v: tensor<2x3x5x6xf32>)
    -> tensor<2x3x4x6xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x6xf32>
  %scale = arith.constant dense<0.25> : tensor<2x3x4x5xf32>
  %cap = arith.constant dense<50.0> : tensor<2x3x4x5xf32>
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x5x8xf32>)
      outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = arith.mulf %0, %scale : tensor<2x3x4x5xf32>
  %2 = arith.divf %1, %cap : tensor<2x3x4x5xf32>
  %3 = math.tanh %2 : tensor<2x3x4x5xf32>
  %x = arith.mulf %cap, %3 : tensor<2x3x4x5xf32>
  %y = linalg.softmax dimension(3) ins(%x : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %w = linalg.contract indexing_maps = [#p, #v, #o] ins(%y, %v : tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32>)
      outs(%z1 : tensor<2x3x4x6xf32>) -> tensor<2x3x4x6xf32>
  return %w : tensor<2x3x4x6xf32>
}

// The sign moves to the scale: tanh is odd. A bias is added to what is capped.
// CHECK-LABEL: func @attention_softcap_negative_bias(
//       CHECK:   vit.attention %{{.*}} mask(%{{.*}}) scale -1.250000e+01 softcap 5.000000e+01 :
func.func @attention_softcap_negative_bias(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x5x8xf32>, %v: tensor<2x3x5x6xf32>, %bias: tensor<2x3x4x5xf32>)
    -> tensor<2x3x4x6xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x6xf32>
  %scale = arith.constant dense<0.25> : tensor<2x3x4x5xf32>
  %cap = arith.constant dense<50.0> : tensor<2x3x4x5xf32>
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x5x8xf32>)
      outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = arith.mulf %0, %scale : tensor<2x3x4x5xf32>
  %2 = math.tanh %1 : tensor<2x3x4x5xf32>
  %minus = arith.constant dense<-50.0> : tensor<2x3x4x5xf32>
  %3 = arith.mulf %2, %minus : tensor<2x3x4x5xf32>
  %x = arith.addf %3, %bias : tensor<2x3x4x5xf32>
  %y = linalg.softmax dimension(3) ins(%x : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %w = linalg.contract indexing_maps = [#p, #v, #o] ins(%y, %v : tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32>)
      outs(%z1 : tensor<2x3x4x6xf32>) -> tensor<2x3x4x6xf32>
  return %w : tensor<2x3x4x6xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// The bias is limited as well.
// CHECK-LABEL: func @negative_attention_softcap_of_bias(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_softcap_of_bias(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x5x8xf32>, %v: tensor<2x3x5x6xf32>, %bias: tensor<2x3x4x5xf32>)
    -> tensor<2x3x4x6xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x6xf32>
  %scale = arith.constant dense<0.25> : tensor<2x3x4x5xf32>
  %cap = arith.constant dense<50.0> : tensor<2x3x4x5xf32>
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x5x8xf32>)
      outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = arith.addf %0, %bias : tensor<2x3x4x5xf32>
  %2 = math.tanh %1 : tensor<2x3x4x5xf32>
  %x = arith.mulf %2, %cap : tensor<2x3x4x5xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: a softcap limits the sum of scores and bias or mask}}
  %y = linalg.softmax dimension(3) ins(%x : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %w = linalg.contract indexing_maps = [#p, #v, #o] ins(%y, %v : tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32>)
      outs(%z1 : tensor<2x3x4x6xf32>) -> tensor<2x3x4x6xf32>
  return %w : tensor<2x3x4x6xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// CHECK-LABEL: func @negative_attention_two_softcaps(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_two_softcaps(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x5x8xf32>, %v: tensor<2x3x5x6xf32>)
    -> tensor<2x3x4x6xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x6xf32>
  %scale = arith.constant dense<0.25> : tensor<2x3x4x5xf32>
  %cap = arith.constant dense<50.0> : tensor<2x3x4x5xf32>
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x5x8xf32>)
      outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = math.tanh %0 : tensor<2x3x4x5xf32>
  %2 = arith.mulf %1, %cap : tensor<2x3x4x5xf32>
  %3 = math.tanh %2 : tensor<2x3x4x5xf32>
  %x = arith.mulf %3, %cap : tensor<2x3x4x5xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: the scores have two softcaps}}
  %y = linalg.softmax dimension(3) ins(%x : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %w = linalg.contract indexing_maps = [#p, #v, #o] ins(%y, %v : tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32>)
      outs(%z1 : tensor<2x3x4x6xf32>) -> tensor<2x3x4x6xf32>
  return %w : tensor<2x3x4x6xf32>
}

// -----

#q = affine_map<(b, h, i, j, d) -> (b, h, i, d)>
#k = affine_map<(b, h, i, j, d) -> (b, h, j, d)>
#s = affine_map<(b, h, i, j, d) -> (b, h, i, j)>
#p = affine_map<(b, h, i, d, j) -> (b, h, i, j)>
#v = affine_map<(b, h, i, d, j) -> (b, h, j, d)>
#o = affine_map<(b, h, i, d, j) -> (b, h, i, d)>

// Each head multiplies its capped scores with a number of its own.
// CHECK-LABEL: func @negative_attention_softcap_times_tensor(
//       CHECK:   linalg.softmax
//   CHECK-NOT:   vit.attention
func.func @negative_attention_softcap_times_tensor(%q: tensor<2x3x4x8xf32>, %k: tensor<2x3x5x8xf32>, %v: tensor<2x3x5x6xf32>, %factor: tensor<2x3x4x5xf32>)
    -> tensor<2x3x4x6xf32> {
  %z0 = arith.constant dense<0.0> : tensor<2x3x4x5xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x4x6xf32>
  %scale = arith.constant dense<0.25> : tensor<2x3x4x5xf32>
  %cap = arith.constant dense<50.0> : tensor<2x3x4x5xf32>
  %0 = linalg.contract indexing_maps = [#q, #k, #s] ins(%q, %k : tensor<2x3x4x8xf32>, tensor<2x3x5x8xf32>)
      outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %1 = math.tanh %0 : tensor<2x3x4x5xf32>
  %x = arith.mulf %1, %factor : tensor<2x3x4x5xf32>
  // expected-remark @below {{softmax is not raised to vit.attention: a scale that is no number multiplies scores with a softcap}}
  %y = linalg.softmax dimension(3) ins(%x : tensor<2x3x4x5xf32>) outs(%z0 : tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  %w = linalg.contract indexing_maps = [#p, #v, #o] ins(%y, %v : tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32>)
      outs(%z1 : tensor<2x3x4x6xf32>) -> tensor<2x3x4x6xf32>
  return %w : tensor<2x3x4x6xf32>
}
