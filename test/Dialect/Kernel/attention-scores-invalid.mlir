// RUN: vit-opt %s -split-input-file -verify-diagnostics

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#scores = affine_map<(b, h, i, j) -> (b, h, i, j)>
#item = affine_map<(b) -> (b)>
#groups = affine_map<(b, i) -> (i floordiv 3)>
func.func @attention_c1_key_length_map(%b: index, %x: memref<2x9x8xf32>, %n: memref<2xi32>) {
  // expected-error @+1 {{'kernel.attention' op has key_length map affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)> for 'memref<2xi32>'; needs 1 dims, no symbols and 1 results}}
  kernel.attention batch(%b) queries(%b) keys(%b) heads 2 head_dim 4 value_dim 4 scale 0.5
      query(%x at #qkv : memref<2x9x8xf32>) key(%x at #qkv : memref<2x9x8xf32>)
      value(%x at #qkv : memref<2x9x8xf32>) key_length(%n at #scores : memref<2xi32>)
      init(%x at #qkv : memref<2x9x8xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#scores = affine_map<(b, h, i, j) -> (b, h, i, j)>
#item = affine_map<(b) -> (b)>
#groups = affine_map<(b, i) -> (i floordiv 3)>
func.func @attention_c1_groups(%b: index, %x: memref<2x9x8xf32>) {
  // expected-error @+1 {{'kernel.attention' op has groups affine_map<(d0) -> (d0)>; needs 2 dims, no symbols and 1 result}}
  kernel.attention batch(%b) queries(%b) keys(%b) heads 2 head_dim 4 value_dim 4 scale 0.5
      query(%x at #qkv : memref<2x9x8xf32>) key(%x at #qkv : memref<2x9x8xf32>)
      value(%x at #qkv : memref<2x9x8xf32>) groups #item group_bias -1.0
      init(%x at #qkv : memref<2x9x8xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#scores = affine_map<(b, h, i, j) -> (b, h, i, j)>
#item = affine_map<(b) -> (b)>
#groups = affine_map<(b, i) -> (i floordiv 3)>
func.func @attention_c3_head_dim_without_query(%b: index, %x: memref<2x9x8xf32>, %s: memref<2x2x9x9xf32>) {
  // expected-error @+1 {{'kernel.attention' op has head_dim 4 but no query; needs 0}}
  kernel.attention batch(%b) queries(%b) keys(%b) heads 2 head_dim 4 value_dim 4 scale 0.5
      value(%x at #qkv : memref<2x9x8xf32>) bias(%s at #scores : memref<2x2x9x9xf32>)
      init(%x at #qkv : memref<2x9x8xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#scores = affine_map<(b, h, i, j) -> (b, h, i, j)>
#item = affine_map<(b) -> (b)>
#groups = affine_map<(b, i) -> (i floordiv 3)>
func.func @attention_c4_query_alone(%b: index, %x: memref<2x9x8xf32>) {
  // expected-error @+1 {{'kernel.attention' op has a query alone; needs query and key, or neither}}
  kernel.attention batch(%b) queries(%b) keys(%b) heads 2 head_dim 4 value_dim 4 scale 0.5
      query(%x at #qkv : memref<2x9x8xf32>) value(%x at #qkv : memref<2x9x8xf32>)
      init(%x at #qkv : memref<2x9x8xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#scores = affine_map<(b, h, i, j) -> (b, h, i, j)>
#item = affine_map<(b) -> (b)>
#groups = affine_map<(b, i) -> (i floordiv 3)>
func.func @attention_c4_key_alone(%b: index, %x: memref<2x9x8xf32>, %s: memref<2x2x9x9xf32>) {
  // expected-error @+1 {{'kernel.attention' op has a key alone; needs query and key, or neither}}
  kernel.attention batch(%b) queries(%b) keys(%b) heads 2 head_dim 0 value_dim 4 scale 0.5
      key(%x at #qkv : memref<2x9x8xf32>) value(%x at #qkv : memref<2x9x8xf32>) bias(%s at #scores : memref<2x2x9x9xf32>)
      init(%x at #qkv : memref<2x9x8xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#scores = affine_map<(b, h, i, j) -> (b, h, i, j)>
#item = affine_map<(b) -> (b)>
#groups = affine_map<(b, i) -> (i floordiv 3)>
func.func @attention_c4_no_scores(%b: index, %x: memref<2x9x8xf32>) {
  // expected-error @+1 {{'kernel.attention' op has neither query and key nor bias; needs scores}}
  kernel.attention batch(%b) queries(%b) keys(%b) heads 2 head_dim 0 value_dim 4 scale 0.5
      value(%x at #qkv : memref<2x9x8xf32>)
      init(%x at #qkv : memref<2x9x8xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#scores = affine_map<(b, h, i, j) -> (b, h, i, j)>
#item = affine_map<(b) -> (b)>
#groups = affine_map<(b, i) -> (i floordiv 3)>
func.func @attention_c5_softcap(%b: index, %x: memref<2x9x8xf32>) {
  // expected-error @+1 {{'kernel.attention' op has softcap -1.000000e+00; needs a positive finite number}}
  kernel.attention batch(%b) queries(%b) keys(%b) heads 2 head_dim 4 value_dim 4 scale 0.5 softcap -1.0
      query(%x at #qkv : memref<2x9x8xf32>) key(%x at #qkv : memref<2x9x8xf32>)
      value(%x at #qkv : memref<2x9x8xf32>)
      init(%x at #qkv : memref<2x9x8xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#scores = affine_map<(b, h, i, j) -> (b, h, i, j)>
#item = affine_map<(b) -> (b)>
#groups = affine_map<(b, i) -> (i floordiv 3)>
func.func @attention_c6_key_length(%b: index, %x: memref<2x9x8xf32>, %n: memref<2xf32>) {
  // expected-error @+1 {{'kernel.attention' op has key_length of 'f32'; needs i32 or i64}}
  kernel.attention batch(%b) queries(%b) keys(%b) heads 2 head_dim 4 value_dim 4 scale 0.5
      query(%x at #qkv : memref<2x9x8xf32>) key(%x at #qkv : memref<2x9x8xf32>)
      value(%x at #qkv : memref<2x9x8xf32>) key_length(%n at #item : memref<2xf32>)
      init(%x at #qkv : memref<2x9x8xf32>)
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#scores = affine_map<(b, h, i, j) -> (b, h, i, j)>
#item = affine_map<(b) -> (b)>
#groups = affine_map<(b, i) -> (i floordiv 3)>
func.func @attention_c2_groups_without_bias(%b: index, %x: memref<2x9x8xf32>) {
  // expected-error @+1 {{'kernel.attention' op has groups without group_bias, or group_bias without groups; needs both or neither}}
  "kernel.attention"(%b, %b, %b, %x, %x, %x, %x) <{heads = 2 : i64, headDim = 4 : i64, valueDim = 4 : i64,
      scale = 0.5 : f64, queryMap = #qkv, keyMap = #qkv, valueMap = #qkv, resultMap = #qkv, groups = #groups,
      operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 0, 0, 0, 1>}>
      : (index, index, index, memref<2x9x8xf32>, memref<2x9x8xf32>, memref<2x9x8xf32>, memref<2x9x8xf32>) -> ()
  return
}

// -----

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#scores = affine_map<(b, h, i, j) -> (b, h, i, j)>
#item = affine_map<(b) -> (b)>
#groups = affine_map<(b, i) -> (i floordiv 3)>
func.func @attention_c2_key_length_without_map(%b: index, %x: memref<2x9x8xf32>, %n: memref<2xi32>) {
  // expected-error @+1 {{'kernel.attention' op has key_length without its map}}
  "kernel.attention"(%b, %b, %b, %x, %x, %x, %n, %x) <{heads = 2 : i64, headDim = 4 : i64, valueDim = 4 : i64,
      scale = 0.5 : f64, queryMap = #qkv, keyMap = #qkv, valueMap = #qkv, resultMap = #qkv,
      operandSegmentSizes = array<i32: 1, 1, 1, 1, 1, 1, 0, 0, 1, 1>}>
      : (index, index, index, memref<2x9x8xf32>, memref<2x9x8xf32>, memref<2x9x8xf32>, memref<2xi32>,
         memref<2x9x8xf32>) -> ()
  return
}
