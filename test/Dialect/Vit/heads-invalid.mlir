// RUN: vit-opt %s -split-input-file -verify-diagnostics

func.func @split_heads_c1_heads(%x: tensor<1x9x384xf32>) {
  // expected-error @+1 {{'vit.split_heads' op has 7 heads but E = 384; heads must divide E}}
  %q = vit.split_heads %x heads 7 : tensor<1x9x384xf32> -> tensor<1x7x9x54xf32>
  return
}

// -----

func.func @split_heads_no_heads(%x: tensor<1x9x384xf32>) {
  // expected-error @+1 {{'vit.split_heads' op attribute 'heads' failed to satisfy constraint: 64-bit signless integer attribute whose value is positive}}
  %q = vit.split_heads %x heads 0 : tensor<1x9x384xf32> -> tensor<1x6x9x64xf32>
  return
}

// -----

func.func @split_heads_result_type(%x: tensor<1x9x384xf32>) {
  // expected-error @+2 {{'vit.split_heads' op failed to infer returned types}}
  // expected-error @+1 {{'vit.split_heads' op inferred type(s) 'tensor<1x6x9x64xf32>' are incompatible with return type(s) of operation 'tensor<1x9x6x64xf32>'}}
  %q = vit.split_heads %x heads 6 : tensor<1x9x384xf32> -> tensor<1x9x6x64xf32>
  return
}

// -----

func.func @merge_heads_result_type(%x: tensor<1x6x9x64xf32>) {
  // expected-error @+2 {{'vit.merge_heads' op failed to infer returned types}}
  // expected-error @+1 {{'vit.merge_heads' op inferred type(s) 'tensor<1x9x384xf32>' are incompatible with return type(s) of operation 'tensor<1x6x576xf32>'}}
  %r = vit.merge_heads %x : tensor<1x6x9x64xf32> -> tensor<1x6x576xf32>
  return
}
