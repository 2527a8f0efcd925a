// RUN: vit-opt %s -vit-fold-constants | FileCheck %s --check-prefixes=CHECK,FOLD
// RUN: vit-opt %s -vit-fold-constants=fold-position-bias=false | FileCheck %s --check-prefixes=CHECK,KEEP

// The table is computed in any case; what reads the bias waits for it.
// CHECK-LABEL: func @position_bias(
//        FOLD:   %[[R:.*]] = vit.constant #vit.expr<data, [dense<{{.*}}> : tensor<1x1x2x2xf32>]>
//   FOLD-NEXT:   return %[[R]]
//        KEEP:   %[[T:.*]] = vit.constant #vit.expr<data, [dense<{{.*}}2.000000e+00], [4.000000e+00], [6.000000e+00]]> : tensor<3x1xf32>]>
//        KEEP:   %[[B:.*]] = vit.relative_position_bias %[[T]] window [1, 2]
//        KEEP:   %[[R:.*]] = arith.mulf %[[B]], %[[B]]
//   KEEP-NEXT:   return %[[R]]
func.func @position_bias() -> tensor<1x1x2x2xf32> {
  %t = arith.constant dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>
  %twice = arith.addf %t, %t : tensor<3x1xf32>
  %b = vit.relative_position_bias %twice window [1, 2] : tensor<3x1xf32> -> tensor<1x1x2x2xf32>
  %r = arith.mulf %b, %b : tensor<1x1x2x2xf32>
  return %r : tensor<1x1x2x2xf32>
}
