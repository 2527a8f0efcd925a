// RUN: vit-opt %s -kernel-fuse-casts -verify-diagnostics | FileCheck %s

// CHECK-DAG: #[[$ROWS:.*]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG: #[[$PIXELS:.*]] = affine_map<(d0, d1, d2) -> (d0, d2, d1)>
#rows = affine_map<(b, i, l) -> (b, i, l)>
#pixels = affine_map<(b, i, l) -> (b, l, i)>

// The activation and the residual come before the only rounding.
// CHECK-LABEL: func @round(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x4x8xf32>, %{{[^ ]+}}: tensor<256xf32>, %[[R:[^ ]+]]: tensor<?x4x16xf32>, %[[Y:[^ ]+]]: tensor<?x4x16xf16>
//       CHECK:   %[[G:.*]] = kernel.gemm {{.*}} residual(%[[R]] {{.*}} init(%[[Y]] at #[[$ROWS]] : tensor<?x4x16xf16>) activation gelu -> tensor<?x4x16xf16>
//  CHECK-NEXT:   return %[[G]]
func.func @round(%b: index, %x: tensor<?x4x8xf32>, %w: tensor<256xf32>, %r: tensor<?x4x16xf32>,
                 %y: tensor<?x4x16xf16>) -> tensor<?x4x16xf16> {
  %n = arith.constant 4 : index
  %e = tensor.empty(%b) : tensor<?x4x16xf32>
  %0 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #rows : tensor<?x4x8xf32>) weights(%w : tensor<256xf32>)
      residual(%r at #rows : tensor<?x4x16xf32>) init(%e at #rows : tensor<?x4x16xf32>) activation gelu
      -> tensor<?x4x16xf32>
  %1 = kernel.generic batch(%b) sizes [4, 16] inputs(%0 : tensor<?x4x16xf32>) at [#rows]
      init(%y at #rows : tensor<?x4x16xf16>) {
  ^bb0(%v: f32):
    %2 = arith.truncf %v : f32 to f16
    kernel.yield %2 : f16
  } -> tensor<?x4x16xf16>
  return %1 : tensor<?x4x16xf16>
}

// Any left side is read through its map; a batch of one is a constant.
// CHECK-LABEL: func @extend(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<1x8x4xbf16>
//   CHECK-NOT:   kernel.generic
//       CHECK:   kernel.gemm {{.*}} lhs(%[[X]] at #[[$PIXELS]] : tensor<1x8x4xbf16>)
//       CHECK:   kernel.gemm {{.*}} lhs(%[[X]] at #[[$PIXELS]] : tensor<1x8x4xbf16>) {{.*}} norm
func.func @extend(%x: tensor<1x8x4xbf16>, %w: tensor<256xf32>, %y: tensor<1x4x16xf32>)
    -> (tensor<1x4x16xf32>, tensor<1x4x16xf32>) {
  %b = arith.constant 1 : index
  %n = arith.constant 4 : index
  %e = tensor.empty() : tensor<1x8x4xf32>
  %0 = kernel.generic batch(%b) sizes [8, 4] inputs(%x : tensor<1x8x4xbf16>) at [#rows]
      init(%e at #rows : tensor<1x8x4xf32>) {
  ^bb0(%v: bf16):
    %3 = arith.extf %v : bf16 to f32
    kernel.yield %3 : f32
  } -> tensor<1x8x4xf32>
  %1 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%0 at #pixels : tensor<1x8x4xf32>) weights(%w : tensor<256xf32>)
      init(%y at #rows : tensor<1x4x16xf32>) -> tensor<1x4x16xf32>
  %2 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%0 at #pixels : tensor<1x8x4xf32>) weights(%w : tensor<256xf32>)
      init(%y at #rows : tensor<1x4x16xf32>) norm <epsilon = 1.000000e-05 : f64> -> tensor<1x4x16xf32>
  return %1, %2 : tensor<1x4x16xf32>, tensor<1x4x16xf32>
}

// Between two products a value is stored as f16.
// CHECK-LABEL: func @round_and_extend(
//       CHECK:   %[[E:.*]] = tensor.empty(%{{.*}}) : tensor<?x4x8xf16>
//  CHECK-NEXT:   %[[G:.*]] = kernel.gemm {{.*}} init(%[[E]] at #[[$ROWS]] : tensor<?x4x8xf16>)
//   CHECK-NOT:   kernel.generic
//       CHECK:   kernel.gemm {{.*}} lhs(%[[G]] at #[[$ROWS]] : tensor<?x4x8xf16>)
func.func @round_and_extend(%b: index, %x: tensor<?x4x8xf32>, %w: tensor<256xf32>, %v: tensor<256xf32>,
                            %y: tensor<?x4x16xf32>) -> tensor<?x4x16xf32> {
  %n = arith.constant 4 : index
  %e = tensor.empty(%b) : tensor<?x4x8xf32>
  %0 = kernel.gemm batch(%b) rows(%n) n 8 k 8 lhs(%x at #rows : tensor<?x4x8xf32>) weights(%v : tensor<256xf32>)
      init(%e at #rows : tensor<?x4x8xf32>) -> tensor<?x4x8xf32>
  %f = tensor.empty(%b) : tensor<?x4x8xf16>
  %1 = kernel.generic batch(%b) sizes [4, 8] inputs(%0 : tensor<?x4x8xf32>) at [#rows]
      init(%f at #rows : tensor<?x4x8xf16>) {
  ^bb0(%u: f32):
    %4 = arith.truncf %u : f32 to f16
    kernel.yield %4 : f16
  } -> tensor<?x4x8xf16>
  %2 = kernel.generic batch(%b) sizes [4, 8] inputs(%1 : tensor<?x4x8xf16>) at [#rows]
      init(%e at #rows : tensor<?x4x8xf32>) {
  ^bb0(%u: f16):
    %4 = arith.extf %u : f16 to f32
    kernel.yield %4 : f32
  } -> tensor<?x4x8xf32>
  %3 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%2 at #rows : tensor<?x4x8xf32>) weights(%w : tensor<256xf32>)
      init(%y at #rows : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  return %3 : tensor<?x4x16xf32>
}

// CHECK-LABEL: func @negative_round_two_readers(
//       CHECK:   kernel.gemm {{.*}} -> tensor<?x4x16xf32>
//       CHECK:   kernel.generic
func.func @negative_round_two_readers(%b: index, %x: tensor<?x4x8xf32>, %w: tensor<256xf32>, %y: tensor<?x4x16xf16>)
    -> (tensor<?x4x16xf32>, tensor<?x4x16xf16>) {
  %n = arith.constant 4 : index
  %e = tensor.empty(%b) : tensor<?x4x16xf32>
  %0 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #rows : tensor<?x4x8xf32>) weights(%w : tensor<256xf32>)
      init(%e at #rows : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  // expected-remark @+1 {{not cast in the product beside it: another op reads what the product writes}}
  %1 = kernel.generic batch(%b) sizes [4, 16] inputs(%0 : tensor<?x4x16xf32>) at [#rows]
      init(%y at #rows : tensor<?x4x16xf16>) {
  ^bb0(%v: f32):
    %2 = arith.truncf %v : f32 to f16
    kernel.yield %2 : f16
  } -> tensor<?x4x16xf16>
  return %0, %1 : tensor<?x4x16xf32>, tensor<?x4x16xf16>
}

// CHECK-LABEL: func @negative_round_statistics(
//       CHECK:   kernel.generic
func.func @negative_round_statistics(%b: index, %x: tensor<?x4x8xf32>, %w: tensor<256xf32>,
                                     %s: tensor<?x1x2x16xf32>, %y: tensor<?x4x16xf16>)
    -> (tensor<?x1x2x16xf32>, tensor<?x4x16xf16>) {
  %n = arith.constant 4 : index
  %e = tensor.empty(%b) : tensor<?x4x16xf32>
  %0:2 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #rows : tensor<?x4x8xf32>) weights(%w : tensor<256xf32>)
      init(%e at #rows : tensor<?x4x16xf32>) statistics(%s : tensor<?x1x2x16xf32>)
      -> tensor<?x4x16xf32>, tensor<?x1x2x16xf32>
  // expected-remark @+1 {{not cast in the product beside it: the product has statistics, which are of f32}}
  %1 = kernel.generic batch(%b) sizes [4, 16] inputs(%0#0 : tensor<?x4x16xf32>) at [#rows]
      init(%y at #rows : tensor<?x4x16xf16>) {
  ^bb0(%v: f32):
    %2 = arith.truncf %v : f32 to f16
    kernel.yield %2 : f16
  } -> tensor<?x4x16xf16>
  return %0#1, %1 : tensor<?x1x2x16xf32>, tensor<?x4x16xf16>
}

// What the product does not write would not be cast.
// CHECK-LABEL: func @negative_round_part(
//       CHECK:   kernel.generic
func.func @negative_round_part(%b: index, %x: tensor<?x4x8xf32>, %w: tensor<256xf32>, %e: tensor<?x5x16xf32>,
                               %y: tensor<?x5x16xf16>) -> tensor<?x5x16xf16> {
  %n = arith.constant 4 : index
  %0 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #rows : tensor<?x4x8xf32>) weights(%w : tensor<256xf32>)
      init(%e at affine_map<(b, i, j) -> (b, i + 1, j)> : tensor<?x5x16xf32>) -> tensor<?x5x16xf32>
  // expected-remark @+1 {{not cast in the product beside it: the product writes into another value}}
  %1 = kernel.generic batch(%b) sizes [5, 16] inputs(%0 : tensor<?x5x16xf32>) at [#rows]
      init(%y at #rows : tensor<?x5x16xf16>) {
  ^bb0(%v: f32):
    %2 = arith.truncf %v : f32 to f16
    kernel.yield %2 : f16
  } -> tensor<?x5x16xf16>
  return %1 : tensor<?x5x16xf16>
}

// CHECK-LABEL: func @negative_round_moved(
//       CHECK:   kernel.generic
func.func @negative_round_moved(%b: index, %x: tensor<?x4x8xf32>, %w: tensor<256xf32>, %y: tensor<?x16x4xf16>)
    -> tensor<?x16x4xf16> {
  %n = arith.constant 4 : index
  %e = tensor.empty(%b) : tensor<?x4x16xf32>
  %0 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #rows : tensor<?x4x8xf32>) weights(%w : tensor<256xf32>)
      init(%e at #rows : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  // expected-remark @+1 {{not cast in the product beside it: the cast moves elements}}
  %1 = kernel.generic batch(%b) sizes [16, 4] inputs(%0 : tensor<?x4x16xf32>) at [#pixels]
      init(%y at #rows : tensor<?x16x4xf16>) {
  ^bb0(%v: f32):
    %2 = arith.truncf %v : f32 to f16
    kernel.yield %2 : f16
  } -> tensor<?x16x4xf16>
  return %1 : tensor<?x16x4xf16>
}

// CHECK-LABEL: func @negative_round_downward(
//       CHECK:   kernel.generic
func.func @negative_round_downward(%b: index, %x: tensor<?x4x8xf32>, %w: tensor<256xf32>, %y: tensor<?x4x16xf16>)
    -> tensor<?x4x16xf16> {
  %n = arith.constant 4 : index
  %e = tensor.empty(%b) : tensor<?x4x16xf32>
  %0 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%x at #rows : tensor<?x4x8xf32>) weights(%w : tensor<256xf32>)
      init(%e at #rows : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  // expected-remark @+1 {{not cast in the product beside it: the cast does not round to nearest even}}
  %1 = kernel.generic batch(%b) sizes [4, 16] inputs(%0 : tensor<?x4x16xf32>) at [#rows]
      init(%y at #rows : tensor<?x4x16xf16>) {
  ^bb0(%v: f32):
    %2 = arith.truncf %v downward : f32 to f16
    kernel.yield %2 : f16
  } -> tensor<?x4x16xf16>
  return %1 : tensor<?x4x16xf16>
}

// A residual is of f32.
// CHECK-LABEL: func @negative_extend_residual(
//       CHECK:   kernel.generic
//       CHECK:   kernel.gemm {{.*}} lhs(%{{.*}} : tensor<?x4x16xf32>)
func.func @negative_extend_residual(%b: index, %x: tensor<?x4x16xf16>, %w: tensor<256xf32>, %y: tensor<?x4x16xf32>)
    -> tensor<?x4x16xf32> {
  %n = arith.constant 4 : index
  %e = tensor.empty(%b) : tensor<?x4x16xf32>
  // expected-remark @+1 {{not cast in the product beside it: an op reads f32 that is no product, or not as its left side}}
  %0 = kernel.generic batch(%b) sizes [4, 16] inputs(%x : tensor<?x4x16xf16>) at [#rows]
      init(%e at #rows : tensor<?x4x16xf32>) {
  ^bb0(%v: f16):
    %2 = arith.extf %v : f16 to f32
    kernel.yield %2 : f32
  } -> tensor<?x4x16xf32>
  %1 = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%0 at #rows : tensor<?x4x16xf32>) weights(%w : tensor<256xf32>)
      residual(%0 at #rows : tensor<?x4x16xf32>) init(%y at #rows : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  return %1 : tensor<?x4x16xf32>
}

// CHECK-LABEL: func @negative_extend_norm(
//       CHECK:   kernel.generic
//       CHECK:   kernel.norm
func.func @negative_extend_norm(%b: index, %x: tensor<?x4x8xf16>, %y: tensor<?x4x8xf32>) -> tensor<?x4x8xf32> {
  %n = arith.constant 4 : index
  %e = tensor.empty(%b) : tensor<?x4x8xf32>
  %0 = kernel.generic batch(%b) sizes [4, 8] inputs(%x : tensor<?x4x8xf16>) at [#rows]
      init(%e at #rows : tensor<?x4x8xf32>) {
  ^bb0(%v: f16):
    %2 = arith.extf %v : f16 to f32
    kernel.yield %2 : f32
  } -> tensor<?x4x8xf32>
  %1 = kernel.norm batch(%b) rows(%n) channels 8 epsilon 1.000000e-06 input(%0 at #rows : tensor<?x4x8xf32>)
      init(%y at #rows : tensor<?x4x8xf32>) -> tensor<?x4x8xf32>
  return %1 : tensor<?x4x8xf32>
}

// No product computes in f64, and a body that does more is no cast.
// CHECK-LABEL: func @negative_other_bodies(
// CHECK-COUNT-2:   kernel.generic
func.func @negative_other_bodies(%b: index, %x: tensor<?x4x8xf64>, %u: tensor<?x4x8xf16>, %w: tensor<256xf32>,
                                 %y: tensor<?x4x16xf32>) -> (tensor<?x4x16xf32>, tensor<?x4x16xf32>) {
  %n = arith.constant 4 : index
  %e = tensor.empty(%b) : tensor<?x4x8xf32>
  %0 = kernel.generic batch(%b) sizes [4, 8] inputs(%x : tensor<?x4x8xf64>) at [#rows]
      init(%e at #rows : tensor<?x4x8xf32>) {
  ^bb0(%v: f64):
    %4 = arith.truncf %v : f64 to f32
    kernel.yield %4 : f32
  } -> tensor<?x4x8xf32>
  %1 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%0 at #rows : tensor<?x4x8xf32>) weights(%w : tensor<256xf32>)
      init(%y at #rows : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  %2 = kernel.generic batch(%b) sizes [4, 8] inputs(%u : tensor<?x4x8xf16>) at [#rows]
      init(%e at #rows : tensor<?x4x8xf32>) {
  ^bb0(%v: f16):
    %4 = arith.extf %v : f16 to f32
    %5 = arith.addf %4, %4 : f32
    kernel.yield %5 : f32
  } -> tensor<?x4x8xf32>
  %3 = kernel.gemm batch(%b) rows(%n) n 16 k 8 lhs(%2 at #rows : tensor<?x4x8xf32>) weights(%w : tensor<256xf32>)
      init(%y at #rows : tensor<?x4x16xf32>) -> tensor<?x4x16xf32>
  return %1, %3 : tensor<?x4x16xf32>, tensor<?x4x16xf32>
}
