// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// CHECK-LABEL: func @cache_update_row(
//       CHECK:   vit.cache_update %{{.*}}, %{{.*}} at %{{.*}} : tensor<?x64x8xf32>, tensor<?x1x8xf32>, tensor<1xi64>
func.func @cache_update_row(%cache: tensor<?x64x8xf32>, %row: tensor<?x1x8xf32>, %p: tensor<1xi64>) -> tensor<?x64x8xf32> {
  %c = vit.cache_update %cache, %row at %p : tensor<?x64x8xf32>, tensor<?x1x8xf32>, tensor<1xi64>
  return %c : tensor<?x64x8xf32>
}

// Several rows, of a fixed batch; as many as the cache has.
// CHECK-LABEL: func @cache_update_rows(
//       CHECK:   vit.cache_update %{{.*}}, %{{.*}} at %{{.*}} : tensor<2x4x8xf16>, tensor<2x4x8xf16>, tensor<1xi32>
func.func @cache_update_rows(%cache: tensor<2x4x8xf16>, %rows: tensor<2x4x8xf16>, %p: tensor<1xi32>) -> tensor<2x4x8xf16> {
  %c = vit.cache_update %cache, %rows at %p : tensor<2x4x8xf16>, tensor<2x4x8xf16>, tensor<1xi32>
  return %c : tensor<2x4x8xf16>
}
