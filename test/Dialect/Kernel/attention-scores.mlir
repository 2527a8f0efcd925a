// RUN: vit-opt %s | vit-opt | FileCheck %s
// RUN: vit-opt %s -mlir-print-op-generic | vit-opt | FileCheck %s

#qkv = affine_map<(b, h, i, d) -> (b, i, h * 4 + d)>
#scores = affine_map<(b, h, i, j) -> (b, h, i, j)>

// CHECK-DAG: #[[$GROUPS:.*]] = affine_map<(d0, d1) -> ((d0 mod 4) floordiv 2 + d1 floordiv 3)>
// CHECK-DAG: #[[$ITEM:.*]] = affine_map<(d0) -> (d0 floordiv 2)>
// CHECK-LABEL: func @all_changes(
//       CHECK:   kernel.attention {{.*}} scale 5.000000e-01 causal -1 softcap 3.000000e+01
//  CHECK-SAME:       groups #[[$GROUPS]] group_bias -1.000000e+02
//  CHECK-SAME:       key_length(%{{.*}} at #[[$ITEM]] : memref<1xi64>) init(
func.func @all_changes(%b: index, %x: memref<2x9x8xf32>, %n: memref<1xi64>, %o: memref<2x9x8xf32>) {
  kernel.attention batch(%b) queries(%b) keys(%b) heads 2 head_dim 4 value_dim 4 scale 5.0e-01 causal -1 softcap 30.0
      query(%x at #qkv : memref<2x9x8xf32>) key(%x at #qkv : memref<2x9x8xf32>)
      value(%x at #qkv : memref<2x9x8xf32>)
      groups affine_map<(b, i) -> (b mod 4 floordiv 2 + i floordiv 3)> group_bias -100.0
      key_length(%n at affine_map<(b) -> (b floordiv 2)> : memref<1xi64>) init(%o at #qkv : memref<2x9x8xf32>)
  return
}

// CHECK-LABEL: func @no_product(
//       CHECK:   kernel.attention {{.*}} head_dim 0 value_dim 4 scale 1.000000e+00 value(%{{.*}}) bias(%{{.*}}) init(
func.func @no_product(%b: index, %s: memref<2x2x9x9xf32>, %x: memref<2x9x8xf32>, %o: memref<2x9x8xf32>) {
  kernel.attention batch(%b) queries(%b) keys(%b) heads 2 head_dim 0 value_dim 4 scale 1.0
      value(%x at #qkv : memref<2x9x8xf32>) bias(%s at #scores : memref<2x2x9x9xf32>)
      init(%o at #qkv : memref<2x9x8xf32>)
  return
}
