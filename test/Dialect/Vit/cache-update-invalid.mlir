// RUN: vit-opt %s -split-input-file -verify-diagnostics

func.func @cache_update_c1_channels(%cache: tensor<2x4x8xf32>, %row: tensor<2x1x6xf32>, %p: tensor<1xi64>) {
  // expected-error @+1 {{'vit.cache_update' op has rows 'tensor<2x1x6xf32>' for cache 'tensor<2x4x8xf32>'; needs the same batch and channels}}
  %c = vit.cache_update %cache, %row at %p : tensor<2x4x8xf32>, tensor<2x1x6xf32>, tensor<1xi64>
  return
}

// -----

func.func @cache_update_c1_batch(%cache: tensor<2x4x8xf32>, %row: tensor<3x1x8xf32>, %p: tensor<1xi64>) {
  // expected-error @+1 {{'vit.cache_update' op has rows 'tensor<3x1x8xf32>' for cache 'tensor<2x4x8xf32>'; needs the same batch and channels}}
  %c = vit.cache_update %cache, %row at %p : tensor<2x4x8xf32>, tensor<3x1x8xf32>, tensor<1xi64>
  return
}

// -----

func.func @cache_update_c2(%cache: tensor<2x4x8xf32>, %rows: tensor<2x5x8xf32>, %p: tensor<1xi64>) {
  // expected-error @+1 {{'vit.cache_update' op has 5 rows; needs at most the cache's 4}}
  %c = vit.cache_update %cache, %rows at %p : tensor<2x4x8xf32>, tensor<2x5x8xf32>, tensor<1xi64>
  return
}

// -----

func.func @cache_update_c3(%cache: tensor<2x4x8xf32>, %row: tensor<2x1x8xf32>, %p: tensor<2xi64>) {
  // expected-error @+1 {{'vit.cache_update' op has position 'tensor<2xi64>'; needs 1 element, for all items}}
  %c = vit.cache_update %cache, %row at %p : tensor<2x4x8xf32>, tensor<2x1x8xf32>, tensor<2xi64>
  return
}

// -----

func.func @cache_update_c4(%cache: tensor<2x4x8xf32>, %row: tensor<2x1x8xf16>, %p: tensor<1xi64>) {
  // expected-error @+1 {{'vit.cache_update' op has rows of 'f16'; needs the cache's 'f32'}}
  %c = vit.cache_update %cache, %row at %p : tensor<2x4x8xf32>, tensor<2x1x8xf16>, tensor<1xi64>
  return
}
