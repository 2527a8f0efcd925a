// RUN: vit-opt %s -vit-decompose-convolution -cse -verify-diagnostics | FileCheck %s

#pixels = affine_map<(b, c, y, x) -> (b, c, y, x)>
#channels = affine_map<(b, c, y, x) -> (c)>
vit.weight @w : tensor<128x128x3x3xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @b : tensor<128xf32> seed(2 mean 0.0 scale 1.0)
vit.weight @narrow : tensor<8x128x3x3xf32> seed(3 mean 0.0 scale 1.0)

// Along rows and columns sum 0 has the differences of pixels 0 and 2 and pixel
// 1, sum 1 pixel 2, sum 2 the differences of pixels 4 and 2 and pixel 3. The bias
// is that of the sum that each pixel reads.
//   CHECK-DAG: #[[$P00:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d1 * 4, d2 * 4)>
//   CHECK-DAG: #[[$P02:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d1 * 4, d2 * 4 + 2)>
//   CHECK-DAG: #[[$P20:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d1 * 4 + 2, d2 * 4)>
//   CHECK-DAG: #[[$P22:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d1 * 4 + 2, d2 * 4 + 2)>
//   CHECK-DAG: #[[$P43:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d1 * 4 + 4, d2 * 4 + 3)>
//   CHECK-DAG: #[[$P23:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d1 * 4 + 2, d2 * 4 + 3)>
//   CHECK-DAG: #[[$P33:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d3, d1 * 4 + 3, d2 * 4 + 3)>
//   CHECK-DAG: #[[$ID:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
//   CHECK-DAG: #[[$OWN:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, ((d1 mod 2) * 6 + (d2 mod 2) * 2) * 4 + d1 floordiv 2, d2 floordiv 2, d3)>
//   CHECK-DAG: #[[$ROWS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, ((d1 mod 2) * 6 + 1) * 4 + d1 floordiv 2, d2 floordiv 2, d3)>
//   CHECK-DAG: #[[$COLUMNS:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, ((d2 mod 2) * 2 + 3) * 4 + d1 floordiv 2, d2 floordiv 2, d3)>
//   CHECK-DAG: #[[$SHARED:.*]] = affine_map<(d0, d1, d2, d3) -> (d0, d1 floordiv 2 + 16, d2 floordiv 2, d3)>
// CHECK-LABEL: func.func @tiles(
//  CHECK-SAME:     %[[X:.*]]: tensor<?x128x16x16xf32>)
//       CHECK:   %[[B:.*]] = vit.constant #vit.expr<ref, [@b]>
//       CHECK:   %[[P:.*]] = tensor.pad %[[X]] low[0, 0, 1, 1] high[0, 0, 0, 0]
//       CHECK:   linalg.generic {indexing_maps = [#[[$P00]], #[[$P02]], #[[$P20]], #[[$P22]], #[[$ID]]]
//  CHECK-SAME:       ins(%[[P]], %[[P]], %[[P]], %[[P]] :
//       CHECK:     %[[UPPER:.*]] = arith.subf
//       CHECK:     %[[LOWER:.*]] = arith.subf
//       CHECK:     arith.subf %[[UPPER]], %[[LOWER]]
//       CHECK:   %[[V0:.*]] = tensor.concat dim(3) {{.*}} -> tensor<?x4x4x512xf32>
//       CHECK:   %[[S0:.*]] = vit.linear %[[V0]], %{{.*}} : tensor<?x4x4x512xf32>, tensor<128x512xf32> -> tensor<?x4x4x128xf32>
//       CHECK:   %[[S1:.*]] = vit.linear {{.*}} tensor<128x256xf32>
//       CHECK:   %[[S2:.*]] = vit.linear {{.*}} tensor<128x512xf32>
//       CHECK:   %[[S3:.*]] = vit.linear {{.*}} tensor<128x256xf32>
//       CHECK:   %[[V4:.*]] = linalg.generic {indexing_maps = [#[[$P22]], #[[$ID]]]
//       CHECK:   %[[W4:.*]] = vit.constant #vit.expr<transpose, [#vit.expr<add, [#vit.expr<add, [#vit.expr<add,
//       CHECK:   %[[S4:.*]] = vit.linear %[[V4]], %[[W4]] bias(%[[B]] : tensor<128xf32>)
//       CHECK:   %[[S5:.*]] = vit.linear {{.*}} tensor<128x256xf32>
//       CHECK:   %[[S6:.*]] = vit.linear {{.*}} tensor<128x512xf32>
//       CHECK:   %[[S7:.*]] = vit.linear {{.*}} tensor<128x256xf32>
//       CHECK:   %[[LASTROW:.*]] = linalg.generic {indexing_maps = [#[[$P43]], #[[$P23]], #[[$ID]]]
//       CHECK:   %[[LAST:.*]] = linalg.generic {indexing_maps = [#[[$P33]], #[[$ID]]]
//       CHECK:   %[[V8:.*]] = tensor.concat dim(3) %{{.*}}, %[[LASTROW]], %{{.*}}, %[[LAST]] :
//       CHECK:   %[[S8:.*]] = vit.linear %[[V8]],
//       CHECK:   %[[SUMS:.*]] = tensor.concat dim(1) %[[S0]], %[[S1]], %[[S2]], %[[S3]], %[[S4]], %[[S5]], %[[S6]], %[[S7]], %[[S8]] : {{.*}} -> tensor<?x36x4x128xf32>
//       CHECK:   %[[Y:.*]] = linalg.generic {indexing_maps = [#[[$OWN]], #[[$ROWS]], #[[$COLUMNS]], #[[$SHARED]], #[[$ID]]]
//  CHECK-SAME:       ins(%[[SUMS]], %[[SUMS]], %[[SUMS]], %[[SUMS]] :
//       CHECK:     arith.maximumf
//       CHECK:   %[[RESULT:.*]] = linalg.transpose ins(%[[Y]] : tensor<?x8x8x128xf32>) {{.*}} permutation = [0, 3, 1, 2]
//       CHECK:   return %[[RESULT]]
func.func @tiles(%x: tensor<?x128x16x16xf32>) -> tensor<?x128x8x8xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<128x128x3x3xf32>
  %b = vit.constant #vit.expr<ref, [@b]> : tensor<128xf32>
  %y = vit.conv2d %x, %w bias(%b : tensor<128xf32>) stride [2, 2] pad [1, 1, 1, 1] activation relu
      : tensor<?x128x16x16xf32>, tensor<128x128x3x3xf32> -> tensor<?x128x8x8xf32>
  return %y : tensor<?x128x8x8xf32>
}

// Eight tiles along each dim read 33 rows and columns, the last ones zeros only.
// CHECK-LABEL: func.func @odd_size(
//       CHECK:   tensor.pad %{{.*}} low[0, 0, 1, 0] high[0, 0, 3, 2]
//       CHECK:       tensor<1x128x29x31xf32> to tensor<1x128x33x33xf32>
//       CHECK:   tensor.concat dim(1) {{.*}} -> tensor<1x72x8x128xf32>
//   CHECK-NOT:   arith.maximumf
//       CHECK:   return
func.func @odd_size(%x: tensor<1x128x29x31xf32>) -> tensor<1x128x15x15xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<128x128x3x3xf32>
  %y = vit.conv2d %x, %w stride [2, 2] pad [1, 0, 1, 0]
      : tensor<1x128x29x31xf32>, tensor<128x128x3x3xf32> -> tensor<1x128x15x15xf32>
  return %y : tensor<1x128x15x15xf32>
}

// What a stride leaves over is not read.
// CHECK-LABEL: func.func @row_left_over(
//       CHECK:   tensor.pad %{{.*}} low[0, 0, 0, 0] high[0, 0, 0, 0]
//       CHECK:       tensor<1x128x34x34xf32> to tensor<1x128x34x34xf32>
//       CHECK:   tensor.concat dim(1) {{.*}} -> tensor<1x72x8x128xf32>
func.func @row_left_over(%x: tensor<1x128x34x34xf32>) -> tensor<1x128x16x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<128x128x3x3xf32>
  %y = vit.conv2d %x, %w stride [2, 2]
      : tensor<1x128x34x34xf32>, tensor<128x128x3x3xf32> -> tensor<1x128x16x16xf32>
  return %y : tensor<1x128x16x16xf32>
}

// Every row has three taps of its own.
// CHECK-LABEL: func.func @negative_stride_1(
//       CHECK:   vit.conv2d
func.func @negative_stride_1(%x: tensor<1x128x16x16xf32>) -> tensor<1x128x16x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<128x128x3x3xf32>
  %y = vit.conv2d %x, %w pad [1, 1, 1, 1]
      : tensor<1x128x16x16xf32>, tensor<128x128x3x3xf32> -> tensor<1x128x16x16xf32>
  return %y : tensor<1x128x16x16xf32>
}

// Sixteen tiles do not pay for the weights of 25 products.
// CHECK-LABEL: func.func @negative_small_map(
//       CHECK:   vit.conv2d
func.func @negative_small_map(%x: tensor<1x128x14x14xf32>) -> tensor<1x128x7x7xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<128x128x3x3xf32>
  // expected-remark @+1 {{not decomposed: that costs as much as 8826880 multiply-adds, not 7225344}}
  %y = vit.conv2d %x, %w stride [2, 2] pad [1, 1, 1, 1]
      : tensor<1x128x14x14xf32>, tensor<128x128x3x3xf32> -> tensor<1x128x7x7xf32>
  return %y : tensor<1x128x7x7xf32>
}

// What one product applies as it reads, such as the end of a group norm, would
// be written for nine.
// CHECK-LABEL: func.func @negative_elementwise(
//       CHECK:   vit.conv2d
func.func @negative_elementwise(%x: tensor<1x128x56x56xf32>, %c: tensor<128xf32>) -> tensor<1x128x28x28xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<128x128x3x3xf32>
  %e = tensor.empty() : tensor<1x128x56x56xf32>
  %n = linalg.generic {indexing_maps = [#pixels, #channels, #pixels], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %c : tensor<1x128x56x56xf32>, tensor<128xf32>) outs(%e : tensor<1x128x56x56xf32>) {
  ^bb0(%pixel: f32, %factor: f32, %out: f32):
    %product = arith.mulf %pixel, %factor : f32
    linalg.yield %product : f32
  } -> tensor<1x128x56x56xf32>
  // expected-remark @+1 {{not decomposed: it applies what computes its input, as it reads that}}
  %y = vit.conv2d %n, %w stride [2, 2] pad [1, 1, 1, 1]
      : tensor<1x128x56x56xf32>, tensor<128x128x3x3xf32> -> tensor<1x128x28x28xf32>
  return %y : tensor<1x128x28x28xf32>
}

// Caches hold neither the sums nor what they are of.
// CHECK-LABEL: func.func @negative_large_map(
//       CHECK:   vit.conv2d
func.func @negative_large_map(%x: tensor<1x128x256x256xf32>) -> tensor<1x128x128x128xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<128x128x3x3xf32>
  // expected-remark @+1 {{not decomposed: its sums and their inputs take 71303168 bytes an image, more than caches hold}}
  %y = vit.conv2d %x, %w stride [2, 2] pad [1, 1, 1, 1]
      : tensor<1x128x256x256xf32>, tensor<128x128x3x3xf32> -> tensor<1x128x128x128xf32>
  return %y : tensor<1x128x128x128xf32>
}

// Too few outputs share the differences of pixels.
// CHECK-LABEL: func.func @negative_few_outputs(
//       CHECK:   vit.conv2d
func.func @negative_few_outputs(%x: tensor<1x128x56x56xf32>) -> tensor<1x8x28x28xf32> {
  %w = vit.constant #vit.expr<ref, [@narrow]> : tensor<8x128x3x3xf32>
  // expected-remark @+1 {{not decomposed: that costs as much as}}
  %y = vit.conv2d %x, %w stride [2, 2] pad [1, 1, 1, 1]
      : tensor<1x128x56x56xf32>, tensor<8x128x3x3xf32> -> tensor<1x8x28x28xf32>
  return %y : tensor<1x8x28x28xf32>
}

// CHECK-LABEL: func.func @negative_silu(
//       CHECK:   vit.conv2d
func.func @negative_silu(%x: tensor<1x128x16x16xf32>) -> tensor<1x128x8x8xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<128x128x3x3xf32>
  // expected-remark @+1 {{not decomposed: it has the activation silu; ReLU is known}}
  %y = vit.conv2d %x, %w stride [2, 2] pad [1, 1, 1, 1] activation silu
      : tensor<1x128x16x16xf32>, tensor<128x128x3x3xf32> -> tensor<1x128x8x8xf32>
  return %y : tensor<1x128x8x8xf32>
}

// CHECK-LABEL: func.func @negative_residual(
//       CHECK:   vit.conv2d
func.func @negative_residual(%x: tensor<1x128x16x16xf32>, %r: tensor<1x128x8x8xf32>) -> tensor<1x128x8x8xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<128x128x3x3xf32>
  // expected-remark @+1 {{not decomposed: it has a residual}}
  %y = vit.conv2d %x, %w residual(%r : tensor<1x128x8x8xf32>) stride [2, 2] pad [1, 1, 1, 1]
      : tensor<1x128x16x16xf32>, tensor<128x128x3x3xf32> -> tensor<1x128x8x8xf32>
  return %y : tensor<1x128x8x8xf32>
}

// CHECK-LABEL: func.func @negative_computed_filter(
//       CHECK:   vit.conv2d
func.func @negative_computed_filter(%x: tensor<1x128x16x16xf32>, %w: tensor<128x128x3x3xf32>) -> tensor<1x128x8x8xf32> {
  // expected-remark @+1 {{not decomposed: its filter is no f32 constant}}
  %y = vit.conv2d %x, %w stride [2, 2] pad [1, 1, 1, 1]
      : tensor<1x128x16x16xf32>, tensor<128x128x3x3xf32> -> tensor<1x128x8x8xf32>
  return %y : tensor<1x128x8x8xf32>
}

// CHECK-LABEL: func.func @negative_unknown_batch(
//       CHECK:   vit.conv2d
func.func @negative_unknown_batch(%x: tensor<1x128x16x16xf32>) -> tensor<?x128x8x8xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<128x128x3x3xf32>
  %0 = tensor.cast %x : tensor<1x128x16x16xf32> to tensor<?x128x16x16xf32>
  // expected-remark @+1 {{not decomposed: no argument has the dynamic size of tensor<?x128x8x8xf32>}}
  %y = vit.conv2d %0, %w stride [2, 2] pad [1, 1, 1, 1]
      : tensor<?x128x16x16xf32>, tensor<128x128x3x3xf32> -> tensor<?x128x8x8xf32>
  return %y : tensor<?x128x8x8xf32>
}
