// RUN: vit-opt %s -split-input-file -verify-diagnostics

func.func @mean_tokens_c1_all(%x: tensor<2x9x8xf32>) {
  // expected-error @+1 {{'vit.mean_tokens' op skips 9 of 9 tokens; needs 0 to 8}}
  %p = vit.mean_tokens %x skip 9 : tensor<2x9x8xf32> -> tensor<2x8xf32>
  return
}

// -----

func.func @mean_tokens_c1_negative(%x: tensor<2x9x8xf32>) {
  // expected-error @+1 {{'vit.mean_tokens' op skips -1 of 9 tokens; needs 0 to 8}}
  %p = vit.mean_tokens %x skip -1 : tensor<2x9x8xf32> -> tensor<2x8xf32>
  return
}

// -----

func.func @mean_tokens_result_type(%x: tensor<2x9x8xf32>) {
  // expected-error @+2 {{'vit.mean_tokens' op failed to infer returned types}}
  // expected-error @+1 {{'vit.mean_tokens' op inferred type(s) 'tensor<2x8xf32>' are incompatible with return type(s) of operation 'tensor<2x9xf32>'}}
  %p = vit.mean_tokens %x : tensor<2x9x8xf32> -> tensor<2x9xf32>
  return
}
