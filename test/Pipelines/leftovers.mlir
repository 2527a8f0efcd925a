// RUN: vit-opt %s -vitc-kernel | FileCheck %s
// RUN: vit-opt %s -vitc-kernel -vitc-cpu | FileCheck %s --check-prefix=LLVM

// Elementwise arith on tensors is one kernel, its constants in the body.
// CHECK-LABEL: func @forward(
//   CHECK-DAG:   %[[TWO:.*]] = arith.constant 2.000000e+00 : f32
//       CHECK:   kernel.generic {{.*}} inputs(%{{[^ ]+}}, %{{[^ ]+}} : memref<2x8xf32>, memref<2x8xf32>)
//       CHECK:   ^bb0(%[[X:.*]]: f32, %[[Y:.*]]: f32):
//       CHECK:     %[[P:.*]] = arith.mulf %[[X]], %[[TWO]]
//       CHECK:     %[[S:.*]] = arith.addf %[[P]], %[[Y]]
//       CHECK:     kernel.yield %[[S]]
//   CHECK-NOT:   kernel.generic
//       CHECK:   return
// LLVM: llvm.func @forward(
func.func @forward(%x: tensor<2x8xf32>, %y: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %two = arith.constant dense<2.0> : tensor<2x8xf32>
  %0 = arith.mulf %x, %two : tensor<2x8xf32>
  %1 = arith.addf %0, %y : tensor<2x8xf32>
  return %1 : tensor<2x8xf32>
}

// What is only moved, or constant, compiles too.
// LLVM: llvm.func @moved(
func.func @moved(%x: tensor<2x8xf32>, %d: tensor<2x8x3xf32>, %v: tensor<8xf32>)
    -> (tensor<2x8x3xf32>, tensor<2x8xf32>, tensor<4xf32>) {
  %one = arith.constant dense<1.0> : tensor<2x8xf32>
  %0 = tensor.insert_slice %x into %d[0, 0, 1] [2, 8, 1] [1, 1, 1] : tensor<2x8xf32> into tensor<2x8x3xf32>
  %1 = tensor.extract_slice %v[4] [4] [1] : tensor<8xf32> to tensor<4xf32>
  return %0, %one, %1 : tensor<2x8x3xf32>, tensor<2x8xf32>, tensor<4xf32>
}
