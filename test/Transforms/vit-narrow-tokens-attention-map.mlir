// RUN: vit-opt %s -vitc-fuse -split-input-file | FileCheck %s

// The class token alone is read; maps are asked for of any query. All queries
// are computed for the map, beside what @forward computes.
// CHECK-LABEL: func @forward(
//       CHECK:   %[[Q:.*]] = vit.split_heads %{{.*}} : tensor<?x1x8xf32>
//       CHECK:   vit.attention %[[Q]],
// CHECK-LABEL: func @attention(
//   CHECK-DAG:   %[[Q:.*]] = vit.split_heads %{{.*}} : tensor<?x1x8xf32>
//   CHECK-DAG:   vit.attention %[[Q]],
//   CHECK-DAG:   %[[ALL:.*]] = vit.split_heads %{{.*}} : tensor<?x5x8xf32>
//   CHECK-DAG:   vit.attention_map %[[ALL]], %{{.*}} : tensor<?x2x5x4xf32>, tensor<?x2x5x4xf32>
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
