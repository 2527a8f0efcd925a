// RUN: vit-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: func @merge_of_split(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x9x384xf32>
//       CHECK:   return %[[X]]
func.func @merge_of_split(%x: tensor<?x9x384xf32>) -> tensor<?x9x384xf32> {
  %0 = vit.split_heads %x heads 6 : tensor<?x9x384xf32> -> tensor<?x6x9x64xf32>
  %1 = vit.merge_heads %0 : tensor<?x6x9x64xf32> -> tensor<?x9x384xf32>
  return %1 : tensor<?x9x384xf32>
}

// CHECK-LABEL: func @split_of_merge(
//  CHECK-SAME:   %[[X:.*]]: tensor<?x6x9x64xf32>
//       CHECK:   return %[[X]]
func.func @split_of_merge(%x: tensor<?x6x9x64xf32>) -> tensor<?x6x9x64xf32> {
  %0 = vit.merge_heads %x : tensor<?x6x9x64xf32> -> tensor<?x9x384xf32>
  %1 = vit.split_heads %0 heads 6 : tensor<?x9x384xf32> -> tensor<?x6x9x64xf32>
  return %1 : tensor<?x6x9x64xf32>
}

// Six heads of 64 are not eight heads of 48.
// CHECK-LABEL: func @negative_split_of_merge_other_heads(
//       CHECK:   %[[M:.*]] = vit.merge_heads
//       CHECK:   vit.split_heads %[[M]] heads 8
func.func @negative_split_of_merge_other_heads(%x: tensor<?x6x9x64xf32>) -> tensor<?x8x9x48xf32> {
  %0 = vit.merge_heads %x : tensor<?x6x9x64xf32> -> tensor<?x9x384xf32>
  %1 = vit.split_heads %0 heads 8 : tensor<?x9x384xf32> -> tensor<?x8x9x48xf32>
  return %1 : tensor<?x8x9x48xf32>
}
