// RUN: vit-opt %s -convert-vit-to-kernel -split-input-file -verify-diagnostics

#id = affine_map<(b, c) -> (b, c)>
func.func @negative_generic_body(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %e = tensor.empty() : tensor<2x8xf32>
  // expected-error @+1 {{'linalg.generic' op has 'tensor.dim' in its body; needs arith and math ops, linalg.index and tensor.extract}}
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x8xf32>) outs(%e : tensor<2x8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %c0 = arith.constant 0 : index
    %1 = tensor.dim %x, %c0 : tensor<2x8xf32>
    %2 = arith.index_cast %1 : index to i32
    %3 = arith.sitofp %2 : i32 to f32
    linalg.yield %3 : f32
  } -> tensor<2x8xf32>
  return %0 : tensor<2x8xf32>
}

// -----

#id = affine_map<(b, c) -> (b, c)>
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

#id = affine_map<(c, b) -> (b, c)>
#column = affine_map<(c, b) -> (c)>
func.func @negative_generic_reduces_batch(%x: tensor<?x8xf32>) -> tensor<8xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<8xf32>) -> tensor<8xf32>
  // expected-error @+1 {{'linalg.generic' op reduces over a dynamic size; needs a static batch}}
  %0 = linalg.generic {indexing_maps = [#id, #column], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x8xf32>) outs(%f : tensor<8xf32>) {
  ^bb0(%a: f32, %o: f32):
    %1 = arith.addf %a, %o : f32
    linalg.yield %1 : f32
  } -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

#id = affine_map<(b, c) -> (b, c)>
#row = affine_map<(b, c) -> (b)>
func.func @negative_generic_two_accumulators(%x: tensor<2x8xf32>) -> (tensor<2xf32>, tensor<2xi64>) {
  %zero = arith.constant 0.0 : f32
  %none = arith.constant -1 : i64
  %e = tensor.empty() : tensor<2xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2xf32>) -> tensor<2xf32>
  %i = tensor.empty() : tensor<2xi64>
  %g = linalg.fill ins(%none : i64) outs(%i : tensor<2xi64>) -> tensor<2xi64>
  // expected-error @+1 {{'linalg.generic' op computes result 1 from another result's accumulator; needs reductions that can be done one by one}}
  %0:2 = linalg.generic {indexing_maps = [#id, #row, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<2x8xf32>) outs(%f, %g : tensor<2xf32>, tensor<2xi64>) {
  ^bb0(%a: f32, %max: f32, %at: i64):
    %c = linalg.index 1 : index
    %n = arith.index_cast %c : index to i64
    %1 = arith.maximumf %a, %max : f32
    %2 = arith.cmpf ogt, %a, %max : f32
    %3 = arith.select %2, %n, %at : i64
    linalg.yield %1, %3 : f32, i64
  } -> (tensor<2xf32>, tensor<2xi64>)
  return %0#0, %0#1 : tensor<2xf32>, tensor<2xi64>
}
