// RUN: vit-opt %s -cse -canonicalize | FileCheck %s

vit.weight @head : tensor<10x8xf32> seed(7 mean 0.0 scale 0.5)

// Equal expressions are one value; an unused one goes.
// CHECK-LABEL: func @constant_equal(
//  CHECK-NEXT:   %[[C:.*]] = vit.constant #vit.expr<ref, [@head]> : tensor<10x8xf32>
//  CHECK-NEXT:   return %[[C]], %[[C]]
func.func @constant_equal() -> (tensor<10x8xf32>, tensor<10x8xf32>) {
  %0 = vit.constant #vit.expr<ref, [@head]> : tensor<10x8xf32>
  %1 = vit.constant #vit.expr<ref, [@head]> : tensor<10x8xf32>
  %2 = vit.constant #vit.expr<slice, [#vit.expr<ref, [@head]> : tensor<10x8xf32>], params = [0]> : tensor<1x8xf32>
  return %0, %1 : tensor<10x8xf32>, tensor<10x8xf32>
}
