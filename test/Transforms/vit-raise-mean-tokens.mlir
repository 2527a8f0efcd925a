// RUN: vit-opt %s -vit-raise-mean-tokens -canonicalize -verify-diagnostics | FileCheck %s

#tokens = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#mean1 = affine_map<(d0, d1, d2) -> (d0, d2)>
#mean2 = affine_map<(d0, d1, d2) -> (d0, d1, 0)>

// ReduceMean over dim 1 of all tokens but the first, without keepdims.
// CHECK-LABEL: func @mean_tokens(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x5x8xf32>
//  CHECK-NEXT:   %[[Y:.*]] = vit.mean_tokens %[[X]] skip 1 : tensor<?x5x8xf32> -> tensor<?x8xf32>
//  CHECK-NEXT:   return %[[Y]]
func.func @mean_tokens(%x: tensor<?x5x8xf32>) -> tensor<?x8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %b = tensor.dim %x, %c0 : tensor<?x5x8xf32>
  %patches = tensor.extract_slice %x[0, 1, 0] [%b, 4, 8] [1, 1, 1] : tensor<?x5x8xf32> to tensor<?x4x8xf32>
  %e = tensor.empty(%b) : tensor<?x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<?x8xf32>) -> tensor<?x8xf32>
  %s = linalg.generic {indexing_maps = [#tokens, #mean1], iterator_types = ["parallel", "reduction", "parallel"]}
      ins(%patches : tensor<?x4x8xf32>) outs(%f : tensor<?x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %a = arith.addf %in, %out : f32
    linalg.yield %a : f32
  } -> tensor<?x8xf32>
  %m = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel"]} ins(%s : tensor<?x8xf32>) outs(%e : tensor<?x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %count = arith.constant 4.0 : f32
    %a = arith.divf %in, %count : f32
    linalg.yield %a : f32
  } -> tensor<?x8xf32>
  return %m : tensor<?x8xf32>
}

// Hugging Face's Swin: GlobalAveragePool of transposed tokens, then Flatten.
// CHECK-LABEL: func @mean_tokens_pool(
//  CHECK-SAME:   %[[X:.*]]: tensor<2x4x8xf32>
//  CHECK-NEXT:   %[[Y:.*]] = vit.mean_tokens %[[X]] : tensor<2x4x8xf32> -> tensor<2x8xf32>
//  CHECK-NEXT:   return %[[Y]]
func.func @mean_tokens_pool(%x: tensor<2x4x8xf32>) -> tensor<2x8xf32> {
  %zero = arith.constant 0.0 : f32
  %quarter = arith.constant dense<0.25> : tensor<2x8x1xf32>
  %e0 = tensor.empty() : tensor<2x8x4xf32>
  %t = linalg.transpose ins(%x : tensor<2x4x8xf32>) outs(%e0 : tensor<2x8x4xf32>) permutation = [0, 2, 1]
  %e = tensor.empty() : tensor<2x8x1xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8x1xf32>) -> tensor<2x8x1xf32>
  %s = linalg.generic {indexing_maps = [#tokens, #mean2], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%t : tensor<2x8x4xf32>) outs(%f : tensor<2x8x1xf32>) {
  ^bb0(%in: f32, %out: f32):
    %a = arith.addf %in, %out : f32
    linalg.yield %a : f32
  } -> tensor<2x8x1xf32>
  %m = arith.mulf %s, %quarter : tensor<2x8x1xf32>
  %r = tensor.collapse_shape %m [[0], [1, 2]] : tensor<2x8x1xf32> into tensor<2x8xf32>
  return %r : tensor<2x8xf32>
}

// AdaptiveAvgPool1d in newer exporters: a dim of size 1 is put before the tokens.
// CHECK-LABEL: func @mean_tokens_unit_dim(
//  CHECK-SAME:   %[[X:.*]]: tensor<2x4x8xf32>
//  CHECK-NEXT:   %[[Y:.*]] = vit.mean_tokens %[[X]] : tensor<2x4x8xf32> -> tensor<2x8xf32>
//  CHECK-NEXT:   return %[[Y]]
func.func @mean_tokens_unit_dim(%x: tensor<2x4x8xf32>) -> tensor<2x8xf32> {
  %zero = arith.constant 0.0 : f32
  %quarter = arith.constant dense<0.25> : tensor<2x8xf32>
  %e0 = tensor.empty() : tensor<2x8x4xf32>
  %t = linalg.transpose ins(%x : tensor<2x4x8xf32>) outs(%e0 : tensor<2x8x4xf32>) permutation = [0, 2, 1]
  %u = tensor.expand_shape %t [[0], [1], [2, 3]] output_shape [2, 8, 1, 4] : tensor<2x8x4xf32> into tensor<2x8x1x4xf32>
  %e = tensor.empty() : tensor<2x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %s = linalg.reduce ins(%u : tensor<2x8x1x4xf32>) outs(%f : tensor<2x8xf32>) dimensions = [2, 3]
  (%in: f32, %out: f32) {
    %a = arith.addf %out, %in : f32
    linalg.yield %a : f32
  }
  %m = arith.mulf %s, %quarter : tensor<2x8xf32>
  return %m : tensor<2x8xf32>
}

// Tokens that were put back into a map, [B, C, H, W], before the pooling.
// CHECK-LABEL: func @mean_tokens_of_map(
//  CHECK-SAME:   %[[X:.*]]: tensor<2x12x8xf32>
//  CHECK-NEXT:   %[[Y:.*]] = vit.mean_tokens %[[X]] : tensor<2x12x8xf32> -> tensor<2x8xf32>
//  CHECK-NEXT:   return %[[Y]]
func.func @mean_tokens_of_map(%x: tensor<2x12x8xf32>) -> tensor<2x8xf32> {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant dense<12.0> : tensor<2x8xf32>
  %e0 = tensor.empty() : tensor<2x8x12xf32>
  %t = linalg.transpose ins(%x : tensor<2x12x8xf32>) outs(%e0 : tensor<2x8x12xf32>) permutation = [0, 2, 1]
  %u = tensor.expand_shape %t [[0], [1], [2, 3]] output_shape [2, 8, 3, 4] : tensor<2x8x12xf32> into tensor<2x8x3x4xf32>
  %e = tensor.empty() : tensor<2x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %s = linalg.reduce ins(%u : tensor<2x8x3x4xf32>) outs(%f : tensor<2x8xf32>) dimensions = [2, 3]
  (%in: f32, %out: f32) {
    %a = arith.addf %out, %in : f32
    linalg.yield %a : f32
  }
  %m = arith.divf %s, %count : tensor<2x8xf32>
  return %m : tensor<2x8xf32>
}

// timm's Swin: the mean over rows and columns.
// CHECK-LABEL: func @mean_tokens_map(
//  CHECK-SAME:   %[[X:.*]]: tensor<2x3x4x8xf32>
//  CHECK-NEXT:   %[[T:.*]] = tensor.collapse_shape %[[X]] {{.*}} into tensor<2x12x8xf32>
//  CHECK-NEXT:   %[[Y:.*]] = vit.mean_tokens %[[T]] : tensor<2x12x8xf32> -> tensor<2x8xf32>
//  CHECK-NEXT:   return %[[Y]]
func.func @mean_tokens_map(%x: tensor<2x3x4x8xf32>) -> tensor<2x8xf32> {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant dense<12.0> : tensor<2x8xf32>
  %e = tensor.empty() : tensor<2x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %s = linalg.reduce ins(%x : tensor<2x3x4x8xf32>) outs(%f : tensor<2x8xf32>) dimensions = [1, 2]
  (%in: f32, %out: f32) {
    %a = arith.addf %out, %in : f32
    linalg.yield %a : f32
  }
  %m = arith.divf %s, %count : tensor<2x8xf32>
  return %m : tensor<2x8xf32>
}

// A convolutional network's pooling: channels first, nothing was transposed.
// CHECK-LABEL: func @negative_mean_tokens_channels_first(
//   CHECK-NOT:   vit.mean_tokens
func.func @negative_mean_tokens_channels_first(%x: tensor<2x8x3x4xf32>) -> tensor<2x8xf32> {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant dense<12.0> : tensor<2x8xf32>
  %e = tensor.empty() : tensor<2x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %s = linalg.reduce ins(%x : tensor<2x8x3x4xf32>) outs(%f : tensor<2x8xf32>) dimensions = [2, 3]
  (%in: f32, %out: f32) {
    %a = arith.addf %out, %in : f32
    linalg.yield %a : f32
  }
  // expected-remark @below {{not raised to vit.mean_tokens: it is the mean over dims [2, 3] of 'tensor<2x8x3x4xf32>'; vit.mean_tokens is over the dims between batch and channels}}
  %m = arith.divf %s, %count : tensor<2x8xf32>
  return %m : tensor<2x8xf32>
}

// A sum over 4 tokens, divided by 5, is no mean; nor is one that starts at 1.
// CHECK-LABEL: func @negative_mean_tokens_count(
//   CHECK-NOT:   vit.mean_tokens
func.func @negative_mean_tokens_count(%x: tensor<2x4x8xf32>) -> (tensor<2x8xf32>, tensor<2x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %five = arith.constant dense<5.0> : tensor<2x8xf32>
  %four = arith.constant dense<4.0> : tensor<2x8xf32>
  %e = tensor.empty() : tensor<2x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %s = linalg.reduce ins(%x : tensor<2x4x8xf32>) outs(%f : tensor<2x8xf32>) dimensions = [1]
  (%in: f32, %out: f32) {
    %a = arith.addf %out, %in : f32
    linalg.yield %a : f32
  }
  %m = arith.divf %s, %five : tensor<2x8xf32>
  %g = linalg.fill ins(%one : f32) outs(%e : tensor<2x8xf32>) -> tensor<2x8xf32>
  %t = linalg.reduce ins(%x : tensor<2x4x8xf32>) outs(%g : tensor<2x8xf32>) dimensions = [1]
  (%in: f32, %out: f32) {
    %a = arith.addf %out, %in : f32
    linalg.yield %a : f32
  }
  %n = arith.divf %t, %four : tensor<2x8xf32>
  return %m, %n : tensor<2x8xf32>, tensor<2x8xf32>
}

// The columns of each row: some of the tokens.
// CHECK-LABEL: func @negative_mean_tokens_rows(
//   CHECK-NOT:   vit.mean_tokens
func.func @negative_mean_tokens_rows(%x: tensor<2x12x8xf32>) -> tensor<2x3x8xf32> {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant dense<4.0> : tensor<2x3x8xf32>
  %u = tensor.expand_shape %x [[0], [1, 2], [3]] output_shape [2, 3, 4, 8] : tensor<2x12x8xf32> into tensor<2x3x4x8xf32>
  %e = tensor.empty() : tensor<2x3x8xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
  %s = linalg.reduce ins(%u : tensor<2x3x4x8xf32>) outs(%f : tensor<2x3x8xf32>) dimensions = [2]
  (%in: f32, %out: f32) {
    %a = arith.addf %out, %in : f32
    linalg.yield %a : f32
  }
  %m = arith.divf %s, %count : tensor<2x3x8xf32>
  return %m : tensor<2x3x8xf32>
}

// The batch and the channels change places.
// CHECK-LABEL: func @negative_mean_tokens_order(
//   CHECK-NOT:   vit.mean_tokens
func.func @negative_mean_tokens_order(%x: tensor<2x4x8xf32>) -> tensor<8x2xf32> {
  %zero = arith.constant 0.0 : f32
  %count = arith.constant dense<4.0> : tensor<8x2xf32>
  %e0 = tensor.empty() : tensor<8x2x4xf32>
  %t = linalg.transpose ins(%x : tensor<2x4x8xf32>) outs(%e0 : tensor<8x2x4xf32>) permutation = [2, 0, 1]
  %e = tensor.empty() : tensor<8x2xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<8x2xf32>) -> tensor<8x2xf32>
  %s = linalg.reduce ins(%t : tensor<8x2x4xf32>) outs(%f : tensor<8x2xf32>) dimensions = [2]
  (%in: f32, %out: f32) {
    %a = arith.addf %out, %in : f32
    linalg.yield %a : f32
  }
  %m = arith.divf %s, %count : tensor<8x2xf32>
  return %m : tensor<8x2xf32>
}

// Channels of a dynamic number.
// CHECK-LABEL: func @negative_mean_tokens_dynamic(
//   CHECK-NOT:   vit.mean_tokens
func.func @negative_mean_tokens_dynamic(%x: tensor<2x4x?xf32>, %c: index) -> tensor<2x?xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty(%c) : tensor<2x?xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x?xf32>) -> tensor<2x?xf32>
  %s = linalg.reduce ins(%x : tensor<2x4x?xf32>) outs(%f : tensor<2x?xf32>) dimensions = [1]
  (%in: f32, %out: f32) {
    %a = arith.addf %out, %in : f32
    linalg.yield %a : f32
  }
  // expected-remark @below {{not raised to vit.mean_tokens: its input is 'tensor<2x4x?xf32>'; only a batch in dim 0 may be dynamic}}
  %m = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0, d1)>],
      iterator_types = ["parallel", "parallel"]} ins(%s : tensor<2x?xf32>) outs(%e : tensor<2x?xf32>) {
  ^bb0(%in: f32, %out: f32):
    %count = arith.constant 4.0 : f32
    %a = arith.divf %in, %count : f32
    linalg.yield %a : f32
  } -> tensor<2x?xf32>
  return %m : tensor<2x?xf32>
}
