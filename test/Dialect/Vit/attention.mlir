// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// CHECK-LABEL: func @attention(
//       CHECK:   vit.attention %{{.*}}, %{{.*}}, %{{.*}} scale 1.250000e-01
//  CHECK-SAME:       : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<1x6x9x64xf32>
func.func @attention(%q: tensor<1x6x9x64xf32>, %k: tensor<1x6x9x64xf32>, %v: tensor<1x6x9x64xf32>)
    -> tensor<1x6x9x64xf32> {
  %r = vit.attention %q, %k, %v scale 1.250000e-01
      : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<1x6x9x64xf32>
  return %r : tensor<1x6x9x64xf32>
}

// Six heads read two key-value heads; the value's dim is the result's.
// CHECK-LABEL: func @attention_grouped_bias(
//       CHECK:   vit.attention %{{.*}} bias(%{{.*}} : tensor<1x6x7x9xf16>) scale 2.500000e-01
//  CHECK-SAME:       : tensor<?x6x7x16xf16>, tensor<?x2x9x16xf16>, tensor<?x2x9x8xf16> -> tensor<?x6x7x8xf16>
func.func @attention_grouped_bias(%q: tensor<?x6x7x16xf16>, %k: tensor<?x2x9x16xf16>, %v: tensor<?x2x9x8xf16>,
                                  %bias: tensor<1x6x7x9xf16>) -> tensor<?x6x7x8xf16> {
  %r = vit.attention %q, %k, %v bias(%bias : tensor<1x6x7x9xf16>) scale 2.500000e-01
      : tensor<?x6x7x16xf16>, tensor<?x2x9x16xf16>, tensor<?x2x9x8xf16> -> tensor<?x6x7x8xf16>
  return %r : tensor<?x6x7x8xf16>
}

// Item b of the batch reads item b mod 4 of the mask, window b mod 4 of its image.
// CHECK-LABEL: func @attention_bias_mask(
//       CHECK:   vit.attention %{{.*}} bias(%{{.*}} : tensor<1x3x16x16xf32>) mask(%{{.*}} : tensor<4x1x16x16xf32>) scale 2.500000e-01
//  CHECK-SAME:       : tensor<?x3x16x8xf32>, tensor<?x3x16x8xf32>, tensor<?x3x16x8xf32> -> tensor<?x3x16x8xf32>
func.func @attention_bias_mask(%q: tensor<?x3x16x8xf32>, %bias: tensor<1x3x16x16xf32>, %mask: tensor<4x1x16x16xf32>)
    -> tensor<?x3x16x8xf32> {
  %r = vit.attention %q, %q, %q bias(%bias : tensor<1x3x16x16xf32>) mask(%mask : tensor<4x1x16x16xf32>) scale 2.500000e-01
      : tensor<?x3x16x8xf32>, tensor<?x3x16x8xf32>, tensor<?x3x16x8xf32> -> tensor<?x3x16x8xf32>
  return %r : tensor<?x3x16x8xf32>
}

// CHECK-LABEL: func @attention_map_mask(
//       CHECK:   vit.attention_map %{{.*}} mask(%{{.*}} : tensor<2x1x9x9xf32>) scale 1.000000e+00 queries mean
func.func @attention_map_mask(%q: tensor<6x3x9x8xf32>, %mask: tensor<2x1x9x9xf32>) -> tensor<6x3x9xf32> {
  %m = vit.attention_map %q, %q mask(%mask : tensor<2x1x9x9xf32>) scale 1.000000e+00 queries mean
      : tensor<6x3x9x8xf32>, tensor<6x3x9x8xf32> -> tensor<6x3x9xf32>
  return %m : tensor<6x3x9xf32>
}

// CHECK-LABEL: func @attention_map(
//       CHECK:   vit.attention_map %{{.*}}, %{{.*}} scale 1.250000e-01 queries first
//  CHECK-SAME:       : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<1x6x9xf32>
func.func @attention_map(%q: tensor<1x6x9x64xf32>, %k: tensor<1x6x9x64xf32>) -> tensor<1x6x9xf32> {
  %m = vit.attention_map %q, %k scale 1.250000e-01 queries first
      : tensor<1x6x9x64xf32>, tensor<1x6x9x64xf32> -> tensor<1x6x9xf32>
  return %m : tensor<1x6x9xf32>
}

// CHECK-LABEL: func @attention_map_mean_bias(
//       CHECK:   vit.attention_map %{{.*}} bias(%{{.*}} : tensor<1x1x7x9xf32>) scale 1.000000e+00 queries mean
func.func @attention_map_mean_bias(%q: tensor<?x6x7x16xf32>, %k: tensor<?x3x9x16xf32>, %bias: tensor<1x1x7x9xf32>)
    -> tensor<?x6x9xf32> {
  %m = vit.attention_map %q, %k bias(%bias : tensor<1x1x7x9xf32>) scale 1.000000e+00 queries mean
      : tensor<?x6x7x16xf32>, tensor<?x3x9x16xf32> -> tensor<?x6x9xf32>
  return %m : tensor<?x6x9xf32>
}

// CHECK-LABEL: func @split_heads(
//       CHECK:   vit.split_heads %{{.*}} heads 6 : tensor<?x9x384xf32> -> tensor<?x6x9x64xf32>
func.func @split_heads(%x: tensor<?x9x384xf32>) -> tensor<?x6x9x64xf32> {
  %q = vit.split_heads %x heads 6 : tensor<?x9x384xf32> -> tensor<?x6x9x64xf32>
  return %q : tensor<?x6x9x64xf32>
}

// CHECK-LABEL: func @merge_heads(
//       CHECK:   vit.merge_heads %{{.*}} : tensor<?x6x9x64xf32> -> tensor<?x9x384xf32>
func.func @merge_heads(%a: tensor<?x6x9x64xf32>) -> tensor<?x9x384xf32> {
  %x = vit.merge_heads %a : tensor<?x6x9x64xf32> -> tensor<?x9x384xf32>
  return %x : tensor<?x9x384xf32>
}
