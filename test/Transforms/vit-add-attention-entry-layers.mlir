// RUN: vit-opt %s -vit-add-attention-entry=layers=1-2 | FileCheck %s
// RUN: vit-opt %s -vit-add-attention-entry=layers=2,1 | FileCheck %s
// RUN: vit-opt %s -vit-add-attention-entry=layers=none | FileCheck %s --check-prefix=NONE
// RUN: not vit-opt %s -vit-add-attention-entry=layers=3 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not vit-opt %s -vit-add-attention-entry=layers=2-1 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: not vit-opt %s -vit-add-attention-entry=layers=1, 2>&1 | FileCheck %s --check-prefix=COMMA

// The numbers are those of all layers.
// CHECK-LABEL: func @attention(
//  CHECK-SAME:     tensor<2x2xi64> {vit.name = "attention_queries"}
//  CHECK-SAME:     [#vit.attention_layer<number = 1, name = "">, #vit.attention_layer<number = 2, name = "">]
//       CHECK:   vit.attention {{.*}} scale 1.000000e+00
//       CHECK:   vit.attention {{.*}} scale 2.000000e+00
//       CHECK:   vit.attention_map {{.*}} scale 2.000000e+00 selection(%{{.*}}[0]
//       CHECK:   vit.attention {{.*}} scale 3.000000e+00
//       CHECK:   vit.attention_map {{.*}} scale 3.000000e+00 selection(%{{.*}}[1]

// NONE-NOT: func @attention

// MISSING: error: layers is '3' but the model has 3 attention layers, from 0 on
// RANGE: error: layers is '2-1'; needs all, none or numbers such as 0,5-7
// COMMA: error: layers is '1,'; needs all, none or numbers such as 0,5-7
func.func @forward(%x: tensor<2x2x5x4xf32>) -> tensor<2x2x5x4xf32> {
  %0 = vit.attention %x, %x, %x scale 1.0
      : tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32> -> tensor<2x2x5x4xf32>
  %1 = vit.attention %0, %x, %x scale 2.0
      : tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32> -> tensor<2x2x5x4xf32>
  %2 = vit.attention %1, %x, %x scale 3.0
      : tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32> -> tensor<2x2x5x4xf32>
  return %2 : tensor<2x2x5x4xf32>
}
