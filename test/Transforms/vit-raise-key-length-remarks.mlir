// RUN: vit-opt %s -vit-raise-key-length -split-input-file -verify-diagnostics -o /dev/null

// More positions than are evaluated.
func.func @negative_key_length_many_positions(%q: tensor<1x2x1x4xf32>, %cache: tensor<1x2049x8xf32>, %rows: tensor<1x1x8xf32>,
    %p: tensor<1xi64>) -> tensor<1x2x1x4xf32> {
  %updated = vit.cache_update %cache, %rows at %p : tensor<1x2049x8xf32>, tensor<1x1x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<1x2049x8xf32> -> tensor<1x2x2049x4xf32>
  %m_empty = tensor.empty() : tensor<1x1x1x2049xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%m_empty : tensor<1x1x1x2049xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant 0xFF800000 : f32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i64
    %seen = arith.cmpi sle, %number, %at : i64
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<1x1x1x2049xf32>
  // expected-remark @+1 {{reads a whole cache of 2049 positions; masks of up to 2048 are evaluated}}
  %r = vit.attention %q, %k, %k bias(%m : tensor<1x1x1x2049xf32>) scale 5.000000e-01
      : tensor<1x2x1x4xf32>, tensor<1x2x2049x4xf32>, tensor<1x2x2049x4xf32> -> tensor<1x2x1x4xf32>
  return %r : tensor<1x2x1x4xf32>
}

// -----

// No mask: the position does not reach what is added.
func.func @negative_key_length_no_mask(%q: tensor<1x2x1x4xf32>, %cache: tensor<1x2049x8xf32>, %rows: tensor<1x1x8xf32>,
    %p: tensor<1xi64>, %bias: tensor<1x1x1x2049xf32>) -> tensor<1x2x1x4xf32> {
  %updated = vit.cache_update %cache, %rows at %p : tensor<1x2049x8xf32>, tensor<1x1x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<1x2049x8xf32> -> tensor<1x2x2049x4xf32>
  %r = vit.attention %q, %k, %k bias(%bias : tensor<1x1x1x2049xf32>) scale 5.000000e-01
      : tensor<1x2x1x4xf32>, tensor<1x2x2049x4xf32>, tensor<1x2x2049x4xf32> -> tensor<1x2x1x4xf32>
  return %r : tensor<1x2x1x4xf32>
}

// -----

// As many elements as take too long.
func.func @negative_key_length_many_elements(%q: tensor<64x2x2x4xf32>, %cache: tensor<64x2048x8xf32>, %rows: tensor<64x2x8xf32>,
    %p: tensor<1xi64>) -> tensor<64x2x2x4xf32> {
  %updated = vit.cache_update %cache, %rows at %p : tensor<64x2048x8xf32>, tensor<64x2x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<64x2048x8xf32> -> tensor<64x2x2048x4xf32>
  %m_empty = tensor.empty() : tensor<64x1x2x2048xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%m_empty : tensor<64x1x2x2048xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant 0xFF800000 : f32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i64
    %seen = arith.cmpi sle, %number, %at : i64
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<64x1x2x2048xf32>
  // expected-remark @+1 {{adds 'tensor<64x1x2x2048xf32>', which takes too long to evaluate at 2047 positions of a cache}}
  %r = vit.attention %q, %k, %k bias(%m : tensor<64x1x2x2048xf32>) scale 5.000000e-01
      : tensor<64x2x2x4xf32>, tensor<64x2x2048x4xf32>, tensor<64x2x2048x4xf32> -> tensor<64x2x2x4xf32>
  return %r : tensor<64x2x2x4xf32>
}

// -----

// The argument may mask all keys that the mask leaves.
func.func @negative_key_length_finite(%q: tensor<1x2x1x4xf32>, %cache: tensor<1x5x8xf32>, %rows: tensor<1x1x8xf32>,
    %p: tensor<1xi64>, %mask: tensor<1x1x1x5xf32>) -> tensor<1x2x1x4xf32> {
  %updated = vit.cache_update %cache, %rows at %p : tensor<1x5x8xf32>, tensor<1x1x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<1x5x8xf32> -> tensor<1x2x5x4xf32>
  %m_empty = tensor.empty() : tensor<1x1x1x5xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%m_empty : tensor<1x1x1x5xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant -1.0e+9 : f32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i64
    %seen = arith.cmpi sle, %number, %at : i64
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<1x1x1x5xf32>
  // expected-remark @+1 {{adds a mask of finite numbers beside what may mask all other keys; the mask stays, and all rows of the cache are read}}
  %r = vit.attention %q, %k, %k bias(%m : tensor<1x1x1x5xf32>) mask(%mask : tensor<1x1x1x5xf32>) scale 5.000000e-01
      : tensor<1x2x1x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32> -> tensor<1x2x1x4xf32>
  return %r : tensor<1x2x1x4xf32>
}

// -----

// More sums than are searched.
func.func @negative_key_length_many_terms(%q: tensor<1x2x1x4xf32>, %cache: tensor<1x5x8xf32>, %rows: tensor<1x1x8xf32>,
    %p: tensor<1xi64>, %b0: tensor<1x1x1x5xf32>) -> tensor<1x2x1x4xf32> {
  %updated = vit.cache_update %cache, %rows at %p : tensor<1x5x8xf32>, tensor<1x1x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<1x5x8xf32> -> tensor<1x2x5x4xf32>
  %b1 = arith.addf %b0, %b0 : tensor<1x1x1x5xf32>
  %b2 = arith.addf %b1, %b1 : tensor<1x1x1x5xf32>
  %b3 = arith.addf %b2, %b2 : tensor<1x1x1x5xf32>
  %b4 = arith.addf %b3, %b3 : tensor<1x1x1x5xf32>
  %b5 = arith.addf %b4, %b4 : tensor<1x1x1x5xf32>
  %b6 = arith.addf %b5, %b5 : tensor<1x1x1x5xf32>
  %b7 = arith.addf %b6, %b6 : tensor<1x1x1x5xf32>
  %b8 = arith.addf %b7, %b7 : tensor<1x1x1x5xf32>
  %b9 = arith.addf %b8, %b8 : tensor<1x1x1x5xf32>
  %b10 = arith.addf %b9, %b9 : tensor<1x1x1x5xf32>
  %b11 = arith.addf %b10, %b10 : tensor<1x1x1x5xf32>
  %b12 = arith.addf %b11, %b11 : tensor<1x1x1x5xf32>
  %b13 = arith.addf %b12, %b12 : tensor<1x1x1x5xf32>
  %b14 = arith.addf %b13, %b13 : tensor<1x1x1x5xf32>
  %b15 = arith.addf %b14, %b14 : tensor<1x1x1x5xf32>
  %b16 = arith.addf %b15, %b15 : tensor<1x1x1x5xf32>
  %b17 = arith.addf %b16, %b16 : tensor<1x1x1x5xf32>
  %b18 = arith.addf %b17, %b17 : tensor<1x1x1x5xf32>
  %b19 = arith.addf %b18, %b18 : tensor<1x1x1x5xf32>
  %b20 = arith.addf %b19, %b19 : tensor<1x1x1x5xf32>
  %b21 = arith.addf %b20, %b20 : tensor<1x1x1x5xf32>
  %b22 = arith.addf %b21, %b21 : tensor<1x1x1x5xf32>
  %b23 = arith.addf %b22, %b22 : tensor<1x1x1x5xf32>
  %b24 = arith.addf %b23, %b23 : tensor<1x1x1x5xf32>
  %b25 = arith.addf %b24, %b24 : tensor<1x1x1x5xf32>
  %b26 = arith.addf %b25, %b25 : tensor<1x1x1x5xf32>
  %b27 = arith.addf %b26, %b26 : tensor<1x1x1x5xf32>
  %b28 = arith.addf %b27, %b27 : tensor<1x1x1x5xf32>
  %b29 = arith.addf %b28, %b28 : tensor<1x1x1x5xf32>
  %b30 = arith.addf %b29, %b29 : tensor<1x1x1x5xf32>
  %b31 = arith.addf %b30, %b30 : tensor<1x1x1x5xf32>
  %b32 = arith.addf %b31, %b31 : tensor<1x1x1x5xf32>
  %b33 = arith.addf %b32, %b32 : tensor<1x1x1x5xf32>
  %b34 = arith.addf %b33, %b33 : tensor<1x1x1x5xf32>
  %b35 = arith.addf %b34, %b34 : tensor<1x1x1x5xf32>
  %b36 = arith.addf %b35, %b35 : tensor<1x1x1x5xf32>
  %b37 = arith.addf %b36, %b36 : tensor<1x1x1x5xf32>
  %b38 = arith.addf %b37, %b37 : tensor<1x1x1x5xf32>
  %b39 = arith.addf %b38, %b38 : tensor<1x1x1x5xf32>
  %b40 = arith.addf %b39, %b39 : tensor<1x1x1x5xf32>
  %b41 = arith.addf %b40, %b40 : tensor<1x1x1x5xf32>
  %b42 = arith.addf %b41, %b41 : tensor<1x1x1x5xf32>
  %b43 = arith.addf %b42, %b42 : tensor<1x1x1x5xf32>
  %b44 = arith.addf %b43, %b43 : tensor<1x1x1x5xf32>
  %b45 = arith.addf %b44, %b44 : tensor<1x1x1x5xf32>
  %b46 = arith.addf %b45, %b45 : tensor<1x1x1x5xf32>
  %b47 = arith.addf %b46, %b46 : tensor<1x1x1x5xf32>
  %b48 = arith.addf %b47, %b47 : tensor<1x1x1x5xf32>
  %b49 = arith.addf %b48, %b48 : tensor<1x1x1x5xf32>
  %b50 = arith.addf %b49, %b49 : tensor<1x1x1x5xf32>
  %b51 = arith.addf %b50, %b50 : tensor<1x1x1x5xf32>
  %b52 = arith.addf %b51, %b51 : tensor<1x1x1x5xf32>
  %b53 = arith.addf %b52, %b52 : tensor<1x1x1x5xf32>
  %b54 = arith.addf %b53, %b53 : tensor<1x1x1x5xf32>
  %b55 = arith.addf %b54, %b54 : tensor<1x1x1x5xf32>
  %b56 = arith.addf %b55, %b55 : tensor<1x1x1x5xf32>
  %b57 = arith.addf %b56, %b56 : tensor<1x1x1x5xf32>
  %b58 = arith.addf %b57, %b57 : tensor<1x1x1x5xf32>
  %b59 = arith.addf %b58, %b58 : tensor<1x1x1x5xf32>
  %b60 = arith.addf %b59, %b59 : tensor<1x1x1x5xf32>
  %b61 = arith.addf %b60, %b60 : tensor<1x1x1x5xf32>
  %b62 = arith.addf %b61, %b61 : tensor<1x1x1x5xf32>
  %b63 = arith.addf %b62, %b62 : tensor<1x1x1x5xf32>
  %b64 = arith.addf %b63, %b63 : tensor<1x1x1x5xf32>
  // expected-remark @+1 {{adds sums of more than 64 values, which are not searched for masks}}
  %r = vit.attention %q, %k, %k bias(%b64 : tensor<1x1x1x5xf32>) scale 5.000000e-01
      : tensor<1x2x1x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32> -> tensor<1x2x1x4xf32>
  return %r : tensor<1x2x1x4xf32>
}
