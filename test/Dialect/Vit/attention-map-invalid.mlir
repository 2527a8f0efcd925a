// RUN: vit-opt %s -split-input-file -verify-diagnostics

func.func @attention_map_c1_head_dim(%q: tensor<1x6x9x64xf32>, %k: tensor<1x6x9x32xf32>, %s: tensor<2x2xi64>) {
  // expected-error @+1 {{'vit.attention_map' op query has head dim 64 but key has 32; both are the last dim, D, of [B, H, N, D]}}
  %m = vit.attention_map %q, %k scale 1.0 selection(%s[0] : tensor<2x2xi64>) windows 1
      : tensor<1x6x9x64xf32>, tensor<1x6x9x32xf32> -> tensor<1x1x6x9x9xf32>
  return
}

// -----

func.func @attention_map_c2_heads(%q: tensor<1x6x9x64xf32>, %k: tensor<1x4x9x64xf32>, %s: tensor<2x2xi64>) {
  // expected-error @+1 {{'vit.attention_map' op query has 6 heads but key has 4, which must divide them}}
  %m = vit.attention_map %q, %k scale 1.0 selection(%s[0] : tensor<2x2xi64>) windows 1
      : tensor<1x6x9x64xf32>, tensor<1x4x9x64xf32> -> tensor<1x1x6x9x9xf32>
  return
}

// -----

func.func @attention_map_c2_batch(%q: tensor<?x6x9x64xf32>, %k: tensor<1x6x9x64xf32>, %s: tensor<2x2xi64>) {
  // expected-error @+1 {{'vit.attention_map' op query is 'tensor<?x6x9x64xf32>' but key is 'tensor<1x6x9x64xf32>'; both have the same batch, dim 0}}
  %m = vit.attention_map %q, %k scale 1.0 selection(%s[0] : tensor<2x2xi64>) windows 1
      : tensor<?x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<?x1x6x9x9xf32>
  return
}

// -----

func.func @attention_map_c2_bias_heads(%q: tensor<3x6x9x64xf32>, %k: tensor<3x6x9x64xf32>, %s: tensor<2x2xi64>, %bias: tensor<1x2x9x9xf32>) {
  // expected-error @+1 {{'vit.attention_map' op bias has 2 heads but query has 6; needs 1 or as many}}
  %m = vit.attention_map %q, %k bias(%bias : tensor<1x2x9x9xf32>) scale 1.0 selection(%s[0] : tensor<2x2xi64>) windows 1
      : tensor<3x6x9x64xf32>, tensor<3x6x9x64xf32> -> tensor<3x1x6x9x9xf32>
  return
}

// -----

func.func @attention_map_c3_bias_queries(%q: tensor<1x6x9x64xf32>, %k: tensor<1x6x9x64xf32>, %s: tensor<2x2xi64>, %bias: tensor<1x6x8x9xf32>) {
  // expected-error @+1 {{'vit.attention_map' op bias is 'tensor<1x6x8x9xf32>' but there are 9 queries and 9 keys; bias ends in Nq x Nk}}
  %m = vit.attention_map %q, %k bias(%bias : tensor<1x6x8x9xf32>) scale 1.0 selection(%s[0] : tensor<2x2xi64>) windows 1
      : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<1x1x6x9x9xf32>
  return
}

// -----

func.func @attention_map_c4_bias_batch(%q: tensor<3x6x9x64xf32>, %k: tensor<3x6x9x64xf32>, %s: tensor<2x2xi64>, %bias: tensor<2x1x9x9xf32>) {
  // expected-error @+1 {{'vit.attention_map' op bias has 2 items but query has a batch of 3, which they must divide}}
  %m = vit.attention_map %q, %k bias(%bias : tensor<2x1x9x9xf32>) scale 1.0 selection(%s[0] : tensor<2x2xi64>) windows 1
      : tensor<3x6x9x64xf32>, tensor<3x6x9x64xf32> -> tensor<3x1x6x9x9xf32>
  return
}

// -----

func.func @attention_map_c5_windows(%q: tensor<3x6x9x64xf32>, %k: tensor<3x6x9x64xf32>, %s: tensor<2x2xi64>) {
  // expected-error @+1 {{'vit.attention_map' op has 2 windows but query has a batch of 3, which they must divide}}
  %m = vit.attention_map %q, %k scale 1.0 selection(%s[0] : tensor<2x2xi64>) windows 2
      : tensor<3x6x9x64xf32>, tensor<3x6x9x64xf32> -> tensor<1x2x6x9x9xf32>
  return
}

// -----

func.func @attention_map_c6_selection(%q: tensor<1x6x9x64xf32>, %k: tensor<1x6x9x64xf32>, %s: tensor<2x3xi64>) {
  // expected-error @+1 {{'vit.attention_map' op has selection 'tensor<2x3xi64>'; needs 2 numbers for each layer}}
  %m = vit.attention_map %q, %k scale 1.0 selection(%s[0] : tensor<2x3xi64>) windows 1
      : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<1x1x6x9x9xf32>
  return
}

// -----

func.func @attention_map_c6_layer(%q: tensor<1x6x9x64xf32>, %k: tensor<1x6x9x64xf32>, %s: tensor<2x2xi64>) {
  // expected-error @+1 {{'vit.attention_map' op has layer 2 of a selection of 2 layers}}
  %m = vit.attention_map %q, %k scale 1.0 selection(%s[2] : tensor<2x2xi64>) windows 1
      : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<1x1x6x9x9xf32>
  return
}

// -----

func.func @attention_map_c7_softcap(%q: tensor<1x6x9x64xf32>, %k: tensor<1x6x9x64xf32>, %s: tensor<2x2xi64>) {
  // expected-error @+1 {{'vit.attention_map' op has softcap 0.000000e+00; needs a positive finite number}}
  %m = vit.attention_map %q, %k scale 1.0 softcap 0.0 selection(%s[0] : tensor<2x2xi64>) windows 1
      : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<1x1x6x9x9xf32>
  return
}

// -----

func.func @attention_map_c7_key_length(%q: tensor<1x6x9x64xf32>, %k: tensor<1x6x9x64xf32>, %s: tensor<2x2xi64>, %n: tensor<2xi32>) {
  // expected-error @+1 {{'vit.attention_map' op key_length is 'tensor<2xi32>' but query is 'tensor<1x6x9x64xf32>'; key_length has an element for each item of the batch}}
  %m = vit.attention_map %q, %k key_length(%n : tensor<2xi32>) scale 1.0 selection(%s[0] : tensor<2x2xi64>) windows 1
      : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<1x1x6x9x9xf32>
  return
}

// -----

func.func @attention_map_c5_no_windows(%q: tensor<1x6x9x64xf32>, %k: tensor<1x6x9x64xf32>, %s: tensor<2x2xi64>) {
  // expected-error @+1 {{'vit.attention_map' op has 0 windows; needs 1 or more}}
  %m = vit.attention_map %q, %k scale 1.0 selection(%s[0] : tensor<2x2xi64>) windows 0
      : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<1x1x6x9x9xf32>
  return
}

// -----

func.func @attention_map_result_type(%q: tensor<1x6x9x64xf32>, %k: tensor<1x6x9x64xf32>, %s: tensor<2x2xi64>) {
  // expected-error @+2 {{'vit.attention_map' op failed to infer returned types}}
  // expected-error @+1 {{'vit.attention_map' op inferred type(s) 'tensor<1x1x6x9x9xf32>' are incompatible with return type(s) of operation 'tensor<1x6x9x9xf32>'}}
  %m = vit.attention_map %q, %k scale 1.0 selection(%s[0] : tensor<2x2xi64>) windows 1
      : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<1x6x9x9xf32>
  return
}
