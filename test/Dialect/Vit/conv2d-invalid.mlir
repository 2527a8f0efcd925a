// RUN: vit-opt %s -split-input-file -verify-diagnostics

func.func @conv2d_c1_stride(%x: tensor<1x8x32x32xf32>, %w: tensor<16x8x3x3xf32>) {
  // expected-error @+1 {{'vit.conv2d' op has stride [0, 1], dilation [1, 1] and pad [0, 0, 0, 0]; needs 2, 2 and 4 entries of 32 bits, positive but for pad, which may be 0}}
  %y = vit.conv2d %x, %w stride [0, 1] : tensor<1x8x32x32xf32>, tensor<16x8x3x3xf32> -> tensor<1x16x30x30xf32>
  return
}

// -----

func.func @conv2d_c1_pad(%x: tensor<1x8x32x32xf32>, %w: tensor<16x8x3x3xf32>) {
  // expected-error @+1 {{'vit.conv2d' op has stride [1, 1], dilation [1, 1] and pad [1, 1]; needs 2, 2 and 4 entries of 32 bits, positive but for pad, which may be 0}}
  %y = vit.conv2d %x, %w pad [1, 1] : tensor<1x8x32x32xf32>, tensor<16x8x3x3xf32> -> tensor<1x16x32x32xf32>
  return
}

// -----

func.func @conv2d_c1_dilation(%x: tensor<1x8x32x32xf32>, %w: tensor<16x8x3x3xf32>) {
  // expected-error @+1 {{'vit.conv2d' op has stride [1, 1], dilation [2, 4294967296] and pad [0, 0, 0, 0]; needs 2, 2 and 4 entries of 32 bits, positive but for pad, which may be 0}}
  %y = vit.conv2d %x, %w dilation [2, 4294967296] : tensor<1x8x32x32xf32>, tensor<16x8x3x3xf32> -> tensor<1x16x28x30xf32>
  return
}

// -----

func.func @conv2d_c2_groups(%x: tensor<1x8x32x32xf32>, %w: tensor<16x8x3x3xf32>) {
  // expected-error @+1 {{'vit.conv2d' op has 3 groups but 8 input and 16 output channels; groups must divide both}}
  %y = vit.conv2d %x, %w groups 3 : tensor<1x8x32x32xf32>, tensor<16x8x3x3xf32> -> tensor<1x16x30x30xf32>
  return
}

// -----

func.func @conv2d_c2_no_groups(%x: tensor<1x8x32x32xf32>, %w: tensor<16x8x3x3xf32>) {
  // expected-error @+1 {{'vit.conv2d' op has 0 groups but 8 input and 16 output channels; groups must divide both}}
  %y = vit.conv2d %x, %w groups 0 : tensor<1x8x32x32xf32>, tensor<16x8x3x3xf32> -> tensor<1x16x30x30xf32>
  return
}

// -----

func.func @conv2d_c2_channels(%x: tensor<1x8x32x32xf32>, %w: tensor<16x8x3x3xf32>) {
  // expected-error @+1 {{'vit.conv2d' op filter has 8 input channels but input has 8 in 2 groups}}
  %y = vit.conv2d %x, %w groups 2 : tensor<1x8x32x32xf32>, tensor<16x8x3x3xf32> -> tensor<1x16x30x30xf32>
  return
}

// -----

// Dilated by 4, three rows span nine.
func.func @conv2d_c3_too_small(%x: tensor<1x8x6x32xf32>, %w: tensor<16x8x3x3xf32>) {
  // expected-error @+1 {{'vit.conv2d' op has input 'tensor<1x8x6x32xf32>' and pad [1, 0, 1, 0] but filter 'tensor<16x8x3x3xf32>' and dilation [4, 1]; the filter must fit the padded input}}
  %y = vit.conv2d %x, %w pad [1, 0, 1, 0] dilation [4, 1] : tensor<1x8x6x32xf32>, tensor<16x8x3x3xf32> -> tensor<1x16x1x30xf32>
  return
}

// -----

func.func @conv2d_c4_bias(%x: tensor<1x8x32x32xf32>, %w: tensor<16x8x3x3xf32>, %b: tensor<8xf32>) {
  // expected-error @+1 {{'vit.conv2d' op bias is 'tensor<8xf32>' but filter has O = 16}}
  %y = vit.conv2d %x, %w bias(%b : tensor<8xf32>) : tensor<1x8x32x32xf32>, tensor<16x8x3x3xf32> -> tensor<1x16x30x30xf32>
  return
}

// -----

func.func @conv2d_dynamic_filter(%x: tensor<1x8x32x32xf32>, %w: tensor<?x8x3x3xf32>) {
  // expected-error @+1 {{'vit.conv2d' op has filter 'tensor<?x8x3x3xf32>'; needs a static shape}}
  %y = vit.conv2d %x, %w : tensor<1x8x32x32xf32>, tensor<?x8x3x3xf32> -> tensor<1x16x30x30xf32>
  return
}

// -----

func.func @conv2d_c5_residual(%x: tensor<1x8x5x5xf32>, %w: tensor<8x8x3x3xf32>) {
  // expected-error @+1 {{'vit.conv2d' op residual is 'tensor<1x8x5x5xf32>' but result is 'tensor<1x8x3x3xf32>'}}
  %y = vit.conv2d %x, %w residual(%x : tensor<1x8x5x5xf32>) : tensor<1x8x5x5xf32>, tensor<8x8x3x3xf32> -> tensor<1x8x3x3xf32>
  return
}
