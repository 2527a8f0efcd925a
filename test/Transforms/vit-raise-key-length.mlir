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
//  CHECK-SAME:   %[[BIAS:[^ ]*]]: tensor<1x2x1x5xf32>
//       CHECK:   %[[TWO:.*]] = arith.constant 2 : i32
//       CHECK:   arith.addi %{{.*}}, %[[TWO]] : i32
//       CHECK:   vit.attention %{{[^ ]*}}, %{{[^ ]*}}, %{{[^ ]*}} bias(%[[BIAS]] : tensor<1x2x1x5xf32>) key_length(%{{.*}} : tensor<3xi32>)
func.func @key_length_terms(%q: tensor<3x2x1x4xf32>, %cache: tensor<3x5x8xf32>, %rows: tensor<3x1x8xf32>,
    %p: tensor<1xi32>, %bias: tensor<1x2x1x5xf32>) -> tensor<3x2x1x4xf32> {
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
  %sum = arith.addf %first, %bias : tensor<1x2x1x5xf32>
  %all = arith.addf %sum, %second : tensor<1x2x1x5xf32>
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
