// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#heads = affine_map<(b, h, i, d) -> (b, i, h * 16 + d)>
#scores = affine_map<(b, h, i, j) -> (b, h, i, j)>

module attributes {kernel.cpu = #cpu} {

func.func @attention(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 12 : index
  %q = kernel.buffer %context input at 0 : memref<?x12x16xf32>
  %lengths = kernel.buffer %context input at 1 : memref<?xi32>
  %s = kernel.buffer %context input at 2 : memref<?x1x12x12xf32>
  %o = kernel.buffer %context output at 0 : memref<?x12x16xf32>
  kernel.attention batch(%b) queries(%n) keys(%n) heads 1 head_dim 16 value_dim 16 scale 1.0 causal -1
      query(%q at #heads : memref<?x12x16xf32>) key(%q at #heads : memref<?x12x16xf32>)
      value(%q at #heads : memref<?x12x16xf32>)
      groups affine_map<(b, i) -> (b mod 4 * 2 + i floordiv 3)> group_bias -1.0e+02
      key_length(%lengths at affine_map<(b) -> (b)> : memref<?xi32>)
      init(%o at #heads : memref<?x12x16xf32>) tiling <rows = 4, columns = 16, queryBlock = 64, keyBlock = 64>
  kernel.attention batch(%b) queries(%n) keys(%n) heads 1 head_dim 0 value_dim 16 scale 1.0
      value(%q at #heads : memref<?x12x16xf32>) bias(%s at #scores : memref<?x1x12x12xf32>)
      init(%o at #heads : memref<?x12x16xf32>) tiling <rows = 4, columns = 16, queryBlock = 64, keyBlock = 64>
  return
}

// The length is between 0 and the number of keys; a block without keys is left
// out; groups are computed for whole vectors of tokens.
// CHECK-LABEL: func private @attention_h1_d16(
//       CHECK:   %[[LENGTH:.*]] = memref.load %{{.*}} : memref<?xi32>
//       CHECK:   %[[INDEX:.*]] = arith.index_cast %[[LENGTH]] : i32 to index
//       CHECK:   %[[POSITIVE:.*]] = arith.maxsi %[[INDEX]], %c0
//       CHECK:   arith.minui %[[POSITIVE]], %c12
//       CHECK:   scf.for {{.*}} = %c0 to %c12 step %c8
//       CHECK:     arith.divui %{{.*}} : vector<8xi32>
//       CHECK:     arith.sitofp %{{.*}} : vector<8xi32> to vector<8xf32>
//       CHECK:   %[[HAS_KEYS:.*]] = arith.cmpi ugt, %[[KEYS:.*]], %c0 : index
//       CHECK:   scf.if %[[HAS_KEYS]]
//       CHECK:     scf.for {{.*}} to %[[KEYS]] step %c8
//       CHECK:       arith.divui %{{.*}} : vector<8xi32>
// Where tokens of several groups meet, those of other groups have an addend, as
// a mask would add it.
//       CHECK:     %[[SEVERAL:.*]] = arith.cmpf ogt, %{{.*}} : f32
//       CHECK:     scf.if %[[SEVERAL]]
//       CHECK:       %[[DIFFERS:.*]] = arith.cmpf one, %{{.*}} : vector<8xf32>
//       CHECK:       %[[ADDEND:.*]] = arith.select %[[DIFFERS]],
//       CHECK:       math.fma %[[ADDEND]]

// No query and no key is read.
// CHECK-LABEL: func private @attention_h1_d0(
//   CHECK-NOT:   vector.shuffle
//       CHECK:   math.fma
}
