// RUN: vit-opt %s -split-input-file -verify-diagnostics

func.func @attention_c6_softcap_zero(%q: tensor<1x2x9x4xf32>) {
  // expected-error @+1 {{'vit.attention' op has softcap 0.000000e+00; needs a positive finite number}}
  %r = vit.attention %q, %q, %q scale 1.0 softcap 0.0
      : tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32> -> tensor<1x2x9x4xf32>
  return
}

// -----

func.func @attention_c6_softcap_negative(%q: tensor<1x2x9x4xf32>) {
  // expected-error @+1 {{'vit.attention' op has softcap -5.000000e+01; needs a positive finite number}}
  %r = vit.attention %q, %q, %q scale 1.0 softcap -50.0
      : tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32> -> tensor<1x2x9x4xf32>
  return
}

// -----

func.func @attention_c6_softcap_infinite(%q: tensor<1x2x9x4xf32>) {
  // expected-error @+1 {{'vit.attention' op has softcap INF; needs a positive finite number}}
  %r = vit.attention %q, %q, %q scale 1.0 softcap 0x7FF0000000000000
      : tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32>, tensor<1x2x9x4xf32> -> tensor<1x2x9x4xf32>
  return
}

// -----

func.func @attention_c7_key_length(%q: tensor<2x2x9x4xf32>, %n: tensor<3xi32>) {
  // expected-error @+1 {{'vit.attention' op key_length is 'tensor<3xi32>' but query is 'tensor<2x2x9x4xf32>'; key_length has an element for each item of the batch}}
  %r = vit.attention %q, %q, %q key_length(%n : tensor<3xi32>) scale 1.0
      : tensor<2x2x9x4xf32>, tensor<2x2x9x4xf32>, tensor<2x2x9x4xf32> -> tensor<2x2x9x4xf32>
  return
}

// -----

func.func @attention_key_length_type(%q: tensor<2x2x9x4xf32>, %n: tensor<2xi8>) {
  // expected-error @+1 {{'vit.attention' op operand #3 must be 1D tensor of integers, not empty, of 32-bit signless integer or 64-bit signless integer values, but got 'tensor<2xi8>'}}
  %r = vit.attention %q, %q, %q key_length(%n : tensor<2xi8>) scale 1.0
      : tensor<2x2x9x4xf32>, tensor<2x2x9x4xf32>, tensor<2x2x9x4xf32> -> tensor<2x2x9x4xf32>
  return
}

// -----

func.func @softmax_matmul_c1_keys(%s: tensor<1x2x9x9xf32>, %v: tensor<1x2x8x4xf32>) {
  // expected-error @+1 {{'vit.softmax_matmul' op scores is 'tensor<1x2x9x9xf32>' but value is 'tensor<1x2x8x4xf32>'; both have the same Nk, the last dim of scores}}
  %r = vit.softmax_matmul %s, %v : tensor<1x2x9x9xf32>, tensor<1x2x8x4xf32> -> tensor<1x2x9x4xf32>
  return
}

// -----

func.func @softmax_matmul_c2_heads(%s: tensor<1x4x9x9xf32>, %v: tensor<1x3x9x4xf32>) {
  // expected-error @+1 {{'vit.softmax_matmul' op scores has 4 heads but value has 3, which must divide them}}
  %r = vit.softmax_matmul %s, %v : tensor<1x4x9x9xf32>, tensor<1x3x9x4xf32> -> tensor<1x4x9x4xf32>
  return
}

// -----

func.func @softmax_matmul_c2_batch(%s: tensor<2x2x9x9xf32>, %v: tensor<1x2x9x4xf32>) {
  // expected-error @+1 {{'vit.softmax_matmul' op scores is 'tensor<2x2x9x9xf32>' but value is 'tensor<1x2x9x4xf32>'; both have the same batch, dim 0}}
  %r = vit.softmax_matmul %s, %v : tensor<2x2x9x9xf32>, tensor<1x2x9x4xf32> -> tensor<2x2x9x4xf32>
  return
}
