// RUN: vit-opt %s -vit-add-attention-entry -split-input-file -verify-diagnostics | FileCheck %s

// Two layers stack to [B, 2, H, Nk]; the class token is query 0.
// CHECK-LABEL: func @forward(
//   CHECK-NOT:   vit.attention_map
// CHECK-LABEL: func @attention(
//  CHECK-SAME:     %[[X:[^ ]+]]: tensor<?x2x5x4xf32> {vit.name = "x"}
//  CHECK-SAME:     -> (tensor<?x2x5x4xf32> {vit.name = "y"}, tensor<?x2x2x5xf32> {vit.name = "attentions"})
//       CHECK:   %[[N:.*]] = tensor.dim %[[X]]
//       CHECK:   %[[EMPTY:.*]] = tensor.empty(%{{.*}}) : tensor<?x2x2x5xf32>
//       CHECK:   %[[A:.*]] = vit.attention %[[X]], %[[X]], %[[X]] scale 5.000000e-01
//       CHECK:   %[[M0:.*]] = vit.attention_map %[[X]], %[[X]] scale 5.000000e-01 queries first
//       CHECK:   %[[MAPS:.*]] = tensor.insert_slice %[[M0]] into %[[EMPTY]][0, 0, 0, 0] [%{{.*}}, 1, 2, 5]
//       CHECK:   %[[Y:.*]] = vit.attention %[[A]], %[[X]], %[[X]] scale 2.500000e-01
//       CHECK:   %[[M1:.*]] = vit.attention_map %[[A]], %[[X]] scale 2.500000e-01 queries first
//       CHECK:   %[[ALL:.*]] = tensor.insert_slice %[[M1]] into %[[MAPS]][0, 1, 0, 0] [%{{.*}}, 1, 2, 5]
//       CHECK:   return %[[Y]], %[[ALL]]
module attributes {vit.model = #vit.model<name = "vit", task = "tensor", source = "", parameters = 0,
    grid = <prefix = 1, height = 2, width = 2, classToken = true>>} {
  func.func @forward(%x: tensor<?x2x5x4xf32> {vit.name = "x"}) -> (tensor<?x2x5x4xf32> {vit.name = "y"}) {
    %0 = vit.attention %x, %x, %x scale 5.000000e-01
        : tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32> -> tensor<?x2x5x4xf32>
    %1 = vit.attention %0, %x, %x scale 2.500000e-01
        : tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32> -> tensor<?x2x5x4xf32>
    return %1 : tensor<?x2x5x4xf32>
  }
}

// -----

// Without a class token: the mean over queries. A static batch needs no size;
// the bias is part of the probabilities.
// CHECK-LABEL: func @attention(
//       CHECK:   tensor.empty() : tensor<3x1x2x4xf32>
//       CHECK:   vit.attention_map %{{.*}} bias(%{{.*}} : tensor<1x2x4x4xf32>) scale 5.000000e-01 queries mean
//       CHECK:   tensor.insert_slice %{{.*}}[0, 0, 0, 0] [3, 1, 2, 4]
module attributes {vit.model = #vit.model<name = "vit", task = "tensor", source = "", parameters = 0,
    grid = <prefix = 0, height = 2, width = 2, classToken = false>>} {
  func.func @forward(%x: tensor<3x2x4x4xf32>, %bias: tensor<1x2x4x4xf32>) -> tensor<3x2x4x4xf32> {
    %0 = vit.attention %x, %x, %x bias(%bias : tensor<1x2x4x4xf32>) scale 5.000000e-01
        : tensor<3x2x4x4xf32>, tensor<3x2x4x4xf32>, tensor<3x2x4x4xf32> -> tensor<3x2x4x4xf32>
    return %0 : tensor<3x2x4x4xf32>
  }
}

// -----

// CHECK-LABEL: func @forward(
//   CHECK-NOT:   vit.attention_map
module attributes {vit.model = #vit.model<name = "vit", task = "tensor", source = "", parameters = 0,
    grid = <prefix = 1, height = 2, width = 2, classToken = true>>} {
  func.func @forward(%x: tensor<2x2x5x4xf32>, %k: tensor<2x2x3x4xf32>) -> tensor<2x2x5x4xf32> {
    %0 = vit.attention %x, %x, %x scale 5.000000e-01
        : tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32> -> tensor<2x2x5x4xf32>
    // expected-remark @+1 {{no attention maps: layers differ in heads or keys}}
    %1 = vit.attention %0, %k, %k scale 5.000000e-01
        : tensor<2x2x5x4xf32>, tensor<2x2x3x4xf32>, tensor<2x2x3x4xf32> -> tensor<2x2x5x4xf32>
    return %1 : tensor<2x2x5x4xf32>
  }
}

// -----

// CHECK-LABEL: func @forward(
//   CHECK-NOT:   vit.attention_map
module attributes {vit.model = #vit.model<name = "vit", task = "tensor", source = "", parameters = 0,
    grid = <prefix = 1, height = 2, width = 2, classToken = true>>} {
  func.func @forward(%x: tensor<2x2x5x4xf32>, %q: tensor<2x4x5x4xf32>) -> tensor<2x4x5x4xf32> {
    %0 = vit.attention %x, %x, %x scale 5.000000e-01
        : tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32> -> tensor<2x2x5x4xf32>
    // expected-remark @+1 {{no attention maps: layers differ in heads or keys}}
    %1 = vit.attention %q, %0, %0 scale 5.000000e-01
        : tensor<2x4x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32> -> tensor<2x4x5x4xf32>
    return %1 : tensor<2x4x5x4xf32>
  }
}

// -----

// There is no picture to draw the maps on.
// CHECK-LABEL: func @forward(
//   CHECK-NOT:   vit.attention_map
module attributes {vit.model = #vit.model<name = "vit", task = "tensor", source = "", parameters = 0>} {
  func.func @forward(%x: tensor<2x2x5x4xf32>) -> tensor<2x2x5x4xf32> {
    %0 = vit.attention %x, %x, %x scale 5.000000e-01
        : tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32>, tensor<2x2x5x4xf32> -> tensor<2x2x5x4xf32>
    return %0 : tensor<2x2x5x4xf32>
  }
}

// -----

// There is no attention to show.
// CHECK-LABEL: func @forward(
//   CHECK-NOT: func
//       CHECK: -----
module attributes {vit.model = #vit.model<name = "vit", task = "tensor", source = "", parameters = 0,
    grid = <prefix = 1, height = 2, width = 2, classToken = true>>} {
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
module attributes {vit.model = #vit.model<name = "vit", task = "tensor", source = "", parameters = 0,
    grid = <prefix = 1, height = 2, width = 2, classToken = true>>} {
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

// CHECK-LABEL: func @forward(
//   CHECK-NOT:   vit.attention_map
module attributes {vit.model = #vit.model<name = "vit", task = "tensor", source = "", parameters = 0,
    grid = <prefix = 1, height = 2, width = 2, classToken = true>>} {
  func.func @forward(%n: index) -> tensor<?x2x5x4xf32> {
    %x = tensor.empty(%n) : tensor<?x2x5x4xf32>
    // expected-remark @+1 {{no attention maps: no argument has the dynamic size of 'tensor<?x1x2x5xf32>'}}
    %0 = vit.attention %x, %x, %x scale 5.000000e-01
        : tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32> -> tensor<?x2x5x4xf32>
    return %0 : tensor<?x2x5x4xf32>
  }
}
