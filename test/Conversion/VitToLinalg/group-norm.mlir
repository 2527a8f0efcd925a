// RUN: vit-opt %s -convert-group-norm-to-linalg | FileCheck %s

// The sums of chunks, here all rows of pixels; what they make of a group: its
// mean, then its squared deviations; scale and shift of each channel.
// CHECK-LABEL: func @group_norm_convolution(
//       CHECK:   %[[MAP:.*]] = vit.conv2d
//   CHECK-NOT:   vit.layer_norm
//       CHECK:   %[[CHUNKS:.*]] = tensor.expand_shape %[[MAP]] {{.*}} into tensor<2x8x1x6x5xf32>
//       CHECK:   %[[SUMS:.*]]:2 = linalg.generic {{.*}}"reduction", "reduction"{{.*}} ins(%[[CHUNKS]], %[[CHUNKS]] :
//       CHECK:     %[[D:.*]] = arith.subf
//       CHECK:     arith.mulf %[[D]], %[[D]]
//       CHECK:   %[[MEANS:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<2x4xf32>)
//       CHECK:   %[[SQUARES:.*]] = linalg.generic {{.*}} %[[MEANS]] : {{.*}} outs(%{{.*}} : tensor<2x4xf32>)
//       CHECK:   %[[SCALE:.*]] = linalg.map
//       CHECK:     math.sqrt
//       CHECK:   %[[SHIFT:.*]] = linalg.map
//       CHECK:   linalg.generic {{.*}} ins(%[[MAP]], %[[SCALE]], %[[SHIFT]] :
//       CHECK:     arith.mulf
//       CHECK:     arith.addf
func.func @group_norm_convolution(%x: tensor<2x3x6x5xf32>, %w: tensor<8x3x1x1xf32>) -> tensor<2x4x60xf32> {
  %0 = vit.conv2d %x, %w : tensor<2x3x6x5xf32>, tensor<8x3x1x1xf32> -> tensor<2x8x6x5xf32>
  %1 = tensor.collapse_shape %0 [[0], [1, 2, 3]] : tensor<2x8x6x5xf32> into tensor<2x240xf32>
  %2 = tensor.expand_shape %1 [[0], [1, 2]] output_shape [2, 4, 60] : tensor<2x240xf32> into tensor<2x4x60xf32>
  %3 = vit.layer_norm %2 epsilon 1.0e-05 : tensor<2x4x60xf32>
  return %3 : tensor<2x4x60xf32>
}

// Chunks are rows of pixels, as many as divide the height, of 256 pixels at
// most. The weight and the bias of the norm are part of scale and shift.
// CHECK-LABEL: func @group_norm_affine(
//  CHECK-SAME:     %{{.*}}: tensor<?x3x32x20xf32>, %{{.*}}: tensor<8x3x1x1xf32>, %[[G:.*]]: tensor<8xf32>, %[[B:.*]]: tensor<8x1x1xf32>
//       CHECK:   %[[MAP:.*]] = vit.conv2d
//       CHECK:   tensor.expand_shape %[[MAP]] {{.*}} into tensor<?x8x4x8x20xf32>
//       CHECK:   linalg.generic {{.*}} ins(%[[G]] : tensor<8xf32>)
//       CHECK:   %[[SCALE:.*]] = linalg.map
//       CHECK:   linalg.generic {{.*}} ins(%[[B]] : tensor<8x1x1xf32>)
//       CHECK:   %[[SHIFT:.*]] = linalg.map
//       CHECK:   %[[Y:.*]] = linalg.generic {{.*}} ins(%[[MAP]], %[[SCALE]], %[[SHIFT]] :
//       CHECK:   return %[[Y]]
func.func @group_norm_affine(%x: tensor<?x3x32x20xf32>, %w: tensor<8x3x1x1xf32>, %g: tensor<8xf32>, %b: tensor<8x1x1xf32>)
    -> tensor<?x8x32x20xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x3x32x20xf32>
  %0 = vit.conv2d %x, %w : tensor<?x3x32x20xf32>, tensor<8x3x1x1xf32> -> tensor<?x8x32x20xf32>
  %1 = tensor.collapse_shape %0 [[0], [1, 2, 3]] : tensor<?x8x32x20xf32> into tensor<?x5120xf32>
  %2 = tensor.expand_shape %1 [[0], [1, 2]] output_shape [%n, 4, 1280] : tensor<?x5120xf32> into tensor<?x4x1280xf32>
  %3 = vit.layer_norm %2 epsilon 1.0e-05 : tensor<?x4x1280xf32>
  %4 = tensor.collapse_shape %3 [[0], [1, 2]] : tensor<?x4x1280xf32> into tensor<?x5120xf32>
  %5 = tensor.expand_shape %4 [[0], [1, 2, 3]] output_shape [%n, 8, 32, 20] : tensor<?x5120xf32> into tensor<?x8x32x20xf32>
  %e = tensor.empty(%n) : tensor<?x8x32x20xf32>
  %6 = linalg.generic {
      indexing_maps = [affine_map<(b, c, y, x) -> (b, c, y, x)>, affine_map<(b, c, y, x) -> (c)>,
                       affine_map<(b, c, y, x) -> (b, c, y, x)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%5, %g : tensor<?x8x32x20xf32>, tensor<8xf32>) outs(%e : tensor<?x8x32x20xf32>) {
  ^bb0(%in: f32, %weight: f32, %out: f32):
    %8 = arith.mulf %in, %weight : f32
    linalg.yield %8 : f32
  } -> tensor<?x8x32x20xf32>
  %7 = linalg.generic {
      indexing_maps = [affine_map<(b, c, y, x) -> (b, c, y, x)>, affine_map<(b, c, y, x) -> (c, 0, 0)>,
                       affine_map<(b, c, y, x) -> (b, c, y, x)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%6, %b : tensor<?x8x32x20xf32>, tensor<8x1x1xf32>) outs(%e : tensor<?x8x32x20xf32>) {
  ^bb0(%in: f32, %bias: f32, %out: f32):
    %8 = arith.addf %in, %bias : f32
    linalg.yield %8 : f32
  } -> tensor<?x8x32x20xf32>
  return %7 : tensor<?x8x32x20xf32>
}

// A factor for each pixel is no weight.
// CHECK-LABEL: func @negative_group_norm_affine_pixels(
//       CHECK:   %[[Y:.*]] = linalg.generic {{.*}} ins(%{{.*}}, %{{.*}}, %{{.*}} : tensor<2x8x6x5xf32>, tensor<2x8xf32>, tensor<2x8xf32>)
//       CHECK:   arith.mulf %{{.*}}, %{{.*}} : tensor<2x8x6x5xf32>
func.func @negative_group_norm_affine_pixels(%x: tensor<2x3x6x5xf32>, %w: tensor<8x3x1x1xf32>, %g: tensor<2x8x6x5xf32>)
    -> tensor<2x8x6x5xf32> {
  %0 = vit.conv2d %x, %w : tensor<2x3x6x5xf32>, tensor<8x3x1x1xf32> -> tensor<2x8x6x5xf32>
  %1 = tensor.collapse_shape %0 [[0], [1, 2, 3]] : tensor<2x8x6x5xf32> into tensor<2x240xf32>
  %2 = tensor.expand_shape %1 [[0], [1, 2]] output_shape [2, 4, 60] : tensor<2x240xf32> into tensor<2x4x60xf32>
  %3 = vit.layer_norm %2 epsilon 1.0e-05 : tensor<2x4x60xf32>
  %4 = tensor.collapse_shape %3 [[0], [1, 2]] : tensor<2x4x60xf32> into tensor<2x240xf32>
  %5 = tensor.expand_shape %4 [[0], [1, 2, 3]] output_shape [2, 8, 6, 5] : tensor<2x240xf32> into tensor<2x8x6x5xf32>
  %6 = arith.mulf %5, %g : tensor<2x8x6x5xf32>
  return %6 : tensor<2x8x6x5xf32>
}

// A 1x1 convolution may be a product of tokens.
// CHECK-LABEL: func @group_norm_linear(
//   CHECK-NOT:   vit.layer_norm
func.func @group_norm_linear(%x: tensor<2x30x3xf32>, %w: tensor<8x3xf32>) -> tensor<2x4x60xf32> {
  %0 = vit.linear %x, %w : tensor<2x30x3xf32>, tensor<8x3xf32> -> tensor<2x30x8xf32>
  %init = tensor.empty() : tensor<2x8x30xf32>
  %1 = linalg.transpose ins(%0 : tensor<2x30x8xf32>) outs(%init : tensor<2x8x30xf32>) permutation = [0, 2, 1]
  %2 = tensor.expand_shape %1 [[0], [1], [2, 3]] output_shape [2, 8, 6, 5] : tensor<2x8x30xf32> into tensor<2x8x6x5xf32>
  %3 = tensor.collapse_shape %2 [[0], [1, 2, 3]] : tensor<2x8x6x5xf32> into tensor<2x240xf32>
  %4 = tensor.expand_shape %3 [[0], [1, 2]] output_shape [2, 4, 60] : tensor<2x240xf32> into tensor<2x4x60xf32>
  %5 = vit.layer_norm %4 epsilon 1.0e-05 : tensor<2x4x60xf32>
  return %5 : tensor<2x4x60xf32>
}

// An argument lies in the order of its dims: rows are contiguous.
// CHECK-LABEL: func @negative_group_norm_argument(
//       CHECK:   vit.layer_norm
func.func @negative_group_norm_argument(%x: tensor<2x8x6x5xf32>) -> tensor<2x4x60xf32> {
  %0 = tensor.collapse_shape %x [[0], [1, 2, 3]] : tensor<2x8x6x5xf32> into tensor<2x240xf32>
  %1 = tensor.expand_shape %0 [[0], [1, 2]] output_shape [2, 4, 60] : tensor<2x240xf32> into tensor<2x4x60xf32>
  %2 = vit.layer_norm %1 epsilon 1.0e-05 : tensor<2x4x60xf32>
  return %2 : tensor<2x4x60xf32>
}

// Five groups of 48 elements would split channels.
// CHECK-LABEL: func @negative_group_norm_split_channel(
//       CHECK:   vit.layer_norm
func.func @negative_group_norm_split_channel(%x: tensor<2x3x6x5xf32>, %w: tensor<8x3x1x1xf32>) -> tensor<2x5x48xf32> {
  %0 = vit.conv2d %x, %w : tensor<2x3x6x5xf32>, tensor<8x3x1x1xf32> -> tensor<2x8x6x5xf32>
  %1 = tensor.collapse_shape %0 [[0], [1, 2, 3]] : tensor<2x8x6x5xf32> into tensor<2x240xf32>
  %2 = tensor.expand_shape %1 [[0], [1, 2]] output_shape [2, 5, 48] : tensor<2x240xf32> into tensor<2x5x48xf32>
  %3 = vit.layer_norm %2 epsilon 1.0e-05 : tensor<2x5x48xf32>
  return %3 : tensor<2x5x48xf32>
}

// CHECK-LABEL: func @negative_group_norm_f64(
//       CHECK:   vit.layer_norm
func.func @negative_group_norm_f64(%x: tensor<2x3x6x5xf64>, %w: tensor<8x3x1x1xf64>) -> tensor<2x4x60xf64> {
  %0 = vit.conv2d %x, %w : tensor<2x3x6x5xf64>, tensor<8x3x1x1xf64> -> tensor<2x8x6x5xf64>
  %1 = tensor.collapse_shape %0 [[0], [1, 2, 3]] : tensor<2x8x6x5xf64> into tensor<2x240xf64>
  %2 = tensor.expand_shape %1 [[0], [1, 2]] output_shape [2, 4, 60] : tensor<2x240xf64> into tensor<2x4x60xf64>
  %3 = vit.layer_norm %2 epsilon 1.0e-05 : tensor<2x4x60xf64>
  return %3 : tensor<2x4x60xf64>
}

// A scale for each element of a row is none for each channel.
// CHECK-LABEL: func @negative_group_norm_scale(
//       CHECK:   vit.layer_norm
func.func @negative_group_norm_scale(%x: tensor<2x3x6x5xf32>, %w: tensor<8x3x1x1xf32>, %s: tensor<60xf32>) -> tensor<2x4x60xf32> {
  %0 = vit.conv2d %x, %w : tensor<2x3x6x5xf32>, tensor<8x3x1x1xf32> -> tensor<2x8x6x5xf32>
  %1 = tensor.collapse_shape %0 [[0], [1, 2, 3]] : tensor<2x8x6x5xf32> into tensor<2x240xf32>
  %2 = tensor.expand_shape %1 [[0], [1, 2]] output_shape [2, 4, 60] : tensor<2x240xf32> into tensor<2x4x60xf32>
  %3 = vit.layer_norm %2 scale(%s : tensor<60xf32>) epsilon 1.0e-05 : tensor<2x4x60xf32>
  return %3 : tensor<2x4x60xf32>
}
