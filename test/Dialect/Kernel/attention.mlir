// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// CHECK-DAG: #[[$HEADS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d1 * 4 + d3)>
// CHECK-DAG: #[[$SHARED:.*]] = affine_map<(d0, d1, d2, d3) -> (0, d1, d2, d3)>
#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>

// CHECK-LABEL: func @attention(
//       CHECK:   kernel.attention batch(%{{[^ ]+}}) queries(%{{[^ ]+}}) keys(%{{[^ ]+}}) heads 2 head_dim 4 value_dim 4 scale 5.000000e-01
//  CHECK-SAME:       query(%{{[^ ]+}} at #[[$HEADS]] : memref<?x9x8xf32>) key(%{{[^ ]+}} at #[[$HEADS]] : memref<?x9x8xf32>)
//  CHECK-SAME:       value(%{{[^ ]+}} at #[[$HEADS]] : memref<?x9x8xf32>) init(%{{[^ ]+}} at #[[$HEADS]] : memref<?x9x8xf32>)
func.func @attention(%b: index, %n: index, %q: memref<?x9x8xf32>, %k: memref<?x9x8xf32>, %v: memref<?x9x8xf32>,
                     %o: memref<?x9x8xf32>) {
  kernel.attention batch(%b) queries(%n) keys(%n) heads 2 head_dim 4 value_dim 4 scale 5.000000e-01
      query(%q at #qkv : memref<?x9x8xf32>) key(%k at #qkv : memref<?x9x8xf32>)
      value(%v at #qkv : memref<?x9x8xf32>) init(%o at #qkv : memref<?x9x8xf32>)
  return
}

// CHECK-LABEL: func @attention_bias_tiling(
//       CHECK:   kernel.attention {{.*}} bias(%{{[^ ]+}} at #[[$SHARED]] : tensor<1x2x9x9xf32>)
//  CHECK-SAME:       tiling <rows = 6, columns = 64, queryBlock = 48, keyBlock = 256> -> tensor<?x9x8xf32>
func.func @attention_bias_tiling(%b: index, %n: index, %q: tensor<?x9x8xf32>, %bias: tensor<1x2x9x9xf32>,
                                 %o: tensor<?x9x8xf32>) -> tensor<?x9x8xf32> {
  %0 = kernel.attention batch(%b) queries(%n) keys(%n) heads 2 head_dim 4 value_dim 4 scale 5.000000e-01
      query(%q at #qkv : tensor<?x9x8xf32>) key(%q at #qkv : tensor<?x9x8xf32>) value(%q at #qkv : tensor<?x9x8xf32>)
      bias(%bias at affine_map<(b, h, i, j) -> (0, h, i, j)> : tensor<1x2x9x9xf32>)
      init(%o at #qkv : tensor<?x9x8xf32>) tiling <rows = 6, columns = 64, queryBlock = 48, keyBlock = 256>
      -> tensor<?x9x8xf32>
  return %0 : tensor<?x9x8xf32>
}

// CHECK-LABEL: func @attention_map(
//       CHECK:   kernel.attention_map batch(%{{[^ ]+}}) queries(%{{[^ ]+}}) keys(%{{[^ ]+}}) heads 2 head_dim 4 scale 5.000000e-01
//  CHECK-SAME:       selection(%{{[^ ]+}} at %{{[^ ]+}} : memref<12x2xi64>)
//  CHECK-SAME:       query(%{{[^ ]+}} at #[[$HEADS]] : memref<?x9x8xf32>) key(%{{[^ ]+}} at #[[$HEADS]] : memref<?x9x8xf32>)
//  CHECK-SAME:       init(%{{[^ ]+}} : memref<?x1x2x9x9xf32>)
func.func @attention_map(%b: index, %n: index, %l: index, %s: memref<12x2xi64>, %q: memref<?x9x8xf32>,
                         %k: memref<?x9x8xf32>, %m: memref<?x1x2x9x9xf32>) {
  kernel.attention_map batch(%b) queries(%n) keys(%n) heads 2 head_dim 4 scale 5.000000e-01
      selection(%s at %l : memref<12x2xi64>) query(%q at #qkv : memref<?x9x8xf32>) key(%k at #qkv : memref<?x9x8xf32>)
      init(%m : memref<?x1x2x9x9xf32>)
  return
}

// CHECK-LABEL: func @attention_map_bias(
//       CHECK:   selection{{.*}} bias(%{{[^ ]+}} at #[[$SHARED]] : memref<1x2x9x9xf32>)
func.func @attention_map_bias(%b: index, %n: index, %l: index, %s: memref<12x2xi64>, %q: memref<?x9x8xf32>,
                              %bias: memref<1x2x9x9xf32>, %m: memref<?x1x2x9x9xf32>) {
  kernel.attention_map batch(%b) queries(%n) keys(%n) heads 2 head_dim 4 scale 5.000000e-01
      selection(%s at %l : memref<12x2xi64>) query(%q at #qkv : memref<?x9x8xf32>) key(%q at #qkv : memref<?x9x8xf32>)
      bias(%bias at affine_map<(b, h, i, j) -> (0, h, i, j)> : memref<1x2x9x9xf32>)
      init(%m : memref<?x1x2x9x9xf32>)
  return
}

// CHECK-LABEL: func @attention_bias_and_mask(
//       CHECK:   kernel.attention {{.*}} bias(%{{[^ ]+}} at {{.*}} : tensor<1x2x9x9xf32>) mask(%{{[^ ]+}} at {{.*}} : tensor<4x1x9x9xf32>)
func.func @attention_bias_and_mask(%b: index, %n: index, %q: tensor<?x9x8xf32>, %bias: tensor<1x2x9x9xf32>,
                                   %mask: tensor<4x1x9x9xf32>, %o: tensor<?x9x8xf32>) -> tensor<?x9x8xf32> {
  %0 = kernel.attention batch(%b) queries(%n) keys(%n) heads 2 head_dim 4 value_dim 4 scale 5.000000e-01
      query(%q at affine_map<(b, h, i, d) -> (b, i, h * 4 + d)> : tensor<?x9x8xf32>)
      key(%q at affine_map<(b, h, i, d) -> (b, i, h * 4 + d)> : tensor<?x9x8xf32>)
      value(%q at affine_map<(b, h, i, d) -> (b, i, h * 4 + d)> : tensor<?x9x8xf32>)
      bias(%bias at affine_map<(b, h, i, j) -> (0, h, i, j)> : tensor<1x2x9x9xf32>)
      mask(%mask at affine_map<(b, h, i, j) -> (b mod 4, 0, i, j)> : tensor<4x1x9x9xf32>)
      init(%o at affine_map<(b, h, i, d) -> (b, i, h * 4 + d)> : tensor<?x9x8xf32>) -> tensor<?x9x8xf32>
  return %0 : tensor<?x9x8xf32>
}
