// RUN: vit-opt %s -vit-fuse-activation | FileCheck %s

// CHECK-LABEL: func @linear_relu(
//       CHECK:   %[[Y:.*]] = vit.linear %{{.*}} activation relu :
//   CHECK-NOT:   arith.maximumf
//       CHECK:   return %[[Y]]
func.func @linear_relu(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4x8xf32>
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
  %1 = arith.maximumf %0, %zero : tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// What moves the result stays behind.
// CHECK-LABEL: func @conv2d_relu_moved(
//       CHECK:   vit.conv2d %{{.*}} pad [1, 1, 1, 1] activation relu :
//       CHECK:   %[[Y:.*]] = tensor.collapse_shape
//       CHECK:   return %[[Y]]
func.func @conv2d_relu_moved(%x: tensor<1x4x5x5xf32>, %w: tensor<4x4x3x3xf32>) -> tensor<1x4x25xf32> {
  %zero = arith.constant dense<0.0> : tensor<1x4x25xf32>
  %0 = vit.conv2d %x, %w pad [1, 1, 1, 1] : tensor<1x4x5x5xf32>, tensor<4x4x3x3xf32> -> tensor<1x4x5x5xf32>
  %1 = tensor.collapse_shape %0 [[0], [1], [2, 3]] : tensor<1x4x5x5xf32> into tensor<1x4x25xf32>
  %2 = arith.maximumf %zero, %1 : tensor<1x4x25xf32>
  return %2 : tensor<1x4x25xf32>
}

// CHECK-LABEL: func @linear_sigmoid(
//       CHECK:   %[[Y:.*]] = vit.linear %{{.*}} activation sigmoid :
//   CHECK-NOT:   linalg.generic
//       CHECK:   return %[[Y]]
func.func @linear_sigmoid(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %one = arith.constant 1.0 : f32
  %empty = tensor.empty() : tensor<4x8xf32>
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<4x8xf32>) outs(%empty : tensor<4x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n = arith.negf %in : f32
    %e = math.exp %n : f32
    %d = arith.addf %e, %one : f32
    %q = arith.divf %one, %d : f32
    linalg.yield %q : f32
  } -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// CHECK-LABEL: func @linear_silu(
//       CHECK:   %[[Y:.*]] = vit.linear %{{.*}} activation silu :
//   CHECK-NOT:   linalg.generic
//   CHECK-NOT:   arith.mulf
//       CHECK:   return %[[Y]]
func.func @linear_silu(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %one = arith.constant 1.0 : f32
  %empty = tensor.empty() : tensor<4x8xf32>
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<4x8xf32>) outs(%empty : tensor<4x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n = arith.negf %in : f32
    %e = math.exp %n : f32
    %d = arith.addf %e, %one : f32
    %q = arith.divf %one, %d : f32
    linalg.yield %q : f32
  } -> tensor<4x8xf32>
  %2 = arith.mulf %0, %1 : tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// The sigmoid gates another tensor: it alone is the layer's activation.
// CHECK-LABEL: func @linear_sigmoid_gate(
//       CHECK:   %[[Y:.*]] = vit.linear %{{.*}} activation sigmoid :
//       CHECK:   arith.mulf %{{.*}}, %[[Y]]
func.func @linear_sigmoid_gate(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %one = arith.constant 1.0 : f32
  %empty = tensor.empty() : tensor<4x8xf32>
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<4x8xf32>) outs(%empty : tensor<4x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n = arith.negf %in : f32
    %e = math.exp %n : f32
    %d = arith.addf %e, %one : f32
    %q = arith.divf %one, %d : f32
    linalg.yield %q : f32
  } -> tensor<4x8xf32>
  %2 = arith.mulf %x, %1 : tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// x * sigmoid(2 x) is another function.
// CHECK-LABEL: func @negative_linear_silu_factor(
//       CHECK:   vit.linear
//   CHECK-NOT:   activation
//       CHECK:   linalg.generic
//       CHECK:   arith.mulf
func.func @negative_linear_silu_factor(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %one = arith.constant 1.0 : f32
  %empty = tensor.empty() : tensor<4x8xf32>
  %two = arith.constant dense<2.0> : tensor<4x8xf32>
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
  %double = arith.mulf %0, %two : tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%double : tensor<4x8xf32>) outs(%empty : tensor<4x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n = arith.negf %in : f32
    %e = math.exp %n : f32
    %d = arith.addf %e, %one : f32
    %q = arith.divf %one, %d : f32
    linalg.yield %q : f32
  } -> tensor<4x8xf32>
  %2 = arith.mulf %0, %1 : tensor<4x8xf32>
  return %2 : tensor<4x8xf32>
}

// The layer's result is returned, too.
// CHECK-LABEL: func @negative_linear_silu_two_users(
//       CHECK:   vit.linear
//   CHECK-NOT:   activation
//       CHECK:   arith.mulf
func.func @negative_linear_silu_two_users(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %one = arith.constant 1.0 : f32
  %empty = tensor.empty() : tensor<4x8xf32>
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<4x8xf32>) outs(%empty : tensor<4x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n = arith.negf %in : f32
    %e = math.exp %n : f32
    %d = arith.addf %e, %one : f32
    %q = arith.divf %one, %d : f32
    linalg.yield %q : f32
  } -> tensor<4x8xf32>
  %2 = arith.mulf %0, %1 : tensor<4x8xf32>
  return %0, %2 : tensor<4x8xf32>, tensor<4x8xf32>
}

// CHECK-LABEL: func @negative_linear_relu_two_users(
//       CHECK:   vit.linear
//   CHECK-NOT:   activation
//       CHECK:   arith.maximumf
func.func @negative_linear_relu_two_users(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>)
    -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %zero = arith.constant dense<0.0> : tensor<4x8xf32>
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
  %1 = arith.maximumf %0, %zero : tensor<4x8xf32>
  return %0, %1 : tensor<4x8xf32>, tensor<4x8xf32>
}

// A layer adds its residual behind its activation.
// CHECK-LABEL: func @negative_linear_relu_residual(
//       CHECK:   vit.linear
//   CHECK-NOT:   activation
//       CHECK:   arith.maximumf
func.func @negative_linear_relu_residual(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %zero = arith.constant dense<0.0> : tensor<4x8xf32>
  %0 = vit.linear %x, %w residual(%x : tensor<4x8xf32>) : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
  %1 = arith.maximumf %0, %zero : tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// The maximum with another number than 0.
// CHECK-LABEL: func @negative_linear_relu_bound(
//       CHECK:   vit.linear
//   CHECK-NOT:   activation
//       CHECK:   arith.maximumf
func.func @negative_linear_relu_bound(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> tensor<4x8xf32> {
  %bound = arith.constant dense<0.1> : tensor<4x8xf32>
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<8x8xf32> -> tensor<4x8xf32>
  %1 = arith.maximumf %0, %bound : tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}

// CHECK-LABEL: func @conv2d_relu_groups(
//       CHECK:   vit.conv2d {{.*}} groups 4 activation relu
//   CHECK-NOT:   arith.maximumf
func.func @conv2d_relu_groups(%x: tensor<1x4x5x5xf32>, %w: tensor<4x1x3x3xf32>) -> tensor<1x4x5x5xf32> {
  %zero = arith.constant dense<0.0> : tensor<1x4x5x5xf32>
  %0 = vit.conv2d %x, %w pad [1, 1, 1, 1] groups 4 : tensor<1x4x5x5xf32>, tensor<4x1x3x3xf32> -> tensor<1x4x5x5xf32>
  %1 = arith.maximumf %0, %zero : tensor<1x4x5x5xf32>
  return %1 : tensor<1x4x5x5xf32>
}
