// RUN: vit-opt %s -convert-vit-to-linalg -canonicalize -cse | FileCheck %s

// CHECK-LABEL: func @mean_tokens(
//       CHECK:   %[[COUNT:.*]] = arith.constant 7.000000e+00 : f32
//       CHECK:   %[[T:.*]] = tensor.extract_slice %{{.*}}[0, 2, 0] [%{{.*}}, 7, 8] [1, 1, 1] : tensor<?x9x8xf32> to tensor<?x7x8xf32>
//       CHECK:   linalg.generic {{.*}}iterator_types = ["parallel", "reduction", "parallel"]} ins(%[[T]]
//       CHECK:     arith.addf
//       CHECK:   linalg.generic
//       CHECK:     arith.divf %{{.*}}, %[[COUNT]]
func.func @mean_tokens(%x: tensor<?x9x8xf32>) -> tensor<?x8xf32> {
  %0 = vit.mean_tokens %x skip 2 : tensor<?x9x8xf32> -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
