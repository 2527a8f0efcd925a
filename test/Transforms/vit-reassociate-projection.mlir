// RUN: vit-opt %s -vit-reassociate-projection -canonicalize -cse -verify-diagnostics | FileCheck %s

vit.weight @wq : tensor<6x6xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @wk : tensor<6x6xf32> seed(2 mean 0.0 scale 1.0)
vit.weight @wv : tensor<6x6xf32> seed(3 mean 0.0 scale 1.0)
vit.weight @bk : tensor<6xf32> seed(4 mean 0.0 scale 1.0)
vit.weight @ek : tensor<4x9xf32> seed(5 mean 0.0 scale 1.0)
vit.weight @ev : tensor<4x9xf32> seed(6 mean 0.0 scale 1.0)
vit.weight @wide : tensor<9x9xf32> seed(7 mean 0.0 scale 1.0)

#tokens = affine_map<(b, n, e, k) -> (b, n, e)>
#weight = affine_map<(b, n, e, k) -> (k, n)>
#result = affine_map<(b, n, e, k) -> (b, k, e)>

// Keys and values are one product of the norm, which is computed once more for
// it: the queries' layer can take its own.
// CHECK-LABEL: func @keys_and_values(
//  CHECK-SAME:     %[[X:.*]]: tensor<?x9x6xf32>
//   CHECK-DAG:   %[[E:.*]] = vit.constant #vit.expr<concat, [#vit.expr<ref, [@ek]> : tensor<4x9xf32>, #vit.expr<ref, [@ev]> : tensor<4x9xf32>]> : tensor<8x9xf32>
//   CHECK-DAG:   %[[WQ:.*]] = vit.constant #vit.expr<ref, [@wq]>
//   CHECK-DAG:   %[[WK:.*]] = vit.constant #vit.expr<ref, [@wk]>
//   CHECK-DAG:   %[[WV:.*]] = vit.constant #vit.expr<ref, [@wv]>
//       CHECK:   %[[N:.*]] = vit.layer_norm %[[X]]
//       CHECK:   vit.linear %[[N]], %[[WQ]]
//       CHECK:   %[[P:.*]] = linalg.contract {{.*}} ins(%{{.*}}, %[[E]] : tensor<?x9x6xf32>, tensor<8x9xf32>) {{.*}} -> tensor<?x8x6xf32>
//       CHECK:   %[[PK:.*]] = tensor.extract_slice %[[P]][0, 0, 0] [%{{.*}}, 4, 6] [1, 1, 1]
//       CHECK:   %[[K:.*]] = vit.linear %[[PK]], %[[WK]] :
//       CHECK:   %[[PV:.*]] = tensor.extract_slice %[[P]][0, 4, 0] [%{{.*}}, 4, 6] [1, 1, 1]
//       CHECK:   %[[V:.*]] = vit.linear %[[PV]], %[[WV]] :
//       CHECK:   return %{{.*}}, %[[K]], %[[V]]
func.func @keys_and_values(%x: tensor<?x9x6xf32>) -> (tensor<?x9x6xf32>, tensor<?x4x6xf32>, tensor<?x4x6xf32>) {
  %wq = vit.constant #vit.expr<ref, [@wq]> : tensor<6x6xf32>
  %wk = vit.constant #vit.expr<ref, [@wk]> : tensor<6x6xf32>
  %wv = vit.constant #vit.expr<ref, [@wv]> : tensor<6x6xf32>
  %ek = vit.constant #vit.expr<ref, [@ek]> : tensor<4x9xf32>
  %ev = vit.constant #vit.expr<ref, [@ev]> : tensor<4x9xf32>
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : tensor<?x9x6xf32>
  %empty = tensor.empty(%b) : tensor<?x4x6xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x4x6xf32>) -> tensor<?x4x6xf32>
  %n = vit.layer_norm %x epsilon 1.0e-05 : tensor<?x9x6xf32>
  %q = vit.linear %n, %wq : tensor<?x9x6xf32>, tensor<6x6xf32> -> tensor<?x9x6xf32>
  %k = vit.linear %n, %wk : tensor<?x9x6xf32>, tensor<6x6xf32> -> tensor<?x9x6xf32>
  %v = vit.linear %n, %wv : tensor<?x9x6xf32>, tensor<6x6xf32> -> tensor<?x9x6xf32>
  %pk = linalg.contract indexing_maps = [#tokens, #weight, #result] ins(%k, %ek : tensor<?x9x6xf32>, tensor<4x9xf32>)
      outs(%init : tensor<?x4x6xf32>) -> tensor<?x4x6xf32>
  %pv = linalg.contract indexing_maps = [#tokens, #weight, #result] ins(%v, %ev : tensor<?x9x6xf32>, tensor<4x9xf32>)
      outs(%init : tensor<?x4x6xf32>) -> tensor<?x4x6xf32>
  return %q, %pk, %pv : tensor<?x9x6xf32>, tensor<?x4x6xf32>, tensor<?x4x6xf32>
}

// The pass itself, before -cse makes one norm of both.
// RUN: vit-opt %s -vit-reassociate-projection | FileCheck %s --check-prefix=NORM
// NORM-LABEL: func @keys_and_values(
//       NORM:   %[[Q:.*]] = vit.layer_norm %[[X:[^ ]+]] epsilon
//       NORM:   vit.linear %[[Q]]
//       NORM:   %[[P:.*]] = vit.layer_norm %[[X]] epsilon
//       NORM:   linalg.contract {{.*}} ins(%[[P]],

// Layers that share a projection share its product. No other op reads the norm.
// CHECK-LABEL: func @shared_projection(
//       CHECK:   %[[E:.*]] = vit.constant #vit.expr<ref, [@ek]>
//       CHECK:   %[[N:.*]] = vit.layer_norm
//       CHECK:   %[[P:.*]] = linalg.contract {{.*}} ins(%[[N]], %[[E]] : tensor<2x9x6xf32>, tensor<4x9xf32>)
//   CHECK-NOT:   linalg.contract
//       CHECK:   vit.linear %[[P]],
//       CHECK:   vit.linear %[[P]],
// NORM-LABEL: func @shared_projection(
// NORM-COUNT-1: vit.layer_norm
//    NORM-NOT: vit.layer_norm
//        NORM: return
func.func @shared_projection(%x: tensor<2x9x6xf32>) -> (tensor<2x4x6xf32>, tensor<2x4x6xf32>) {
  %wk = vit.constant #vit.expr<ref, [@wk]> : tensor<6x6xf32>
  %wv = vit.constant #vit.expr<ref, [@wv]> : tensor<6x6xf32>
  %e = vit.constant #vit.expr<ref, [@ek]> : tensor<4x9xf32>
  %init = arith.constant dense<0.0> : tensor<2x4x6xf32>
  %n = vit.layer_norm %x epsilon 1.0e-05 : tensor<2x9x6xf32>
  %k = vit.linear %n, %wk : tensor<2x9x6xf32>, tensor<6x6xf32> -> tensor<2x9x6xf32>
  %v = vit.linear %n, %wv : tensor<2x9x6xf32>, tensor<6x6xf32> -> tensor<2x9x6xf32>
  %pk = linalg.contract indexing_maps = [#tokens, #weight, #result] ins(%k, %e : tensor<2x9x6xf32>, tensor<4x9xf32>)
      outs(%init : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  %pv = linalg.contract indexing_maps = [#tokens, #weight, #result] ins(%v, %e : tensor<2x9x6xf32>, tensor<4x9xf32>)
      outs(%init : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %pk, %pv : tensor<2x4x6xf32>, tensor<2x4x6xf32>
}

// A bias is projected when the program is written: (E 1) b^T.
// CHECK-LABEL: func @bias(
//   CHECK-DAG:   %[[B:.*]] = vit.constant #vit.expr<scale, [#vit.expr<scale, [#vit.expr<data, [dense<1.000000e+00> : tensor<4x6xf32>]> : tensor<4x6xf32>, #vit.expr<ref, [@bk]> : tensor<6xf32>], params = [1]> : tensor<4x6xf32>, #vit.expr<product, [#vit.expr<ref, [@ek]> : tensor<4x9xf32>, #vit.expr<data, [dense<1.000000e+00> : tensor<9xf32>]> : tensor<9xf32>]> : tensor<4xf32>], params = [0]> : tensor<4x6xf32>
//   CHECK-DAG:   %[[W:.*]] = vit.constant #vit.expr<ref, [@wk]>
//       CHECK:   %[[P:.*]] = linalg.contract
//       CHECK:   %[[R:.*]] = linalg.broadcast ins(%[[B]] : tensor<4x6xf32>) outs(%{{.*}} : tensor<2x4x6xf32>) dimensions = [0]
//       CHECK:   vit.linear %[[P]], %[[W]] residual(%[[R]] : tensor<2x4x6xf32>)
func.func @bias(%x: tensor<2x9x6xf32>) -> tensor<2x4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@wk]> : tensor<6x6xf32>
  %bias = vit.constant #vit.expr<ref, [@bk]> : tensor<6xf32>
  %e = vit.constant #vit.expr<ref, [@ek]> : tensor<4x9xf32>
  %init = arith.constant dense<0.0> : tensor<2x4x6xf32>
  %k = vit.linear %x, %w bias(%bias : tensor<6xf32>) : tensor<2x9x6xf32>, tensor<6x6xf32> -> tensor<2x9x6xf32>
  %pk = linalg.contract indexing_maps = [#tokens, #weight, #result] ins(%k, %e : tensor<2x9x6xf32>, tensor<4x9xf32>)
      outs(%init : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %pk : tensor<2x4x6xf32>
}

// CHECK-LABEL: func @negative_computed_bias(
//       CHECK:   %[[K:.*]] = vit.linear
//       CHECK:   linalg.contract {{.*}} ins(%[[K]],
func.func @negative_computed_bias(%x: tensor<2x9x6xf32>, %bias: tensor<6xf32>) -> tensor<2x4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@wk]> : tensor<6x6xf32>
  %e = vit.constant #vit.expr<ref, [@ek]> : tensor<4x9xf32>
  %init = arith.constant dense<0.0> : tensor<2x4x6xf32>
  %k = vit.linear %x, %w bias(%bias : tensor<6xf32>) : tensor<2x9x6xf32>, tensor<6x6xf32> -> tensor<2x9x6xf32>
  // expected-remark @+1 {{not moved before the linear layer: the linear layer before it has a bias that is no f32 constant}}
  %pk = linalg.contract indexing_maps = [#tokens, #weight, #result] ins(%k, %e : tensor<2x9x6xf32>, tensor<4x9xf32>)
      outs(%init : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %pk : tensor<2x4x6xf32>
}

// The layer would be computed on all tokens still.
// CHECK-LABEL: func @negative_other_user(
//       CHECK:   %[[K:.*]] = vit.linear
//       CHECK:   linalg.contract {{.*}} ins(%[[K]],
func.func @negative_other_user(%x: tensor<2x9x6xf32>) -> (tensor<2x9x6xf32>, tensor<2x4x6xf32>) {
  %w = vit.constant #vit.expr<ref, [@wk]> : tensor<6x6xf32>
  %e = vit.constant #vit.expr<ref, [@ek]> : tensor<4x9xf32>
  %init = arith.constant dense<0.0> : tensor<2x4x6xf32>
  %k = vit.linear %x, %w : tensor<2x9x6xf32>, tensor<6x6xf32> -> tensor<2x9x6xf32>
  // expected-remark @+1 {{not moved before the linear layer: another op reads the linear layer before it}}
  %pk = linalg.contract indexing_maps = [#tokens, #weight, #result] ins(%k, %e : tensor<2x9x6xf32>, tensor<4x9xf32>)
      outs(%init : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %k, %pk : tensor<2x9x6xf32>, tensor<2x4x6xf32>
}

// CHECK-LABEL: func @negative_activation(
//       CHECK:   %[[K:.*]] = vit.linear {{.*}} activation gelu
//       CHECK:   linalg.contract {{.*}} ins(%[[K]],
func.func @negative_activation(%x: tensor<2x9x6xf32>) -> tensor<2x4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@wk]> : tensor<6x6xf32>
  %e = vit.constant #vit.expr<ref, [@ek]> : tensor<4x9xf32>
  %init = arith.constant dense<0.0> : tensor<2x4x6xf32>
  %k = vit.linear %x, %w activation gelu : tensor<2x9x6xf32>, tensor<6x6xf32> -> tensor<2x9x6xf32>
  // expected-remark @+1 {{not moved before the linear layer: the linear layer before it has a norm, an activation or a residual}}
  %pk = linalg.contract indexing_maps = [#tokens, #weight, #result] ins(%k, %e : tensor<2x9x6xf32>, tensor<4x9xf32>)
      outs(%init : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %pk : tensor<2x4x6xf32>
}

// CHECK-LABEL: func @negative_residual(
//       CHECK:   %[[K:.*]] = vit.linear {{.*}} residual
//       CHECK:   linalg.contract {{.*}} ins(%[[K]],
func.func @negative_residual(%x: tensor<2x9x6xf32>) -> tensor<2x4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@wk]> : tensor<6x6xf32>
  %e = vit.constant #vit.expr<ref, [@ek]> : tensor<4x9xf32>
  %init = arith.constant dense<0.0> : tensor<2x4x6xf32>
  %k = vit.linear %x, %w residual(%x : tensor<2x9x6xf32>) : tensor<2x9x6xf32>, tensor<6x6xf32> -> tensor<2x9x6xf32>
  // expected-remark @+1 {{not moved before the linear layer: the linear layer before it has a norm, an activation or a residual}}
  %pk = linalg.contract indexing_maps = [#tokens, #weight, #result] ins(%k, %e : tensor<2x9x6xf32>, tensor<4x9xf32>)
      outs(%init : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %pk : tensor<2x4x6xf32>
}

// CHECK-LABEL: func @negative_norm(
//       CHECK:   %[[K:.*]] = vit.linear {{.*}} norm
//       CHECK:   linalg.contract {{.*}} ins(%[[K]],
func.func @negative_norm(%x: tensor<2x9x6xf32>) -> tensor<2x4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@wk]> : tensor<6x6xf32>
  %e = vit.constant #vit.expr<ref, [@ek]> : tensor<4x9xf32>
  %init = arith.constant dense<0.0> : tensor<2x4x6xf32>
  %k = vit.linear %x, %w norm <epsilon = 1.0e-05 : f64> : tensor<2x9x6xf32>, tensor<6x6xf32> -> tensor<2x9x6xf32>
  // expected-remark @+1 {{not moved before the linear layer: the linear layer before it has a norm, an activation or a residual}}
  %pk = linalg.contract indexing_maps = [#tokens, #weight, #result] ins(%k, %e : tensor<2x9x6xf32>, tensor<4x9xf32>)
      outs(%init : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %pk : tensor<2x4x6xf32>
}

// CHECK-LABEL: func @negative_computed_projection(
//       CHECK:   %[[K:.*]] = vit.linear
//       CHECK:   linalg.contract {{.*}} ins(%[[K]],
func.func @negative_computed_projection(%x: tensor<2x9x6xf32>, %e: tensor<4x9xf32>) -> tensor<2x4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@wk]> : tensor<6x6xf32>
  %init = arith.constant dense<0.0> : tensor<2x4x6xf32>
  %k = vit.linear %x, %w : tensor<2x9x6xf32>, tensor<6x6xf32> -> tensor<2x9x6xf32>
  // expected-remark @+1 {{not moved before the linear layer: its weight is computed}}
  %pk = linalg.contract indexing_maps = [#tokens, #weight, #result] ins(%k, %e : tensor<2x9x6xf32>, tensor<4x9xf32>)
      outs(%init : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %pk : tensor<2x4x6xf32>
}

// As many tokens before the projection as behind it.
// CHECK-LABEL: func @negative_cost(
//       CHECK:   %[[K:.*]] = vit.linear
//       CHECK:   linalg.contract {{.*}} ins(%[[K]],
func.func @negative_cost(%x: tensor<2x9x6xf32>) -> tensor<2x9x6xf32> {
  %w = vit.constant #vit.expr<ref, [@wk]> : tensor<6x6xf32>
  %e = vit.constant #vit.expr<ref, [@wide]> : tensor<9x9xf32>
  %init = arith.constant dense<0.0> : tensor<2x9x6xf32>
  %k = vit.linear %x, %w : tensor<2x9x6xf32>, tensor<6x6xf32> -> tensor<2x9x6xf32>
  // expected-remark @+1 {{not moved before the linear layer: that takes 810 multiply-adds, not 810}}
  %pk = linalg.contract indexing_maps = [#tokens, #weight, #result] ins(%k, %e : tensor<2x9x6xf32>, tensor<9x9xf32>)
      outs(%init : tensor<2x9x6xf32>) -> tensor<2x9x6xf32>
  return %pk : tensor<2x9x6xf32>
}

// The sum does not begin with zeros.
// CHECK-LABEL: func @negative_addend(
//       CHECK:   %[[K:.*]] = vit.linear
//       CHECK:   linalg.contract {{.*}} ins(%[[K]],
func.func @negative_addend(%x: tensor<2x9x6xf32>, %init: tensor<2x4x6xf32>) -> tensor<2x4x6xf32> {
  %w = vit.constant #vit.expr<ref, [@wk]> : tensor<6x6xf32>
  %e = vit.constant #vit.expr<ref, [@ek]> : tensor<4x9xf32>
  %k = vit.linear %x, %w : tensor<2x9x6xf32>, tensor<6x6xf32> -> tensor<2x9x6xf32>
  %pk = linalg.contract indexing_maps = [#tokens, #weight, #result] ins(%k, %e : tensor<2x9x6xf32>, tensor<4x9xf32>)
      outs(%init : tensor<2x4x6xf32>) -> tensor<2x4x6xf32>
  return %pk : tensor<2x4x6xf32>
}
