// RUN: vit-opt %s -vit-raise-key-length -split-input-file | FileCheck %s

// Keys up to the token's own: the mask is computed no more.
// CHECK-LABEL: func @key_length(
//  CHECK-SAME:   %[[Q:[^ ]*]]: tensor<?x2x1x4xf32>, %[[CACHE:[^ ]*]]: tensor<?x5x8xf32>, %[[ROWS:[^ ]*]]: tensor<?x1x8xf32>, %[[P:[^ ]*]]: tensor<1xi64>
//   CHECK-NOT:   arith.cmpi
//       CHECK:   %[[UPDATED:.*]] = vit.cache_update
//       CHECK:   %[[LENGTH:.*]] = linalg.generic {{.*}} ins(%[[P]] : tensor<1xi64>) outs(%{{.*}} : tensor<?xi64>)
//       CHECK:     %[[ONE:.*]] = arith.constant 1 : i64
//       CHECK:     arith.addi %{{.*}}, %[[ONE]]
//       CHECK:   vit.attention %[[Q]], %{{[^ ]*}}, %{{[^ ]*}} key_length(%[[LENGTH]] : tensor<?xi64>) scale 5.000000e-01 :
func.func @key_length(%q: tensor<?x2x1x4xf32>, %cache: tensor<?x5x8xf32>, %rows: tensor<?x1x8xf32>, %p: tensor<1xi64>)
    -> tensor<?x2x1x4xf32> {
  %updated = vit.cache_update %cache, %rows at %p : tensor<?x5x8xf32>, tensor<?x1x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<?x5x8xf32> -> tensor<?x2x5x4xf32>
  %empty = tensor.empty() : tensor<1x1x1x5xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%empty : tensor<1x1x1x5xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant 0xFF800000 : f32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i64
    %seen = arith.cmpi sle, %number, %at : i64
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<1x1x1x5xf32>
  %r = vit.attention %q, %k, %k bias(%m : tensor<1x1x1x5xf32>) scale 5.000000e-01
      : tensor<?x2x1x4xf32>, tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32> -> tensor<?x2x1x4xf32>
  return %r : tensor<?x2x1x4xf32>
}

// -----

// A position bias stays. Of two masks the keys of both are seen.
// CHECK-LABEL: func @key_length_terms(
//   CHECK-NOT:   arith.select
//       CHECK:   %[[BIAS:.*]] = vit.constant
//   CHECK-NOT:   arith.select
//       CHECK:   %[[TWO:.*]] = arith.constant 2 : i32
//       CHECK:   arith.addi %{{.*}}, %[[TWO]] : i32
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} bias(%[[BIAS]] : tensor<1x2x1x5xf32>) key_length(%{{.*}} : tensor<3xi32>)
vit.weight @bias : tensor<1x2x1x5xf32> seed(1 mean 0.0 scale 1.0)
func.func @key_length_terms(%q: tensor<3x2x1x4xf32>, %cache: tensor<3x5x8xf32>, %rows: tensor<3x1x8xf32>,
    %p: tensor<1xi32>) -> tensor<3x2x1x4xf32> {
  %bias = vit.constant #vit.expr<ref, [@bias]> : tensor<1x2x1x5xf32>
  %updated = vit.cache_update %cache, %rows at %p : tensor<3x5x8xf32>, tensor<3x1x8xf32>, tensor<1xi32>
  %k = vit.split_heads %updated heads 2 : tensor<3x5x8xf32> -> tensor<3x2x5x4xf32>
  %empty = tensor.empty() : tensor<1x2x1x5xf32>
  // Two and three keys at first, by finite numbers.
  %first = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi32>) outs(%empty : tensor<1x2x1x5xf32>) {
  ^bb0(%at: i32, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant -1.0e9 : f32
    %one = arith.constant 1 : i32
    %last = arith.addi %at, %one : i32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i32
    %seen = arith.cmpi sle, %number, %last : i32
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<1x2x1x5xf32>
  %second = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi32>) outs(%empty : tensor<1x2x1x5xf32>) {
  ^bb0(%at: i32, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant -1.0e30 : f32
    %two = arith.constant 2 : i32
    %last = arith.addi %at, %two : i32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i32
    %seen = arith.cmpi sle, %number, %last : i32
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<1x2x1x5xf32>
  %sum = arith.addf %second, %bias : tensor<1x2x1x5xf32>
  %all = arith.addf %sum, %first : tensor<1x2x1x5xf32>
  %r = vit.attention %q, %k, %k bias(%all : tensor<1x2x1x5xf32>) scale 5.000000e-01
      : tensor<3x2x1x4xf32>, tensor<3x2x5x4xf32>, tensor<3x2x5x4xf32> -> tensor<3x2x1x4xf32>
  return %r : tensor<3x2x1x4xf32>
}

// -----

// A mask that is expanded to the batch before it is finished is the same for all items.
// CHECK-LABEL: func @key_length_items(
//   CHECK-NOT:   arith.select
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} key_length(%{{.*}} : tensor<?xi64>) scale 5.000000e-01 :
func.func @key_length_items(%q: tensor<?x2x1x4xf32>, %cache: tensor<?x5x8xf32>, %rows: tensor<?x1x8xf32>,
    %p: tensor<1xi64>) -> tensor<?x2x1x4xf32> {
  %c0 = arith.constant 0 : index
  %numbers = arith.constant dense<[[0, 1, 2, 3, 4]]> : tensor<1x5xi64>
  %batch = tensor.dim %q, %c0 : tensor<?x2x1x4xf32>
  %updated = vit.cache_update %cache, %rows at %p : tensor<?x5x8xf32>, tensor<?x1x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<?x5x8xf32> -> tensor<?x2x5x4xf32>
  %true = arith.constant true
  %empty = tensor.empty(%batch) : tensor<?x5xi1>
  %all = linalg.fill ins(%true : i1) outs(%empty : tensor<?x5xi1>) -> tensor<?x5xi1>
  %seen = linalg.generic {
      indexing_maps = [affine_map<(b, k) -> (0, k)>, affine_map<(b, k) -> (0)>, affine_map<(b, k) -> (b, k)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%numbers, %p : tensor<1x5xi64>, tensor<1xi64>) outs(%empty : tensor<?x5xi1>) {
  ^bb0(%key: i64, %at: i64, %out: i1):
    %is_before = arith.cmpi sle, %key, %at : i64
    linalg.yield %is_before : i1
  } -> tensor<?x5xi1>
  %both = arith.andi %seen, %all : tensor<?x5xi1>
  %expanded = tensor.expand_shape %both [[0], [1, 2, 3]] output_shape [%batch, 1, 1, 5]
      : tensor<?x5xi1> into tensor<?x1x1x5xi1>
  %floats = tensor.empty(%batch) : tensor<?x1x1x5xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (a, b, c, d)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%expanded : tensor<?x1x1x5xi1>) outs(%floats : tensor<?x1x1x5xf32>) {
  ^bb0(%is_seen: i1, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant 0xFF7FFFFF : f32
    %addend = arith.select %is_seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<?x1x1x5xf32>
  %r = vit.attention %q, %k, %k mask(%m : tensor<?x1x1x5xf32>) scale 5.000000e-01
      : tensor<?x2x1x4xf32>, tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32> -> tensor<?x2x1x4xf32>
  return %r : tensor<?x2x1x4xf32>
}

// -----

// Of each item one key less: the first alone has the keys up to the position.
// CHECK-LABEL: func @negative_key_length_items(
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} mask(
//   CHECK-NOT:   key_length
func.func @negative_key_length_items(%q: tensor<?x2x1x4xf32>, %cache: tensor<?x5x8xf32>, %rows: tensor<?x1x8xf32>,
    %p: tensor<1xi64>) -> tensor<?x2x1x4xf32> {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %q, %c0 : tensor<?x2x1x4xf32>
  %updated = vit.cache_update %cache, %rows at %p : tensor<?x5x8xf32>, tensor<?x1x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<?x5x8xf32> -> tensor<?x2x5x4xf32>
  %floats = tensor.empty(%batch) : tensor<?x1x1x5xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%floats : tensor<?x1x1x5xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant 0xFF800000 : f32
    %item = linalg.index 0 : index
    %key = linalg.index 3 : index
    %sum = arith.addi %item, %key : index
    %number = arith.index_cast %sum : index to i64
    %is_seen = arith.cmpi sle, %number, %at : i64
    %addend = arith.select %is_seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<?x1x1x5xf32>
  %r = vit.attention %q, %k, %k mask(%m : tensor<?x1x1x5xf32>) scale 5.000000e-01
      : tensor<?x2x1x4xf32>, tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32> -> tensor<?x2x1x4xf32>
  return %r : tensor<?x2x1x4xf32>
}

// -----

// The keys around the token's own are no first ones.
// CHECK-LABEL: func @negative_key_length_window(
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} bias(
//   CHECK-NOT:   key_length
func.func @negative_key_length_window(%q: tensor<?x2x1x4xf32>, %cache: tensor<?x5x8xf32>, %rows: tensor<?x1x8xf32>,
    %p: tensor<1xi64>) -> tensor<?x2x1x4xf32> {
  %updated = vit.cache_update %cache, %rows at %p : tensor<?x5x8xf32>, tensor<?x1x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<?x5x8xf32> -> tensor<?x2x5x4xf32>
  %empty = tensor.empty() : tensor<1x1x1x5xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%empty : tensor<1x1x1x5xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant 0xFF800000 : f32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i64
    %seen = arith.cmpi eq, %number, %at : i64
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<1x1x1x5xf32>
  %r = vit.attention %q, %k, %k bias(%m : tensor<1x1x1x5xf32>) scale 5.000000e-01
      : tensor<?x2x1x4xf32>, tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32> -> tensor<?x2x1x4xf32>
  return %r : tensor<?x2x1x4xf32>
}

// -----

// At the third position a number is added that masks nothing.
// CHECK-LABEL: func @negative_key_length_number(
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} bias(
//   CHECK-NOT:   key_length
func.func @negative_key_length_number(%q: tensor<?x2x1x4xf32>, %cache: tensor<?x5x8xf32>, %rows: tensor<?x1x8xf32>,
    %p: tensor<1xi64>) -> tensor<?x2x1x4xf32> {
  %updated = vit.cache_update %cache, %rows at %p : tensor<?x5x8xf32>, tensor<?x1x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<?x5x8xf32> -> tensor<?x2x5x4xf32>
  %empty = tensor.empty() : tensor<1x1x1x5xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%empty : tensor<1x1x1x5xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %masked = arith.constant 0xFF800000 : f32
    %third = arith.constant 2 : i64
    %is_third = arith.cmpi eq, %at, %third : i64
    %number_seen = arith.select %is_third, %one, %zero : f32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i64
    %seen = arith.cmpi sle, %number, %at : i64
    %addend = arith.select %seen, %number_seen, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<1x1x1x5xf32>
  %r = vit.attention %q, %k, %k bias(%m : tensor<1x1x1x5xf32>) scale 5.000000e-01
      : tensor<?x2x1x4xf32>, tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32> -> tensor<?x2x1x4xf32>
  return %r : tensor<?x2x1x4xf32>
}

// -----

// No cache says which positions there are.
// CHECK-LABEL: func @negative_key_length_no_cache(
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} bias(
//   CHECK-NOT:   key_length
func.func @negative_key_length_no_cache(%q: tensor<1x2x1x4xf32>, %k: tensor<1x2x5x4xf32>, %p: tensor<1xi64>)
    -> tensor<1x2x1x4xf32> {
  %empty = tensor.empty() : tensor<1x1x1x5xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%empty : tensor<1x1x1x5xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant 0xFF800000 : f32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i64
    %seen = arith.cmpi sle, %number, %at : i64
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<1x1x1x5xf32>
  %r = vit.attention %q, %k, %k bias(%m : tensor<1x1x1x5xf32>) scale 5.000000e-01
      : tensor<1x2x1x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32> -> tensor<1x2x1x4xf32>
  return %r : tensor<1x2x1x4xf32>
}

// -----

// A number that some scores exceed.
// CHECK-LABEL: func @negative_key_length_weak(
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} bias(
//   CHECK-NOT:   key_length
func.func @negative_key_length_weak(%q: tensor<1x2x1x4xf32>, %cache: tensor<1x5x8xf32>, %rows: tensor<1x1x8xf32>,
    %p: tensor<1xi64>) -> tensor<1x2x1x4xf32> {
  %updated = vit.cache_update %cache, %rows at %p : tensor<1x5x8xf32>, tensor<1x1x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<1x5x8xf32> -> tensor<1x2x5x4xf32>
  %m_empty = tensor.empty() : tensor<1x1x1x5xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%m_empty : tensor<1x1x1x5xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant -1.0e+8 : f32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i64
    %seen = arith.cmpi sle, %number, %at : i64
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<1x1x1x5xf32>
  %r = vit.attention %q, %k, %k bias(%m : tensor<1x1x1x5xf32>) scale 5.000000e-01
      : tensor<1x2x1x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32> -> tensor<1x2x1x4xf32>
  return %r : tensor<1x2x1x4xf32>
}

// -----

// Two tokens that see the same keys.
// CHECK-LABEL: func @key_length_rows(
//   CHECK-NOT:   arith.select
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} key_length(%{{.*}} : tensor<1xi64>) scale
func.func @key_length_rows(%q: tensor<1x2x2x4xf32>, %cache: tensor<1x5x8xf32>, %rows: tensor<1x2x8xf32>,
    %p: tensor<1xi64>) -> tensor<1x2x2x4xf32> {
  %updated = vit.cache_update %cache, %rows at %p : tensor<1x5x8xf32>, tensor<1x2x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<1x5x8xf32> -> tensor<1x2x5x4xf32>
  %m_empty = tensor.empty() : tensor<1x1x2x5xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%m_empty : tensor<1x1x2x5xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant 0xFF800000 : f32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i64
    %seen = arith.cmpi sle, %number, %at : i64
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<1x1x2x5xf32>
  %r = vit.attention %q, %k, %k bias(%m : tensor<1x1x2x5xf32>) scale 5.000000e-01
      : tensor<1x2x2x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32> -> tensor<1x2x2x4xf32>
  return %r : tensor<1x2x2x4xf32>
}

// -----

// Each of two tokens sees the keys up to its own.
// CHECK-LABEL: func @negative_key_length_rows(
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} bias(
//   CHECK-NOT:   key_length
func.func @negative_key_length_rows(%q: tensor<1x2x2x4xf32>, %cache: tensor<1x5x8xf32>, %rows: tensor<1x2x8xf32>,
    %p: tensor<1xi64>) -> tensor<1x2x2x4xf32> {
  %updated = vit.cache_update %cache, %rows at %p : tensor<1x5x8xf32>, tensor<1x2x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<1x5x8xf32> -> tensor<1x2x5x4xf32>
  %m_empty = tensor.empty() : tensor<1x1x2x5xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%m_empty : tensor<1x1x2x5xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant 0xFF800000 : f32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i64
    %row = linalg.index 2 : index
    %row_number = arith.index_cast %row : index to i64
    %last = arith.addi %at, %row_number : i64
    %seen = arith.cmpi sle, %number, %last : i64
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<1x1x2x5xf32>
  %r = vit.attention %q, %k, %k bias(%m : tensor<1x1x2x5xf32>) scale 5.000000e-01
      : tensor<1x2x2x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32> -> tensor<1x2x2x4xf32>
  return %r : tensor<1x2x2x4xf32>
}

// -----

// The items of a static batch see other keys each.
// CHECK-LABEL: func @negative_key_length_static_items(
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} bias(
//   CHECK-NOT:   key_length
func.func @negative_key_length_static_items(%q: tensor<3x2x1x4xf32>, %cache: tensor<3x5x8xf32>, %rows: tensor<3x1x8xf32>,
    %p: tensor<1xi64>) -> tensor<3x2x1x4xf32> {
  %updated = vit.cache_update %cache, %rows at %p : tensor<3x5x8xf32>, tensor<3x1x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<3x5x8xf32> -> tensor<3x2x5x4xf32>
  %m_empty = tensor.empty() : tensor<3x1x1x5xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%m_empty : tensor<3x1x1x5xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant 0xFF800000 : f32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i64
    %row = linalg.index 0 : index
    %row_number = arith.index_cast %row : index to i64
    %last = arith.addi %at, %row_number : i64
    %seen = arith.cmpi sle, %number, %last : i64
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<3x1x1x5xf32>
  %r = vit.attention %q, %k, %k bias(%m : tensor<3x1x1x5xf32>) scale 5.000000e-01
      : tensor<3x2x1x4xf32>, tensor<3x2x5x4xf32>, tensor<3x2x5x4xf32> -> tensor<3x2x1x4xf32>
  return %r : tensor<3x2x1x4xf32>
}

// -----

// At position 0 all keys are seen.
// CHECK-LABEL: func @negative_key_length_all(
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} bias(
//   CHECK-NOT:   key_length
func.func @negative_key_length_all(%q: tensor<1x2x1x4xf32>, %cache: tensor<1x5x8xf32>, %rows: tensor<1x1x8xf32>,
    %p: tensor<1xi64>) -> tensor<1x2x1x4xf32> {
  %updated = vit.cache_update %cache, %rows at %p : tensor<1x5x8xf32>, tensor<1x1x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<1x5x8xf32> -> tensor<1x2x5x4xf32>
  %m_empty = tensor.empty() : tensor<1x1x1x5xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%m_empty : tensor<1x1x1x5xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant 0xFF800000 : f32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i64
    %four = arith.constant 4 : i64
    %last = arith.addi %at, %four : i64
    %seen = arith.cmpi sle, %number, %last : i64
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<1x1x1x5xf32>
  %r = vit.attention %q, %k, %k bias(%m : tensor<1x1x1x5xf32>) scale 5.000000e-01
      : tensor<1x2x1x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32> -> tensor<1x2x1x4xf32>
  return %r : tensor<1x2x1x4xf32>
}

// -----

// Masks in both addends: the keys of both are seen.
// CHECK-LABEL: func @key_length_bias_and_mask(
//   CHECK-NOT:   arith.select
//       CHECK:   %[[ONE:.*]] = arith.constant 1 : i64
//       CHECK:   arith.addi %{{.*}}, %[[ONE]] : i64
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} key_length(
func.func @key_length_bias_and_mask(%q: tensor<1x2x1x4xf32>, %cache: tensor<1x5x8xf32>, %rows: tensor<1x1x8xf32>,
    %p: tensor<1xi64>) -> tensor<1x2x1x4xf32> {
  %updated = vit.cache_update %cache, %rows at %p : tensor<1x5x8xf32>, tensor<1x1x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<1x5x8xf32> -> tensor<1x2x5x4xf32>
  %m_empty = tensor.empty() : tensor<1x1x1x5xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%m_empty : tensor<1x1x1x5xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant 0xFF800000 : f32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i64
    %one = arith.constant 1 : i64
    %last = arith.addi %at, %one : i64
    %seen = arith.cmpi sle, %number, %last : i64
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<1x1x1x5xf32>
  %n_empty = tensor.empty() : tensor<1x1x1x5xf32>
  %n = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%n_empty : tensor<1x1x1x5xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant -1.0e+9 : f32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i64
    %seen = arith.cmpi sle, %number, %at : i64
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<1x1x1x5xf32>
  %r = vit.attention %q, %k, %k bias(%m : tensor<1x1x1x5xf32>) mask(%n : tensor<1x1x1x5xf32>) scale 5.000000e-01
      : tensor<1x2x1x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32> -> tensor<1x2x1x4xf32>
  return %r : tensor<1x2x1x4xf32>
}

// -----

// Two attentions share a sum.
// CHECK-LABEL: func @key_length_shared(
//   CHECK-NOT:   arith.select
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} bias(%[[BIAS:[^ ]*]] : tensor<1x1x1x5xf32>) key_length(
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} bias(%[[BIAS]] : tensor<1x1x1x5xf32>) key_length(
func.func @key_length_shared(%q: tensor<1x2x1x4xf32>, %cache: tensor<1x5x8xf32>, %rows: tensor<1x1x8xf32>,
    %p: tensor<1xi64>, %bias: tensor<1x1x1x5xf32>) -> tensor<1x2x1x4xf32> {
  %updated = vit.cache_update %cache, %rows at %p : tensor<1x5x8xf32>, tensor<1x1x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<1x5x8xf32> -> tensor<1x2x5x4xf32>
  %m_empty = tensor.empty() : tensor<1x1x1x5xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%m_empty : tensor<1x1x1x5xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant 0xFF800000 : f32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i64
    %seen = arith.cmpi sle, %number, %at : i64
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<1x1x1x5xf32>
  %sum = arith.addf %bias, %m : tensor<1x1x1x5xf32>
  %first = vit.attention %q, %k, %k bias(%sum : tensor<1x1x1x5xf32>) scale 5.000000e-01
      : tensor<1x2x1x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32> -> tensor<1x2x1x4xf32>
  %r = vit.attention %first, %k, %k bias(%sum : tensor<1x1x1x5xf32>) scale 5.000000e-01
      : tensor<1x2x1x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32> -> tensor<1x2x1x4xf32>
  return %r : tensor<1x2x1x4xf32>
}

// -----

// A key length that is there stays.
// CHECK-LABEL: func @negative_key_length_there(
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} bias(%{{.*}}) key_length(%{{.*}} : tensor<1xi64>)
func.func @negative_key_length_there(%q: tensor<1x2x1x4xf32>, %cache: tensor<1x5x8xf32>, %rows: tensor<1x1x8xf32>,
    %p: tensor<1xi64>, %length: tensor<1xi64>) -> tensor<1x2x1x4xf32> {
  %updated = vit.cache_update %cache, %rows at %p : tensor<1x5x8xf32>, tensor<1x1x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<1x5x8xf32> -> tensor<1x2x5x4xf32>
  %m_empty = tensor.empty() : tensor<1x1x1x5xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%m_empty : tensor<1x1x1x5xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant 0xFF800000 : f32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i64
    %seen = arith.cmpi sle, %number, %at : i64
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<1x1x1x5xf32>
  %r = vit.attention %q, %k, %k bias(%m : tensor<1x1x1x5xf32>) key_length(%length : tensor<1xi64>) scale 5.000000e-01
      : tensor<1x2x1x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32> -> tensor<1x2x1x4xf32>
  return %r : tensor<1x2x1x4xf32>
}

// -----

// The argument may mask all keys that the finite mask leaves.
// CHECK-LABEL: func @negative_key_length_finite(
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} bias(
//   CHECK-NOT:   key_length
func.func @negative_key_length_finite(%q: tensor<1x2x1x4xf32>, %cache: tensor<1x5x8xf32>, %rows: tensor<1x1x8xf32>,
    %p: tensor<1xi64>, %bias: tensor<1x1x1x5xf32>) -> tensor<1x2x1x4xf32> {
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
  %sum = arith.addf %m, %bias : tensor<1x1x1x5xf32>
  %r = vit.attention %q, %k, %k bias(%sum : tensor<1x1x1x5xf32>) scale 5.000000e-01
      : tensor<1x2x1x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32> -> tensor<1x2x1x4xf32>
  return %r : tensor<1x2x1x4xf32>
}

// -----

// Of two masks only the infinite one goes: the argument may mask what the other leaves.
// CHECK-LABEL: func @key_length_finite_stays(
//   CHECK-DAG:   arith.constant -1.000000e+09
//   CHECK-NOT:   0xFF800000
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} bias(%{{.*}}) key_length(
func.func @key_length_finite_stays(%q: tensor<1x2x1x4xf32>, %cache: tensor<1x5x8xf32>, %rows: tensor<1x1x8xf32>,
    %p: tensor<1xi64>, %bias: tensor<1x1x1x5xf32>) -> tensor<1x2x1x4xf32> {
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
  %n_empty = tensor.empty() : tensor<1x1x1x5xf32>
  %n = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%n_empty : tensor<1x1x1x5xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant 0xFF800000 : f32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i64
    %seen = arith.cmpi sle, %number, %at : i64
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<1x1x1x5xf32>
  %sum = arith.addf %m, %bias : tensor<1x1x1x5xf32>
  %r = vit.attention %q, %k, %k bias(%sum : tensor<1x1x1x5xf32>) mask(%n : tensor<1x1x1x5xf32>) scale 5.000000e-01
      : tensor<1x2x1x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32> -> tensor<1x2x1x4xf32>
  return %r : tensor<1x2x1x4xf32>
}

// -----

// No token sees its own key: the finite mask decides what it sees.
// CHECK-LABEL: func @negative_key_length_causal(
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} bias(%{{.*}}) scale 5.000000e-01 causal -1
//   CHECK-NOT:   key_length
func.func @negative_key_length_causal(%q: tensor<1x2x1x4xf32>, %cache: tensor<1x5x8xf32>, %rows: tensor<1x1x8xf32>,
    %p: tensor<1xi64>) -> tensor<1x2x1x4xf32> {
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
  %r = vit.attention %q, %k, %k bias(%m : tensor<1x1x1x5xf32>) scale 5.000000e-01 causal -1
      : tensor<1x2x1x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32> -> tensor<1x2x1x4xf32>
  return %r : tensor<1x2x1x4xf32>
}

// -----

// A sum of a billion terms, 31 of them different.
// CHECK-LABEL: func @key_length_doubled(
//   CHECK-NOT:   arith.select
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} bias(%{{.*}}) key_length(
func.func @key_length_doubled(%q: tensor<1x2x1x4xf32>, %cache: tensor<1x5x8xf32>, %rows: tensor<1x1x8xf32>,
    %p: tensor<1xi64>, %b0: tensor<1x1x1x5xf32>) -> tensor<1x2x1x4xf32> {
  %updated = vit.cache_update %cache, %rows at %p : tensor<1x5x8xf32>, tensor<1x1x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<1x5x8xf32> -> tensor<1x2x5x4xf32>
  %m_empty = tensor.empty() : tensor<1x1x1x5xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%p : tensor<1xi64>) outs(%m_empty : tensor<1x1x1x5xf32>) {
  ^bb0(%at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant 0xFF800000 : f32
    %key = linalg.index 3 : index
    %number = arith.index_cast %key : index to i64
    %seen = arith.cmpi sle, %number, %at : i64
    %addend = arith.select %seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<1x1x1x5xf32>
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
  %r = vit.attention %q, %k, %k bias(%b30 : tensor<1x1x1x5xf32>) mask(%m : tensor<1x1x1x5xf32>) scale 5.000000e-01
      : tensor<1x2x1x4xf32>, tensor<1x2x5x4xf32>, tensor<1x2x5x4xf32> -> tensor<1x2x1x4xf32>
  return %r : tensor<1x2x1x4xf32>
}

// -----

// Each item has its own padding, of a static batch.
// CHECK-LABEL: func @negative_key_length_padding(
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} mask(
//   CHECK-NOT:   key_length
func.func @negative_key_length_padding(%q: tensor<?x2x1x4xf32>, %cache: tensor<?x5x8xf32>, %rows: tensor<?x1x8xf32>,
    %p: tensor<1xi64>) -> tensor<?x2x1x4xf32> {
  %c0 = arith.constant 0 : index
  %pad = arith.constant dense<[[0, 1, 2, 3, 4], [1, 2, 3, 4, 5], [2, 3, 4, 5, 6]]> : tensor<3x5xi64>
  %batch = tensor.dim %q, %c0 : tensor<?x2x1x4xf32>
  %updated = vit.cache_update %cache, %rows at %p : tensor<?x5x8xf32>, tensor<?x1x8xf32>, tensor<1xi64>
  %k = vit.split_heads %updated heads 2 : tensor<?x5x8xf32> -> tensor<?x2x5x4xf32>
  %floats = tensor.empty(%batch) : tensor<?x1x1x5xf32>
  %m = linalg.generic {
      indexing_maps = [affine_map<(a, b, c, d) -> (a, d)>, affine_map<(a, b, c, d) -> (0)>, affine_map<(a, b, c, d) -> (a, b, c, d)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%pad, %p : tensor<3x5xi64>, tensor<1xi64>) outs(%floats : tensor<?x1x1x5xf32>) {
  ^bb0(%n: i64, %at: i64, %out: f32):
    %zero = arith.constant 0.0 : f32
    %masked = arith.constant 0xFF800000 : f32
    %is_seen = arith.cmpi sle, %n, %at : i64
    %addend = arith.select %is_seen, %zero, %masked : f32
    linalg.yield %addend : f32
  } -> tensor<?x1x1x5xf32>
  %r = vit.attention %q, %k, %k mask(%m : tensor<?x1x1x5xf32>) scale 5.000000e-01
      : tensor<?x2x1x4xf32>, tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32> -> tensor<?x2x1x4xf32>
  return %r : tensor<?x2x1x4xf32>
}
