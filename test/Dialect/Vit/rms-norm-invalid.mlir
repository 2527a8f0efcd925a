// RUN: vit-opt %s -split-input-file -verify-diagnostics

func.func @rms_norm_c1_scale(%x: tensor<4x8xf32>, %g: tensor<4xf32>) {
  // expected-error @+1 {{'vit.rms_norm' op scale has 4 elements but input ends in C = 8}}
  %y = vit.rms_norm %x scale(%g : tensor<4xf32>) epsilon 1.0e-06 : tensor<4x8xf32>
  return
}

// -----

func.func @rms_norm_c2_epsilon(%x: tensor<4x8xf32>) {
  // expected-error-re @+1 {{'vit.rms_norm' op epsilon is -{{.*}}; needs 0 or more}}
  %y = vit.rms_norm %x epsilon -1.0e-06 : tensor<4x8xf32>
  return
}
