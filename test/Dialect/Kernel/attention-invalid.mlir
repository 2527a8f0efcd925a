// RUN: vit-opt %s -split-input-file -verify-diagnostics

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#bad = affine_map<(b, i, c) -> (b, i, c)>
func.func @attention_c1_query(%b: index, %x: memref<2x9x8xf32>, %o: memref<2x9x8xf32>) {
  // expected-error @+1 {{'kernel.attention' op has query map affine_map<(d0, d1, d2) -> (d0, d1, d2)> for 'memref<2x9x8xf32>'; needs 4 dims, no symbols and 3 results}}
  kernel.attention batch(%b) queries(%b) keys(%b) heads 2 head_dim 4 value_dim 4 scale 5.0e-01
      query(%x at #bad : memref<2x9x8xf32>) key(%x at #qkv : memref<2x9x8xf32>)
      value(%x at #qkv : memref<2x9x8xf32>) init(%o at #qkv : memref<2x9x8xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#bad = affine_map<(b, i, c) -> (b, i, c)>
func.func @attention_c1_key(%b: index, %x: memref<2x9x8xf32>, %o: memref<2x9x8xf32>) {
  // expected-error @+1 {{'kernel.attention' op has key map affine_map<(d0, d1, d2) -> (d0, d1, d2)> for 'memref<2x9x8xf32>'; needs 4 dims, no symbols and 3 results}}
  kernel.attention batch(%b) queries(%b) keys(%b) heads 2 head_dim 4 value_dim 4 scale 5.0e-01
      query(%x at #qkv : memref<2x9x8xf32>) key(%x at #bad : memref<2x9x8xf32>)
      value(%x at #qkv : memref<2x9x8xf32>) init(%o at #qkv : memref<2x9x8xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#bad = affine_map<(b, i, c) -> (b, i, c)>
func.func @attention_c1_value(%b: index, %x: memref<2x9x8xf32>, %o: memref<2x9x8xf32>) {
  // expected-error @+1 {{'kernel.attention' op has value map affine_map<(d0, d1, d2) -> (d0, d1, d2)> for 'memref<2x9x8xf32>'; needs 4 dims, no symbols and 3 results}}
  kernel.attention batch(%b) queries(%b) keys(%b) heads 2 head_dim 4 value_dim 4 scale 5.0e-01
      query(%x at #qkv : memref<2x9x8xf32>) key(%x at #qkv : memref<2x9x8xf32>)
      value(%x at #bad : memref<2x9x8xf32>) init(%o at #qkv : memref<2x9x8xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#bad = affine_map<(b, i, c) -> (b, i, c)>
func.func @attention_c1_init(%b: index, %x: memref<2x9x8xf32>, %o: memref<2x9x8xf32>) {
  // expected-error @+1 {{'kernel.attention' op has init map affine_map<(d0, d1, d2) -> (d0, d1, d2)> for 'memref<2x9x8xf32>'; needs 4 dims, no symbols and 3 results}}
  kernel.attention batch(%b) queries(%b) keys(%b) heads 2 head_dim 4 value_dim 4 scale 5.0e-01
      query(%x at #qkv : memref<2x9x8xf32>) key(%x at #qkv : memref<2x9x8xf32>)
      value(%x at #qkv : memref<2x9x8xf32>) init(%o at #bad : memref<2x9x8xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
func.func @attention_c2_bias_without_map(%b: index, %x: memref<2x9x8xf32>, %bias: memref<1x2x9x9xf32>) {
  // expected-error @+1 {{'kernel.attention' op has bias without its map}}
  "kernel.attention"(%b, %b, %b, %x, %x, %x, %bias, %x) <{heads = 2 : i64, headDim = 4 : i64, valueDim = 4 : i64,
      scale = 0.5 : f64, queryMap = #qkv, keyMap = #qkv, valueMap = #qkv, resultMap = #qkv,
      operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 1, 0, 0, 1>}>
      : (index, index, index, memref<2x9x8xf32>, memref<2x9x8xf32>, memref<2x9x8xf32>, memref<1x2x9x9xf32>,
         memref<2x9x8xf32>) -> ()
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#bad = affine_map<(b, i, c) -> (b, i, c)>
func.func @attention_c3_heads(%b: index, %x: memref<2x9x8xf32>, %o: memref<2x9x8xf32>) {
  // expected-error @+1 {{'kernel.attention' op has heads 0; needs 1 or more}}
  kernel.attention batch(%b) queries(%b) keys(%b) heads 0 head_dim 4 value_dim 4 scale 5.0e-01
      query(%x at #qkv : memref<2x9x8xf32>) key(%x at #qkv : memref<2x9x8xf32>)
      value(%x at #qkv : memref<2x9x8xf32>) init(%o at #qkv : memref<2x9x8xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#bad = affine_map<(b, i, c) -> (b, i, c)>
func.func @attention_c3_head_dim(%b: index, %x: memref<2x9x8xf32>, %o: memref<2x9x8xf32>) {
  // expected-error @+1 {{'kernel.attention' op has head_dim 0; needs 1 or more}}
  kernel.attention batch(%b) queries(%b) keys(%b) heads 2 head_dim 0 value_dim 4 scale 5.0e-01
      query(%x at #qkv : memref<2x9x8xf32>) key(%x at #qkv : memref<2x9x8xf32>)
      value(%x at #qkv : memref<2x9x8xf32>) init(%o at #qkv : memref<2x9x8xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#bad = affine_map<(b, i, c) -> (b, i, c)>
func.func @attention_c3_value_dim(%b: index, %x: memref<2x9x8xf32>, %o: memref<2x9x8xf32>) {
  // expected-error @+1 {{'kernel.attention' op has value_dim -1; needs 1 or more}}
  kernel.attention batch(%b) queries(%b) keys(%b) heads 2 head_dim 4 value_dim -1 scale 5.0e-01
      query(%x at #qkv : memref<2x9x8xf32>) key(%x at #qkv : memref<2x9x8xf32>)
      value(%x at #qkv : memref<2x9x8xf32>) init(%o at #qkv : memref<2x9x8xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#bad = affine_map<(b, i, c) -> (b, i, c)>
func.func @attention_map_c1_query(%b: index, %x: memref<2x9x8xf32>, %s: memref<2x2xi64>, %m: memref<2x1x2x9x9xf32>) {
  // expected-error @+1 {{'kernel.attention_map' op has query map affine_map<(d0, d1, d2) -> (d0, d1, d2)> for 'memref<2x9x8xf32>'; needs 4 dims, no symbols and 3 results}}
  kernel.attention_map batch(%b) queries(%b) keys(%b) heads 2 head_dim 4 scale 5.0e-01
      selection(%s at %b : memref<2x2xi64>) query(%x at #bad : memref<2x9x8xf32>) key(%x at #qkv : memref<2x9x8xf32>)
      init(%m : memref<2x1x2x9x9xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#bad = affine_map<(b, i, c) -> (b, i, c)>
func.func @attention_map_c1_key(%b: index, %x: memref<2x9x8xf32>, %s: memref<2x2xi64>, %m: memref<2x1x2x9x9xf32>) {
  // expected-error @+1 {{'kernel.attention_map' op has key map affine_map<(d0, d1, d2) -> (d0, d1, d2)> for 'memref<2x9x8xf32>'; needs 4 dims, no symbols and 3 results}}
  kernel.attention_map batch(%b) queries(%b) keys(%b) heads 2 head_dim 4 scale 5.0e-01
      selection(%s at %b : memref<2x2xi64>) query(%x at #qkv : memref<2x9x8xf32>) key(%x at #bad : memref<2x9x8xf32>)
      init(%m : memref<2x1x2x9x9xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
func.func @attention_map_c4_selection(%b: index, %x: memref<2x9x8xf32>, %s: memref<2x3xi64>, %m: memref<2x1x2x9x9xf32>) {
  // expected-error @+1 {{'kernel.attention_map' op has selection of type 'memref<2x3xi64>'; needs 2 numbers of i64 for each layer}}
  kernel.attention_map batch(%b) queries(%b) keys(%b) heads 2 head_dim 4 scale 5.0e-01
      selection(%s at %b : memref<2x3xi64>) query(%x at #qkv : memref<2x9x8xf32>) key(%x at #qkv : memref<2x9x8xf32>)
      init(%m : memref<2x1x2x9x9xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
func.func @attention_map_c4_selection_type(%b: index, %x: memref<2x9x8xf32>, %s: memref<2x2xi32>, %m: memref<2x1x2x9x9xf32>) {
  // expected-error @+1 {{'kernel.attention_map' op has selection of type 'memref<2x2xi32>'; needs 2 numbers of i64 for each layer}}
  kernel.attention_map batch(%b) queries(%b) keys(%b) heads 2 head_dim 4 scale 5.0e-01
      selection(%s at %b : memref<2x2xi32>) query(%x at #qkv : memref<2x9x8xf32>) key(%x at #qkv : memref<2x9x8xf32>)
      init(%m : memref<2x1x2x9x9xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#bad = affine_map<(b, h, i, j) -> (b, i, j)>
func.func @attention_c1_mask_map(%b: index, %x: memref<2x9x8xf32>, %mask: memref<1x2x9x9xf32>) {
  // expected-error @+1 {{'kernel.attention' op has mask map affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)> for 'memref<1x2x9x9xf32>'; needs 4 dims, no symbols and 4 results}}
  kernel.attention batch(%b) queries(%b) keys(%b) heads 2 head_dim 4 value_dim 4 scale 5.000000e-01
      query(%x at #qkv : memref<2x9x8xf32>) key(%x at #qkv : memref<2x9x8xf32>)
      value(%x at #qkv : memref<2x9x8xf32>) mask(%mask at #bad : memref<1x2x9x9xf32>)
      init(%x at #qkv : memref<2x9x8xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
func.func @attention_map_c2_map_without_bias(%b: index, %x: memref<2x9x8xf32>, %s: memref<2x2xi64>,
                                             %m: memref<2x1x2x9x9xf32>) {
  // expected-error @+1 {{'kernel.attention_map' op has bias map without its operand}}
  "kernel.attention_map"(%b, %b, %b, %s, %b, %x, %x, %m) <{heads = 2 : i64, headDim = 4 : i64, scale = 0.5 : f64,
      queryMap = #qkv, keyMap = #qkv, biasMap = #qkv,
      operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1>}>
      : (index, index, index, memref<2x2xi64>, index, memref<2x9x8xf32>, memref<2x9x8xf32>, memref<2x1x2x9x9xf32>) -> ()
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
func.func @attention_map_c3_heads(%b: index, %x: memref<2x9x8xf32>, %s: memref<2x2xi64>, %m: memref<2x1x2x9x9xf32>) {
  // expected-error @+1 {{'kernel.attention_map' op has heads 0; needs 1 or more}}
  kernel.attention_map batch(%b) queries(%b) keys(%b) heads 0 head_dim 4 scale 5.0e-01
      selection(%s at %b : memref<2x2xi64>) query(%x at #qkv : memref<2x9x8xf32>) key(%x at #qkv : memref<2x9x8xf32>)
      init(%m : memref<2x1x2x9x9xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
func.func @attention_map_c3_head_dim(%b: index, %x: memref<2x9x8xf32>, %s: memref<2x2xi64>, %m: memref<2x1x2x9x9xf32>) {
  // expected-error @+1 {{'kernel.attention_map' op has head_dim 0; needs 1 or more}}
  kernel.attention_map batch(%b) queries(%b) keys(%b) heads 2 head_dim 0 scale 5.0e-01
      selection(%s at %b : memref<2x2xi64>) query(%x at #qkv : memref<2x9x8xf32>) key(%x at #qkv : memref<2x9x8xf32>)
      init(%m : memref<2x1x2x9x9xf32>)
  return
}
