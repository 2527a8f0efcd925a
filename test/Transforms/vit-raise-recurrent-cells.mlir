// RUN: vit-opt %s -vit-raise-recurrent-cells -split-input-file | FileCheck %s

#id = affine_map<(b, c) -> (b, c)>

// PyTorch's: reset, update, candidate; (h - n) * z + n.
// CHECK-LABEL: func @gru(
//  CHECK-SAME:     %[[X:[^:]*]]: tensor<2x12xf32>, %[[R:[^:]*]]: tensor<2x12xf32>, %[[H:[^:]*]]: tensor<2x4xf32>
//       CHECK:   %[[Y:.*]] = vit.gru_cell %[[X]], %[[R]], %[[H]] order [0, 1, 2] : tensor<2x12xf32>, tensor<2x4xf32>
//  CHECK-NEXT:   return %[[Y]]
func.func @gru(%x: tensor<2x12xf32>, %r: tensor<2x12xf32>, %h: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x4xf32>
  %xr = tensor.extract_slice %x[0, 0] [2, 4] [1, 1] : tensor<2x12xf32> to tensor<2x4xf32>
  %hr = tensor.extract_slice %r[0, 0] [2, 4] [1, 1] : tensor<2x12xf32> to tensor<2x4xf32>
  %xz = tensor.extract_slice %x[0, 4] [2, 4] [1, 1] : tensor<2x12xf32> to tensor<2x4xf32>
  %hz = tensor.extract_slice %r[0, 4] [2, 4] [1, 1] : tensor<2x12xf32> to tensor<2x4xf32>
  %xn = tensor.extract_slice %x[0, 8] [2, 4] [1, 1] : tensor<2x12xf32> to tensor<2x4xf32>
  %hn = tensor.extract_slice %r[0, 8] [2, 4] [1, 1] : tensor<2x12xf32> to tensor<2x4xf32>
  %sr = arith.addf %xr, %hr : tensor<2x4xf32>
  %gr = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sr : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %sz = arith.addf %xz, %hz : tensor<2x4xf32>
  %gz = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sz : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %rn = arith.mulf %hn, %gr : tensor<2x4xf32>
  %sn = arith.addf %xn, %rn : tensor<2x4xf32>
  %n = math.tanh %sn : tensor<2x4xf32>
  %d = arith.subf %h, %n : tensor<2x4xf32>
  %zd = arith.mulf %d, %gz : tensor<2x4xf32>
  %y = arith.addf %zd, %n : tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

#id = affine_map<(b, c) -> (b, c)>

// ONNX's: update, reset, candidate; slices behind the sum; gates that are part of a wider product.
// CHECK-LABEL: func @gru_update_first(
//  CHECK-SAME:     %[[X:[^:]*]]: tensor<2x12xf32>, %[[W:[^:]*]]: tensor<2x20xf32>, %[[H:[^:]*]]: tensor<2x4xf32>
//       CHECK:   %[[R:.*]] = tensor.extract_slice %[[W]][0, 8] [2, 12] [1, 1]
//       CHECK:   vit.gru_cell %[[X]], %[[R]], %[[H]] order [1, 0, 2]
func.func @gru_update_first(%x: tensor<2x12xf32>, %w: tensor<2x20xf32>, %h: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x4xf32>
  %ones = arith.constant dense<1.0> : tensor<2x4xf32>
  %x2 = tensor.extract_slice %x[0, 0] [2, 8] [1, 1] : tensor<2x12xf32> to tensor<2x8xf32>
  %w2 = tensor.extract_slice %w[0, 8] [2, 8] [1, 1] : tensor<2x20xf32> to tensor<2x8xf32>
  %s = arith.addf %x2, %w2 : tensor<2x8xf32>
  %sz = tensor.extract_slice %s[0, 0] [2, 4] [1, 1] : tensor<2x8xf32> to tensor<2x4xf32>
  %gz = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sz : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %sr = tensor.extract_slice %s[0, 4] [2, 4] [1, 1] : tensor<2x8xf32> to tensor<2x4xf32>
  %gr = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sr : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %hn = tensor.extract_slice %w[0, 16] [2, 4] [1, 1] : tensor<2x20xf32> to tensor<2x4xf32>
  %xn = tensor.extract_slice %x[0, 8] [2, 4] [1, 1] : tensor<2x12xf32> to tensor<2x4xf32>
  %rn = arith.mulf %gr, %hn : tensor<2x4xf32>
  %sn = arith.addf %xn, %rn : tensor<2x4xf32>
  %n = math.tanh %sn : tensor<2x4xf32>
  %c = arith.subf %ones, %gz : tensor<2x4xf32>
  %cn = arith.mulf %c, %n : tensor<2x4xf32>
  %zh = arith.mulf %gz, %h : tensor<2x4xf32>
  %y = arith.addf %cn, %zh : tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

#id = affine_map<(b, c) -> (b, c)>

// The reset gate before the product, as in Cho et al. 2014: what the product reads is no slice of it.
// CHECK-LABEL: func @negative_gru_reset_before_product(
//   CHECK-NOT:   vit.gru_cell
func.func @negative_gru_reset_before_product(%x: tensor<2x12xf32>, %r: tensor<2x8xf32>, %h: tensor<2x4xf32>, %w: tensor<4x4xf32>)
    -> tensor<2x4xf32> {
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x4xf32>
  %xr = tensor.extract_slice %x[0, 0] [2, 4] [1, 1] : tensor<2x12xf32> to tensor<2x4xf32>
  %hr = tensor.extract_slice %r[0, 0] [2, 4] [1, 1] : tensor<2x8xf32> to tensor<2x4xf32>
  %xz = tensor.extract_slice %x[0, 4] [2, 4] [1, 1] : tensor<2x12xf32> to tensor<2x4xf32>
  %hz = tensor.extract_slice %r[0, 4] [2, 4] [1, 1] : tensor<2x8xf32> to tensor<2x4xf32>
  %xn = tensor.extract_slice %x[0, 8] [2, 4] [1, 1] : tensor<2x12xf32> to tensor<2x4xf32>
  %sr = arith.addf %xr, %hr : tensor<2x4xf32>
  %gr = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sr : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %sz = arith.addf %xz, %hz : tensor<2x4xf32>
  %gz = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sz : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %rh = arith.mulf %gr, %h : tensor<2x4xf32>
  %hn = vit.linear %rh, %w : tensor<2x4xf32>, tensor<4x4xf32> -> tensor<2x4xf32>
  %sn = arith.addf %xn, %hn : tensor<2x4xf32>
  %n = math.tanh %sn : tensor<2x4xf32>
  %d = arith.subf %h, %n : tensor<2x4xf32>
  %zd = arith.mulf %d, %gz : tensor<2x4xf32>
  %y = arith.addf %zd, %n : tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

#id = affine_map<(b, c) -> (b, c)>

// PyTorch's: input, forget, candidate, output. Both states are the op's.
// CHECK-LABEL: func @lstm(
//  CHECK-SAME:     %[[G:[^:]*]]: tensor<2x16xf32>, %[[C:[^:]*]]: tensor<2x4xf32>
//       CHECK:   %[[H:.*]], %[[D:.*]] = vit.lstm_cell %[[G]], %[[C]] order [0, 1, 2, 3] : tensor<2x16xf32>, tensor<2x4xf32>
//  CHECK-NEXT:   return %[[H]], %[[D]]
func.func @lstm(%g: tensor<2x16xf32>, %c: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x4xf32>
  %si = tensor.extract_slice %g[0, 0] [2, 4] [1, 1] : tensor<2x16xf32> to tensor<2x4xf32>
  %sf = tensor.extract_slice %g[0, 4] [2, 4] [1, 1] : tensor<2x16xf32> to tensor<2x4xf32>
  %sg = tensor.extract_slice %g[0, 8] [2, 4] [1, 1] : tensor<2x16xf32> to tensor<2x4xf32>
  %so = tensor.extract_slice %g[0, 12] [2, 4] [1, 1] : tensor<2x16xf32> to tensor<2x4xf32>
  %i = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%si : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %f = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sf : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %o = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%so : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %a = math.tanh %sg : tensor<2x4xf32>
  %fc = arith.mulf %f, %c : tensor<2x4xf32>
  %ia = arith.mulf %i, %a : tensor<2x4xf32>
  %d = arith.addf %fc, %ia : tensor<2x4xf32>
  %t = math.tanh %d : tensor<2x4xf32>
  %h = arith.mulf %o, %t : tensor<2x4xf32>
  return %h, %d : tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

#id = affine_map<(b, c) -> (b, c)>

// ONNX's: input, output, forget, candidate; slices of a sum of two products.
// CHECK-LABEL: func @lstm_sum(
//  CHECK-SAME:     %[[G:[^:]*]]: tensor<2x16xf32>, %[[K:[^:]*]]: tensor<2x16xf32>, %[[C:[^:]*]]: tensor<2x4xf32>
//       CHECK:   %[[S:.*]] = arith.addf %[[G]], %[[K]] : tensor<2x16xf32>
//       CHECK:   vit.lstm_cell %[[S]], %[[C]] order [0, 2, 3, 1]
func.func @lstm_sum(%g: tensor<2x16xf32>, %k: tensor<2x16xf32>, %c: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x4xf32>
  %sum = arith.addf %g, %k : tensor<2x16xf32>
  %si = tensor.extract_slice %sum[0, 0] [2, 4] [1, 1] : tensor<2x16xf32> to tensor<2x4xf32>
  %so = tensor.extract_slice %sum[0, 4] [2, 4] [1, 1] : tensor<2x16xf32> to tensor<2x4xf32>
  %sf = tensor.extract_slice %sum[0, 8] [2, 4] [1, 1] : tensor<2x16xf32> to tensor<2x4xf32>
  %sg = tensor.extract_slice %sum[0, 12] [2, 4] [1, 1] : tensor<2x16xf32> to tensor<2x4xf32>
  %i = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%si : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %f = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sf : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %o = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%so : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %a = math.tanh %sg : tensor<2x4xf32>
  %fc = arith.mulf %f, %c : tensor<2x4xf32>
  %ia = arith.mulf %i, %a : tensor<2x4xf32>
  %d = arith.addf %fc, %ia : tensor<2x4xf32>
  %t = math.tanh %d : tensor<2x4xf32>
  %h = arith.mulf %o, %t : tensor<2x4xf32>
  return %h, %d : tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

#id = affine_map<(b, c) -> (b, c)>

// A gate that sees the cell state.
// CHECK-LABEL: func @negative_lstm_peephole(
//   CHECK-NOT:   vit.lstm_cell
func.func @negative_lstm_peephole(%g: tensor<2x16xf32>, %c: tensor<2x4xf32>, %p: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x4xf32>
  %si = tensor.extract_slice %g[0, 0] [2, 4] [1, 1] : tensor<2x16xf32> to tensor<2x4xf32>
  %sf = tensor.extract_slice %g[0, 4] [2, 4] [1, 1] : tensor<2x16xf32> to tensor<2x4xf32>
  %sg = tensor.extract_slice %g[0, 8] [2, 4] [1, 1] : tensor<2x16xf32> to tensor<2x4xf32>
  %so = tensor.extract_slice %g[0, 12] [2, 4] [1, 1] : tensor<2x16xf32> to tensor<2x4xf32>
  %pc = arith.mulf %p, %c : tensor<2x4xf32>
  %sip = arith.addf %si, %pc : tensor<2x4xf32>
  %i = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sip : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %f = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sf : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %o = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%so : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %a = math.tanh %sg : tensor<2x4xf32>
  %fc = arith.mulf %f, %c : tensor<2x4xf32>
  %ia = arith.mulf %i, %a : tensor<2x4xf32>
  %d = arith.addf %fc, %ia : tensor<2x4xf32>
  %t = math.tanh %d : tensor<2x4xf32>
  %h = arith.mulf %o, %t : tensor<2x4xf32>
  return %h, %d : tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

#id = affine_map<(b, c) -> (b, c)>

// Gates of another element type than the state's.
// CHECK-LABEL: func @negative_gru_of_narrow_gates(
//   CHECK-NOT:   vit.gru_cell
func.func @negative_gru_of_narrow_gates(%x: tensor<2x12xf16>, %r: tensor<2x12xf32>, %h: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x4xf32>
  %xr16 = tensor.extract_slice %x[0, 0] [2, 4] [1, 1] : tensor<2x12xf16> to tensor<2x4xf16>
  %xr = arith.extf %xr16 : tensor<2x4xf16> to tensor<2x4xf32>
  %hr = tensor.extract_slice %r[0, 0] [2, 4] [1, 1] : tensor<2x12xf32> to tensor<2x4xf32>
  %xz16 = tensor.extract_slice %x[0, 4] [2, 4] [1, 1] : tensor<2x12xf16> to tensor<2x4xf16>
  %xz = arith.extf %xz16 : tensor<2x4xf16> to tensor<2x4xf32>
  %hz = tensor.extract_slice %r[0, 4] [2, 4] [1, 1] : tensor<2x12xf32> to tensor<2x4xf32>
  %xn16 = tensor.extract_slice %x[0, 8] [2, 4] [1, 1] : tensor<2x12xf16> to tensor<2x4xf16>
  %xn = arith.extf %xn16 : tensor<2x4xf16> to tensor<2x4xf32>
  %hn = tensor.extract_slice %r[0, 8] [2, 4] [1, 1] : tensor<2x12xf32> to tensor<2x4xf32>
  %sr = arith.addf %xr, %hr : tensor<2x4xf32>
  %gr = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sr : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %sz = arith.addf %xz, %hz : tensor<2x4xf32>
  %gz = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sz : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %rn = arith.mulf %hn, %gr : tensor<2x4xf32>
  %sn = arith.addf %xn, %rn : tensor<2x4xf32>
  %n = math.tanh %sn : tensor<2x4xf32>
  %d = arith.subf %h, %n : tensor<2x4xf32>
  %zd = arith.mulf %d, %gz : tensor<2x4xf32>
  %y = arith.addf %zd, %n : tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

#id = affine_map<(b, c) -> (b, c)>

// Gates that are part of a wider product.
// CHECK-LABEL: func @lstm_within_product(
//  CHECK-SAME:     %[[W:[^:]*]]: tensor<2x20xf32>, %[[C:[^:]*]]: tensor<2x4xf32>
//       CHECK:   %[[G:.*]] = tensor.extract_slice %[[W]][0, 4] [2, 16] [1, 1]
//       CHECK:   %[[H:.*]], %[[D:.*]] = vit.lstm_cell %[[G]], %[[C]]
//       CHECK:   return %[[H]], %[[D]]
func.func @lstm_within_product(%g: tensor<2x20xf32>, %c: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x4xf32>
  %si = tensor.extract_slice %g[0, 4] [2, 4] [1, 1] : tensor<2x20xf32> to tensor<2x4xf32>
  %sf = tensor.extract_slice %g[0, 8] [2, 4] [1, 1] : tensor<2x20xf32> to tensor<2x4xf32>
  %sg = tensor.extract_slice %g[0, 12] [2, 4] [1, 1] : tensor<2x20xf32> to tensor<2x4xf32>
  %so = tensor.extract_slice %g[0, 16] [2, 4] [1, 1] : tensor<2x20xf32> to tensor<2x4xf32>
  %i = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%si : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %f = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sf : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %o = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%so : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<2x4xf32>
  %a = math.tanh %sg : tensor<2x4xf32>
  %fc = arith.mulf %f, %c : tensor<2x4xf32>
  %ia = arith.mulf %i, %a : tensor<2x4xf32>
  %d = arith.addf %fc, %ia : tensor<2x4xf32>
  %t = math.tanh %d : tensor<2x4xf32>
  %h = arith.mulf %o, %t : tensor<2x4xf32>
  return %h, %d : tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

#id = affine_map<(a, b, c) -> (a, b, c)>

// One step of a sequence.
// CHECK-LABEL: func @lstm_rank_3(
//       CHECK:   vit.lstm_cell %{{.*}}, %{{.*}} order [0, 1, 2, 3] : tensor<2x16xf32>, tensor<2x4xf32>
//       CHECK:   return %{{.*}}, %{{.*}} : tensor<1x2x4xf32>, tensor<1x2x4xf32>
func.func @lstm_rank_3(%g: tensor<1x2x16xf32>, %c: tensor<1x2x4xf32>) -> (tensor<1x2x4xf32>, tensor<1x2x4xf32>) {
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<1x2x4xf32>
  %si = tensor.extract_slice %g[0, 0, 0] [1, 2, 4] [1, 1, 1] : tensor<1x2x16xf32> to tensor<1x2x4xf32>
  %sf = tensor.extract_slice %g[0, 0, 4] [1, 2, 4] [1, 1, 1] : tensor<1x2x16xf32> to tensor<1x2x4xf32>
  %sg = tensor.extract_slice %g[0, 0, 8] [1, 2, 4] [1, 1, 1] : tensor<1x2x16xf32> to tensor<1x2x4xf32>
  %so = tensor.extract_slice %g[0, 0, 12] [1, 2, 4] [1, 1, 1] : tensor<1x2x16xf32> to tensor<1x2x4xf32>
  %i = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%si : tensor<1x2x4xf32>) outs(%e : tensor<1x2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<1x2x4xf32>
  %f = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%sf : tensor<1x2x4xf32>) outs(%e : tensor<1x2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<1x2x4xf32>
  %o = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%so : tensor<1x2x4xf32>) outs(%e : tensor<1x2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n0 = arith.negf %in : f32
    %n1 = math.exp %n0 : f32
    %n2 = arith.addf %n1, %one : f32
    %n3 = arith.divf %one, %n2 : f32
    linalg.yield %n3 : f32
  } -> tensor<1x2x4xf32>
  %a = math.tanh %sg : tensor<1x2x4xf32>
  %fc = arith.mulf %f, %c : tensor<1x2x4xf32>
  %ia = arith.mulf %i, %a : tensor<1x2x4xf32>
  %d = arith.addf %fc, %ia : tensor<1x2x4xf32>
  %t = math.tanh %d : tensor<1x2x4xf32>
  %h = arith.mulf %o, %t : tensor<1x2x4xf32>
  return %h, %d : tensor<1x2x4xf32>, tensor<1x2x4xf32>
}
