// RUN: vit-opt %s -vit-fuse-linear-gelu | FileCheck %s --check-prefixes=CHECK,TANH
// RUN: vit-opt %s -vit-fuse-linear-gelu=fuse-tanh=false | FileCheck %s --check-prefixes=CHECK,ERF

// CHECK-LABEL: func @linear_gelu(
//       CHECK:   %[[Y:.*]] = vit.linear %{{.*}} activation gelu :
//   CHECK-NOT:   vit.gelu
//       CHECK:   return %[[Y]]
func.func @linear_gelu(%x: tensor<4x8xf32>, %w: tensor<16x8xf32>, %b: tensor<16xf32>) -> tensor<4x16xf32> {
  %0 = vit.linear %x, %w bias(%b : tensor<16xf32>) : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf32>
  %1 = vit.gelu %0 : tensor<4x16xf32>
  return %1 : tensor<4x16xf32>
}

// The option says whether the tanh form is fused, too.
// CHECK-LABEL: func @linear_gelu_tanh(
//        TANH:   vit.linear %{{.*}} activation gelu_tanh
//    TANH-NOT:   vit.gelu
//         ERF:   %[[Y:.*]] = vit.linear
//     ERF-NOT:   activation
//         ERF:   vit.gelu %[[Y]] tanh
func.func @linear_gelu_tanh(%x: tensor<4x8xf32>, %w: tensor<16x8xf32>) -> tensor<4x16xf32> {
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf32>
  %1 = vit.gelu %0 tanh : tensor<4x16xf32>
  return %1 : tensor<4x16xf32>
}

// CHECK-LABEL: func @linear_gelu_quick(
//       CHECK:   vit.linear %{{.*}} activation gelu_quick :
//   CHECK-NOT:   vit.gelu
func.func @linear_gelu_quick(%x: tensor<4x8xf32>, %w: tensor<16x8xf32>) -> tensor<4x16xf32> {
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf32>
  %1 = vit.gelu %0 quick : tensor<4x16xf32>
  return %1 : tensor<4x16xf32>
}

// The first result is the value before GELU; fusing would change it.
// CHECK-LABEL: func @negative_linear_gelu_two_users(
//       CHECK:   %[[Y:.*]] = vit.linear
//   CHECK-NOT:   activation
//       CHECK:   vit.gelu %[[Y]]
func.func @negative_linear_gelu_two_users(%x: tensor<4x8xf32>, %w: tensor<16x8xf32>)
    -> (tensor<4x16xf32>, tensor<4x16xf32>) {
  %0 = vit.linear %x, %w : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf32>
  %1 = vit.gelu %0 : tensor<4x16xf32>
  return %0, %1 : tensor<4x16xf32>, tensor<4x16xf32>
}

// The epilogue adds the residual after the activation, not before.
// CHECK-LABEL: func @negative_linear_gelu_residual(
//       CHECK:   %[[Y:.*]] = vit.linear
//   CHECK-NOT:   activation
//       CHECK:   vit.gelu %[[Y]]
func.func @negative_linear_gelu_residual(%x: tensor<4x8xf32>, %w: tensor<16x8xf32>, %r: tensor<4x16xf32>)
    -> tensor<4x16xf32> {
  %0 = vit.linear %x, %w residual(%r : tensor<4x16xf32>) : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf32>
  %1 = vit.gelu %0 : tensor<4x16xf32>
  return %1 : tensor<4x16xf32>
}

// There is one activation an epilogue.
// CHECK-LABEL: func @negative_linear_gelu_activation(
//       CHECK:   %[[Y:.*]] = vit.linear %{{.*}} activation gelu_tanh
//       CHECK:   vit.gelu %[[Y]]
func.func @negative_linear_gelu_activation(%x: tensor<4x8xf32>, %w: tensor<16x8xf32>) -> tensor<4x16xf32> {
  %0 = vit.linear %x, %w activation gelu_tanh : tensor<4x8xf32>, tensor<16x8xf32> -> tensor<4x16xf32>
  %1 = vit.gelu %0 : tensor<4x16xf32>
  return %1 : tensor<4x16xf32>
}

// CHECK-LABEL: func @negative_linear_gelu_no_linear(
//       CHECK:   vit.gelu
func.func @negative_linear_gelu_no_linear(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %0 = vit.gelu %x : tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// CHECK-LABEL: func @conv2d_gelu_moved(
//       CHECK:   vit.conv2d %{{.*}} pad [1, 1, 1, 1] activation gelu :
//       CHECK:   %[[Y:.*]] = tensor.collapse_shape
//   CHECK-NOT:   vit.gelu
//       CHECK:   return %[[Y]]
func.func @conv2d_gelu_moved(%x: tensor<1x4x5x5xf32>, %w: tensor<4x4x3x3xf32>) -> tensor<1x4x25xf32> {
  %0 = vit.conv2d %x, %w pad [1, 1, 1, 1] : tensor<1x4x5x5xf32>, tensor<4x4x3x3xf32> -> tensor<1x4x5x5xf32>
  %1 = tensor.collapse_shape %0 [[0], [1], [2, 3]] : tensor<1x4x5x5xf32> into tensor<1x4x25xf32>
  %2 = vit.gelu %1 : tensor<1x4x25xf32>
  return %2 : tensor<1x4x25xf32>
}

// CHECK-LABEL: func @conv2d_gelu_groups(
//       CHECK:   vit.conv2d {{.*}} groups 4 activation gelu
//   CHECK-NOT:   vit.gelu
func.func @conv2d_gelu_groups(%x: tensor<1x4x5x5xf32>, %w: tensor<4x1x3x3xf32>) -> tensor<1x4x5x5xf32> {
  %0 = vit.conv2d %x, %w pad [1, 1, 1, 1] groups 4 : tensor<1x4x5x5xf32>, tensor<4x1x3x3xf32> -> tensor<1x4x5x5xf32>
  %1 = vit.gelu %0 : tensor<1x4x5x5xf32>
  return %1 : tensor<1x4x5x5xf32>
}
