// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// CHECK: vit.weight_file @weights path "model.safetensors" hash "3f2a"
vit.weight_file @weights path "model.safetensors" hash "3f2a"
// CHECK: vit.weight @classifier.bias : tensor<10xf32> file(@weights offset 1024)
vit.weight @classifier.bias : tensor<10xf32> file(@weights offset 1024)
// CHECK: vit.weight @head : tensor<10x8xf32> seed(7 mean 0.000000e+00 scale 5.000000e-02)
vit.weight @head : tensor<10x8xf32> seed(7 mean 0.000000e+00 scale 5.000000e-02)
// A source's name may have any character.
// CHECK: vit.weight @"blocks/0 qkv" : tensor<6x8xf16> file(@weights offset 0)
vit.weight @"blocks/0 qkv" : tensor<6x8xf16> file(@weights offset 0)
// CHECK: vit.weight @norm : tensor<8xbf16> file(@weights offset 96)
vit.weight @norm : tensor<8xbf16> file(@weights offset 96)

// CHECK-LABEL: func @ref(
//       CHECK:   vit.constant #vit.expr<ref, [@classifier.bias]> : tensor<10xf32>
func.func @ref() -> tensor<10xf32> {
  %b = vit.constant #vit.expr<ref, [@classifier.bias]> : tensor<10xf32>
  return %b : tensor<10xf32>
}

// CHECK-LABEL: func @cast(
//       CHECK:   #vit.expr<cast, [#vit.expr<ref, [@"blocks/0 qkv"]> : tensor<6x8xf16>]> : tensor<6x8xf32>
func.func @cast() -> tensor<6x8xf32> {
  %0 = vit.constant #vit.expr<cast, [#vit.expr<ref, [@"blocks/0 qkv"]> : tensor<6x8xf16>]> : tensor<6x8xf32>
  return %0 : tensor<6x8xf32>
}

// CHECK-LABEL: func @reshape(
//       CHECK:   #vit.expr<reshape, [#vit.expr<ref, [@head]> : tensor<10x8xf32>]> : tensor<2x5x8xf32>
func.func @reshape() -> tensor<2x5x8xf32> {
  %0 = vit.constant #vit.expr<reshape, [#vit.expr<ref, [@head]> : tensor<10x8xf32>]> : tensor<2x5x8xf32>
  return %0 : tensor<2x5x8xf32>
}

// CHECK-LABEL: func @slice(
//       CHECK:   #vit.expr<slice, [#vit.expr<ref, [@head]> : tensor<10x8xf32>], params = [7]> : tensor<3x8xf32>
func.func @slice() -> tensor<3x8xf32> {
  %0 = vit.constant #vit.expr<slice, [#vit.expr<ref, [@head]> : tensor<10x8xf32>], params = [7]> : tensor<3x8xf32>
  return %0 : tensor<3x8xf32>
}

// CHECK-LABEL: func @concat(
//       CHECK:   #vit.expr<concat, [#vit.expr<ref, [@head]> : tensor<10x8xf32>,
//  CHECK-SAME:       #vit.expr<slice, [#vit.expr<ref, [@head]> : tensor<10x8xf32>], params = [0]> : tensor<1x8xf32>]> : tensor<11x8xf32>
func.func @concat() -> tensor<11x8xf32> {
  %0 = vit.constant #vit.expr<concat, [#vit.expr<ref, [@head]> : tensor<10x8xf32>,
      #vit.expr<slice, [#vit.expr<ref, [@head]> : tensor<10x8xf32>], params = [0]> : tensor<1x8xf32>]> : tensor<11x8xf32>
  return %0 : tensor<11x8xf32>
}

// CHECK-LABEL: func @add(
//       CHECK:   #vit.expr<add, [#vit.expr<ref, [@norm]> : tensor<8xbf16>, #vit.expr<ref, [@norm]> : tensor<8xbf16>]> : tensor<8xbf16>
func.func @add() -> tensor<8xbf16> {
  %0 = vit.constant #vit.expr<add, [#vit.expr<ref, [@norm]> : tensor<8xbf16>, #vit.expr<ref, [@norm]> : tensor<8xbf16>]> : tensor<8xbf16>
  return %0 : tensor<8xbf16>
}

// Ten columns are one panel of 16, eight rows are padded to 16.
// CHECK-LABEL: func @pack(
//       CHECK:   #vit.expr<pack, [#vit.expr<ref, [@head]> : tensor<10x8xf32>]> : tensor<256xf32>
func.func @pack() -> tensor<256xf32> {
  %0 = vit.constant #vit.expr<pack, [#vit.expr<ref, [@head]> : tensor<10x8xf32>]> : tensor<256xf32>
  return %0 : tensor<256xf32>
}

// A norm's scale and shift in the weights of the layer behind it.
// CHECK-LABEL: func @weight_scale_product(
//       CHECK:   #vit.expr<scale, [#vit.expr<ref, [@head]> : tensor<10x8xf32>, #vit.expr<ref, [@gamma]> : tensor<8xf32>], params = [1]> : tensor<10x8xf32>
//       CHECK:   #vit.expr<product, [#vit.expr<ref, [@head]> : tensor<10x8xf32>, #vit.expr<ref, [@gamma]> : tensor<8xf32>]> : tensor<10xf32>
vit.weight @gamma : tensor<8xf32> seed(8 mean 1.0 scale 0.5)
func.func @weight_scale_product() -> (tensor<10x8xf32>, tensor<10xf32>) {
  %0 = vit.constant #vit.expr<scale, [#vit.expr<ref, [@head]> : tensor<10x8xf32>, #vit.expr<ref, [@gamma]> : tensor<8xf32>], params = [1]> : tensor<10x8xf32>
  %1 = vit.constant #vit.expr<product, [#vit.expr<ref, [@head]> : tensor<10x8xf32>, #vit.expr<ref, [@gamma]> : tensor<8xf32>]> : tensor<10xf32>
  return %0, %1 : tensor<10x8xf32>, tensor<10xf32>
}
