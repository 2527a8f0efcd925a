// RUN: vit-opt %s -vit-raise-gelu -split-input-file -verify-diagnostics | FileCheck %s

// torch.onnx.export writes the exact form like this.
// CHECK-LABEL: func @gelu_exact(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x8xf32>
//  CHECK-NEXT:   %[[Y:.*]] = vit.gelu %[[X]] : tensor<?x8xf32>
//  CHECK-NEXT:   return %[[Y]]
func.func @gelu_exact(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x8xf32>
  %e = tensor.empty(%b) : tensor<?x8xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel"]} ins(%x : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %root = arith.constant 1.41421354 : f32
    %q = arith.divf %in, %root : f32
    linalg.yield %q : f32
  } -> tensor<?x8xf32>
  %1 = math.erf %0 : tensor<?x8xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel"]} ins(%1 : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %one = arith.constant 1.0 : f32
    %s = arith.addf %in, %one : f32
    linalg.yield %s : f32
  } -> tensor<?x8xf32>
  %3 = arith.mulf %x, %2 : tensor<?x8xf32>
  %4 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel"]} ins(%3 : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %half = arith.constant 0.5 : f32
    %p = arith.mulf %in, %half : f32
    linalg.yield %p : f32
  } -> tensor<?x8xf32>
  return %4 : tensor<?x8xf32>
}

// The other orders: (0.5 * x) * (1 + erf) and x * (0.5 * (1 + erf)), with a
// product for the quotient. x has other users.
// CHECK-LABEL: func @gelu_exact_orders(
//  CHECK-SAME:   %[[X:.*]]: tensor<4xf32>
//  CHECK-NEXT:   %[[Y:.*]] = vit.gelu %[[X]] : tensor<4xf32>
//  CHECK-NEXT:   %[[Z:.*]] = vit.gelu %[[X]] : tensor<4xf32>
//  CHECK-NEXT:   return %[[Y]], %[[Z]], %[[X]]
func.func @gelu_exact_orders(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %half = arith.constant dense<0.5> : tensor<4xf32>
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %reciprocal = arith.constant dense<0.707106769> : tensor<4xf32>
  %0 = arith.mulf %reciprocal, %x : tensor<4xf32>
  %1 = math.erf %0 : tensor<4xf32>
  %2 = arith.addf %one, %1 : tensor<4xf32>
  %3 = arith.mulf %half, %x : tensor<4xf32>
  %4 = arith.mulf %2, %3 : tensor<4xf32>
  %5 = arith.mulf %half, %2 : tensor<4xf32>
  %6 = arith.mulf %x, %5 : tensor<4xf32>
  return %4, %6, %x : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// Hugging Face's gelu_new: the cube as a power.
// CHECK-LABEL: func @gelu_tanh_pow(
//  CHECK-SAME:   %[[X:.*]]: tensor<4xf32>
//  CHECK-NEXT:   %[[Y:.*]] = vit.gelu %[[X]] tanh : tensor<4xf32>
//  CHECK-NEXT:   return %[[Y]]
func.func @gelu_tanh_pow(%x: tensor<4xf32>) -> tensor<4xf32> {
  %half = arith.constant dense<0.5> : tensor<4xf32>
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %three = arith.constant dense<3.0> : tensor<4xf32>
  %c = arith.constant dense<0.044715> : tensor<4xf32>
  %root = arith.constant dense<0.797884583> : tensor<4xf32>
  %0 = math.powf %x, %three : tensor<4xf32>
  %1 = arith.mulf %0, %c : tensor<4xf32>
  %2 = arith.addf %x, %1 : tensor<4xf32>
  %3 = arith.mulf %2, %root : tensor<4xf32>
  %4 = math.tanh %3 : tensor<4xf32>
  %5 = arith.addf %4, %one : tensor<4xf32>
  %6 = arith.mulf %x, %half : tensor<4xf32>
  %7 = arith.mulf %6, %5 : tensor<4xf32>
  return %7 : tensor<4xf32>
}

// BLIP's and others': the cube as products, x taken out of it.
// CHECK-LABEL: func @gelu_tanh_products(
//  CHECK-NEXT:   vit.gelu %{{.*}} tanh : tensor<4xf32>
//  CHECK-NEXT:   return
func.func @gelu_tanh_products(%x: tensor<4xf32>) -> tensor<4xf32> {
  %half = arith.constant dense<0.5> : tensor<4xf32>
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %c = arith.constant dense<0.044715> : tensor<4xf32>
  %root = arith.constant dense<0.797884583> : tensor<4xf32>
  %0 = arith.mulf %x, %x : tensor<4xf32>
  %1 = arith.mulf %0, %c : tensor<4xf32>
  %2 = arith.addf %1, %one : tensor<4xf32>
  %3 = arith.mulf %x, %root : tensor<4xf32>
  %4 = arith.mulf %3, %2 : tensor<4xf32>
  %5 = math.tanh %4 : tensor<4xf32>
  %6 = arith.addf %5, %one : tensor<4xf32>
  %7 = arith.mulf %6, %half : tensor<4xf32>
  %8 = arith.mulf %7, %x : tensor<4xf32>
  return %8 : tensor<4xf32>
}

// CLIP's x * sigmoid(1.702 x), with ONNX's Sigmoid as one body.
// CHECK-LABEL: func @gelu_quick(
//  CHECK-SAME:   %[[X:.*]]: tensor<4xf32>
//  CHECK-NEXT:   %[[Y:.*]] = vit.gelu %[[X]] quick : tensor<4xf32>
//  CHECK-NEXT:   return %[[Y]]
func.func @gelu_quick(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = arith.constant dense<1.702> : tensor<4xf32>
  %0 = arith.mulf %x, %c : tensor<4xf32>
  %e = tensor.empty() : tensor<4xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>],
      iterator_types = ["parallel"]} ins(%0 : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %one = arith.constant 1.0 : f32
    %n = arith.negf %in : f32
    %p = math.exp %n : f32
    %s = arith.addf %p, %one : f32
    %q = arith.divf %one, %s : f32
    linalg.yield %q : f32
  } -> tensor<4xf32>
  %2 = arith.mulf %x, %1 : tensor<4xf32>
  return %2 : tensor<4xf32>
}

// SiLU, x * sigmoid(x), is no GELU.
// CHECK-LABEL: func @negative_gelu_silu(
//   CHECK-NOT:   vit.gelu
func.func @negative_gelu_silu(%x: tensor<4xf32>) -> tensor<4xf32> {
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %0 = arith.negf %x : tensor<4xf32>
  %1 = math.exp %0 : tensor<4xf32>
  %2 = arith.addf %1, %one : tensor<4xf32>
  %3 = arith.divf %x, %2 : tensor<4xf32>
  return %3 : tensor<4xf32>
}

// -----

// Another tensor than the erf's is multiplied.
// CHECK-LABEL: func @negative_gelu_two_tensors(
//   CHECK-NOT:   vit.gelu
func.func @negative_gelu_two_tensors(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %half = arith.constant dense<0.5> : tensor<4xf32>
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %reciprocal = arith.constant dense<0.707106769> : tensor<4xf32>
  %0 = arith.mulf %reciprocal, %x : tensor<4xf32>
  // expected-remark @below {{not raised to vit.gelu: its users do not compute x * (1 + erf(x / sqrt 2)) / 2}}
  %1 = math.erf %0 : tensor<4xf32>
  %2 = arith.addf %one, %1 : tensor<4xf32>
  %3 = arith.mulf %half, %y : tensor<4xf32>
  %4 = arith.mulf %2, %3 : tensor<4xf32>
  return %4 : tensor<4xf32>
}

// -----

// The factor 0.5 is missing.
// CHECK-LABEL: func @negative_gelu_factor(
//   CHECK-NOT:   vit.gelu
func.func @negative_gelu_factor(%x: tensor<4xf32>) -> tensor<4xf32> {
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %reciprocal = arith.constant dense<0.707106769> : tensor<4xf32>
  %0 = arith.mulf %reciprocal, %x : tensor<4xf32>
  // expected-remark @below {{not raised to vit.gelu}}
  %1 = math.erf %0 : tensor<4xf32>
  %2 = arith.addf %one, %1 : tensor<4xf32>
  %3 = arith.mulf %2, %x : tensor<4xf32>
  return %3 : tensor<4xf32>
}

// -----

// A scalar: vit's tensors have dims.
// CHECK-LABEL: func @negative_gelu_rank(
//   CHECK-NOT:   vit.gelu
func.func @negative_gelu_rank(%x: tensor<f32>) -> tensor<f32> {
  %c = arith.constant dense<1.702> : tensor<f32>
  %one = arith.constant dense<1.0> : tensor<f32>
  %0 = arith.mulf %x, %c : tensor<f32>
  %1 = arith.negf %0 : tensor<f32>
  %2 = math.exp %1 : tensor<f32>
  %3 = arith.addf %2, %one : tensor<f32>
  %4 = arith.divf %x, %3 : tensor<f32>
  return %4 : tensor<f32>
}

// -----

// Constants of a narrow type are the nearest that it has; bf16 does not resolve
// the difference to the tanh form, but erf tells.
// CHECK-LABEL: func @gelu_exact_f16(
//  CHECK-SAME:   %[[X:.*]]: tensor<4xf16>
//  CHECK-NEXT:   %[[Y:.*]] = vit.gelu %[[X]] : tensor<4xf16>
func.func @gelu_exact_f16(%x: tensor<4xf16>) -> tensor<4xf16> {
  %root = arith.constant dense<1.4142135> : tensor<4xf16>
  %one = arith.constant dense<1.0> : tensor<4xf16>
  %half = arith.constant dense<0.5> : tensor<4xf16>
  %0 = arith.divf %x, %root : tensor<4xf16>
  %1 = math.erf %0 : tensor<4xf16>
  %2 = arith.addf %1, %one : tensor<4xf16>
  %3 = arith.mulf %x, %2 : tensor<4xf16>
  %4 = arith.mulf %3, %half : tensor<4xf16>
  return %4 : tensor<4xf16>
}

// CHECK-LABEL: func @gelu_exact_bf16(
//  CHECK-SAME:   %[[X:.*]]: tensor<4xbf16>
//  CHECK-NEXT:   %[[Y:.*]] = vit.gelu %[[X]] : tensor<4xbf16>
func.func @gelu_exact_bf16(%x: tensor<4xbf16>) -> tensor<4xbf16> {
  %root = arith.constant dense<1.4142135> : tensor<4xbf16>
  %one = arith.constant dense<1.0> : tensor<4xbf16>
  %half = arith.constant dense<0.5> : tensor<4xbf16>
  %0 = arith.divf %x, %root : tensor<4xbf16>
  %1 = math.erf %0 : tensor<4xbf16>
  %2 = arith.addf %1, %one : tensor<4xbf16>
  %3 = arith.mulf %x, %2 : tensor<4xbf16>
  %4 = arith.mulf %3, %half : tensor<4xbf16>
  return %4 : tensor<4xbf16>
}

// CHECK-LABEL: func @gelu_tanh_bf16(
//  CHECK-SAME:   %[[X:.*]]: tensor<4xbf16>
//  CHECK-NEXT:   %[[Y:.*]] = vit.gelu %[[X]] tanh : tensor<4xbf16>
func.func @gelu_tanh_bf16(%x: tensor<4xbf16>) -> tensor<4xbf16> {
  %cubic = arith.constant dense<0.044715> : tensor<4xbf16>
  %root = arith.constant dense<0.79788456> : tensor<4xbf16>
  %one = arith.constant dense<1.0> : tensor<4xbf16>
  %half = arith.constant dense<0.5> : tensor<4xbf16>
  %0 = arith.mulf %x, %x : tensor<4xbf16>
  %1 = arith.mulf %0, %x : tensor<4xbf16>
  %2 = arith.mulf %1, %cubic : tensor<4xbf16>
  %3 = arith.addf %x, %2 : tensor<4xbf16>
  %4 = arith.mulf %3, %root : tensor<4xbf16>
  %5 = math.tanh %4 : tensor<4xbf16>
  %6 = arith.addf %5, %one : tensor<4xbf16>
  %7 = arith.mulf %x, %half : tensor<4xbf16>
  %8 = arith.mulf %7, %6 : tensor<4xbf16>
  return %8 : tensor<4xbf16>
}

// -----

// 0.0447 instead of 0.044715.
// CHECK-LABEL: func @negative_gelu_tanh_constant(
//   CHECK-NOT:   vit.gelu
func.func @negative_gelu_tanh_constant(%x: tensor<4xf32>) -> tensor<4xf32> {
  %half = arith.constant dense<0.5> : tensor<4xf32>
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %cubic = arith.constant dense<0.0447> : tensor<4xf32>
  %root = arith.constant dense<0.7978845608> : tensor<4xf32>
  %0 = arith.mulf %x, %x : tensor<4xf32>
  %1 = arith.mulf %0, %x : tensor<4xf32>
  %2 = arith.mulf %1, %cubic : tensor<4xf32>
  %3 = arith.addf %x, %2 : tensor<4xf32>
  %4 = arith.mulf %3, %root : tensor<4xf32>
  %5 = math.tanh %4 : tensor<4xf32>
  %6 = arith.addf %5, %one : tensor<4xf32>
  %7 = arith.mulf %x, %half : tensor<4xf32>
  // expected-remark @below {{not raised to vit.gelu: it differs from the tanh form by}}
  %8 = arith.mulf %7, %6 : tensor<4xf32>
  return %8 : tensor<4xf32>
}

// -----

// 1.7 instead of 1.702.
// CHECK-LABEL: func @negative_gelu_quick_constant(
//   CHECK-NOT:   vit.gelu
func.func @negative_gelu_quick_constant(%x: tensor<4xf32>) -> tensor<4xf32> {
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %factor = arith.constant dense<-1.7> : tensor<4xf32>
  %0 = arith.mulf %x, %factor : tensor<4xf32>
  %1 = math.exp %0 : tensor<4xf32>
  %2 = arith.addf %1, %one : tensor<4xf32>
  // expected-remark @below {{not raised to vit.gelu: it differs from the quick form by}}
  %3 = arith.divf %x, %2 : tensor<4xf32>
  return %3 : tensor<4xf32>
}

// -----

// SiLU and tanh are activations of their own: no remark.
// CHECK-LABEL: func @negative_gelu_other_activations(
//   CHECK-NOT:   vit.gelu
func.func @negative_gelu_other_activations(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %one = arith.constant dense<1.0> : tensor<4xf32>
  %0 = arith.negf %x : tensor<4xf32>
  %1 = math.exp %0 : tensor<4xf32>
  %2 = arith.addf %1, %one : tensor<4xf32>
  %3 = arith.divf %x, %2 : tensor<4xf32>
  %4 = math.tanh %x : tensor<4xf32>
  %5 = arith.mulf %4, %x : tensor<4xf32>
  return %3, %5 : tensor<4xf32>, tensor<4xf32>
}
