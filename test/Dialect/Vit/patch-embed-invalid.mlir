// RUN: vit-opt %s -split-input-file -verify-diagnostics

func.func @patch_embed_c1_channels(%image: tensor<1x1x32x32xf32>, %filter: tensor<8x3x16x16xf32>) {
  // expected-error @+1 {{'vit.patch_embed' op image has 1 channels but filter has 3; both are dim 1, C}}
  %z = vit.patch_embed %image, %filter : tensor<1x1x32x32xf32>, tensor<8x3x16x16xf32> -> tensor<1x4x8xf32>
  return
}

// -----

func.func @patch_embed_c2_height(%image: tensor<1x3x40x32xf32>, %filter: tensor<8x3x16x16xf32>) {
  // expected-error @+1 {{'vit.patch_embed' op image is 40 x 32 but a patch is 16 x 16; the patch must divide the image}}
  %z = vit.patch_embed %image, %filter : tensor<1x3x40x32xf32>, tensor<8x3x16x16xf32> -> tensor<1x4x8xf32>
  return
}

// -----

func.func @patch_embed_c2_width(%image: tensor<1x3x32x40xf32>, %filter: tensor<8x3x16x16xf32>) {
  // expected-error @+1 {{'vit.patch_embed' op image is 32 x 40 but a patch is 16 x 16; the patch must divide the image}}
  %z = vit.patch_embed %image, %filter : tensor<1x3x32x40xf32>, tensor<8x3x16x16xf32> -> tensor<1x4x8xf32>
  return
}

// -----

func.func @patch_embed_c3_bias(%image: tensor<1x3x32x32xf32>, %filter: tensor<8x3x16x16xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{'vit.patch_embed' op bias has 4 elements but filter has E = 8}}
  %z = vit.patch_embed %image, %filter bias(%b : tensor<4xf32>)
      : tensor<1x3x32x32xf32>, tensor<8x3x16x16xf32> -> tensor<1x4x8xf32>
  return
}

// -----

func.func @patch_embed_c4_tokens(%image: tensor<1x3x32x32xf32>, %filter: tensor<8x3x16x16xf32>, %t: tensor<1x4xf32>) {
  // expected-error @+1 {{'vit.patch_embed' op tokens are 4 wide but filter has E = 8}}
  %z = vit.patch_embed %image, %filter tokens(%t : tensor<1x4xf32>)
      : tensor<1x3x32x32xf32>, tensor<8x3x16x16xf32> -> tensor<1x5x8xf32>
  return
}

// -----

// The position has no row for the class token.
func.func @patch_embed_c5_position(%image: tensor<1x3x32x32xf32>, %filter: tensor<8x3x16x16xf32>, %t: tensor<1x8xf32>,
                                   %p: tensor<4x8xf32>) {
  // expected-error @+1 {{'vit.patch_embed' op position is 'tensor<4x8xf32>' but there are 5 tokens of E = 8}}
  %z = vit.patch_embed %image, %filter tokens(%t : tensor<1x8xf32>) position(%p : tensor<4x8xf32>)
      : tensor<1x3x32x32xf32>, tensor<8x3x16x16xf32> -> tensor<1x5x8xf32>
  return
}

// -----

func.func @patch_embed_dynamic_image(%image: tensor<1x3x?x32xf32>, %filter: tensor<8x3x16x16xf32>) {
  // expected-error @+1 {{'vit.patch_embed' op operand #0 must be 4D tensor, not empty and static but for dim 0, of floating-point values, but got 'tensor<1x3x?x32xf32>'}}
  %z = vit.patch_embed %image, %filter : tensor<1x3x?x32xf32>, tensor<8x3x16x16xf32> -> tensor<1x4x8xf32>
  return
}

// -----

func.func @patch_embed_result_type(%image: tensor<1x3x32x32xf32>, %filter: tensor<8x3x16x16xf32>) {
  // expected-error @+2 {{'vit.patch_embed' op failed to infer returned types}}
  // expected-error @+1 {{'vit.patch_embed' op inferred type(s) 'tensor<1x4x8xf32>' are incompatible with return type(s) of operation 'tensor<1x5x8xf32>'}}
  %z = vit.patch_embed %image, %filter : tensor<1x3x32x32xf32>, tensor<8x3x16x16xf32> -> tensor<1x5x8xf32>
  return
}
