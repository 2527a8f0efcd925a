// RUN: vit-opt %s -vit-add-attention-entry -split-input-file -verify-diagnostics | FileCheck %s

// A map for each layer, of the queries that the new argument asks for. The
// importer's grid says where the tokens lie.
// CHECK-LABEL: func @forward(
//   CHECK-NOT:   vit.attention_map
// CHECK-LABEL: func @attention(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x2x5x4xf32> {vit.name = "x"}
//  CHECK-SAME:     %[[S:[^ ]+]]: tensor<2x2xi64> {vit.name = "attention_queries"}
//  CHECK-SAME:     -> (tensor<?x2x5x4xf32> {vit.name = "y"}, tensor<?x1x2x5x5xf32> {vit.name = "attentions.0"},
//  CHECK-SAME:         tensor<?x1x2x5x5xf32> {vit.name = "attentions.1"})
//  CHECK-SAME:     vit.attention_layers = [
//  CHECK-SAME:       #vit.attention_layer<number = 0, name = "encoder.0",
//  CHECK-SAME:         queries = <prefix = 1, height = 2, width = 2, classToken = true>,
//  CHECK-SAME:         keys = <prefix = 1, height = 2, width = 2, classToken = true>>,
//  CHECK-SAME:       #vit.attention_layer<number = 1, name = "encoder.1"
//       CHECK:   %[[A:.*]] = vit.attention %[[X]], %[[X]], %[[X]] scale 5.000000e-01
//       CHECK:   %[[M0:.*]] = vit.attention_map %[[X]], %[[X]] scale 5.000000e-01 selection(%[[S]][0] : tensor<2x2xi64>) windows 1
//       CHECK:   %[[Y:.*]] = vit.attention %[[A]], %[[X]], %[[X]] scale 2.500000e-01
//       CHECK:   %[[M1:.*]] = vit.attention_map %[[A]], %[[X]] scale 2.500000e-01 selection(%[[S]][1] : tensor<2x2xi64>) windows 1
//       CHECK:   return %[[Y]], %[[M0]], %[[M1]]
module attributes {vit.model = #vit.model<name = "vit", task = "tensor", source = "", parameters = 0,
    grid = <prefix = 1, height = 2, width = 2, classToken = true>>} {
  func.func @forward(%x: tensor<?x2x5x4xf32> {vit.name = "x"}) -> (tensor<?x2x5x4xf32> {vit.name = "y"}) {
    %0 = vit.attention %x, %x, %x scale 5.000000e-01
        : tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32> -> tensor<?x2x5x4xf32> loc("encoder.0")
    %1 = vit.attention %0, %x, %x scale 2.500000e-01
        : tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32> -> tensor<?x2x5x4xf32> loc("encoder.1")
    return %1 : tensor<?x2x5x4xf32>
  }
}

// -----

// What is added to the scores is part of the probabilities.
// CHECK-LABEL: func @attention(
//       CHECK:   vit.attention_map %{{.*}} bias(%{{.*}} : tensor<1x2x4x4xf32>) mask(%{{.*}} : tensor<1x1x4x4xf32>)
//  CHECK-SAME:       key_length(%{{.*}} : tensor<3xi32>) scale 5.000000e-01 causal 0 softcap 3.000000e+01
module {
  func.func @forward(%x: tensor<3x2x4x4xf32>, %bias: tensor<1x2x4x4xf32>, %mask: tensor<1x1x4x4xf32>,
                     %n: tensor<3xi32>) -> tensor<3x2x4x4xf32> {
    %0 = vit.attention %x, %x, %x bias(%bias : tensor<1x2x4x4xf32>) mask(%mask : tensor<1x1x4x4xf32>)
        key_length(%n : tensor<3xi32>) scale 5.000000e-01 causal 0 softcap 3.000000e+01
        : tensor<3x2x4x4xf32>, tensor<3x2x4x4xf32>, tensor<3x2x4x4xf32> -> tensor<3x2x4x4xf32>
    return %0 : tensor<3x2x4x4xf32>
  }
}

// -----

// Without an importer's grid the patch embedding tells: one token, then 2 x 3
// patches. Attention, residuals and linear layers keep the order.
// CHECK-LABEL: func @attention(
//  CHECK-SAME:     #vit.attention_layer<number = 0, name = "", queries = <prefix = 1, height = 2, width = 3, classToken = true>,
//  CHECK-SAME:       keys = <prefix = 1, height = 2, width = 3, classToken = true>>,
//  CHECK-SAME:     #vit.attention_layer<number = 1, name = "", queries = <prefix = 1, height = 2, width = 3, classToken = true>
module {
  func.func @forward(%x: tensor<?x3x16x24xf32>, %f: tensor<8x3x8x8xf32>, %t: tensor<1x8xf32>, %w: tensor<8x8xf32>)
      -> tensor<?x2x7x4xf32> {
    %e = vit.patch_embed %x, %f tokens(%t : tensor<1x8xf32>) : tensor<?x3x16x24xf32>, tensor<8x3x8x8xf32> -> tensor<?x7x8xf32>
    %q = vit.split_heads %e heads 2 : tensor<?x7x8xf32> -> tensor<?x2x7x4xf32>
    %0 = vit.attention %q, %q, %q scale 5.000000e-01
        : tensor<?x2x7x4xf32>, tensor<?x2x7x4xf32>, tensor<?x2x7x4xf32> -> tensor<?x2x7x4xf32>
    %m = vit.merge_heads %0 : tensor<?x2x7x4xf32> -> tensor<?x7x8xf32>
    %y = vit.linear %m, %w : tensor<?x7x8xf32>, tensor<8x8xf32> -> tensor<?x7x8xf32>
    %r = arith.addf %e, %y : tensor<?x7x8xf32>
    %p = vit.split_heads %r heads 2 : tensor<?x7x8xf32> -> tensor<?x2x7x4xf32>
    %1 = vit.attention %p, %p, %p scale 5.000000e-01
        : tensor<?x2x7x4xf32>, tensor<?x2x7x4xf32>, tensor<?x2x7x4xf32> -> tensor<?x2x7x4xf32>
    return %1 : tensor<?x2x7x4xf32>
  }
}

// -----

// Shifted windows of a map of 7 x 6, padded to 8 x 8.
// CHECK-LABEL: func @attention(
//  CHECK-SAME:     tensor<?x4x2x16x16xf32> {vit.name = "attentions.0"}
//  CHECK-SAME:     #vit.attention_layer<number = 0, name = "", queries = <prefix = 0, height = 7, width = 6, classToken = false>,
//  CHECK-SAME:       keys = <prefix = 0, height = 7, width = 6, classToken = false>, window = [4, 4], size = [8, 8], shift = [2, 2]>
//       CHECK:   vit.attention_map {{.*}} windows 4
module {
  func.func @forward(%x: tensor<?x7x6x8xf32>) -> tensor<?x2x16x4xf32> {
    %zero = arith.constant 0.0 : f32
    %p = tensor.pad %x low[0, 0, 0, 0] high[0, 1, 2, 0] {
    ^bb0(%b: index, %i: index, %j: index, %c: index):
      tensor.yield %zero : f32
    } : tensor<?x7x6x8xf32> to tensor<?x8x8x8xf32>
    %s = vit.cyclic_shift %p shift [2, 2] : tensor<?x8x8x8xf32>
    %w = vit.window_partition %s window [4, 4] : tensor<?x8x8x8xf32> -> tensor<?x16x8xf32>
    %q = vit.split_heads %w heads 2 : tensor<?x16x8xf32> -> tensor<?x2x16x4xf32>
    %0 = vit.attention %q, %q, %q scale 5.000000e-01
        : tensor<?x2x16x4xf32>, tensor<?x2x16x4xf32>, tensor<?x2x16x4xf32> -> tensor<?x2x16x4xf32>
    return %0 : tensor<?x2x16x4xf32>
  }
}

// -----

// Keys that are projections of the map's pixels: their weights are returned too.
// CHECK-LABEL: func @attention(
//  CHECK-SAME:     tensor<2x1x2x6x3xf32> {vit.name = "attentions.0"}, tensor<3x6xf32> {vit.name = "projections.0"})
//  CHECK-SAME:     keys = <prefix = 0, height = 2, width = 3, classToken = false>, projection = 0>
//       CHECK:   %[[P:.*]] = arith.constant dense<5.000000e-01> : tensor<3x6xf32>
//       CHECK:   return %{{.*}}, %{{.*}}, %[[P]]
module {
  func.func @forward(%x: tensor<2x2x3x8xf32>) -> tensor<2x2x6x4xf32> {
    %zero = arith.constant 0.0 : f32
    %weights = arith.constant dense<0.5> : tensor<3x6xf32>
    %t = tensor.collapse_shape %x [[0], [1, 2], [3]] : tensor<2x2x3x8xf32> into tensor<2x6x8xf32>
    %q = vit.split_heads %t heads 2 : tensor<2x6x8xf32> -> tensor<2x2x6x4xf32>
    %e = tensor.empty() : tensor<2x3x8xf32>
    %f = linalg.fill ins(%zero : f32) outs(%e : tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
    %p = linalg.contract indexing_maps = [affine_map<(b, n, c, k) -> (b, n, c)>, affine_map<(b, n, c, k) -> (k, n)>,
                                          affine_map<(b, n, c, k) -> (b, k, c)>]
        ins(%t, %weights : tensor<2x6x8xf32>, tensor<3x6xf32>) outs(%f : tensor<2x3x8xf32>) -> tensor<2x3x8xf32>
    %k = vit.split_heads %p heads 2 : tensor<2x3x8xf32> -> tensor<2x2x3x4xf32>
    %0 = vit.attention %q, %k, %k scale 5.000000e-01
        : tensor<2x2x6x4xf32>, tensor<2x2x3x4xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x6x4xf32>
    return %0 : tensor<2x2x6x4xf32>
  }
}

// -----

// Keys of another place: their map cannot be drawn, their probabilities can be
// told.
// CHECK-LABEL: func @attention(
//  CHECK-SAME:     vit.attention_layers = [#vit.attention_layer<number = 0, name = "">]
module {
  func.func @forward(%x: tensor<2x2x5x4xf32>, %k: tensor<2x2x3x4xf32>) -> tensor<2x2x5x4xf32> {
    %0 = vit.attention %x, %k, %k scale 5.000000e-01
        : tensor<2x2x5x4xf32>, tensor<2x2x3x4xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x5x4xf32>
    return %0 : tensor<2x2x5x4xf32>
  }
}

// -----

// The batch is twice the images', and nothing tells how.
// CHECK-LABEL: func @forward(
//   CHECK-NOT:   vit.attention_map
module {
  func.func @forward(%image: tensor<1x8xf32>, %x: tensor<2x2x5x4xf32>) -> tensor<2x2x5x4xf32> {
    // expected-remark @+1 {{no attention map: its batch is neither the picture's nor its windows'}}
    %0 = vit.attention %x, %x, %x scale 5.000000e-01
        : tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32> -> tensor<2x2x5x4xf32>
    return %0 : tensor<2x2x5x4xf32>
  }
}

// -----

// CHECK-LABEL: func @forward(
//   CHECK-NOT:   vit.attention_map
module {
  func.func @forward(%x: tensor<2x2x5x4xf16>) -> tensor<2x2x5x4xf16> {
    // expected-remark @+1 {{no attention map: it is 'f16'; needs f32}}
    %0 = vit.attention %x, %x, %x scale 5.000000e-01
        : tensor<2x2x5x4xf16>, tensor<2x2x5x4xf16>, tensor<2x2x5x4xf16> -> tensor<2x2x5x4xf16>
    return %0 : tensor<2x2x5x4xf16>
  }
}

// -----

// CHECK-LABEL: func @forward(
//   CHECK-NOT:   vit.attention_map
module {
  func.func @forward(%n: index) -> tensor<?x2x5x4xf32> {
    %x = tensor.empty(%n) : tensor<?x2x5x4xf32>
    // expected-remark @+1 {{no attention map: its batch is neither the picture's nor its windows'}}
    %0 = vit.attention %x, %x, %x scale 5.000000e-01
        : tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32> -> tensor<?x2x5x4xf32>
    return %0 : tensor<?x2x5x4xf32>
  }
}

// -----

// There is no attention to show.
// CHECK-LABEL: func @forward(
//   CHECK-NOT: func
//       CHECK: -----
module {
  func.func @forward(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
    %0 = vit.gelu %x : tensor<2x8xf32>
    return %0 : tensor<2x8xf32>
  }
}

// -----

// The model has an entry of that name.
// CHECK-LABEL: func @attention(
//   CHECK-NOT:   vit.attention_map
//       CHECK:   return
// CHECK-LABEL: func @forward(
//   CHECK-NOT:   vit.attention_map
module {
  func.func @attention(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
    return %x : tensor<2x8xf32>
  }
  func.func @forward(%x: tensor<2x2x5x4xf32>) -> tensor<2x2x5x4xf32> {
    %0 = vit.attention %x, %x, %x scale 5.000000e-01
        : tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32> -> tensor<2x2x5x4xf32>
    return %0 : tensor<2x2x5x4xf32>
  }
}

// -----

// Of a model that generates tokens it is @step that is cloned, and attention to
// memory that counts: not the second, whose keys are a cache, nor the third,
// whose keys are of the token. The grid is the picture's.
// CHECK-LABEL: func @encode(
// CHECK-LABEL: func @step(
//   CHECK-NOT:   vit.attention_map
// CHECK-LABEL: func @attention(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x1x8xf32> {vit.name = "token"}
//  CHECK-SAME:     %[[S:[^ ]+]]: tensor<1x2xi64> {vit.name = "attention_queries"}
//  CHECK-SAME:     -> (tensor<?x1x8xf32> {vit.name = "scores"}, tensor<?x3x8xf32> {vit.name = "cache"},
//  CHECK-SAME:         tensor<?x1x2x1x4xf32> {vit.name = "attentions.0"})
//  CHECK-SAME:     [#vit.attention_layer<number = 0, name = "", keys = <prefix = 0, height = 2, width = 2, classToken = false>>]
//       CHECK:   vit.attention_map %{{.*}} scale 5.000000e-01 selection(%[[S]][0] : tensor<1x2xi64>) windows 1
//   CHECK-NOT:   vit.attention_map
module attributes {vit.model = #vit.model<name = "m", task = "generation", source = "", parameters = 0,
    grid = <prefix = 0, height = 2, width = 2, classToken = false>,
    generation = #vit.generation<token = "token", scores = "scores", start = [0], end = [1], pad = 0, maxLength = 3>>} {
  func.func @encode(%x: tensor<?x4x8xf32> {vit.name = "x"}) -> (tensor<?x4x8xf32> {vit.name = "memory"}) {
    return %x : tensor<?x4x8xf32>
  }
  func.func @step(%x: tensor<?x1x8xf32> {vit.name = "token"}, %cache: tensor<?x3x8xf32> {vit.name = "cache"},
                  %m: tensor<?x4x8xf32> {vit.name = "memory"})
      -> (tensor<?x1x8xf32> {vit.name = "scores"}, tensor<?x3x8xf32> {vit.name = "cache"}) {
    %q = vit.split_heads %x heads 2 : tensor<?x1x8xf32> -> tensor<?x2x1x4xf32>
    %k = vit.split_heads %m heads 2 : tensor<?x4x8xf32> -> tensor<?x2x4x4xf32>
    %c = vit.split_heads %cache heads 2 : tensor<?x3x8xf32> -> tensor<?x2x3x4xf32>
    %0 = vit.attention %q, %k, %k scale 5.000000e-01
        : tensor<?x2x1x4xf32>, tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32> -> tensor<?x2x1x4xf32>
    %1 = vit.attention %0, %c, %c scale 5.000000e-01
        : tensor<?x2x1x4xf32>, tensor<?x2x3x4xf32>, tensor<?x2x3x4xf32> -> tensor<?x2x1x4xf32>
    %2 = vit.attention %1, %q, %q scale 5.000000e-01
        : tensor<?x2x1x4xf32>, tensor<?x2x1x4xf32>, tensor<?x2x1x4xf32> -> tensor<?x2x1x4xf32>
    %y = vit.merge_heads %2 : tensor<?x2x1x4xf32> -> tensor<?x1x8xf32>
    return %y, %cache : tensor<?x1x8xf32>, tensor<?x3x8xf32>
  }
}

// -----

// A model that generates tokens and attends to nothing but them.
// CHECK-LABEL: func @step(
//   CHECK-NOT:   vit.attention_map
//   CHECK-NOT:   func
//       CHECK: -----
module attributes {vit.model = #vit.model<name = "m", task = "generation", source = "", parameters = 0,
    generation = #vit.generation<token = "token", scores = "scores", start = [0], end = [1], pad = 0, maxLength = 3>>} {
  func.func @step(%x: tensor<?x2x1x4xf32> {vit.name = "token"}) -> (tensor<?x2x1x4xf32> {vit.name = "scores"}) {
    %0 = vit.attention %x, %x, %x scale 5.000000e-01
        : tensor<?x2x1x4xf32>, tensor<?x2x1x4xf32>, tensor<?x2x1x4xf32> -> tensor<?x2x1x4xf32>
    return %0 : tensor<?x2x1x4xf32>
  }
}

// -----

// The memory of a step that takes a text's mask is that text: no picture.
// CHECK-LABEL: func @attention(
//  CHECK-SAME:     vit.attention_layers = [#vit.attention_layer<number = 0, name = "">]
module attributes {vit.model = #vit.model<name = "m", task = "generation", source = "", parameters = 0,
    grid = <prefix = 0, height = 2, width = 2, classToken = false>,
    text = <tokenizer = dense_resource<table> : tensor<1xi8>, maxLength = 4, ids = "ids", mask = "mask">,
    generation = #vit.generation<token = "token", scores = "scores", start = [0], end = [1], pad = 0, maxLength = 3>>} {
  func.func @step(%x: tensor<?x2x1x4xf32> {vit.name = "token"}, %m: tensor<?x2x4x4xf32> {vit.name = "memory"},
                  %mask: tensor<?x4xi64> {vit.name = "mask"}) -> (tensor<?x2x1x4xf32> {vit.name = "scores"}) {
    %0 = vit.attention %x, %m, %m scale 5.000000e-01
        : tensor<?x2x1x4xf32>, tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32> -> tensor<?x2x1x4xf32>
    return %0 : tensor<?x2x1x4xf32>
  }
}

{-#
  dialect_resources: {
    builtin: {
      table: "0x0100000000"
    }
  }
#-}
