// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// CHECK: #vit.model<name = "vit", task = "classification", source = "3f2a", parameters = 42
// CHECK-SAME: licence = "MIT", labels = ["zero", "one"]
// CHECK-SAME: preprocess = <resize = [64], interpolation = 3, crop = [64, 64]
// CHECK-SAME: mean = [5.000000e-01], std = [5.000000e-01]>
// CHECK-SAME: grid = <prefix = 1, height = 4, width = 5, classToken = true>
// CHECK-SAME: text = <tokenizer = dense_resource<tokenizer> : tensor<4xi8>, maxLength = 77, ids = "input_ids", mask = "attention_mask">
// CHECK-SAME: ranking = <scale = 1.426000e+01 : f64, bias = -1.500000e+00 : f64>
module attributes {vit.model = #vit.model<name = "vit", task = "classification", source = "3f2a", parameters = 42,
    licence = "MIT", labels = ["zero", "one"],
    preprocess = <resize = [64], interpolation = 3, crop = [64, 64], mean = [0.5],
                  std = [0.5]>,
    grid = <prefix = 1, height = 4, width = 5, classToken = true>,
    text = <tokenizer = dense_resource<tokenizer> : tensor<4xi8>, maxLength = 77, ids = "input_ids",
            mask = "attention_mask">,
    ranking = <scale = 14.26 : f64, bias = -1.5 : f64>>} {
  // CHECK: func.func private @model(tensor<?x3x8x8xf32> {vit.name = "pixel_values"})
  func.func private @model(tensor<?x3x8x8xf32> {vit.name = "pixel_values"})
}

// CHECK: tokenizer: "0x0100000001020304"
{-#
  dialect_resources: {
    builtin: {
      tokenizer: "0x0100000001020304"
    }
  }
#-}
