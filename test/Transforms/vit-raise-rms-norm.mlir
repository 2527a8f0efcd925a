// RUN: vit-opt %s -vit-raise-rms-norm -split-input-file -verify-diagnostics | FileCheck %s

#row = affine_map<(d0, d1) -> (d0, d1)>
#mean = affine_map<(d0, d1) -> (d0, 0)>
#channel = affine_map<(d0, d1) -> (d1)>

// T5: Pow, ReduceMean, Add, Sqrt, Reciprocal, Mul, Mul with the scale first.
// CHECK-LABEL: func @rms_norm(
//  CHECK-SAME:   %[[X:.*]]: tensor<2x4xf32>
//       CHECK:   %[[Y:.*]] = vit.rms_norm %[[X]] scale(%{{.*}} : tensor<4xf32>) epsilon 2.500000e-01 : tensor<2x4xf32>
//   CHECK-NOT:   linalg
//       CHECK:   return %[[Y]]
func.func @rms_norm(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %zero = arith.constant 0.0 : f32
  %scale = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %two = arith.constant dense<2.0> : tensor<2x4xf32>
  %count = arith.constant dense<4.0> : tensor<2x1xf32>
  %one = arith.constant dense<1.0> : tensor<2x1xf32>
  %epsilon = arith.constant dense<0.25> : tensor<2x1xf32>
  %e1 = tensor.empty() : tensor<2x1xf32>
  %e = tensor.empty() : tensor<2x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x1xf32>) -> tensor<2x1xf32>
  %p = math.powf %x, %two : tensor<2x4xf32>
  %s = linalg.generic {indexing_maps = [#row, #mean], iterator_types = ["parallel", "reduction"]}
      ins(%p : tensor<2x4xf32>) outs(%f : tensor<2x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %a = arith.addf %in, %out : f32
    linalg.yield %a : f32
  } -> tensor<2x1xf32>
  %m = arith.divf %s, %count : tensor<2x1xf32>
  %v = arith.addf %m, %epsilon : tensor<2x1xf32>
  %q = math.sqrt %v : tensor<2x1xf32>
  %r = arith.divf %one, %q : tensor<2x1xf32>
  %n = linalg.generic {indexing_maps = [#row, #mean, #row], iterator_types = ["parallel", "parallel"]}
      ins(%x, %r : tensor<2x4xf32>, tensor<2x1xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %root: f32, %out: f32):
    %a = arith.mulf %in, %root : f32
    linalg.yield %a : f32
  } -> tensor<2x4xf32>
  %g = linalg.generic {indexing_maps = [#channel, #row, #row], iterator_types = ["parallel", "parallel"]}
      ins(%scale, %n : tensor<4xf32>, tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%c: f32, %in: f32, %out: f32):
    %a = arith.mulf %c, %in : f32
    linalg.yield %a : f32
  } -> tensor<2x4xf32>
  return %g : tensor<2x4xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>
#mean = affine_map<(d0, d1) -> (d0, 0)>

// The root of the sum, not of the mean: CLIP's unit vectors.
// CHECK-LABEL: func @negative_rms_norm_l2(
//   CHECK-NOT:   vit.rms_norm
func.func @negative_rms_norm_l2(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %zero = arith.constant 0.0 : f32
  %e1 = tensor.empty() : tensor<2x1xf32>
  %e = tensor.empty() : tensor<2x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x1xf32>) -> tensor<2x1xf32>
  %p = arith.mulf %x, %x : tensor<2x4xf32>
  %s = linalg.generic {indexing_maps = [#row, #mean], iterator_types = ["parallel", "reduction"]}
      ins(%p : tensor<2x4xf32>) outs(%f : tensor<2x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %a = arith.addf %in, %out : f32
    linalg.yield %a : f32
  } -> tensor<2x1xf32>
  %q = math.sqrt %s : tensor<2x1xf32>
  %n = linalg.generic {indexing_maps = [#row, #mean, #row], iterator_types = ["parallel", "parallel"]}
      ins(%x, %q : tensor<2x4xf32>, tensor<2x1xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %root: f32, %out: f32):
    %a = arith.divf %in, %root : f32
    linalg.yield %a : f32
  } -> tensor<2x4xf32>
  return %n : tensor<2x4xf32>
}

// -----

#row = affine_map<(d0, d1) -> (d0, d1)>
#mean = affine_map<(d0, d1) -> (d0, 0)>

// The squares of one tensor, the rows of another.
// CHECK-LABEL: func @negative_rms_norm_two_tensors(
//   CHECK-NOT:   vit.rms_norm
func.func @negative_rms_norm_two_tensors(%x: tensor<2x4xf32>, %y: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant dense<4.0> : tensor<2x1xf32>
  %e1 = tensor.empty() : tensor<2x1xf32>
  %e = tensor.empty() : tensor<2x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x1xf32>) -> tensor<2x1xf32>
  %p = arith.mulf %y, %y : tensor<2x4xf32>
  %s = linalg.generic {indexing_maps = [#row, #mean], iterator_types = ["parallel", "reduction"]}
      ins(%p : tensor<2x4xf32>) outs(%f : tensor<2x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %a = arith.addf %in, %out : f32
    linalg.yield %a : f32
  } -> tensor<2x1xf32>
  %m = arith.divf %s, %count : tensor<2x1xf32>
  %q = math.sqrt %m : tensor<2x1xf32>
  %n = linalg.generic {indexing_maps = [#row, #mean, #row], iterator_types = ["parallel", "parallel"]}
      ins(%x, %q : tensor<2x4xf32>, tensor<2x1xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %root: f32, %out: f32):
    %a = arith.divf %in, %root : f32
    linalg.yield %a : f32
  } -> tensor<2x4xf32>
  return %n : tensor<2x4xf32>
}

// -----

#row = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#mean = affine_map<(d0, d1, d2) -> (d0, 0, 0)>

// The mean over two dims.
// CHECK-LABEL: func @negative_rms_norm_two_dims(
//   CHECK-NOT:   vit.rms_norm
func.func @negative_rms_norm_two_dims(%x: tensor<2x2x4xf32>) -> tensor<2x2x4xf32> {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant dense<8.0> : tensor<2x1x1xf32>
  %e1 = tensor.empty() : tensor<2x1x1xf32>
  %e = tensor.empty() : tensor<2x2x4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x1x1xf32>) -> tensor<2x1x1xf32>
  %p = arith.mulf %x, %x : tensor<2x2x4xf32>
  %s = linalg.generic {indexing_maps = [#row, #mean], iterator_types = ["parallel", "reduction", "reduction"]}
      ins(%p : tensor<2x2x4xf32>) outs(%f : tensor<2x1x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %a = arith.addf %in, %out : f32
    linalg.yield %a : f32
  } -> tensor<2x1x1xf32>
  %m = arith.divf %s, %count : tensor<2x1x1xf32>
  %r = math.rsqrt %m : tensor<2x1x1xf32>
  // expected-remark @below {{not raised to vit.rms_norm: it is along dims [1, 2] of 'tensor<2x2x4xf32>'; vit.rms_norm is along one static dim}}
  %n = linalg.generic {indexing_maps = [#row, #mean, #row], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %r : tensor<2x2x4xf32>, tensor<2x1x1xf32>) outs(%e : tensor<2x2x4xf32>) {
  ^bb0(%in: f32, %root: f32, %out: f32):
    %a = arith.mulf %in, %root : f32
    linalg.yield %a : f32
  } -> tensor<2x2x4xf32>
  return %n : tensor<2x2x4xf32>
}

// -----

#row = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#mean = affine_map<(d0, d1, d2) -> (d0, 0, 0)>

// A layer norm, of which vit-raise-layer-norm says why it stays: no remark here.
// CHECK-LABEL: func @negative_rms_norm_centered(
//   CHECK-NOT:   vit.rms_norm
func.func @negative_rms_norm_centered(%x: tensor<2x2x4xf32>) -> tensor<2x2x4xf32> {
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
  %n = linalg.generic {indexing_maps = [#row, #mean, #row], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%d, %r : tensor<2x2x4xf32>, tensor<2x1x1xf32>) outs(%e : tensor<2x2x4xf32>) {
  ^bb0(%in: f32, %root: f32, %out: f32):
    %a = arith.mulf %in, %root : f32
    linalg.yield %a : f32
  } -> tensor<2x2x4xf32>
  return %n : tensor<2x2x4xf32>
}
