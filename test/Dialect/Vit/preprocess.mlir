// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

// What is not a default is printed.
// CHECK: preprocess = <resize = [48, 64], inside = true, interpolation = 1, antialias = false, pad = zero,
// CHECK-SAME: bgr = true, mask = "pixel_mask", noise = "noise">, sigmoid = true>
module attributes {vit.model = #vit.model<name = "detr", task = "detection", source = "", parameters = 0,
    preprocess = <resize = [48, 64], inside = true, interpolation = 1, antialias = false, pad = zero, bgr = true,
                  mask = "pixel_mask", noise = "noise">, sigmoid = true>} {}
