// RUN: vit-opt %s -split-input-file -verify-diagnostics

func.func @attention_c1_head_dim(%q: tensor<1x6x9x64xf32>, %k: tensor<1x6x9x32xf32>) {
  // expected-error @+1 {{'vit.attention' op query has head dim 64 but key has 32; both are the last dim, D, of [B, H, N, D]}}
  %r = vit.attention %q, %k, %k scale 1.0
      : tensor<1x6x9x64xf32>, tensor<1x6x9x32xf32>, tensor<1x6x9x32xf32> -> tensor<1x6x9x32xf32>
  return
}

// -----

func.func @attention_c2_keys(%q: tensor<1x6x9x64xf32>, %k: tensor<1x6x9x64xf32>, %v: tensor<1x6x8x64xf32>) {
  // expected-error @+1 {{'vit.attention' op key is 'tensor<1x6x9x64xf32>' but value is 'tensor<1x6x8x64xf32>'; both have the same B, Hk and Nk}}
  %r = vit.attention %q, %k, %v scale 1.0
      : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32>, tensor<1x6x8x64xf32> -> tensor<1x6x9x64xf32>
  return
}

// -----

func.func @attention_c3_heads(%q: tensor<1x6x9x64xf32>, %k: tensor<1x4x9x64xf32>) {
  // expected-error @+1 {{'vit.attention' op query has 6 heads but key has 4, which must divide them}}
  %r = vit.attention %q, %k, %k scale 1.0
      : tensor<1x6x9x64xf32>, tensor<1x4x9x64xf32>, tensor<1x4x9x64xf32> -> tensor<1x6x9x64xf32>
  return
}

// -----

func.func @attention_c3_batch(%q: tensor<2x6x9x64xf32>, %k: tensor<1x6x9x64xf32>) {
  // expected-error @+1 {{'vit.attention' op query is 'tensor<2x6x9x64xf32>' but key is 'tensor<1x6x9x64xf32>'; both have the same batch, dim 0}}
  %r = vit.attention %q, %k, %k scale 1.0
      : tensor<2x6x9x64xf32>, tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<2x6x9x64xf32>
  return
}

// -----

func.func @attention_c3_bias_heads(%q: tensor<1x6x9x64xf32>, %bias: tensor<1x3x9x9xf32>) {
  // expected-error @+1 {{'vit.attention' op bias has 3 heads but query has 6; needs 1 or as many}}
  %r = vit.attention %q, %q, %q bias(%bias : tensor<1x3x9x9xf32>) scale 1.0
      : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<1x6x9x64xf32>
  return
}

// -----

func.func @attention_c4_bias_keys(%q: tensor<1x6x9x64xf32>, %bias: tensor<1x6x9x8xf32>) {
  // expected-error @+1 {{'vit.attention' op bias is 'tensor<1x6x9x8xf32>' but there are 9 queries and 9 keys; bias ends in Nq x Nk}}
  %r = vit.attention %q, %q, %q bias(%bias : tensor<1x6x9x8xf32>) scale 1.0
      : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<1x6x9x64xf32>
  return
}

// -----

func.func @attention_c3_mask_heads(%q: tensor<1x6x9x64xf32>, %mask: tensor<1x2x9x9xf32>) {
  // expected-error @+1 {{'vit.attention' op mask has 2 heads but query has 6; needs 1 or as many}}
  %r = vit.attention %q, %q, %q mask(%mask : tensor<1x2x9x9xf32>) scale 1.0
      : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<1x6x9x64xf32>
  return
}

// -----

func.func @attention_c4_mask_queries(%q: tensor<1x6x9x64xf32>, %mask: tensor<1x1x1x9xf32>) {
  // expected-error @+1 {{'vit.attention' op mask is 'tensor<1x1x1x9xf32>' but there are 9 queries and 9 keys; mask ends in Nq x Nk}}
  %r = vit.attention %q, %q, %q mask(%mask : tensor<1x1x1x9xf32>) scale 1.0
      : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<1x6x9x64xf32>
  return
}

// -----

func.func @attention_c5_mask_batch(%q: tensor<6x6x9x64xf32>, %mask: tensor<4x1x9x9xf32>) {
  // expected-error @+1 {{'vit.attention' op mask has 4 items but query has a batch of 6, which they must divide}}
  %r = vit.attention %q, %q, %q mask(%mask : tensor<4x1x9x9xf32>) scale 1.0
      : tensor<6x6x9x64xf32>, tensor<6x6x9x64xf32>, tensor<6x6x9x64xf32> -> tensor<6x6x9x64xf32>
  return
}

// -----

func.func @attention_result_type(%q: tensor<1x6x9x64xf32>) {
  // expected-error @+2 {{'vit.attention' op failed to infer returned types}}
  // expected-error @+1 {{'vit.attention' op inferred type(s) 'tensor<1x6x9x64xf32>' are incompatible with return type(s) of operation 'tensor<1x6x9x32xf32>'}}
  %r = vit.attention %q, %q, %q scale 1.0
      : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<1x6x9x32xf32>
  return
}
