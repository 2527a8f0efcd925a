// RUN: vit-opt %s -vit-fold-constants -split-input-file -verify-diagnostics | FileCheck %s

vit.weight @w : tensor<4x6xf32> seed(1 mean 0.0 scale 1.0)

// CHECK-LABEL: func @transpose(
//  CHECK-NEXT:   %[[W:.*]] = vit.constant #vit.expr<transpose, [#vit.expr<ref, [@w]> : tensor<4x6xf32>], params = [1, 0]> : tensor<6x4xf32>
//  CHECK-NEXT:   return %[[W]]
func.func @transpose() -> tensor<6x4xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<4x6xf32>
  %empty = tensor.empty() : tensor<6x4xf32>
  %0 = linalg.transpose ins(%w : tensor<4x6xf32>) outs(%empty : tensor<6x4xf32>) permutation = [1, 0]
  return %0 : tensor<6x4xf32>
}

// -----

vit.weight @w : tensor<4x6xf32> seed(1 mean 0.0 scale 1.0)

// CHECK-LABEL: func @transpose_twice(
//  CHECK-NEXT:   %[[W:.*]] = vit.constant #vit.expr<ref, [@w]> : tensor<4x6xf32>
//  CHECK-NEXT:   return %[[W]]
func.func @transpose_twice() -> tensor<4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<4x6xf32>
  %empty = tensor.empty() : tensor<6x4xf32>
  %0 = linalg.transpose ins(%w : tensor<4x6xf32>) outs(%empty : tensor<6x4xf32>) permutation = [1, 0]
  %empty1 = tensor.empty() : tensor<4x6xf32>
  %1 = linalg.transpose ins(%0 : tensor<6x4xf32>) outs(%empty1 : tensor<4x6xf32>) permutation = [1, 0]
  return %1 : tensor<4x6xf32>
}

// -----

vit.weight @w : tensor<4x6xf32> seed(1 mean 0.0 scale 1.0)

// Columns of [K, N], as exporters keep query, key and value, are rows of the
// transpose.
// CHECK-LABEL: func @slice_columns_transpose(
//  CHECK-NEXT:   %[[W:.*]] = vit.constant #vit.expr<slice, [#vit.expr<transpose, [#vit.expr<ref, [@w]> : tensor<4x6xf32>], params = [1, 0]> : tensor<6x4xf32>], params = [2]> : tensor<2x4xf32>
//  CHECK-NEXT:   return %[[W]]
func.func @slice_columns_transpose() -> tensor<2x4xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<4x6xf32>
  %0 = tensor.extract_slice %w[0, 2] [4, 2] [1, 1] : tensor<4x6xf32> to tensor<4x2xf32>
  %empty = tensor.empty() : tensor<2x4xf32>
  %1 = linalg.transpose ins(%0 : tensor<4x2xf32>) outs(%empty : tensor<2x4xf32>) permutation = [1, 0]
  return %1 : tensor<2x4xf32>
}

// -----

vit.weight @w : tensor<4x6xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @v : tensor<4x2xf32> seed(2 mean 0.0 scale 1.0)

// CHECK-LABEL: func @concat_columns(
//  CHECK-NEXT:   %[[W:.*]] = vit.constant #vit.expr<transpose, [#vit.expr<concat, [#vit.expr<transpose, [#vit.expr<ref, [@w]> : tensor<4x6xf32>], params = [1, 0]> : tensor<6x4xf32>, #vit.expr<transpose, [#vit.expr<ref, [@v]> : tensor<4x2xf32>], params = [1, 0]> : tensor<2x4xf32>]> : tensor<8x4xf32>], params = [1, 0]> : tensor<4x8xf32>
//  CHECK-NEXT:   return %[[W]]
func.func @concat_columns() -> tensor<4x8xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<4x6xf32>
  %v = vit.constant #vit.expr<ref, [@v]> : tensor<4x2xf32>
  %0 = tensor.concat dim(1) %w, %v : (tensor<4x6xf32>, tensor<4x2xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// -----

vit.weight @w : tensor<4x6xf32> seed(1 mean 0.0 scale 1.0)

// CHECK-LABEL: func @reshape_add(
//  CHECK-NEXT:   %[[W:.*]] = vit.constant #vit.expr<add, [#vit.expr<reshape, [#vit.expr<ref, [@w]> : tensor<4x6xf32>]> : tensor<24xf32>, #vit.expr<reshape, [#vit.expr<ref, [@w]> : tensor<4x6xf32>]> : tensor<24xf32>]> : tensor<24xf32>
//  CHECK-NEXT:   return %[[W]]
func.func @reshape_add() -> tensor<24xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<4x6xf32>
  %0 = tensor.collapse_shape %w [[0, 1]] : tensor<4x6xf32> into tensor<24xf32>
  %1 = arith.addf %0, %0 : tensor<24xf32>
  return %1 : tensor<24xf32>
}

// -----

vit.weight_file @f path "absent.bin" hash "00"
vit.weight @half : tensor<4x6xf16> file(@f offset 0)

// CHECK-LABEL: func @cast(
//  CHECK-NEXT:   %[[W:.*]] = vit.constant #vit.expr<cast, [#vit.expr<ref, [@half]> : tensor<4x6xf16>]> : tensor<4x6xf32>
//  CHECK-NEXT:   return %[[W]]
func.func @cast() -> tensor<4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@half]> : tensor<4x6xf16>
  %0 = arith.extf %w : tensor<4x6xf16> to tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// -----

vit.weight @w : tensor<2xf32> seed(1 mean 0.0 scale 1.0)

// Expressions cast to f32 alone.
// CHECK-LABEL: func @cast_to_half(
//  CHECK-NEXT:   vit.constant #vit.expr<data, [dense<[{{.*}}]> : tensor<2xf16>]> : tensor<2xf16>
func.func @cast_to_half() -> tensor<2xf16> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<2xf32>
  %0 = arith.truncf %w : tensor<2xf32> to tensor<2xf16>
  return %0 : tensor<2xf16>
}

// -----

vit.weight @w : tensor<4x6xf32> seed(1 mean 0.0 scale 1.0)

// CHECK-LABEL: func @slice_with_strides(
//  CHECK-NEXT:   vit.constant #vit.expr<data, {{.*}}> : tensor<2x6xf32>
func.func @slice_with_strides() -> tensor<2x6xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<4x6xf32>
  %0 = tensor.extract_slice %w[0, 0] [2, 6] [2, 1] : tensor<4x6xf32> to tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// -----

vit.weight @c : tensor<2xf32> seed(1 mean 2.0 scale 0.0)

// More than movement: computed. 2 * [3, 4].
// CHECK-LABEL: func @product(
//  CHECK-NEXT:   %[[W:.*]] = vit.constant #vit.expr<data, [dense<[6.000000e+00, 8.000000e+00]> : tensor<2xf32>]> : tensor<2xf32>
//  CHECK-NEXT:   return %[[W]]
func.func @product() -> tensor<2xf32> {
  %w = vit.constant #vit.expr<ref, [@c]> : tensor<2xf32>
  %x = arith.constant dense<[3.0, 4.0]> : tensor<2xf32>
  %0 = arith.mulf %w, %x : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// Steps in between do not become constants.
// CHECK-LABEL: func @integers_scalars_and_equal_elements(
//   CHECK-DAG:   %[[S:.*]] = arith.constant 14 : i64
//   CHECK-DAG:   %[[I:.*]] = arith.constant dense<[14, 16]> : tensor<2xi64>
//   CHECK-DAG:   %[[F:.*]] = arith.constant dense<2.000000e+00> : tensor<2xf32>
//  CHECK-NEXT:   return %[[S]], %[[I]], %[[F]]
func.func @integers_scalars_and_equal_elements() -> (i64, tensor<2xi64>, tensor<2xf32>) {
  %shape = arith.constant dense<[8, 3, 224]> : tensor<3xi64>
  %c2 = arith.constant 2 : index
  %size = tensor.extract %shape[%c2] : tensor<3xi64>
  %patch = arith.constant 16 : i64
  %n = arith.divsi %size, %patch : i64
  %both = tensor.from_elements %n, %patch : tensor<2xi64>
  %x = arith.constant dense<[4.0, 4.0]> : tensor<2xf32>
  %root = math.sqrt %x : tensor<2xf32>
  return %n, %both, %root : i64, tensor<2xi64>, tensor<2xf32>
}

// -----

// A transposed integer table: expressions are for stored weights.
// CHECK-LABEL: func @transpose_integers(
//       CHECK:   arith.constant dense<{{\[\[}}1, 3], [2, 4]]> : tensor<2x2xi64>
func.func @transpose_integers() -> tensor<2x2xi64> {
  %x = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi64>
  %empty = tensor.empty() : tensor<2x2xi64>
  %0 = linalg.transpose ins(%x : tensor<2x2xi64>) outs(%empty : tensor<2x2xi64>) permutation = [1, 0]
  return %0 : tensor<2x2xi64>
}

// -----

// CHECK-LABEL: func @negative_runtime_operand(
//       CHECK:   arith.addf %{{.*}}, %{{.*}}
func.func @negative_runtime_operand(%x: tensor<2xf32>) -> tensor<2xf32> {
  %y = arith.constant dense<[3.0, 4.0]> : tensor<2xf32>
  %0 = arith.addf %x, %y : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// What a product accumulates into stays a fill, which raising looks for.
// CHECK-LABEL: func @negative_init(
//       CHECK:   %[[FILL:.*]] = linalg.fill
//       CHECK:   linalg.matmul ins({{.*}}) outs(%[[FILL]] : tensor<2x2xf32>)
func.func @negative_init(%x: tensor<2x3xf32>, %y: tensor<3x2xf32>) -> tensor<2x2xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<2x2xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<2x2xf32>) -> tensor<2x2xf32>
  %0 = linalg.matmul ins(%x, %y : tensor<2x3xf32>, tensor<3x2xf32>) outs(%fill : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

// A division by zero is left to the run.
// CHECK-LABEL: func @negative_no_value(
//       CHECK:   arith.divsi
func.func @negative_no_value() -> tensor<2xi64> {
  %x = arith.constant dense<[1, 2]> : tensor<2xi64>
  %y = arith.constant dense<[0, 1]> : tensor<2xi64>
  // expected-remark @+1 {{depends on constants alone but is computed at run time: no evaluation is known for it or for what it reads}}
  %0 = arith.divsi %x, %y : tensor<2xi64>
  return %0 : tensor<2xi64>
}
