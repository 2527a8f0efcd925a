// RUN: vit-opt %s -convert-vit-to-kernel -split-input-file -verify-diagnostics

func.func @negative_computed_weight(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{'vit.linear' op has a computed weight; a gemm needs a constant one}}
  %0 = vit.linear %x, %w : tensor<2x8xf32>, tensor<4x8xf32> -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

vit.weight @w : tensor<4x8xf32> seed(1 mean 0.0 scale 1.0)
func.func @negative_linear_vector(%x: tensor<8xf32>) -> tensor<4xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<4x8xf32>
  // expected-error @+1 {{'vit.linear' op has input 'tensor<8xf32>'; needs a batch and channels}}
  %0 = vit.linear %x, %w : tensor<8xf32>, tensor<4x8xf32> -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @negative_layer_norm_vector(%x: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @+1 {{'vit.layer_norm' op has input 'tensor<8xf32>'; needs a batch and channels}}
  %0 = vit.layer_norm %x epsilon 1.0e-06 : tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

func.func @negative_computed_filter(%x: tensor<2x3x4x8xf32>, %f: tensor<8x3x2x4xf32>) -> tensor<2x4x8xf32> {
  // expected-error @+1 {{'vit.patch_embed' op has a computed filter, tokens or position; needs constants}}
  %0 = vit.patch_embed %x, %f : tensor<2x3x4x8xf32>, tensor<8x3x2x4xf32> -> tensor<2x4x8xf32>
  return %0 : tensor<2x4x8xf32>
}

// -----

// expected-error @+1 {{'func.func' op has an argument or result of type 'index'; needs ranked tensors, static but for the batch}}
func.func @negative_index_argument(%x: index) {
  return
}

// -----

// expected-error @+1 {{'func.func' op has an argument or result of type 'tensor<2x?xf32>'; needs ranked tensors, static but for the batch}}
func.func @negative_dynamic_argument(%x: tensor<2x?xf32>) {
  return
}

// -----

// expected-error @+1 {{'func.func' op has several blocks; only one is supported}}
func.func @negative_two_blocks(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  cf.br ^next
^next:
  return %x : tensor<2x8xf32>
}

// -----

func.func @negative_dynamic_no_batch(%x: tensor<2x8xf32>, %y: tensor<2x8xf32>) {
  %c2 = arith.constant 2 : index
  // expected-error @+1 {{'tensor.extract_slice' op has result 'tensor<?x8xf32>'; needs static sizes but for the batch, dim 0 of an argument}}
  %0 = tensor.extract_slice %x[0, 0] [%c2, 8] [1, 1] : tensor<2x8xf32> to tensor<?x8xf32>
  return
}

// -----

func.func @negative_dynamic_channels(%x: tensor<?x8xf32>) {
  %c4 = arith.constant 4 : index
  // expected-error @+1 {{'tensor.extract_slice' op has a dynamic size that is not the batch or a static multiple of it}}
  %0 = tensor.extract_slice %x[0, 0] [2, %c4] [1, 1] : tensor<?x8xf32> to tensor<2x?xf32>
  return
}

// -----

func.func @negative_slice_of_batch(%x: tensor<?x8xf32>) {
  %c1 = arith.constant 1 : index
  // expected-error @+1 {{'tensor.extract_slice' op has a dynamic size that is not the batch}}
  %0 = tensor.extract_slice %x[0, 0] [%c1, 8] [1, 1] : tensor<?x8xf32> to tensor<?x8xf32>
  return
}

// -----

func.func @negative_empty_not_batch(%x: tensor<?x8xf32>) {
  %c1 = arith.constant 1 : index
  // expected-error @+1 {{'tensor.empty' op has a dynamic size that is not the batch}}
  %0 = tensor.empty(%c1) : tensor<?x8xf32>
  return
}

// -----

func.func @negative_insertion_of_scalar(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %s = arith.constant dense<1.0> : tensor<f32>
  // expected-error @+1 {{'tensor.insert_slice' op inserts a tensor of rank 0; needs rank 1 or more}}
  %0 = tensor.insert_slice %s into %x[0, 0] [1, 1] [1, 1] : tensor<f32> into tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

func.func @negative_no_kernel(%x: tensor<2x8xf32>) {
  %c = arith.constant 1.0 : f32
  // expected-error @+1 {{'tensor.from_elements' op has no kernel; only vit, linalg and static tensor ops have one}}
  %0 = tensor.from_elements %c, %c : tensor<2xf32>
  return
}

// -----

func.func @negative_slice_stride(%x: tensor<8x8xf32>, %p: tensor<1xindex>) {
  %c0 = arith.constant 0 : index
  %n = tensor.extract %p[%c0] : tensor<1xindex>
  // expected-error @+1 {{'tensor.extract_slice' op has a computed stride or one below 1; needs positive static strides}}
  %0 = tensor.extract_slice %x[%n, 0] [2, 8] [-1, 1] : tensor<8x8xf32> to tensor<2x8xf32>
  return
}

// -----

func.func @negative_insertion_stride(%x: tensor<2x8xf32>, %d: tensor<4x8xf32>, %p: tensor<1xindex>) -> tensor<4x8xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.extract %p[%c0] : tensor<1xindex>
  // expected-error @+1 {{'tensor.insert_slice' op has a computed stride or one below 1; needs positive static strides}}
  %0 = tensor.insert_slice %x into %d[%n, 0] [2, 8] [-1, 1] : tensor<2x8xf32> into tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// -----

// Its number would have to be known while kernels run.
func.func @negative_loop_carries_number(%x: tensor<8xf32>) -> tensor<8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  // expected-error @+1 {{'scf.for' op carries a value of type 'index'; needs tensors}}
  %0 = scf.for %i = %c0 to %c4 step %c1 iter_args(%n = %c0) -> index {
    scf.yield %i : index
  }
  return %x : tensor<8xf32>
}

// -----

func.func @negative_condition_hands_on_other(%x: tensor<8xf32>, %p: tensor<1xi1>) -> tensor<8xf32> {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{'scf.while' op has a condition that hands on a value that the loop does not carry; needs those that it does}}
  %0 = scf.while (%a = %x) : (tensor<8xf32>) -> tensor<8xf32> {
    %c = tensor.extract %p[%c0] : tensor<1xi1>
    scf.condition(%c) %x : tensor<8xf32>
  } do {
  ^bb0(%a: tensor<8xf32>):
    scf.yield %a : tensor<8xf32>
  }
  return %0 : tensor<8xf32>
}

// -----

// The caller gives an output the size of the batch.
func.func @negative_result_multiple(%x: tensor<?x4x8xf32>) -> tensor<?x8xf32> {
  %0 = tensor.collapse_shape %x [[0, 1], [2]] : tensor<?x4x8xf32> into tensor<?x8xf32>
  // expected-error @+1 {{'func.return' op has result 'tensor<?x8xf32>' of several items for each item of the batch; needs the batch itself in dim 0}}
  return %0 : tensor<?x8xf32>
}

// -----

func.func @negative_concat_batch(%x: tensor<?x8xf32>, %y: tensor<2x8xf32>) {
  // expected-error @+1 {{'tensor.concat' op has a dynamic size that is not the batch or a static multiple of it}}
  %0 = tensor.concat dim(0) %x, %y : (tensor<?x8xf32>, tensor<2x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @negative_pad_value(%x: tensor<2x8xf32>) -> tensor<2x10xf32> {
  // expected-error @+1 {{'tensor.pad' op has a computed padding or value; needs constants}}
  %0 = tensor.pad %x low[0, 1] high[0, 1] {
  ^bb0(%i: index, %j: index):
    %1 = arith.index_cast %j : index to i32
    %2 = arith.sitofp %1 : i32 to f32
    tensor.yield %2 : f32
  } : tensor<2x8xf32> to tensor<2x10xf32>
  return %0 : tensor<2x10xf32>
}

// -----

#lhs = affine_map<(m, n, k) -> (k, m)>
#rhs = affine_map<(m, n, k) -> (k, n)>
#out = affine_map<(m, n, k) -> (m, n)>
func.func @negative_product_over_batch(%x: tensor<?x4xf32>, %y: tensor<?x8xf32>) -> tensor<4x8xf32> {
  %z = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4x8xf32>
  %f = linalg.fill ins(%z : f32) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  // expected-error @+1 {{'linalg.contract' op sums over the batch; needs a static size there}}
  %0 = linalg.contract indexing_maps = [#lhs, #rhs, #out]
      ins(%x, %y : tensor<?x4xf32>, tensor<?x8xf32>) outs(%f : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// -----

// Two items of the batch for each of the query's.
func.func @negative_attention_mask_multiple(%x: tensor<?x1x9x4xf32>, %m: tensor<?x2x9x9xf32>) -> tensor<?x1x9x4xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %b = tensor.dim %x, %c0 : tensor<?x1x9x4xf32>
  %n = arith.muli %b, %c2 : index
  %rows = tensor.collapse_shape %m [[0, 1], [2], [3]] : tensor<?x2x9x9xf32> into tensor<?x9x9xf32>
  %mask = tensor.expand_shape %rows [[0, 1], [2], [3]] output_shape [%n, 1, 9, 9]
      : tensor<?x9x9xf32> into tensor<?x1x9x9xf32>
  // expected-error @+1 {{'vit.attention' op has mask 'tensor<?x1x9x9xf32>' with another multiple of the batch than the query; needs the same, or a static size}}
  %0 = vit.attention %x, %x, %x mask(%mask : tensor<?x1x9x9xf32>) scale 0.5
      : tensor<?x1x9x4xf32>, tensor<?x1x9x4xf32>, tensor<?x1x9x4xf32> -> tensor<?x1x9x4xf32>
  return %0 : tensor<?x1x9x4xf32>
}

// -----

func.func @negative_computed_conv_filter(%x: tensor<2x3x4x8xf32>, %f: tensor<8x3x2x4xf32>) -> tensor<2x8x3x5xf32> {
  // expected-error @+1 {{'vit.conv2d' op has a computed filter; needs a constant one}}
  %0 = vit.conv2d %x, %f : tensor<2x3x4x8xf32>, tensor<8x3x2x4xf32> -> tensor<2x8x3x5xf32>
  return %0 : tensor<2x8x3x5xf32>
}
