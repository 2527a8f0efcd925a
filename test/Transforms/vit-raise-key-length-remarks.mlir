// RUN: vit-opt %s -vit-raise-key-length -verify-diagnostics

func.func @negative_key_length_many_positions(%q: tensor<1x2x1x4xf32>, %cache: tensor<1x2049x8xf32>,
    %rows: tensor<1x1x8xf32>, %p: tensor<1xi64>) -> tensor<1x2x1x4xf32> {
  %updated = vit.cache_update %cache, %rows at %p : tensor<1x2049x8xf32>, tensor<1x1x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<1x2049x8xf32> -> tensor<1x2x2049x4xf32>
  %empty = tensor.empty() : tensor<1x1x1x2049xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%empty : tensor<1x1x1x2049xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant 0xFF800000 : f32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i64
    %seen = arith.cmpi sle, %number, %at : i64
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<1x1x1x2049xf32>
  // expected-remark@+1 {{reads a whole cache of 2049 positions; masks of up to 2048 are evaluated}}
  %r = vit.attention %q, %k, %k bias(%m : tensor<1x1x1x2049xf32>) scale 5.000000e-01
      : tensor<1x2x1x4xf32>, tensor<1x2x2049x4xf32>, tensor<1x2x2049x4xf32> -> tensor<1x2x1x4xf32>
  return %r : tensor<1x2x1x4xf32>
}
