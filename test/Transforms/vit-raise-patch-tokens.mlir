// RUN: vit-opt %s -vit-raise-patch-tokens -split-input-file -verify-diagnostics | FileCheck %s

vit.weight @cls : tensor<1x1x8xf32> seed(1 mean 0.0 scale 1.0)
vit.weight @dist : tensor<1x1x8xf32> seed(2 mean 0.0 scale 1.0)
vit.weight @registers : tensor<1x2x8xf32> seed(3 mean 0.0 scale 1.0)
vit.weight @pos4 : tensor<1x4x8xf32> seed(4 mean 0.0 scale 1.0)
vit.weight @pos5 : tensor<1x5x8xf32> seed(5 mean 0.0 scale 1.0)
vit.weight @pos6 : tensor<1x6x8xf32> seed(6 mean 0.0 scale 1.0)

// ViT: a class token, then positions for all.
// CHECK-LABEL: func @patch_tokens_class(
//   CHECK-DAG:   %[[T:.*]] = vit.constant #vit.expr<reshape, [#vit.expr<ref, [@cls]> : tensor<1x1x8xf32>]> : tensor<1x8xf32>
//   CHECK-DAG:   %[[P:.*]] = vit.constant #vit.expr<reshape, [#vit.expr<ref, [@pos5]> : tensor<1x5x8xf32>]> : tensor<5x8xf32>
//       CHECK:   %[[Y:.*]] = vit.patch_embed %{{.*}}, %{{.*}} tokens(%[[T]] : tensor<1x8xf32>) position(%[[P]] : tensor<5x8xf32>) : {{.*}} -> tensor<1x5x8xf32>
//  CHECK-NEXT:   return %[[Y]]
func.func @patch_tokens_class(%x: tensor<1x3x8x8xf32>, %w: tensor<8x3x4x4xf32>) -> tensor<1x5x8xf32> {
  %cls = vit.constant #vit.expr<ref, [@cls]> : tensor<1x1x8xf32>
  %pos = vit.constant #vit.expr<ref, [@pos5]> : tensor<1x5x8xf32>
  %0 = vit.patch_embed %x, %w : tensor<1x3x8x8xf32>, tensor<8x3x4x4xf32> -> tensor<1x4x8xf32>
  %1 = tensor.concat dim(1) %cls, %0 : (tensor<1x1x8xf32>, tensor<1x4x8xf32>) -> tensor<1x5x8xf32>
  %2 = arith.addf %pos, %1 : tensor<1x5x8xf32>
  return %2 : tensor<1x5x8xf32>
}

// The pixels' norm stays.
// CHECK-LABEL: func @patch_tokens_norm(
//       CHECK:   vit.patch_embed {{.*}} tokens(%{{.*}}) norm <epsilon = 5.000000e-01 : f64> : {{.*}} -> tensor<1x5x8xf32>
func.func @patch_tokens_norm(%x: tensor<1x3x8x8xf32>, %w: tensor<8x3x4x4xf32>) -> tensor<1x5x8xf32> {
  %cls = vit.constant #vit.expr<ref, [@cls]> : tensor<1x1x8xf32>
  %0 = vit.patch_embed %x, %w norm <epsilon = 0.5 : f64> : tensor<1x3x8x8xf32>, tensor<8x3x4x4xf32> -> tensor<1x4x8xf32>
  %1 = tensor.concat dim(1) %cls, %0 : (tensor<1x1x8xf32>, tensor<1x4x8xf32>) -> tensor<1x5x8xf32>
  return %1 : tensor<1x5x8xf32>
}

// DeiT with a dynamic batch: tokens and positions are broadcast along it.
// CHECK-LABEL: func @patch_tokens_dynamic(
//   CHECK-DAG:   %[[T:.*]] = vit.constant #vit.expr<concat, [#vit.expr<reshape, [#vit.expr<ref, [@cls]> : tensor<1x1x8xf32>]> : tensor<1x8xf32>, #vit.expr<reshape, [#vit.expr<ref, [@dist]> : tensor<1x1x8xf32>]> : tensor<1x8xf32>]> : tensor<2x8xf32>
//   CHECK-DAG:   %[[P:.*]] = vit.constant #vit.expr<reshape, [#vit.expr<ref, [@pos6]> : tensor<1x6x8xf32>]> : tensor<6x8xf32>
//       CHECK:   %[[Y:.*]] = vit.patch_embed %{{.*}}, %{{.*}} tokens(%[[T]] : tensor<2x8xf32>) position(%[[P]] : tensor<6x8xf32>) : {{.*}} -> tensor<?x6x8xf32>
//  CHECK-NEXT:   return %[[Y]]
func.func @patch_tokens_dynamic(%x: tensor<?x3x8x8xf32>, %w: tensor<8x3x4x4xf32>) -> tensor<?x6x8xf32> {
  %c0 = arith.constant 0 : index
  %b = tensor.dim %x, %c0 : tensor<?x3x8x8xf32>
  %cls = vit.constant #vit.expr<ref, [@cls]> : tensor<1x1x8xf32>
  %dist = vit.constant #vit.expr<ref, [@dist]> : tensor<1x1x8xf32>
  %pos = vit.constant #vit.expr<ref, [@pos6]> : tensor<1x6x8xf32>
  %0 = vit.patch_embed %x, %w : tensor<?x3x8x8xf32>, tensor<8x3x4x4xf32> -> tensor<?x4x8xf32>
  %e1 = tensor.empty(%b) : tensor<?x1x8xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>],
      iterator_types = ["parallel", "parallel", "parallel"]} ins(%cls : tensor<1x1x8xf32>) outs(%e1 : tensor<?x1x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<?x1x8xf32>
  %flat = tensor.collapse_shape %dist [[0, 1], [2]] : tensor<1x1x8xf32> into tensor<1x8xf32>
  %2 = linalg.broadcast ins(%flat : tensor<1x8xf32>) outs(%e1 : tensor<?x1x8xf32>) dimensions = [0]
  %3 = tensor.concat dim(1) %1, %2, %0 : (tensor<?x1x8xf32>, tensor<?x1x8xf32>, tensor<?x4x8xf32>) -> tensor<?x6x8xf32>
  %e = tensor.empty(%b) : tensor<?x6x8xf32>
  %4 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (0, d1, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>],
      iterator_types = ["parallel", "parallel", "parallel"]} ins(%3, %pos : tensor<?x6x8xf32>, tensor<1x6x8xf32>) outs(%e : tensor<?x6x8xf32>) {
  ^bb0(%in: f32, %p: f32, %out: f32):
    %a = arith.addf %in, %p : f32
    linalg.yield %a : f32
  } -> tensor<?x6x8xf32>
  return %4 : tensor<?x6x8xf32>
}

// timm with no_embed_class: positions of the patches first, none of the token.
// CHECK-LABEL: func @patch_tokens_after_position(
//   CHECK-DAG:   %[[P:.*]] = vit.constant #vit.expr<concat, [#vit.expr<data, [dense<0.000000e+00> : tensor<1x8xf32>]> : tensor<1x8xf32>, #vit.expr<reshape, [#vit.expr<ref, [@pos4]> : tensor<1x4x8xf32>]> : tensor<4x8xf32>]> : tensor<5x8xf32>
//   CHECK-DAG:   %[[T:.*]] = vit.constant #vit.expr<reshape, [#vit.expr<ref, [@cls]>
//       CHECK:   %[[Y:.*]] = vit.patch_embed %{{.*}}, %{{.*}} tokens(%[[T]] : tensor<1x8xf32>) position(%[[P]] : tensor<5x8xf32>)
//  CHECK-NEXT:   return %[[Y]]
func.func @patch_tokens_after_position(%x: tensor<1x3x8x8xf32>, %w: tensor<8x3x4x4xf32>) -> tensor<1x5x8xf32> {
  %cls = vit.constant #vit.expr<ref, [@cls]> : tensor<1x1x8xf32>
  %pos = vit.constant #vit.expr<ref, [@pos4]> : tensor<1x4x8xf32>
  %0 = vit.patch_embed %x, %w : tensor<1x3x8x8xf32>, tensor<8x3x4x4xf32> -> tensor<1x4x8xf32>
  %1 = arith.addf %0, %pos : tensor<1x4x8xf32>
  %2 = tensor.concat dim(1) %cls, %1 : (tensor<1x1x8xf32>, tensor<1x4x8xf32>) -> tensor<1x5x8xf32>
  return %2 : tensor<1x5x8xf32>
}

// DINOv2 with registers: they are put between the class token and the patches
// after positions were added.
// CHECK-LABEL: func @patch_tokens_registers(
//   CHECK-DAG:   %[[T:.*]] = vit.constant #vit.expr<concat, [#vit.expr<reshape, [#vit.expr<ref, [@cls]> : tensor<1x1x8xf32>]> : tensor<1x8xf32>, #vit.expr<reshape, [#vit.expr<ref, [@registers]> : tensor<1x2x8xf32>]> : tensor<2x8xf32>]> : tensor<3x8xf32>
//   CHECK-DAG:   %[[P:.*]] = vit.constant #vit.expr<concat, [#vit.expr<slice, [#vit.expr<reshape, [#vit.expr<ref, [@pos5]> {{.*}}], params = [0]> : tensor<1x8xf32>, #vit.expr<data, [dense<0.000000e+00> : tensor<2x8xf32>]> : tensor<2x8xf32>, #vit.expr<slice, [#vit.expr<reshape, [#vit.expr<ref, [@pos5]> {{.*}}], params = [1]> : tensor<4x8xf32>]> : tensor<7x8xf32>
//       CHECK:   %[[Y:.*]] = vit.patch_embed %{{.*}}, %{{.*}} tokens(%[[T]] : tensor<3x8xf32>) position(%[[P]] : tensor<7x8xf32>) : {{.*}} -> tensor<1x7x8xf32>
//  CHECK-NEXT:   return %[[Y]]
func.func @patch_tokens_registers(%x: tensor<1x3x8x8xf32>, %w: tensor<8x3x4x4xf32>) -> tensor<1x7x8xf32> {
  %cls = vit.constant #vit.expr<ref, [@cls]> : tensor<1x1x8xf32>
  %registers = vit.constant #vit.expr<ref, [@registers]> : tensor<1x2x8xf32>
  %pos = vit.constant #vit.expr<ref, [@pos5]> : tensor<1x5x8xf32>
  %0 = vit.patch_embed %x, %w : tensor<1x3x8x8xf32>, tensor<8x3x4x4xf32> -> tensor<1x4x8xf32>
  %1 = tensor.concat dim(1) %cls, %0 : (tensor<1x1x8xf32>, tensor<1x4x8xf32>) -> tensor<1x5x8xf32>
  %2 = arith.addf %1, %pos : tensor<1x5x8xf32>
  %3 = tensor.extract_slice %2[0, 0, 0] [1, 1, 8] [1, 1, 1] : tensor<1x5x8xf32> to tensor<1x1x8xf32>
  %4 = tensor.extract_slice %2[0, 1, 0] [1, 4, 8] [1, 1, 1] : tensor<1x5x8xf32> to tensor<1x4x8xf32>
  %5 = tensor.concat dim(1) %3, %registers, %4 : (tensor<1x1x8xf32>, tensor<1x2x8xf32>, tensor<1x4x8xf32>) -> tensor<1x7x8xf32>
  return %5 : tensor<1x7x8xf32>
}

// BEiT's and others' two tables, added one after the other.
// CHECK-LABEL: func @patch_tokens_two_positions(
//       CHECK:   vit.constant #vit.expr<add, [#vit.expr<reshape, [#vit.expr<ref, [@pos4]> {{.*}}, #vit.expr<data, [dense<2.000000e+00>
//       CHECK:   vit.patch_embed %{{.*}} position(
//  CHECK-NEXT:   return
func.func @patch_tokens_two_positions(%x: tensor<1x3x8x8xf32>, %w: tensor<8x3x4x4xf32>) -> tensor<1x4x8xf32> {
  %pos = vit.constant #vit.expr<ref, [@pos4]> : tensor<1x4x8xf32>
  %more = arith.constant dense<2.0> : tensor<1x4x8xf32>
  %0 = vit.patch_embed %x, %w : tensor<1x3x8x8xf32>, tensor<8x3x4x4xf32> -> tensor<1x4x8xf32>
  %1 = arith.addf %0, %pos : tensor<1x4x8xf32>
  %2 = arith.addf %1, %more : tensor<1x4x8xf32>
  return %2 : tensor<1x4x8xf32>
}

// The patches alone are read, too; and they are behind the token of their own.
// CHECK-LABEL: func @negative_patch_tokens_users(
//       CHECK:   vit.patch_embed
//   CHECK-NOT:   tokens
//       CHECK:   tensor.concat
func.func @negative_patch_tokens_users(%x: tensor<1x3x8x8xf32>, %w: tensor<8x3x4x4xf32>) -> (tensor<1x5x8xf32>, tensor<1x4x8xf32>) {
  %cls = vit.constant #vit.expr<ref, [@cls]> : tensor<1x1x8xf32>
  %0 = vit.patch_embed %x, %w : tensor<1x3x8x8xf32>, tensor<8x3x4x4xf32> -> tensor<1x4x8xf32>
  %1 = tensor.concat dim(1) %cls, %0 : (tensor<1x1x8xf32>, tensor<1x4x8xf32>) -> tensor<1x5x8xf32>
  return %1, %0 : tensor<1x5x8xf32>, tensor<1x4x8xf32>
}

// Tokens behind the patches have no place in the op.
// CHECK-LABEL: func @negative_patch_tokens_behind(
//       CHECK:   vit.patch_embed
//       CHECK:   tensor.concat
func.func @negative_patch_tokens_behind(%x: tensor<1x3x8x8xf32>, %w: tensor<8x3x4x4xf32>) -> tensor<1x5x8xf32> {
  %cls = vit.constant #vit.expr<ref, [@cls]> : tensor<1x1x8xf32>
  %0 = vit.patch_embed %x, %w : tensor<1x3x8x8xf32>, tensor<8x3x4x4xf32> -> tensor<1x4x8xf32>
  %1 = tensor.concat dim(1) %0, %cls : (tensor<1x4x8xf32>, tensor<1x1x8xf32>) -> tensor<1x5x8xf32>
  return %1 : tensor<1x5x8xf32>
}

// One number for each channel is no position.
// CHECK-LABEL: func @negative_patch_tokens_channel(
//       CHECK:   vit.patch_embed
//   CHECK-NOT:   position
//       CHECK:   linalg.generic
func.func @negative_patch_tokens_channel(%x: tensor<1x3x8x8xf32>, %w: tensor<8x3x4x4xf32>) -> tensor<1x4x8xf32> {
  %cls = vit.constant #vit.expr<ref, [@cls]> : tensor<1x1x8xf32>
  %0 = vit.patch_embed %x, %w : tensor<1x3x8x8xf32>, tensor<8x3x4x4xf32> -> tensor<1x4x8xf32>
  %e = tensor.empty() : tensor<1x4x8xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>, affine_map<(d0, d1, d2) -> (0, 0, d2)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>],
      iterator_types = ["parallel", "parallel", "parallel"]} ins(%0, %cls : tensor<1x4x8xf32>, tensor<1x1x8xf32>) outs(%e : tensor<1x4x8xf32>) {
  ^bb0(%in: f32, %p: f32, %out: f32):
    %a = arith.addf %in, %p : f32
    linalg.yield %a : f32
  } -> tensor<1x4x8xf32>
  return %1 : tensor<1x4x8xf32>
}

// -----

// CHECK-LABEL: func @negative_patch_tokens_computed(
//       CHECK:   vit.patch_embed
//   CHECK-NOT:   tokens
//       CHECK:   tensor.concat
func.func @negative_patch_tokens_computed(%x: tensor<1x3x8x8xf32>, %w: tensor<8x3x4x4xf32>, %cls: tensor<1x1x8xf32>) -> tensor<1x5x8xf32> {
  %0 = vit.patch_embed %x, %w : tensor<1x3x8x8xf32>, tensor<8x3x4x4xf32> -> tensor<1x4x8xf32>
  // expected-remark @below {{not folded into vit.patch_embed: it joins tokens that are not constant}}
  %1 = tensor.concat dim(1) %cls, %0 : (tensor<1x1x8xf32>, tensor<1x4x8xf32>) -> tensor<1x5x8xf32>
  return %1 : tensor<1x5x8xf32>
}
