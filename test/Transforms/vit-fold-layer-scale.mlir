// RUN: vit-opt %s -vit-fold-layer-scale -verify-diagnostics | FileCheck %s

vit.weight @w : tensor<6x8xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @b : tensor<6xf32> seed(2 mean 0.0 scale 1.0)
vit.weight @g : tensor<6xf32> seed(3 mean 0.0 scale 1.0)
vit.weight @s : tensor<6xf32> seed(4 mean 0.0 scale 1.0)
vit.weight @k : tensor<8xf32> seed(5 mean 0.0 scale 1.0)

// CHECK-LABEL: func @layer_scale(
//   CHECK-DAG:   %[[W:.*]] = vit.constant #vit.expr<scale, [#vit.expr<ref, [@w]> : tensor<6x8xf32>, #vit.expr<ref, [@g]> : tensor<6xf32>], params = [0]> : tensor<6x8xf32>
//   CHECK-DAG:   %[[B:.*]] = vit.constant #vit.expr<scale, [#vit.expr<ref, [@b]> : tensor<6xf32>, #vit.expr<ref, [@g]> : tensor<6xf32>], params = [0]> : tensor<6xf32>
//       CHECK:   %[[Y:.*]] = vit.linear %{{.*}}, %[[W]] bias(%[[B]] : tensor<6xf32>)
//   CHECK-NOT:   linalg.generic
//       CHECK:   return %[[Y]]
func.func @layer_scale(%x: tensor<4x8xf32>) -> tensor<4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<6x8xf32>
  %b = vit.constant #vit.expr<ref, [@b]> : tensor<6xf32>
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<6xf32>
  %empty = tensor.empty() : tensor<4x6xf32>
  %0 = vit.linear %x, %w bias(%b : tensor<6xf32>) : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<4x6xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%0, %g : tensor<4x6xf32>, tensor<6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.mulf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  return %1 : tensor<4x6xf32>
}

// A number: each row times a quarter. There is no bias.
// CHECK-LABEL: func @layer_scale_number(
//       CHECK:   %[[W:.*]] = vit.constant #vit.expr<scale, [#vit.expr<ref, [@w]> : tensor<6x8xf32>, #vit.expr<data, [dense<2.500000e-01> : tensor<6xf32>]> : tensor<6xf32>], params = [0]>
//       CHECK:   %[[Y:.*]] = vit.linear %{{.*}}, %[[W]] : tensor<4x8xf32>
//       CHECK:   return %[[Y]]
func.func @layer_scale_number(%x: tensor<4x8xf32>) -> tensor<4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<6x8xf32>
  %four = arith.constant dense<4.0> : tensor<4x6xf32>
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<4x6xf32>
  %1 = arith.divf %0, %four : tensor<4x6xf32>
  return %1 : tensor<4x6xf32>
}

// The channels are moved to the front.
// CHECK-LABEL: func @layer_scale_moved(
//       CHECK:   vit.constant #vit.expr<scale,
//       CHECK:   vit.linear
//       CHECK:   %[[Y:.*]] = linalg.transpose
//       CHECK:   return %[[Y]]
func.func @layer_scale_moved(%x: tensor<4x8xf32>) -> tensor<6x4xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<6x8xf32>
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<6xf32>
  %empty = tensor.empty() : tensor<6x4xf32>
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<4x6xf32>
  %1 = linalg.transpose ins(%0 : tensor<4x6xf32>) outs(%empty : tensor<6x4xf32>) permutation = [1, 0]
  %2 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%1, %g : tensor<6x4xf32>, tensor<6xf32>) outs(%empty : tensor<6x4xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.mulf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<6x4xf32>
  return %2 : tensor<6x4xf32>
}

// A factor for each row is none of a channel.
// CHECK-LABEL: func @negative_layer_scale_rows(
//       CHECK:   vit.linear
//       CHECK:   linalg.generic
func.func @negative_layer_scale_rows(%x: tensor<6x8xf32>) -> tensor<6x6xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<6x8xf32>
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<6xf32>
  %empty = tensor.empty() : tensor<6x6xf32>
  %0 = vit.linear %x, %w : tensor<6x8xf32>, tensor<6x8xf32> -> tensor<6x6xf32>
  // expected-remark @below {{factors are not folded into weights: its constants are not one for each channel of the product before it}}
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%0, %g : tensor<6x6xf32>, tensor<6xf32>) outs(%empty : tensor<6x6xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.mulf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<6x6xf32>
  return %1 : tensor<6x6xf32>
}

// CHECK-LABEL: func @negative_layer_scale_activation(
//       CHECK:   vit.linear
//       CHECK:   linalg.generic
func.func @negative_layer_scale_activation(%x: tensor<4x8xf32>) -> tensor<4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<6x8xf32>
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<6xf32>
  %empty = tensor.empty() : tensor<4x6xf32>
  %0 = vit.linear %x, %w activation gelu : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<4x6xf32>
  // expected-remark @below {{factors are not folded into weights: the product before it has an activation or a residual}}
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%0, %g : tensor<4x6xf32>, tensor<6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.mulf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  return %1 : tensor<4x6xf32>
}

// CHECK-LABEL: func @negative_layer_scale_computed(
//       CHECK:   vit.linear
//       CHECK:   linalg.generic
func.func @negative_layer_scale_computed(%x: tensor<4x8xf32>, %w: tensor<6x8xf32>) -> tensor<4x6xf32> {
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<6xf32>
  %empty = tensor.empty() : tensor<4x6xf32>
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<4x6xf32>
  // expected-remark @below {{factors are not folded into weights: the weight or the bias of the product before it is computed}}
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%0, %g : tensor<4x6xf32>, tensor<6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.mulf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  return %1 : tensor<4x6xf32>
}

// CHECK-LABEL: func @negative_layer_scale_two_users(
//       CHECK:   vit.linear
//       CHECK:   linalg.generic
func.func @negative_layer_scale_two_users(%x: tensor<4x8xf32>) -> (tensor<4x6xf32>, tensor<4x6xf32>) {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<6x8xf32>
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<6xf32>
  %empty = tensor.empty() : tensor<4x6xf32>
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<4x6xf32>
  // expected-remark @below {{factors are not folded into weights: the product before it has another user}}
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%0, %g : tensor<4x6xf32>, tensor<6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.mulf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  return %0, %1 : tensor<4x6xf32>, tensor<4x6xf32>
}

// Expressions compute in f32 alone.
// CHECK-LABEL: func @negative_layer_scale_half_bias(
//       CHECK:   vit.linear
//       CHECK:   linalg.generic
func.func @negative_layer_scale_half_bias(%x: tensor<4x8xf32>) -> tensor<4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<6x8xf32>
  %b = arith.constant dense<0.5> : tensor<6xf16>
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<6xf32>
  %empty = tensor.empty() : tensor<4x6xf32>
  %0 = vit.linear %x, %w bias(%b : tensor<6xf16>) : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<4x6xf32>
  // expected-remark @below {{factors are not folded into weights: the weight or the bias of the product before it is not of f32}}
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%0, %g : tensor<4x6xf32>, tensor<6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.mulf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  return %1 : tensor<4x6xf32>
}

// The factors are computed: a gate, no LayerScale.
// CHECK-LABEL: func @negative_layer_scale_gate(
//       CHECK:   vit.linear
//       CHECK:   linalg.generic
func.func @negative_layer_scale_gate(%x: tensor<4x8xf32>, %g: tensor<6xf32>) -> tensor<4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<6x8xf32>
  %empty = tensor.empty() : tensor<4x6xf32>
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<4x6xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%0, %g : tensor<4x6xf32>, tensor<6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.mulf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  return %1 : tensor<4x6xf32>
}

// A quotient by 0 is computed.
// CHECK-LABEL: func @negative_layer_scale_zero(
//       CHECK:   vit.linear
//       CHECK:   arith.divf
func.func @negative_layer_scale_zero(%x: tensor<4x8xf32>) -> tensor<4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<6x8xf32>
  %zero = arith.constant dense<0.0> : tensor<4x6xf32>
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<4x6xf32>
  %1 = arith.divf %0, %zero : tensor<4x6xf32>
  return %1 : tensor<4x6xf32>
}

// With an offset it is a batch norm, which another pass folds.
// CHECK-LABEL: func @negative_layer_scale_offset(
//       CHECK:   vit.linear
//       CHECK:   arith.mulf
//       CHECK:   linalg.generic
func.func @negative_layer_scale_offset(%x: tensor<4x8xf32>) -> tensor<4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<6x8xf32>
  %g = vit.constant #vit.expr<ref, [@g]> : tensor<6xf32>
  %two = arith.constant dense<2.0> : tensor<4x6xf32>
  %empty = tensor.empty() : tensor<4x6xf32>
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<6x8xf32> -> tensor<4x6xf32>
  %1 = arith.mulf %0, %two : tensor<4x6xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%1, %g : tensor<4x6xf32>, tensor<6xf32>) outs(%empty : tensor<4x6xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %r = arith.addf %in, %c : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  return %2 : tensor<4x6xf32>
}
