// RUN: vit-opt %s -pass-pipeline='builtin.module(func.func(kernel-lower-precision))' | FileCheck %s '-D$TYPE=bf16'
// RUN: vit-opt %s -pass-pipeline='builtin.module(func.func(kernel-lower-precision{type=f16}))' | FileCheck %s '-D$TYPE=f16'
// RUN: vit-opt %s -pass-pipeline='builtin.module(func.func(kernel-lower-precision{type=tf32}))' | FileCheck %s '-D$TYPE=tf32'
// RUN: not vit-opt %s -pass-pipeline='builtin.module(func.func(kernel-lower-precision{type=int8}))' 2>&1 | FileCheck %s --check-prefix=TYPE

// TYPE: error: kernel-lower-precision has type int8; needs bf16, f16 or tf32

vit.weight @w : tensor<16x16xf32> seed(1 mean 0.0 scale 1.0)
#w = #vit.expr<pack, [#vit.expr<ref, [@w]> : tensor<16x16xf32>]> : tensor<256xf32>
vit.weight @u : tensor<9x16xf32> seed(1 mean 0.0 scale 1.0)
#narrow = #vit.expr<pack, [#vit.expr<ref, [@u]> : tensor<9x16xf32>]> : tensor<256xf32>
#half = #vit.expr<pack, [#vit.expr<cast, [#vit.expr<ref, [@w]> : tensor<16x16xf32>]> : tensor<16x16xf16>]> : tensor<256xf16>
#bfloat = #vit.expr<pack, [#vit.expr<cast, [#vit.expr<ref, [@w]> : tensor<16x16xf32>]> : tensor<16x16xbf16>]> : tensor<256xbf16>
#rows = affine_map<(b, i, c) -> (b, i, c)>
#shifted = affine_map<(b, i, c) -> (b, (i + 1) mod 9, c)>
#below = affine_map<(b, i, c) -> (b, i + 1, c)>
#heads = affine_map<(b, h, i, d) -> (b, i, h * 8 + d)>

// What attention reads and what it writes for a product is of the type, the
// result of all is not.
// CHECK-LABEL: func @block(
//       CHECK:   %[[W:.*]] = kernel.constant #vit.expr<pack, [#vit.expr<cast, [#vit.expr<ref, [@w]> : tensor<16x16xf32>]> : tensor<16x16x[[$TYPE]]>]> : tensor<256x[[$TYPE]]>
//       CHECK:   %[[Q:.*]] = kernel.gemm {{.*}} lhs(%{{[^ ]+}} at {{.*}} : tensor<?x9x16xf32>) weights(%{{[^ ]+}} : tensor<256x[[$TYPE]]>)
//  CHECK-SAME:     -> tensor<?x9x16x[[$TYPE]]>
//       CHECK:   %[[HEADS:.*]] = kernel.attention
//  CHECK-SAME:     query(%[[Q]] at
//  CHECK-SAME:     -> tensor<?x9x16x[[$TYPE]]>
//       CHECK:   kernel.gemm
//  CHECK-SAME:     lhs(%[[HEADS]] at
//  CHECK-SAME:     residual(%{{[^ ]+}} at {{.*}} : tensor<?x9x16xf32>)
//  CHECK-SAME:     -> tensor<?x9x16xf32>
func.func @block(%x: tensor<?x9x16xf32>) -> tensor<?x9x16xf32> {
  %c0 = arith.constant 0 : index
  %n = arith.constant 9 : index
  %b = tensor.dim %x, %c0 : tensor<?x9x16xf32>
  %w = kernel.constant #w as tensor<256xf32>
  %e0 = tensor.empty(%b) : tensor<?x9x16xf32>
  %q = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #rows : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      init(%e0 at #rows : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  %e1 = tensor.empty(%b) : tensor<?x9x16xf32>
  %h = kernel.attention batch(%b) queries(%n) keys(%n) heads 2 head_dim 8 value_dim 8 scale 5.000000e-01
      query(%q at #heads : tensor<?x9x16xf32>) key(%q at #heads : tensor<?x9x16xf32>)
      value(%q at #heads : tensor<?x9x16xf32>) init(%e1 at #heads : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  %e2 = tensor.empty(%b) : tensor<?x9x16xf32>
  %y = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%h at #rows : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      residual(%x at #rows : tensor<?x9x16xf32>) init(%e2 at #rows : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  return %y : tensor<?x9x16xf32>
}

// A value that another op reads stays what it is, and so does what attention
// reads beside it.
// CHECK-LABEL: func @negative_residual(
//       CHECK:   %[[Q:.*]] = kernel.gemm
//  CHECK-SAME:     weights(%{{[^ ]+}} : tensor<256x[[$TYPE]]>)
//  CHECK-SAME:     -> tensor<?x9x16xf32>
//       CHECK:   %[[V:.*]] = kernel.gemm
//  CHECK-SAME:     -> tensor<?x9x16xf32>
//       CHECK:   kernel.attention
func.func @negative_residual(%x: tensor<?x9x16xf32>) -> (tensor<?x9x16xf32>, tensor<?x9x16xf32>) {
  %c0 = arith.constant 0 : index
  %n = arith.constant 9 : index
  %b = tensor.dim %x, %c0 : tensor<?x9x16xf32>
  %w = kernel.constant #w as tensor<256xf32>
  %e0 = tensor.empty(%b) : tensor<?x9x16xf32>
  %q = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #rows : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      init(%e0 at #rows : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  %e1 = tensor.empty(%b) : tensor<?x9x16xf32>
  %v = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #rows : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      init(%e1 at #rows : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  %e2 = tensor.empty(%b) : tensor<?x9x16xf32>
  %h = kernel.attention batch(%b) queries(%n) keys(%n) heads 2 head_dim 8 value_dim 8 scale 5.000000e-01
      query(%q at #heads : tensor<?x9x16xf32>) key(%q at #heads : tensor<?x9x16xf32>)
      value(%v at #heads : tensor<?x9x16xf32>) init(%e2 at #heads : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  return %q, %h : tensor<?x9x16xf32>, tensor<?x9x16xf32>
}

// Rows are normalised once and written for both products, whose steps copy them.
// CHECK-LABEL: func @norm(
//  CHECK-SAME:     %[[X:[^ :]+]]: tensor<?x9x16xf32>
//       CHECK:   %[[E:.*]] = tensor.empty(%[[B:.*]]) : tensor<?x9x16x[[$TYPE]]>
//       CHECK:   %[[R:.*]] = kernel.norm batch(%[[B]]) rows(%{{.*}}) channels 16 rms epsilon 1.000000e-05
//  CHECK-SAME:     input(%[[X]] at #[[SHIFTED:[^ ]+]] : tensor<?x9x16xf32>)
//  CHECK-SAME:     init(%[[E]] at #[[ROWS:[^ ]+]] : tensor<?x9x16x[[$TYPE]]>)
//   CHECK-NOT:   kernel.norm
//       CHECK:   kernel.gemm {{.*}} lhs(%[[R]] at #[[ROWS]] : tensor<?x9x16x[[$TYPE]]>)
//   CHECK-NOT:   norm
//       CHECK:   kernel.gemm {{.*}} lhs(%[[R]] at #[[ROWS]] : tensor<?x9x16x[[$TYPE]]>)
//   CHECK-NOT:   norm
//       CHECK:   return
func.func @norm(%x: tensor<?x9x16xf32>) -> (tensor<?x9x16xf32>, tensor<?x9x16xf32>) {
  %c0 = arith.constant 0 : index
  %n = arith.constant 9 : index
  %b = tensor.dim %x, %c0 : tensor<?x9x16xf32>
  %w = kernel.constant #w as tensor<256xf32>
  %e0 = tensor.empty(%b) : tensor<?x9x16xf32>
  %y = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #shifted : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      init(%e0 at #rows : tensor<?x9x16xf32>) norm <epsilon = 1.000000e-05 : f64, rms = true> -> tensor<?x9x16xf32>
  %e1 = tensor.empty(%b) : tensor<?x9x16xf32>
  %z = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #shifted : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      init(%e1 at #rows : tensor<?x9x16xf32>) activation gelu
      norm <epsilon = 1.000000e-05 : f64, rms = true> -> tensor<?x9x16xf32>
  return %y, %z : tensor<?x9x16xf32>, tensor<?x9x16xf32>
}

// One row waits for no block but its own, rows outside of lhs are no norm's,
// nor are those whose number is open.
// CHECK-LABEL: func @negative_norm(
//   CHECK-NOT:   kernel.norm
//       CHECK:   return
func.func @negative_norm(%x: tensor<?x9x16xf32>, %m: index)
    -> (tensor<?x1x16xf32>, tensor<?x9x16xf32>, tensor<?x9x16xf32>) {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1 : index
  %n = arith.constant 9 : index
  %b = tensor.dim %x, %c0 : tensor<?x9x16xf32>
  %w = kernel.constant #w as tensor<256xf32>
  %e0 = tensor.empty(%b) : tensor<?x1x16xf32>
  %y = kernel.gemm batch(%b) rows(%one) n 16 k 16 lhs(%x at #rows : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      init(%e0 at #rows : tensor<?x1x16xf32>) norm <epsilon = 1.000000e-05 : f64> -> tensor<?x1x16xf32>
  %e1 = tensor.empty(%b) : tensor<?x9x16xf32>
  %z = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #below : tensor<?x9x16xf32>) zero_outside weights(%w : tensor<256xf32>)
      init(%e1 at #rows : tensor<?x9x16xf32>) norm <epsilon = 1.000000e-05 : f64> -> tensor<?x9x16xf32>
  %e2 = tensor.empty(%b) : tensor<?x9x16xf32>
  %u = kernel.gemm batch(%b) rows(%m) n 16 k 16 lhs(%x at #rows : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      init(%e2 at #rows : tensor<?x9x16xf32>) norm <epsilon = 1.000000e-05 : f64> -> tensor<?x9x16xf32>
  return %y, %z, %u : tensor<?x1x16xf32>, tensor<?x9x16xf32>, tensor<?x9x16xf32>
}

// Weights that are computed stay f32.
// CHECK-LABEL: func @negative_computed_weights(
//       CHECK:   weights(%{{[^ ]+}} : tensor<256xf32>)
func.func @negative_computed_weights(%x: tensor<?x9x16xf32>, %w: tensor<256xf32>) -> tensor<?x9x16xf32> {
  %c0 = arith.constant 0 : index
  %n = arith.constant 9 : index
  %b = tensor.dim %x, %c0 : tensor<?x9x16xf32>
  %e0 = tensor.empty(%b) : tensor<?x9x16xf32>
  %q = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #rows : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      init(%e0 at #rows : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  return %q : tensor<?x9x16xf32>
}

// A row that is normalised is read in f32.
// CHECK-LABEL: func @negative_normalised(
//       CHECK:   kernel.gemm
//  CHECK-SAME:     -> tensor<?x9x16xf32>
func.func @negative_normalised(%x: tensor<?x9x16xf32>) -> tensor<?x9x16xf32> {
  %c0 = arith.constant 0 : index
  %n = arith.constant 9 : index
  %b = tensor.dim %x, %c0 : tensor<?x9x16xf32>
  %w = kernel.constant #w as tensor<256xf32>
  %e0 = tensor.empty(%b) : tensor<?x9x16xf32>
  %e1 = tensor.empty(%b) : tensor<?x9x16xf32>
  %q = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #rows : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      init(%e0 at #rows : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  %y = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%q at #rows : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      init(%e1 at #rows : tensor<?x9x16xf32>) norm <epsilon = 1.000000e-06 : f64> -> tensor<?x9x16xf32>
  return %y : tensor<?x9x16xf32>
}

// So is one that is multiplied by f32, or by another type.
// CHECK-LABEL: func @negative_other_weights(
//       CHECK:   kernel.gemm
//  CHECK-SAME:     -> tensor<?x9x16xf32>
//       CHECK:   kernel.gemm
//  CHECK-SAME:     -> tensor<?x9x16xf32>
func.func @negative_other_weights(%x: tensor<?x9x16xf32>, %v: tensor<256xf32>) -> (tensor<?x9x16xf32>, tensor<?x9x16xf32>, tensor<?x9x16xf32>) {
  %c0 = arith.constant 0 : index
  %n = arith.constant 9 : index
  %b = tensor.dim %x, %c0 : tensor<?x9x16xf32>
  %w = kernel.constant #w as tensor<256xf32>
  %e0 = tensor.empty(%b) : tensor<?x9x16xf32>
  %e1 = tensor.empty(%b) : tensor<?x9x16xf32>
  %q = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #rows : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      init(%e0 at #rows : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  %y = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%q at #rows : tensor<?x9x16xf32>) weights(%v : tensor<256xf32>)
      init(%e1 at #rows : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  %e2 = tensor.empty(%b) : tensor<?x9x16xf32>
  %e3 = tensor.empty(%b) : tensor<?x9x16xf32>
  %h = kernel.constant #half as tensor<256xf16>
  %g = kernel.constant #bfloat as tensor<256xbf16>
  %r = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #rows : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      init(%e2 at #rows : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  %e4 = tensor.empty(%b) : tensor<?x9x16xf32>
  %s = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%r at #rows : tensor<?x9x16xf32>) weights(%h : tensor<256xf16>)
      init(%e3 at #rows : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  %t = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%r at #rows : tensor<?x9x16xf32>) weights(%g : tensor<256xbf16>)
      init(%e4 at #rows : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  return %y, %s, %t : tensor<?x9x16xf32>, tensor<?x9x16xf32>, tensor<?x9x16xf32>
}

// Statistics are of f32.
// CHECK-LABEL: func @negative_statistics(
//       CHECK:   kernel.gemm
//  CHECK-SAME:     -> tensor<?x9x16xf32>, tensor<?x1x2x16xf32>
func.func @negative_statistics(%x: tensor<?x9x16xf32>) -> (tensor<?x9x16xf32>, tensor<?x1x2x16xf32>) {
  %c0 = arith.constant 0 : index
  %n = arith.constant 9 : index
  %b = tensor.dim %x, %c0 : tensor<?x9x16xf32>
  %w = kernel.constant #w as tensor<256xf32>
  %e0 = tensor.empty(%b) : tensor<?x9x16xf32>
  %e1 = tensor.empty(%b) : tensor<?x9x16xf32>
  %s0 = tensor.empty(%b) : tensor<?x1x2x16xf32>
  %q, %s = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #rows : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      init(%e0 at #rows : tensor<?x9x16xf32>) statistics(%s0 : tensor<?x1x2x16xf32>) -> tensor<?x9x16xf32>, tensor<?x1x2x16xf32>
  %y = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%q at #rows : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      init(%e1 at #rows : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  return %y, %s : tensor<?x9x16xf32>, tensor<?x1x2x16xf32>
}

// What is written into a tensor that others write, or that has values, keeps its type.
// CHECK-LABEL: func @negative_init(
//       CHECK:   kernel.gemm
//  CHECK-SAME:     -> tensor<?x9x16xf32>
//       CHECK:   kernel.gemm
//  CHECK-SAME:     -> tensor<?x9x16xf32>
func.func @negative_init(%x: tensor<?x9x16xf32>, %z: tensor<?x9x16xf32>) -> (tensor<?x9x16xf32>, tensor<?x9x16xf32>) {
  %c0 = arith.constant 0 : index
  %n = arith.constant 9 : index
  %b = tensor.dim %x, %c0 : tensor<?x9x16xf32>
  %w = kernel.constant #w as tensor<256xf32>
  %e0 = tensor.empty(%b) : tensor<?x9x16xf32>
  %e1 = tensor.empty(%b) : tensor<?x9x16xf32>
  %q = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #rows : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      init(%e0 at #rows : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  %y = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%q at #rows : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      init(%e1 at #rows : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  %r = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #rows : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      init(%z at #rows : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  %t = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%r at #rows : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      init(%e0 at #rows : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  return %y, %t : tensor<?x9x16xf32>, tensor<?x9x16xf32>
}

// Addends of scores are read in f32.
// CHECK-LABEL: func @negative_bias(
//       CHECK:   kernel.gemm
//  CHECK-SAME:     -> tensor<?x9x9xf32>
func.func @negative_bias(%x: tensor<?x9x16xf32>) -> tensor<?x9x16xf32> {
  %c0 = arith.constant 0 : index
  %n = arith.constant 9 : index
  %b = tensor.dim %x, %c0 : tensor<?x9x16xf32>
  %w = kernel.constant #w as tensor<256xf32>
  %e0 = tensor.empty(%b) : tensor<?x9x16xf32>
  %e1 = tensor.empty(%b) : tensor<?x9x16xf32>
  %u = kernel.constant #narrow as tensor<256xf32>
  %e2 = tensor.empty(%b) : tensor<?x9x9xf32>
  %s = kernel.gemm batch(%b) rows(%n) n 9 k 16 lhs(%x at #rows : tensor<?x9x16xf32>) weights(%u : tensor<256xf32>)
      init(%e2 at #rows : tensor<?x9x9xf32>) -> tensor<?x9x9xf32>
  %q = kernel.gemm batch(%b) rows(%n) n 16 k 16 lhs(%x at #rows : tensor<?x9x16xf32>) weights(%w : tensor<256xf32>)
      init(%e0 at #rows : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  %h = kernel.attention batch(%b) queries(%n) keys(%n) heads 2 head_dim 8 value_dim 8 scale 5.000000e-01
      query(%q at #heads : tensor<?x9x16xf32>) key(%q at #heads : tensor<?x9x16xf32>)
      value(%q at #heads : tensor<?x9x16xf32>) bias(%s at affine_map<(b, h, i, j) -> (b, i, j)> : tensor<?x9x9xf32>)
      init(%e1 at #heads : tensor<?x9x16xf32>) -> tensor<?x9x16xf32>
  return %h : tensor<?x9x16xf32>
}
