// RUN: vit-opt %s -convert-vit-to-kernel -canonicalize | FileCheck %s

// CHECK-DAG: #[[$ROWS:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[$SKIP:.*]] = affine_map<(d0, d1, d2) -> (d0, d1 + 1, d2)>
// CHECK-LABEL: func @layer_norm(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x5x8xf32>, %[[G:[^ ]+]]: tensor<8xf32>
//       CHECK:   kernel.norm batch(%{{[^ ]+}}) rows(%{{[^ ]+}}) channels 8 epsilon 9.9999999999999995E-7
//  CHECK-SAME:       input(%[[X]] at #[[$ROWS]] : tensor<?x5x8xf32>) scale(%[[G]] : tensor<8xf32>) shift(%[[G]] : tensor<8xf32>)
func.func @layer_norm(%x: tensor<?x5x8xf32>, %g: tensor<8xf32>) -> tensor<?x5x8xf32> {
  %0 = vit.layer_norm %x scale(%g : tensor<8xf32>) shift(%g : tensor<8xf32>) epsilon 1.0e-06 : tensor<?x5x8xf32>
  return %0 : tensor<?x5x8xf32>
}

// CHECK-LABEL: func @layer_norm_plain(
//       CHECK:   kernel.norm
//   CHECK-NOT:   scale
//   CHECK-NOT:   shift
//       CHECK:   return
func.func @layer_norm_plain(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %0 = vit.layer_norm %x epsilon 1.0e-06 : tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// The class token is left out of the mean: four rows, from the second on.
// CHECK-LABEL: func @mean_tokens(
//       CHECK:   %[[ROWS:.*]] = arith.constant 4 : index
//       CHECK:   kernel.mean batch(%{{[^ ]+}}) rows(%[[ROWS]]) channels 8 input(%{{[^ ]+}} at #[[$SKIP]] : tensor<?x5x8xf32>)
func.func @mean_tokens(%x: tensor<?x5x8xf32>) -> tensor<?x8xf32> {
  %0 = vit.mean_tokens %x skip 1 : tensor<?x5x8xf32> -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK-LABEL: func @rms_norm(
//       CHECK:   kernel.norm batch(%{{[^ ]+}}) rows(%{{[^ ]+}}) channels 8 rms epsilon {{.*}} scale(%{{.*}} : tensor<8xf32>) init
func.func @rms_norm(%x: tensor<?x5x8xf32>, %g: tensor<8xf32>) -> tensor<?x5x8xf32> {
  %0 = vit.rms_norm %x scale(%g : tensor<8xf32>) epsilon 1.0e-06 : tensor<?x5x8xf32>
  return %0 : tensor<?x5x8xf32>
}
