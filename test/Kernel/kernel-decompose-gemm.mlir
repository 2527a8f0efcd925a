// RUN: vit-opt %s -kernel-decompose-gemm | FileCheck %s

// CHECK-DAG: #[[$ROWS:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[$WINDOWS:.*]] = affine_map<(d0, d1, d2) -> (d0, (d1 + 3) mod 4, d2)>
// CHECK-DAG: #[[$COLUMNS:.*]] = affine_map<(d0, d1, d2) -> (d0, d2, d1)>
#rows = affine_map<(b, i, l) -> (b, i, l)>
#windows = affine_map<(b, i, l) -> (b, (i + 3) mod 4, l)>
#columns = affine_map<(b, i, l) -> (b, l, i)>

// The norm reads the rows wherever they lie.
// CHECK-LABEL: func @norm(
//  CHECK-SAME:     %[[B:[^ ]+]]: index, %[[X:[^ ]+]]: tensor<?x4x8xf32>
//       CHECK:   %[[N:.*]] = arith.constant 4 : index
//       CHECK:   %[[E:.*]] = tensor.empty(%[[B]]) : tensor<?x4x8xf32>
//       CHECK:   %[[R:.*]] = kernel.norm batch(%[[B]]) rows(%[[N]]) channels 8 rms epsilon 1.000000e-05 input(%[[X]] at #[[$WINDOWS]] : tensor<?x4x8xf32>) init(%[[E]] at #[[$ROWS]]
//       CHECK:   kernel.gemm {{.*}} lhs(%[[R]] at #[[$ROWS]]
//  CHECK-SAME:       activation gelu -> tensor
func.func @norm(%b: index, %x: tensor<?x4x8xf32>, %w: tensor<256xf32>, %y: tensor<?x4x16xf32>) -> tensor<?x4x16xf32> {
  %n = arith.constant 4 : index
  %0 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #windows : tensor<?x4x8xf32>) weights(%w : tensor<256xf32>)
      init(%y at #rows : tensor<?x4x16xf32>) activation gelu norm <epsilon = 1.000000e-05 : f64, rms = true>
      -> tensor<?x4x16xf32>
  return %0 : tensor<?x4x16xf32>
}

// Rows of windows are contiguous, but not at constant strides.
// CHECK-LABEL: func @windows(
//       CHECK:   %[[R:.*]] = kernel.gather batch(%{{.*}}) sizes [4, 8] input(%{{.*}} at #[[$WINDOWS]]
//       CHECK:   kernel.gemm {{.*}} lhs(%[[R]] at #[[$ROWS]]
func.func @windows(%b: index, %x: tensor<?x4x8xf32>, %w: tensor<256xf32>, %y: tensor<?x4x16xf32>) -> tensor<?x4x16xf32> {
  %n = arith.constant 4 : index
  %0 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #windows : tensor<?x4x8xf32>) weights(%w : tensor<256xf32>)
      init(%y at #rows : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  return %0 : tensor<?x4x16xf32>
}

// A norm needs contiguous rows: they are gathered first.
// CHECK-LABEL: func @norm_of_columns(
//       CHECK:   %[[G:.*]] = kernel.gather batch(%{{.*}}) sizes [4, 8] input(%{{.*}} at #[[$COLUMNS]]
//       CHECK:   %[[R:.*]] = kernel.norm {{.*}} channels 8 epsilon 1.000000e-05 input(%[[G]] at #[[$ROWS]]
//       CHECK:   kernel.gemm {{.*}} lhs(%[[R]] at #[[$ROWS]]
//   CHECK-NOT:   norm
func.func @norm_of_columns(%b: index, %x: tensor<?x8x4xf32>, %w: tensor<256xf32>, %y: tensor<?x4x16xf32>)
    -> tensor<?x4x16xf32> {
  %n = arith.constant 4 : index
  %0 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #columns : tensor<?x8x4xf32>) weights(%w : tensor<256xf32>)
      init(%y at #rows : tensor<?x4x16xf32>) norm <epsilon = 1.000000e-05 : f64> -> tensor<?x4x16xf32>
  return %0 : tensor<?x4x16xf32>
}

// CHECK-LABEL: func @negative_plain(
//   CHECK-NOT:   kernel.gather
//       CHECK:   kernel.gemm
func.func @negative_plain(%b: index, %x: tensor<?x4x8xf32>, %w: tensor<256xf32>, %y: tensor<?x4x16xf32>)
    -> tensor<?x4x16xf32> {
  %n = arith.constant 4 : index
  %0 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #rows : tensor<?x4x8xf32>) weights(%w : tensor<256xf32>)
      init(%y at #rows : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  return %0 : tensor<?x4x16xf32>
}

// oneDNN does not write windows: the gemm stays whole, for vector code.
// CHECK-LABEL: func @negative_result_in_windows(
//   CHECK-NOT:   kernel.norm
//       CHECK:   kernel.gemm {{.*}} norm
func.func @negative_result_in_windows(%b: index, %x: tensor<?x4x8xf32>, %w: tensor<256xf32>, %y: tensor<?x4x16xf32>)
    -> tensor<?x4x16xf32> {
  %n = arith.constant 4 : index
  %0 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #rows : tensor<?x4x8xf32>) weights(%w : tensor<256xf32>)
      init(%y at #windows : tensor<?x4x16xf32>) norm <epsilon = 1.000000e-05 : f64> -> tensor<?x4x16xf32>
  return %0 : tensor<?x4x16xf32>
}

// Nor a residual in windows, nor weights of each item.
// CHECK-LABEL: func @negative_residual_in_windows(
//   CHECK-NOT:   kernel.norm
//       CHECK:   kernel.gemm {{.*}} norm
func.func @negative_residual_in_windows(%b: index, %x: tensor<?x4x8xf32>, %w: tensor<256xf32>, %y: tensor<?x4x16xf32>,
                                        %r: tensor<?x4x16xf32>) -> tensor<?x4x16xf32> {
  %n = arith.constant 4 : index
  %0 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #rows : tensor<?x4x8xf32>) weights(%w : tensor<256xf32>)
      residual(%r at #windows : tensor<?x4x16xf32>) init(%y at #rows : tensor<?x4x16xf32>)
      norm <epsilon = 1.000000e-05 : f64> -> tensor<?x4x16xf32>
  return %0 : tensor<?x4x16xf32>
}

// CHECK-LABEL: func @negative_weights_per_item(
//   CHECK-NOT:   kernel.norm
//       CHECK:   kernel.gemm {{.*}} norm
func.func @negative_weights_per_item(%b: index, %x: tensor<?x4x8xf32>, %w: tensor<?x256xf32>, %y: tensor<?x4x16xf32>)
    -> tensor<?x4x16xf32> {
  %n = arith.constant 4 : index
  %0 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #rows : tensor<?x4x8xf32>) weights(%w : tensor<?x256xf32>)
      init(%y at #rows : tensor<?x4x16xf32>) norm <epsilon = 1.000000e-05 : f64> -> tensor<?x4x16xf32>
  return %0 : tensor<?x4x16xf32>
}

// The buffer for the rows would have two sizes of the run.
// CHECK-LABEL: func @negative_runtime_rows(
//   CHECK-NOT:   kernel.norm
//       CHECK:   kernel.gemm {{.*}} norm
func.func @negative_runtime_rows(%b: index, %n: index, %x: tensor<?x4x8xf32>, %w: tensor<256xf32>, %y: tensor<?x4x16xf32>)
    -> tensor<?x4x16xf32> {
  %0 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #rows : tensor<?x4x8xf32>) weights(%w : tensor<256xf32>)
      init(%y at #rows : tensor<?x4x16xf32>) norm <epsilon = 1.000000e-05 : f64> -> tensor<?x4x16xf32>
  return %0 : tensor<?x4x16xf32>
}

// No kernel writes rows that are scaled, or that leave lhs; oneDNN writes no
// statistics. These stay products of ours.
// CHECK-LABEL: func @negative_scaled(
//   CHECK-NOT:   kernel.{{gather|norm}}
//       CHECK:   kernel.gemm {{.*}} zero_outside weights
//       CHECK:   kernel.gemm {{.*}} lhs_scale
//       CHECK:   kernel.gemm {{.*}} statistics
func.func @negative_scaled(%b: index, %x: tensor<?x4x8xf32>, %s: tensor<8xf32>, %w: tensor<256xf32>,
                           %y: tensor<?x4x16xf32>, %z: tensor<?x1x2x16xf32>)
    -> (tensor<?x4x16xf32>, tensor<?x4x16xf32>, tensor<?x4x16xf32>) {
  %n = arith.constant 4 : index
  %0 = kernel.gemm batch(%b) rows(%n) n 16 k 8
      lhs(%x at affine_map<(b, i, l) -> (b, i - 1, l)> : tensor<?x4x8xf32>) zero_outside
      weights(%w : tensor<256xf32>) init(%y at #rows : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  %1 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #rows : tensor<?x4x8xf32>)
      lhs_scale(%s at affine_map<(b, l) -> (l)> : tensor<8xf32>) lhs_shift(%s : tensor<8xf32>)
      weights(%w : tensor<256xf32>) init(%y at #rows : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  %2:2 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #windows : tensor<?x4x8xf32>)
      weights(%w : tensor<256xf32>) init(%y at #rows : tensor<?x4x16xf32>) statistics(%z : tensor<?x1x2x16xf32>)
      -> tensor<?x4x16xf32>, tensor<?x1x2x16xf32>
  return %0, %1, %2#0 : tensor<?x4x16xf32>, tensor<?x4x16xf32>, tensor<?x4x16xf32>
}

// oneDNN computes in f32: a product that casts stays ours.
// CHECK-LABEL: func @negative_casts(
//   CHECK-NOT:   kernel.{{gather|norm}}
//       CHECK:   kernel.gemm {{.*}} lhs({{.*}}f16>)
//       CHECK:   kernel.gemm {{.*}} init({{.*}}f16>)
func.func @negative_casts(%b: index, %x: tensor<?x4x8xf16>, %u: tensor<?x4x8xf32>, %w: tensor<256xf32>,
                          %y: tensor<?x4x16xf32>, %z: tensor<?x4x16xf16>)
    -> (tensor<?x4x16xf32>, tensor<?x4x16xf16>) {
  %n = arith.constant 4 : index
  %0 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #rows : tensor<?x4x8xf16>) weights(%w : tensor<256xf32>)
      init(%y at #rows : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  %1 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%u at #windows : tensor<?x4x8xf32>) weights(%w : tensor<256xf32>)
      init(%z at #rows : tensor<?x4x16xf16>) -> tensor<?x4x16xf16>
  return %0, %1 : tensor<?x4x16xf32>, tensor<?x4x16xf16>
}
