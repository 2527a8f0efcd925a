// RUN: vit-opt %s -kernel-schedule-cpu=isa=x86-64-v4 | FileCheck %s

// A block of rows is a chunk of those that have statistics, whatever a copy of
// them takes: 98 rows of 2304 values, 113 of which are 1 MiB, and 512 of 8.
// CHECK-LABEL: func @statistics(
//       CHECK:   kernel.gemm {{.*}} k 2304 {{.*}} rowBlock = 98>
//       CHECK:   kernel.gemm {{.*}} k 8 {{.*}} rowBlock = 512>
func.func @statistics(%b: index, %x: memref<?x196x2304xf32>, %w: memref<36864xf32>, %y: memref<?x196x16xf32>,
                      %s: memref<?x2x2x16xf32>, %u: memref<?x1024x8xf32>, %v: memref<256xf32>,
                      %z: memref<?x1024x16xf32>) {
  %n = arith.constant 196 : index
  %m = arith.constant 1024 : index
  kernel.gemm batch(%b) rows(%n) n 16 k 2304
      lhs(%x at affine_map<(b, i, l) -> (b, i, l)> : memref<?x196x2304xf32>) lhs_activation relu
      weights(%w : memref<36864xf32>) init(%y at affine_map<(b, i, j) -> (b, i, j)> : memref<?x196x16xf32>)
      statistics(%s : memref<?x2x2x16xf32>)
  kernel.gemm batch(%b) rows(%m) n 16 k 8 lhs(%u at affine_map<(b, i, l) -> (b, i, l)> : memref<?x1024x8xf32>)
      weights(%v : memref<256xf32>) init(%z at affine_map<(b, i, j) -> (b, i, j)> : memref<?x1024x16xf32>)
      statistics(%s : memref<?x2x2x16xf32>)
  return
}
