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

func.func @negative_no_kernel(%x: tensor<2x8xf32>) -> tensor<8x2xf32> {
  %e = tensor.empty() : tensor<8x2xf32>
  // expected-error @+1 {{'linalg.transpose' op has no kernel; only vit, linalg.generic and static tensor slices have one}}
  %0 = linalg.transpose ins(%x : tensor<2x8xf32>) outs(%e : tensor<8x2xf32>) permutation = [1, 0]
  return %0 : tensor<8x2xf32>
}

// -----

func.func @negative_strided_slice(%x: tensor<4x8xf32>) -> tensor<2x8xf32> {
  // expected-error @+1 {{'tensor.extract_slice' op has a dynamic offset or a stride; needs static offsets and strides of 1}}
  %0 = tensor.extract_slice %x[0, 0] [2, 8] [2, 1] : tensor<4x8xf32> to tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

func.func @negative_strided_insertion(%x: tensor<2x8xf32>, %d: tensor<4x8xf32>) -> tensor<4x8xf32> {
  // expected-error @+1 {{'tensor.insert_slice' op has a dynamic offset or a stride; needs static offsets and strides of 1}}
  %0 = tensor.insert_slice %x into %d[0, 0] [2, 8] [2, 1] : tensor<2x8xf32> into tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// -----

// expected-error @+1 {{'func.func' op has an argument or result of type 'index'; needs ranked tensors, static but for the batch}}
func.func @negative_index_argument(%x: index) {
  return
}

// -----

// expected-error @+1 {{'func.func' op has an argument or result of type 'tensor<f32>'; needs ranked tensors, static but for the batch}}
func.func @negative_scalar_argument(%x: tensor<f32>) {
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
  // expected-error @+1 {{'tensor.extract_slice' op has result 'tensor<2x?xf32>'; needs static sizes but for the batch}}
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

func.func @negative_constant_values() -> tensor<2xf32> {
  // expected-error @+1 {{'arith.constant' op has 'tensor<2xf32>' of several values; needs a vit.constant}}
  %0 = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

#id = affine_map<(b, c) -> (b, c)>
#scalar = affine_map<(b, c) -> ()>
#row = affine_map<(b, c) -> (b)>
func.func @negative_generic_reduction(%x: tensor<2x8xf32>) -> tensor<2xf32> {
  %e = tensor.empty() : tensor<2xf32>
  // expected-error @+1 {{'linalg.generic' op has no kernel; only elementwise bodies with one result have one}}
  %0 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<2x8xf32>) outs(%e : tensor<2xf32>) {
  ^bb0(%a: f32, %o: f32):
    %1 = arith.addf %a, %o : f32
    linalg.yield %1 : f32
  } -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

#id = affine_map<(b, c) -> (b, c)>
#scalar = affine_map<(b, c) -> ()>
#row = affine_map<(b, c) -> (b)>
func.func @negative_generic_accumulates(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %e = tensor.empty() : tensor<2x8xf32>
  // expected-error @+1 {{'linalg.generic' op has no kernel; only elementwise bodies with one result have one}}
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %1 = arith.addf %a, %o : f32
    linalg.yield %1 : f32
  } -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

#id = affine_map<(b, c) -> (b, c)>
#scalar = affine_map<(b, c) -> ()>
#row = affine_map<(b, c) -> (b)>
func.func @negative_generic_index(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %e = tensor.empty() : tensor<2x8xf32>
  // expected-error @+1 {{'linalg.generic' op has no kernel; only elementwise bodies with one result have one}}
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %i = linalg.index 0 : index
    %1 = arith.index_cast %i : index to i32
    %2 = arith.sitofp %1 : i32 to f32
    linalg.yield %2 : f32
  } -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

#id = affine_map<(b, c) -> (b, c)>
#scalar = affine_map<(b, c) -> ()>
func.func @negative_generic_scalar_operand() -> tensor<2x8xf32> {
  %s = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x8xf32>
  // expected-error @+1 {{'linalg.generic' op has a scalar operand; needs tensors}}
  %0 = linalg.generic {indexing_maps = [#scalar, #id], iterator_types = ["parallel", "parallel"]}
      ins(%s : f32) outs(%e : tensor<2x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  } -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

#id = affine_map<(b, c) -> (b, c)>
#scalar = affine_map<(b, c) -> ()>
#row = affine_map<(b, c) -> (b)>
func.func @negative_generic_body(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %e = tensor.empty() : tensor<2x8xf32>
  // expected-error @+1 {{'linalg.generic' op has 'tensor.extract' in its body; needs arith and math ops}}
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %c0 = arith.constant 0 : index
    %1 = tensor.extract %x[%c0, %c0] : tensor<2x8xf32>
    linalg.yield %1 : f32
  } -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

#id = affine_map<(b, c) -> (b, c)>
#scalar = affine_map<(b, c) -> ()>
#row = affine_map<(b, c) -> (b)>
func.func @negative_generic_captures(%x: tensor<2x8xf32>, %y: tensor<?x8xf32>) -> tensor<2x8xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %y, %c0 : tensor<?x8xf32>
  %e = tensor.empty() : tensor<2x8xf32>
  // expected-error @+1 {{'linalg.generic' op uses a value of type 'index' from outside of its body; needs an input or a constant}}
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %1 = arith.index_cast %n : index to i32
    %2 = arith.sitofp %1 : i32 to f32
    linalg.yield %2 : f32
  } -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

func.func @negative_insertion_of_scalar(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %s = arith.constant dense<1.0> : tensor<f32>
  // expected-error @+1 {{'tensor.insert_slice' op inserts a tensor of rank 0; needs rank 1 or more}}
  %0 = tensor.insert_slice %s into %x[0, 0] [1, 1] [1, 1] : tensor<f32> into tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}
