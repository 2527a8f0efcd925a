// RUN: vit-opt %s -split-input-file -verify-diagnostics

func.func @linear_c1_input(%x: tensor<4x8xf32>, %w: tensor<16x9xf32>) {
  // expected-error @+1 {{'vit.linear' op input ends in 8 but weight has K = 9; both are the last dim}}
  %y = vit.linear %x, %w : tensor<4x8xf32>, tensor<16x9xf32> -> tensor<4x16xf32>
  return
}

// -----

func.func @linear_c2_bias(%x: tensor<4x8xf32>, %w: tensor<16x8xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{'vit.linear' op bias has 8 elements but weight has N = 16}}
  %y = vit.linear %x, %w bias(%b : tensor<8xf32>) : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf32>
  return
}

// -----

func.func @linear_c3_residual(%x: tensor<4x8xf32>, %w: tensor<16x8xf32>, %r: tensor<1x16xf32>) {
  // expected-error @+1 {{'vit.linear' op residual is 'tensor<1x16xf32>' but result is 'tensor<4x16xf32>'}}
  %y = vit.linear %x, %w residual(%r : tensor<1x16xf32>) : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf32>
  return
}

// -----

func.func @norm_c1_epsilon_negative(%x: tensor<4x8xf32>, %w: tensor<16x8xf32>) {
  // expected-error @+1 {{#vit.norm has epsilon -1.000000e+00 : f64; needs a finite number of 0 or more}}
  %y = vit.linear %x, %w norm <epsilon = -1.0 : f64> : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf32>
  return
}

// -----

func.func @norm_c1_epsilon_infinite(%x: tensor<4x8xf32>, %w: tensor<16x8xf32>) {
  // expected-error @+1 {{#vit.norm has epsilon 0x7FF0000000000000 : f64; needs a finite number of 0 or more}}
  %y = vit.linear %x, %w norm <epsilon = 0x7FF0000000000000 : f64> : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf32>
  return
}

// -----

func.func @linear_no_axis(%x: tensor<f32>, %w: tensor<16x8xf32>) {
  // expected-error @+1 {{'vit.linear' op operand #0 must be tensor of rank 1 or more, not empty and static but for dim 0, of floating-point values, but got 'tensor<f32>'}}
  %y = vit.linear %x, %w : tensor<f32>, tensor<16x8xf32> -> tensor<16xf32>
  return
}

// -----

func.func @linear_result_type(%x: tensor<4x8xf32>, %w: tensor<16x8xf32>) {
  // expected-error @+2 {{'vit.linear' op failed to infer returned types}}
  // expected-error @+1 {{'vit.linear' op inferred type(s) 'tensor<4x16xf32>' are incompatible with return type(s) of operation 'tensor<4x16xf16>'}}
  %y = vit.linear %x, %w : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf16>
  return
}

// -----

func.func @linear_dynamic_weight(%x: tensor<4x8xf32>, %w: tensor<?x8xf32>) {
  // expected-error @+1 {{'vit.linear' op operand #1 must be 2D tensor, not empty and static, of floating-point values, but got 'tensor<?x8xf32>'}}
  %y = vit.linear %x, %w : tensor<4x8xf32>, tensor<?x8xf32> -> tensor<4x?xf32>
  return
}

// -----

func.func @gelu_dynamic_channels(%x: tensor<4x?xf32>) {
  // expected-error @+1 {{'vit.gelu' op operand #0 must be tensor of rank 1 or more, not empty and static but for dim 0, of floating-point values, but got 'tensor<4x?xf32>'}}
  %y = vit.gelu %x : tensor<4x?xf32>
  return
}

// -----

func.func @gelu_empty(%x: tensor<0x8xf32>) {
  // expected-error @+1 {{'vit.gelu' op operand #0 must be tensor of rank 1 or more, not empty and static but for dim 0, of floating-point values, but got 'tensor<0x8xf32>'}}
  %y = vit.gelu %x : tensor<0x8xf32>
  return
}

// -----

func.func @gelu_unknown_form(%x: tensor<4x8xf32>) {
  // expected-error @+1 {{'sigmoid' is no known keyword}}
  %y = vit.gelu %x sigmoid : tensor<4x8xf32>
  return
}
