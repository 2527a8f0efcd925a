// RUN: vit-opt %s -split-input-file -verify-diagnostics

func.func @layer_norm_c1_scale(%x: tensor<4x8xf32>, %g: tensor<4xf32>) {
  // expected-error @+1 {{'vit.layer_norm' op scale has 4 elements but input ends in C = 8}}
  %y = vit.layer_norm %x scale(%g : tensor<4xf32>) epsilon 1.0e-06 : tensor<4x8xf32>
  return
}

// -----

func.func @layer_norm_c2_shift(%x: tensor<4x8xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{'vit.layer_norm' op shift has 4 elements but input ends in C = 8}}
  %y = vit.layer_norm %x shift(%b : tensor<4xf32>) epsilon 1.0e-06 : tensor<4x8xf32>
  return
}

// -----

func.func @layer_norm_c3_epsilon(%x: tensor<4x8xf32>) {
  // expected-error-re @+1 {{'vit.layer_norm' op epsilon is -{{.*}}; needs 0 or more}}
  %y = vit.layer_norm %x epsilon -1.0e-06 : tensor<4x8xf32>
  return
}

// -----

func.func @layer_norm_c3_epsilon_nan(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{'vit.layer_norm' op epsilon is nan; needs 0 or more}}
  %y = vit.layer_norm %x epsilon 0x7FF8000000000000 : tensor<4x8xf32>
  return
}

// -----

func.func @layer_norm_no_axis(%x: tensor<f32>) {
  // expected-error @+1 {{'vit.layer_norm' op operand #0 must be tensor of rank 1 or more, not empty and static but for dim 0, of floating-point values, but got 'tensor<f32>'}}
  %y = vit.layer_norm %x epsilon 1.0e-06 : tensor<f32>
  return
}
