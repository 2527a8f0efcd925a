// RUN: vit-opt %s -split-input-file -verify-diagnostics

func.func @additive_attention_c1_key(%q: tensor<2x1x8xf32>, %k: tensor<2x5x6xf32>, %w: tensor<8xf32>, %v: tensor<2x5x4xf32>) {
  // expected-error @+1 {{'vit.additive_attention' op has query 'tensor<2x1x8xf32>', key 'tensor<2x5x6xf32>' and weight 'tensor<8xf32>'; all end in the same D}}
  %c = vit.additive_attention %q, %k, %w, %v
      : tensor<2x1x8xf32>, tensor<2x5x6xf32>, tensor<8xf32>, tensor<2x5x4xf32> -> tensor<2x1x4xf32>
  return
}

// -----

func.func @additive_attention_c1_weight(%q: tensor<2x1x8xf32>, %k: tensor<2x5x8xf32>, %w: tensor<6xf32>, %v: tensor<2x5x4xf32>) {
  // expected-error @+1 {{'vit.additive_attention' op has query 'tensor<2x1x8xf32>', key 'tensor<2x5x8xf32>' and weight 'tensor<6xf32>'; all end in the same D}}
  %c = vit.additive_attention %q, %k, %w, %v
      : tensor<2x1x8xf32>, tensor<2x5x8xf32>, tensor<6xf32>, tensor<2x5x4xf32> -> tensor<2x1x4xf32>
  return
}

// -----

func.func @additive_attention_c2(%q: tensor<2x1x8xf32>, %k: tensor<2x5x8xf32>, %w: tensor<8xf32>, %v: tensor<2x4x4xf32>) {
  // expected-error @+1 {{'vit.additive_attention' op has key 'tensor<2x5x8xf32>' and value 'tensor<2x4x4xf32>'; both have the same Nk, dim 1}}
  %c = vit.additive_attention %q, %k, %w, %v
      : tensor<2x1x8xf32>, tensor<2x5x8xf32>, tensor<8xf32>, tensor<2x4x4xf32> -> tensor<2x1x4xf32>
  return
}

// -----

func.func @additive_attention_c3_batch(%q: tensor<2x1x8xf32>, %k: tensor<3x5x8xf32>, %w: tensor<8xf32>, %v: tensor<2x5x4xf32>) {
  // expected-error @+1 {{'vit.additive_attention' op has query 'tensor<2x1x8xf32>' with 'tensor<3x5x8xf32>'; both have the same batch, dim 0}}
  %c = vit.additive_attention %q, %k, %w, %v
      : tensor<2x1x8xf32>, tensor<3x5x8xf32>, tensor<8xf32>, tensor<2x5x4xf32> -> tensor<2x1x4xf32>
  return
}

// -----

func.func @additive_attention_c3_elements(%q: tensor<2x1x8xf32>, %k: tensor<2x5x8xf32>, %w: tensor<8xf16>, %v: tensor<2x5x4xf32>) {
  // expected-error @+1 {{'vit.additive_attention' op has query 'tensor<2x1x8xf32>' with 'tensor<8xf16>'; both have the same element type}}
  %c = vit.additive_attention %q, %k, %w, %v
      : tensor<2x1x8xf32>, tensor<2x5x8xf32>, tensor<8xf16>, tensor<2x5x4xf32> -> tensor<2x1x4xf32>
  return
}
