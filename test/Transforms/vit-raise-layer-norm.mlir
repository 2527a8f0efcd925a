// RUN: vit-opt %s -vit-raise-layer-norm -split-input-file -verify-diagnostics | FileCheck %s

#row = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#mean = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
#channel = affine_map<(d0, d1, d2) -> (d2)>

// Opsets before 17: Sub, Pow, ReduceMean, Add, Sqrt, Div, Mul, Add.
// CHECK-LABEL: func @layer_norm(
//  CHECK-SAME:   %[[X:.*]]: tensor<2x3x4xf32>
//   CHECK-DAG:   %[[SCALE:.*]] = arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00]>
//   CHECK-DAG:   %[[SHIFT:.*]] = arith.constant dense<[5.000000e+00, 6.000000e+00, 7.000000e+00, 8.000000e+00]>
//       CHECK:   %[[Y:.*]] = vit.layer_norm %[[X]] scale(%[[SCALE]] : tensor<4xf32>) shift(%[[SHIFT]] : tensor<4xf32>) epsilon 5.000000e-01
//   CHECK-NOT:   linalg
//       CHECK:   return %[[Y]]
func.func @layer_norm(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %zero = arith.constant 0.0 : f32
  %scale = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %shift = arith.constant dense<[5.0, 6.0, 7.0, 8.0]> : tensor<4xf32>
  %count = arith.constant dense<4.0> : tensor<2x3x1xf32>
  %epsilon = arith.constant dense<0.5> : tensor<2x3x1xf32>
  %two = arith.constant dense<2.0> : tensor<2x3x4xf32>
  %e1 = tensor.empty() : tensor<2x3x1xf32>
  %e = tensor.empty() : tensor<2x3x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x3x1xf32>) -> tensor<2x3x1xf32>
  %s0 = linalg.generic {indexing_maps = [#row, #mean], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : tensor<2x3x4xf32>) outs(%f : tensor<2x3x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %a = arith.addf %in, %out : f32
    linalg.yield %a : f32
  } -> tensor<2x3x1xf32>
  %m0 = arith.divf %s0, %count : tensor<2x3x1xf32>
  %d = linalg.generic {indexing_maps = [#row, #mean, #row], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %m0 : tensor<2x3x4xf32>, tensor<2x3x1xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%in: f32, %mean: f32, %out: f32):
    %a = arith.subf %in, %mean : f32
    linalg.yield %a : f32
  } -> tensor<2x3x4xf32>
  %p = math.powf %d, %two : tensor<2x3x4xf32>
  %s1 = linalg.generic {indexing_maps = [#row, #mean], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%p : tensor<2x3x4xf32>) outs(%f : tensor<2x3x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %a = arith.addf %in, %out : f32
    linalg.yield %a : f32
  } -> tensor<2x3x1xf32>
  %m1 = arith.divf %s1, %count : tensor<2x3x1xf32>
  %v = arith.addf %m1, %epsilon : tensor<2x3x1xf32>
  %r = math.sqrt %v : tensor<2x3x1xf32>
  %n = linalg.generic {indexing_maps = [#row, #mean, #row], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%d, %r : tensor<2x3x4xf32>, tensor<2x3x1xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%in: f32, %root: f32, %out: f32):
    %a = arith.divf %in, %root : f32
    linalg.yield %a : f32
  } -> tensor<2x3x4xf32>
  %g = linalg.generic {indexing_maps = [#row, #channel, #row], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%n, %scale : tensor<2x3x4xf32>, tensor<4xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %a = arith.mulf %in, %c : f32
    linalg.yield %a : f32
  } -> tensor<2x3x4xf32>
  %b = linalg.generic {indexing_maps = [#channel, #row, #row], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%shift, %g : tensor<4xf32>, tensor<2x3x4xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%c: f32, %in: f32, %out: f32):
    %a = arith.addf %c, %in : f32
    linalg.yield %a : f32
  } -> tensor<2x3x4xf32>
  return %b : tensor<2x3x4xf32>
}

// -----

#map = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#mean = affine_map<(d0, d1, d2, d3) -> (d0, 0, d2, d3)>
#sum = affine_map<(d0, d1, d2, d3) -> (d0, d2, d3)>
#channel = affine_map<(d0, d1, d2, d3) -> (d1, 0, 0)>

// ConvNeXt's norm of the channels of a map, with 1 / sqrt and without a shift.
// CHECK-LABEL: func @layer_norm_channels_first(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x4x3x5xf32>
//       CHECK:   %[[T:.*]] = linalg.transpose ins(%[[X]] : {{.*}}) outs(%{{.*}} : tensor<?x3x5x4xf32>) permutation = [0, 2, 3, 1]
//       CHECK:   %[[N:.*]] = vit.layer_norm %[[T]] scale(%{{.*}} : tensor<4xf32>) epsilon 2.500000e-01 : tensor<?x3x5x4xf32>
//       CHECK:   %[[Y:.*]] = linalg.transpose ins(%[[N]] : {{.*}}) outs(%{{.*}} : tensor<?x4x3x5xf32>) permutation = [0, 3, 1, 2]
//       CHECK:   return %[[Y]]
func.func @layer_norm_channels_first(%x: tensor<?x4x3x5xf32>) -> tensor<?x4x3x5xf32> {
  %zero = arith.constant 0.0 : f32
  %scale = arith.constant dense<[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]> : tensor<4x1x1xf32>
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x4x3x5xf32>
  %e1 = tensor.empty(%batch) : tensor<?x3x5xf32>
  %e2 = tensor.empty(%batch) : tensor<?x1x3x5xf32>
  %e = tensor.empty(%batch) : tensor<?x4x3x5xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e1 : tensor<?x3x5xf32>) -> tensor<?x3x5xf32>
  %s0 = linalg.reduce ins(%x : tensor<?x4x3x5xf32>) outs(%f : tensor<?x3x5xf32>) dimensions = [1]
  (%in: f32, %out: f32) {
    %a = arith.addf %out, %in : f32
    linalg.yield %a : f32
  }
  %x0 = tensor.expand_shape %s0 [[0, 1], [2], [3]] output_shape [%batch, 1, 3, 5] : tensor<?x3x5xf32> into tensor<?x1x3x5xf32>
  %m0 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x0 : tensor<?x1x3x5xf32>) outs(%e2 : tensor<?x1x3x5xf32>) {
  ^bb0(%in: f32, %out: f32):
    %quarter = arith.constant 0.25 : f32
    %a = arith.mulf %in, %quarter : f32
    linalg.yield %a : f32
  } -> tensor<?x1x3x5xf32>
  %d = linalg.generic {indexing_maps = [#map, #mean, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %m0 : tensor<?x4x3x5xf32>, tensor<?x1x3x5xf32>) outs(%e : tensor<?x4x3x5xf32>) {
  ^bb0(%in: f32, %mean: f32, %out: f32):
    %a = arith.subf %in, %mean : f32
    linalg.yield %a : f32
  } -> tensor<?x4x3x5xf32>
  %p = arith.mulf %d, %d : tensor<?x4x3x5xf32>
  %s1 = linalg.reduce ins(%p : tensor<?x4x3x5xf32>) outs(%f : tensor<?x3x5xf32>) dimensions = [1]
  (%in: f32, %out: f32) {
    %a = arith.addf %out, %in : f32
    linalg.yield %a : f32
  }
  %x1 = tensor.expand_shape %s1 [[0, 1], [2], [3]] output_shape [%batch, 1, 3, 5] : tensor<?x3x5xf32> into tensor<?x1x3x5xf32>
  %v = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x1 : tensor<?x1x3x5xf32>) outs(%e2 : tensor<?x1x3x5xf32>) {
  ^bb0(%in: f32, %out: f32):
    %quarter = arith.constant 0.25 : f32
    %a = arith.mulf %in, %quarter : f32
    linalg.yield %a : f32
  } -> tensor<?x1x3x5xf32>
  %w = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%v : tensor<?x1x3x5xf32>) outs(%e2 : tensor<?x1x3x5xf32>) {
  ^bb0(%in: f32, %out: f32):
    %epsilon = arith.constant 0.25 : f32
    %a = arith.addf %epsilon, %in : f32
    linalg.yield %a : f32
  } -> tensor<?x1x3x5xf32>
  %r = math.rsqrt %w : tensor<?x1x3x5xf32>
  %n = linalg.generic {indexing_maps = [#map, #mean, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%d, %r : tensor<?x4x3x5xf32>, tensor<?x1x3x5xf32>) outs(%e : tensor<?x4x3x5xf32>) {
  ^bb0(%in: f32, %root: f32, %out: f32):
    %a = arith.mulf %root, %in : f32
    linalg.yield %a : f32
  } -> tensor<?x4x3x5xf32>
  %g = linalg.generic {indexing_maps = [#map, #channel, #map], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%n, %scale : tensor<?x4x3x5xf32>, tensor<4x1x1xf32>) outs(%e : tensor<?x4x3x5xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %a = arith.mulf %in, %c : f32
    linalg.yield %a : f32
  } -> tensor<?x4x3x5xf32>
  return %g : tensor<?x4x3x5xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>
#mean = affine_map<(d0, d1) -> (d0, 0)>

// The second mean divides by 3, the unbiased variance of 4 elements: no layer
// norm's.
// CHECK-LABEL: func @negative_layer_norm_unbiased(
//   CHECK-NOT:   vit.layer_norm
func.func @negative_layer_norm_unbiased(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %zero = arith.constant 0.0 : f32
  %four = arith.constant dense<4.0> : tensor<2x1xf32>
  %three = arith.constant dense<3.0> : tensor<2x1xf32>
  %e1 = tensor.empty() : tensor<2x1xf32>
  %e = tensor.empty() : tensor<2x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x1xf32>) -> tensor<2x1xf32>
  %s0 = linalg.generic {indexing_maps = [#row, #mean], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<2x4xf32>) outs(%f : tensor<2x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %a = arith.addf %in, %out : f32
    linalg.yield %a : f32
  } -> tensor<2x1xf32>
  %m0 = arith.divf %s0, %four : tensor<2x1xf32>
  %d = linalg.generic {indexing_maps = [#row, #mean, #row], iterator_types = ["parallel", "parallel"]}
      ins(%x, %m0 : tensor<2x4xf32>, tensor<2x1xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %mean: f32, %out: f32):
    %a = arith.subf %in, %mean : f32
    linalg.yield %a : f32
  } -> tensor<2x4xf32>
  %p = arith.mulf %d, %d : tensor<2x4xf32>
  %s1 = linalg.generic {indexing_maps = [#row, #mean], iterator_types = ["parallel", "reduction"]}
      ins(%p : tensor<2x4xf32>) outs(%f : tensor<2x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %a = arith.addf %in, %out : f32
    linalg.yield %a : f32
  } -> tensor<2x1xf32>
  %m1 = arith.divf %s1, %three : tensor<2x1xf32>
  %r = math.rsqrt %m1 : tensor<2x1xf32>
  %n = linalg.generic {indexing_maps = [#row, #mean, #row], iterator_types = ["parallel", "parallel"]}
      ins(%d, %r : tensor<2x4xf32>, tensor<2x1xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %root: f32, %out: f32):
    %a = arith.mulf %in, %root : f32
    linalg.yield %a : f32
  } -> tensor<2x4xf32>
  return %n : tensor<2x4xf32>
}

// -----

#row = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#mean = affine_map<(d0, d1, d2) -> (d0, 0, 0)>

// A group norm with one group: the mean over two dims.
// CHECK-LABEL: func @negative_layer_norm_two_dims(
//   CHECK-NOT:   vit.layer_norm
func.func @negative_layer_norm_two_dims(%x: tensor<2x2x4xf32>) -> tensor<2x2x4xf32> {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant dense<8.0> : tensor<2x1x1xf32>
  %e1 = tensor.empty() : tensor<2x1x1xf32>
  %e = tensor.empty() : tensor<2x2x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x1x1xf32>) -> tensor<2x1x1xf32>
  %s0 = linalg.generic {indexing_maps = [#row, #mean], iterator_types = ["parallel", "reduction", "reduction"]}
      ins(%x : tensor<2x2x4xf32>) outs(%f : tensor<2x1x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %a = arith.addf %in, %out : f32
    linalg.yield %a : f32
  } -> tensor<2x1x1xf32>
  %m0 = arith.divf %s0, %count : tensor<2x1x1xf32>
  %d = linalg.generic {indexing_maps = [#row, #mean, #row], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %m0 : tensor<2x2x4xf32>, tensor<2x1x1xf32>) outs(%e : tensor<2x2x4xf32>) {
  ^bb0(%in: f32, %mean: f32, %out: f32):
    %a = arith.subf %in, %mean : f32
    linalg.yield %a : f32
  } -> tensor<2x2x4xf32>
  %p = arith.mulf %d, %d : tensor<2x2x4xf32>
  %s1 = linalg.generic {indexing_maps = [#row, #mean], iterator_types = ["parallel", "reduction", "reduction"]}
      ins(%p : tensor<2x2x4xf32>) outs(%f : tensor<2x1x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %a = arith.addf %in, %out : f32
    linalg.yield %a : f32
  } -> tensor<2x1x1xf32>
  %m1 = arith.divf %s1, %count : tensor<2x1x1xf32>
  %r = math.rsqrt %m1 : tensor<2x1x1xf32>
  // expected-remark @below {{not raised to vit.layer_norm: it is along dims [1, 2] of 'tensor<2x2x4xf32>'; vit.layer_norm is along one static dim}}
  %n = linalg.generic {indexing_maps = [#row, #mean, #row], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%d, %r : tensor<2x2x4xf32>, tensor<2x1x1xf32>) outs(%e : tensor<2x2x4xf32>) {
  ^bb0(%in: f32, %root: f32, %out: f32):
    %a = arith.mulf %in, %root : f32
    linalg.yield %a : f32
  } -> tensor<2x2x4xf32>
  return %n : tensor<2x2x4xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>
#mean = affine_map<(d0, d1) -> (d0, 0)>
#channel = affine_map<(d0, d1) -> (d1)>

// A power of -0.5; a scale that is computed stays behind the norm.
// CHECK-LABEL: func @layer_norm_computed_scale(
//  CHECK-SAME:   %[[X:.*]]: tensor<2x4xf32>, %[[G:.*]]: tensor<4xf32>
//       CHECK:   %[[N:.*]] = vit.layer_norm %[[X]] epsilon 0.000000e+00 : tensor<2x4xf32>
//       CHECK:   linalg.generic {{.*}} ins(%[[N]], %[[G]] :
func.func @layer_norm_computed_scale(%x: tensor<2x4xf32>, %scale: tensor<4xf32>) -> tensor<2x4xf32> {
  %zero = arith.constant 0.0 : f32
  %four = arith.constant dense<4.0> : tensor<2x1xf32>
  %power = arith.constant dense<-0.5> : tensor<2x1xf32>
  %e1 = tensor.empty() : tensor<2x1xf32>
  %e = tensor.empty() : tensor<2x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x1xf32>) -> tensor<2x1xf32>
  %s0 = linalg.generic {indexing_maps = [#row, #mean], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<2x4xf32>) outs(%f : tensor<2x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %a = arith.addf %in, %out : f32
    linalg.yield %a : f32
  } -> tensor<2x1xf32>
  %m0 = arith.divf %s0, %four : tensor<2x1xf32>
  %d = linalg.generic {indexing_maps = [#row, #mean, #row], iterator_types = ["parallel", "parallel"]}
      ins(%x, %m0 : tensor<2x4xf32>, tensor<2x1xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %mean: f32, %out: f32):
    %a = arith.subf %in, %mean : f32
    linalg.yield %a : f32
  } -> tensor<2x4xf32>
  %p = arith.mulf %d, %d : tensor<2x4xf32>
  %s1 = linalg.generic {indexing_maps = [#row, #mean], iterator_types = ["parallel", "reduction"]}
      ins(%p : tensor<2x4xf32>) outs(%f : tensor<2x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %a = arith.addf %in, %out : f32
    linalg.yield %a : f32
  } -> tensor<2x1xf32>
  %m1 = arith.divf %s1, %four : tensor<2x1xf32>
  %r = math.powf %m1, %power : tensor<2x1xf32>
  %n = linalg.generic {indexing_maps = [#row, #mean, #row], iterator_types = ["parallel", "parallel"]}
      ins(%d, %r : tensor<2x4xf32>, tensor<2x1xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %root: f32, %out: f32):
    %a = arith.mulf %in, %root : f32
    linalg.yield %a : f32
  } -> tensor<2x4xf32>
  %g = linalg.generic {indexing_maps = [#row, #channel, #row], iterator_types = ["parallel", "parallel"]}
      ins(%n, %scale : tensor<2x4xf32>, tensor<4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %c: f32, %out: f32):
    %a = arith.mulf %in, %c : f32
    linalg.yield %a : f32
  } -> tensor<2x4xf32>
  return %g : tensor<2x4xf32>
}
