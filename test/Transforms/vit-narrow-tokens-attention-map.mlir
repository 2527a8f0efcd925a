// RUN: vit-opt %s -vitc-fuse -split-input-file | FileCheck %s

// The class token is read and shown: one query serves both.
// CHECK-LABEL: func @forward(
//       CHECK:   vit.split_heads %{{.*}} : tensor<?x1x8xf32>
// CHECK-LABEL: func @attention(
//       CHECK:   %[[Q:.*]] = vit.split_heads %{{.*}} : tensor<?x1x8xf32>
//       CHECK:   vit.attention %[[Q]],
//       CHECK:   vit.attention_map %[[Q]], %{{.*}} queries first : tensor<?x2x1x4xf32>
module attributes {vit.model = #vit.model<name = "vit", task = "tensor", source = "", parameters = 0,
    grid = <prefix = 1, height = 2, width = 2, classToken = true>>} {
  func.func @forward(%x: tensor<?x5x8xf32>, %k: tensor<?x2x5x4xf32>) -> tensor<?x1x8xf32> {
    %c0 = arith.constant 0 : index
    %n = tensor.dim %x, %c0 : tensor<?x5x8xf32>
    %q = vit.split_heads %x heads 2 : tensor<?x5x8xf32> -> tensor<?x2x5x4xf32>
    %0 = vit.attention %q, %k, %k scale 5.000000e-01
        : tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32> -> tensor<?x2x5x4xf32>
    %1 = vit.merge_heads %0 : tensor<?x2x5x4xf32> -> tensor<?x5x8xf32>
    %2 = tensor.extract_slice %1[0, 0, 0] [%n, 1, 8] [1, 1, 1] : tensor<?x5x8xf32> to tensor<?x1x8xf32>
    return %2 : tensor<?x1x8xf32>
  }
}

// -----

// The mean over queries needs all of them, though one token is read.
// CHECK-LABEL: func @forward(
//       CHECK:   vit.split_heads %{{.*}} : tensor<?x1x8xf32>
// CHECK-LABEL: func @attention(
//       CHECK:   %[[Q:.*]] = vit.split_heads %{{.*}} : tensor<?x5x8xf32>
//       CHECK:   %[[S:.*]] = tensor.extract_slice %[[Q]]{{.*}} to tensor<?x2x1x4xf32>
//       CHECK:   vit.attention %[[S]],
//       CHECK:   vit.attention_map %[[Q]], %{{.*}} queries mean : tensor<?x2x5x4xf32>
module attributes {vit.model = #vit.model<name = "vit", task = "tensor", source = "", parameters = 0,
    grid = <prefix = 1, height = 2, width = 2, classToken = false>>} {
  func.func @forward(%x: tensor<?x5x8xf32>, %k: tensor<?x2x5x4xf32>) -> tensor<?x1x8xf32> {
    %c0 = arith.constant 0 : index
    %n = tensor.dim %x, %c0 : tensor<?x5x8xf32>
    %q = vit.split_heads %x heads 2 : tensor<?x5x8xf32> -> tensor<?x2x5x4xf32>
    %0 = vit.attention %q, %k, %k scale 5.000000e-01
        : tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32> -> tensor<?x2x5x4xf32>
    %1 = vit.merge_heads %0 : tensor<?x2x5x4xf32> -> tensor<?x5x8xf32>
    %2 = tensor.extract_slice %1[0, 0, 0] [%n, 1, 8] [1, 1, 1] : tensor<?x5x8xf32> to tensor<?x1x8xf32>
    return %2 : tensor<?x1x8xf32>
  }
}

// -----

// Token 1 is read, token 0 is shown.
// CHECK-LABEL: func @forward(
//       CHECK:   vit.split_heads %{{.*}} : tensor<?x1x8xf32>
// CHECK-LABEL: func @attention(
//       CHECK:   %[[Q:.*]] = vit.split_heads %{{.*}} : tensor<?x5x8xf32>
//       CHECK:   %[[S:.*]] = tensor.extract_slice %[[Q]]{{.*}} to tensor<?x2x1x4xf32>
//       CHECK:   vit.attention %[[S]],
//       CHECK:   vit.attention_map %[[Q]], %{{.*}} queries first : tensor<?x2x5x4xf32>
module attributes {vit.model = #vit.model<name = "vit", task = "tensor", source = "", parameters = 0,
    grid = <prefix = 1, height = 2, width = 2, classToken = true>>} {
  func.func @forward(%x: tensor<?x5x8xf32>, %k: tensor<?x2x5x4xf32>) -> tensor<?x1x8xf32> {
    %c0 = arith.constant 0 : index
    %n = tensor.dim %x, %c0 : tensor<?x5x8xf32>
    %q = vit.split_heads %x heads 2 : tensor<?x5x8xf32> -> tensor<?x2x5x4xf32>
    %0 = vit.attention %q, %k, %k scale 5.000000e-01
        : tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32> -> tensor<?x2x5x4xf32>
    %1 = vit.merge_heads %0 : tensor<?x2x5x4xf32> -> tensor<?x5x8xf32>
    %2 = tensor.extract_slice %1[0, 1, 0] [%n, 1, 8] [1, 1, 1] : tensor<?x5x8xf32> to tensor<?x1x8xf32>
    return %2 : tensor<?x1x8xf32>
  }
}
