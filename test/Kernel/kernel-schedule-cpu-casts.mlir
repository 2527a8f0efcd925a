// RUN: vit-opt %s -kernel-schedule-cpu=isa=x86-64-v4 | FileCheck %s
// RUN: vit-opt %s "-kernel-schedule-cpu=isa=x86-64-v4 backend=onednn" | FileCheck %s --check-prefix=ONEDNN

// Sums of blocks of K are kept in the result, in f32 alone. Rows of f16 are
// copied to 1 MiB: 128 of 2048 values. oneDNN computes neither.
// CHECK-LABEL: func @casts(
//       CHECK:   kernel.gemm {{.*}} kBlock = 1024, {{.*}} rowBlock = 256>
//       CHECK:   kernel.gemm {{.*}} kBlock = 2048, {{.*}} rowBlock = 256>
//       CHECK:   kernel.gemm {{.*}} kBlock = 1024, {{.*}} rowBlock = 128>
// ONEDNN:   kernel.gemm {{.*}}provider = onednn
// ONEDNN:   kernel.gemm {{.*}}provider = vector
// ONEDNN:   kernel.gemm {{.*}}provider = vector
func.func @casts(%b: index, %x: memref<?x196x2048xf32>, %u: memref<?x196x2048xbf16>, %w: memref<32768xf32>,
                 %y: memref<?x196x16xf32>, %z: memref<?x196x16xf16>) {
  %n = arith.constant 196 : index
  kernel.gemm batch(%b) rows(%n) n 16 k 2048
      lhs(%x at affine_map<(b, i, l) -> (b, i, l)> : memref<?x196x2048xf32>) weights(%w : memref<32768xf32>)
      init(%y at affine_map<(b, i, j) -> (b, i, j)> : memref<?x196x16xf32>)
  kernel.gemm batch(%b) rows(%n) n 16 k 2048
      lhs(%x at affine_map<(b, i, l) -> (b, i, l)> : memref<?x196x2048xf32>) weights(%w : memref<32768xf32>)
      init(%z at affine_map<(b, i, j) -> (b, i, j)> : memref<?x196x16xf16>)
  kernel.gemm batch(%b) rows(%n) n 16 k 2048
      lhs(%u at affine_map<(b, i, l) -> (b, i, l)> : memref<?x196x2048xbf16>) weights(%w : memref<32768xf32>)
      init(%y at affine_map<(b, i, j) -> (b, i, j)> : memref<?x196x16xf32>)
  return
}
