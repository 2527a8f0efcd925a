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

// CHECK-LABEL: func @attention_map(
//       CHECK:   vit.attention_map %{{.*}}, %{{.*}} scale 1.250000e-01 selection(%{{.*}}[3] : tensor<12x2xi64>) windows 1
//  CHECK-SAME:       : tensor<?x6x9x64xf32>, tensor<?x6x9x64xf32> -> tensor<?x1x6x9x9xf32>
func.func @attention_map(%q: tensor<?x6x9x64xf32>, %k: tensor<?x6x9x64xf32>, %s: tensor<12x2xi64>)
    -> tensor<?x1x6x9x9xf32> {
  %m = vit.attention_map %q, %k scale 1.250000e-01 selection(%s[3] : tensor<12x2xi64>) windows 1
      : tensor<?x6x9x64xf32>, tensor<?x6x9x64xf32> -> tensor<?x1x6x9x9xf32>
  return %m : tensor<?x1x6x9x9xf32>
}

// CHECK-LABEL: func @attention_layers(
//  CHECK-SAME:     vit.attention_layers = [#vit.attention_layer<number = 2, name = "layers.0",
//  CHECK-SAME:       keys = <prefix = 0, height = 7, width = 7, classToken = false>, window = [4, 4], size = [8, 8], shift = [2, 2]>,
//  CHECK-SAME:       #vit.attention_layer<number = 3, name = "", projection = 1>]
func.func @attention_layers() attributes {vit.attention_layers = [
    #vit.attention_layer<number = 2, name = "layers.0", keys = <prefix = 0, height = 7, width = 7, classToken = false>,
                         window = [4, 4], size = [8, 8], shift = [2, 2]>,
    #vit.attention_layer<number = 3, name = "", projection = 1>]} {
  return
}

// Two windows an image, three images.
// CHECK-LABEL: func @attention_map_windows(
//       CHECK:   vit.attention_map {{.*}} bias(%{{.*}} : tensor<1x1x7x9xf32>) mask(%{{.*}} : tensor<2x1x7x9xf32>) scale 1.000000e+00
//  CHECK-SAME:       selection(%{{.*}}[0] : tensor<1x2xi64>) windows 2 {{.*}} -> tensor<3x2x6x7x9xf32>
func.func @attention_map_windows(%q: tensor<6x6x7x16xf32>, %k: tensor<6x3x9x16xf32>, %bias: tensor<1x1x7x9xf32>,
                                 %mask: tensor<2x1x7x9xf32>, %s: tensor<1x2xi64>) -> tensor<3x2x6x7x9xf32> {
  %m = vit.attention_map %q, %k bias(%bias : tensor<1x1x7x9xf32>) mask(%mask : tensor<2x1x7x9xf32>)
      scale 1.000000e+00 selection(%s[0] : tensor<1x2xi64>) windows 2
      : tensor<6x6x7x16xf32>, tensor<6x3x9x16xf32> -> tensor<3x2x6x7x9xf32>
  return %m : tensor<3x2x6x7x9xf32>
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
