// RUN: vit-opt %s -convert-vit-to-kernel -canonicalize | FileCheck %s
// RUN: vit-opt %s -vitc-kernel | FileCheck %s --check-prefix=ENTRY

// Kernels see a scalar as a tensor of one element; the program keeps its rank.
// CHECK-LABEL: func @scalar(
//  CHECK-SAME:   %[[X:.*]]: tensor<1xf32> {kernel.scalar},
//  CHECK-SAME:   %{{.*}}: tensor<1xf32> {bufferization.writable = true, kernel.scalar}) -> tensor<1xf32>
//       CHECK:   math.exp
// ENTRY-LABEL: func @scalar(
//  ENTRY-SAME:   inputs = [<name = "arg0", type = tensor<f32>>], outputs = [<name = "arg1", type = tensor<f32>>]
func.func @scalar(%x: tensor<f32>) -> tensor<f32> {
  %empty = tensor.empty() : tensor<f32>
  %0 = linalg.generic {indexing_maps = [affine_map<() -> ()>, affine_map<() -> ()>], iterator_types = []}
      ins(%x : tensor<f32>) outs(%empty : tensor<f32>) {
    ^bb0(%in: f32, %out: f32):
      %1 = math.exp %in : f32
      linalg.yield %1 : f32
    } -> tensor<f32>
  return %0 : tensor<f32>
}

// A product of two vectors is a sum, not one of matrices.
// CHECK-LABEL: func @scalar_product(
//   CHECK-NOT:   kernel.gemm
//       CHECK:   kernel.generic
func.func @scalar_product(%x: tensor<3xf32>, %y: tensor<3xf32>) -> tensor<f32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<f32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<f32>) -> tensor<f32>
  %0 = linalg.contract indexing_maps = [affine_map<(k) -> (k)>, affine_map<(k) -> (k)>, affine_map<(k) -> ()>]
      ins(%x, %y : tensor<3xf32>, tensor<3xf32>) outs(%init : tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// Nothing is written where there are no elements.
// CHECK-LABEL: func @no_elements(
//  CHECK-SAME:   %{{.*}}: tensor<2x0xf32>, %[[OUT:.*]]: tensor<0x2xf32>
//  CHECK-NEXT:   return %[[OUT]]
func.func @no_elements(%x: tensor<2x0xf32>) -> tensor<0x2xf32> {
  %0 = arith.constant dense<> : tensor<0x2xf32>
  return %0 : tensor<0x2xf32>
}
