// RUN: vit-opt %s -convert-kernel-to-vector -canonicalize -cse | FileCheck %s

#cpu = #kernel.cpu<isa = "x86-64-v3", cpu = "x86-64-v3", features = "", lanes = 8, registers = 16, fma = true>
#heads = affine_map<(b, h, i, d) -> (b, i, h * 16 + d)>

module attributes {kernel.cpu = #cpu} {

// 12 queries in blocks of at most 8: two tasks a head, however many threads.
// CHECK-LABEL: func @attention(
//       CHECK:   %[[BATCH:.*]] = kernel.batch
//       CHECK:   %[[TASKS:.*]] = arith.muli %[[BATCH]], %c4
//       CHECK:   kernel.launch %{{.*}} @attention_h2_d16 tasks(%[[TASKS]])
//  CHECK-SAME:     scratch 3008 work [0, 20160, 0, 4608]
//       CHECK:   kernel.launch %{{.*}} @attention_h2_d16 tasks
//   CHECK-NOT:   @attention_h2_d16_
func.func @attention(%context: !kernel.context) {
  %b = kernel.batch %context
  %nq = arith.constant 12 : index
  %nk = arith.constant 12 : index
  %q = kernel.buffer %context input at 0 : memref<?x12x32xf32>
  %k = kernel.buffer %context input at 1 : memref<?x12x32xf32>
  %o = kernel.buffer %context output at 0 : memref<?x12x32xf32>
  kernel.attention batch(%b) queries(%nq) keys(%nk) heads 2 head_dim 16 value_dim 16 scale 2.500000e-01
      query(%q at #heads : memref<?x12x32xf32>) key(%k at #heads : memref<?x12x32xf32>)
      value(%k at #heads : memref<?x12x32xf32>) init(%o at #heads : memref<?x12x32xf32>)
      tiling <rows = 4, columns = 16, queryBlock = 8, keyBlock = 64>
  kernel.attention batch(%b) queries(%nq) keys(%nk) heads 2 head_dim 16 value_dim 16 scale 2.500000e-01
      query(%k at #heads : memref<?x12x32xf32>) key(%q at #heads : memref<?x12x32xf32>)
      value(%q at #heads : memref<?x12x32xf32>) init(%o at #heads : memref<?x12x32xf32>)
      tiling <rows = 4, columns = 16, queryBlock = 8, keyBlock = 64>
  return
}

// Threads that heads do not divide among share each head.
// CHECK-LABEL: func @attention_shared_heads(
//       CHECK:   %[[BATCH:.*]] = kernel.batch
//       CHECK:   %[[HEADS:.*]] = arith.muli %[[BATCH]], %c3
//       CHECK:   %[[THREADS:.*]] = kernel.threads
//       CHECK:   %[[REST:.*]] = arith.remui %[[HEADS]], %[[THREADS]]
//       CHECK:   %[[EVEN:.*]] = arith.cmpi eq, %[[REST]], %c0
//       CHECK:   %[[LIMIT:.*]] = arith.muli %[[THREADS]], %c7
//       CHECK:   %[[MANY:.*]] = arith.cmpi ult, %[[LIMIT]], %[[HEADS]]
//       CHECK:   %[[ALONE:.*]] = arith.ori %[[EVEN]], %[[MANY]]
//       CHECK:   %[[SHARE:.*]] = arith.select %[[ALONE]], %c1, %[[THREADS]]
//       CHECK:   arith.divui %{{.*}}, %[[SHARE]]
//       CHECK:   %[[BLOCKS:.*]] = arith.maxui
//       CHECK:   %[[TASKS:.*]] = arith.muli %[[HEADS]], %[[BLOCKS]]
//       CHECK:   kernel.launch %{{.*}} @attention_h3_d16 tasks(%[[TASKS]])
//  CHECK-SAME:     %[[TASKS]] : index, {{.*}}, index) scratch
func.func @attention_shared_heads(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 100 : index
  %q = kernel.buffer %context input at 0 : memref<?x100x48xf32>
  %o = kernel.buffer %context output at 0 : memref<?x100x48xf32>
  kernel.attention batch(%b) queries(%n) keys(%n) heads 3 head_dim 16 value_dim 16 scale 2.500000e-01
      query(%q at #heads : memref<?x100x48xf32>) key(%q at #heads : memref<?x100x48xf32>)
      value(%q at #heads : memref<?x100x48xf32>) init(%o at #heads : memref<?x100x48xf32>)
      tiling <rows = 4, columns = 16, queryBlock = 128, keyBlock = 128>
  return
}

// A bias is added in the scores, vectors first, then the keys that fill none.
// CHECK-LABEL: func @attention_bias(
//       CHECK:   kernel.launch %{{.*}} @attention_h1_d12 tasks
func.func @attention_bias(%context: !kernel.context) {
  %b = kernel.batch %context
  %nq = arith.constant 4 : index
  %nk = arith.constant 9 : index
  %q = kernel.buffer %context input at 0 : memref<?x4x12xf32>
  %k = kernel.buffer %context input at 1 : memref<?x9x12xf32>
  %bias = kernel.buffer %context input at 2 : memref<4x9xf32>
  %o = kernel.buffer %context output at 0 : memref<?x4x12xf32>
  kernel.attention batch(%b) queries(%nq) keys(%nk) heads 1 head_dim 12 value_dim 12 scale 1.000000e+00
      query(%q at affine_map<(b, h, i, d) -> (b, i, d)> : memref<?x4x12xf32>)
      key(%k at affine_map<(b, h, j, d) -> (b, j, d)> : memref<?x9x12xf32>)
      value(%k at affine_map<(b, h, j, e) -> (b, j, e)> : memref<?x9x12xf32>)
      bias(%bias at affine_map<(b, h, i, j) -> (i, j)> : memref<4x9xf32>)
      init(%o at affine_map<(b, h, i, e) -> (b, i, e)> : memref<?x4x12xf32>)
      tiling <rows = 2, columns = 8, queryBlock = 8, keyBlock = 64>
  return
}

// Keys are transposed by shuffles, 8 at a time; the last 4 of 12 are masked.
// CHECK-LABEL: func private @attention_h2_d16(
//   CHECK-DAG:   %[[MASKED:.*]] = arith.constant dense<0xFF800000> : vector<8xf32>
//   CHECK-DAG:   %[[SCALE:.*]] = arith.constant dense<0.360673755> : vector<8xf32>
// CHECK-COUNT-8:   vector.load {{.*}} vector<8xf32>
// CHECK-COUNT-24:  vector.shuffle
// CHECK-COUNT-8:   vector.store
//       CHECK:   arith.mulf %{{.*}}, %[[SCALE]]
// 12 queries are tiles of 4 rows, and of no other number; 12 columns are a
// vector and half of one.
//       CHECK:   scf.for {{.*}} to %c16 step %c4 iter_args
//       CHECK:     math.fma {{.*}} : vector<8xf32>
//       CHECK:     math.fma {{.*}} : vector<4xf32>
//       CHECK:   vector.store {{.*}} vector<8xf32>
//       CHECK:   vector.store {{.*}} vector<4xf32>
// While a row is computed, lines of the next task's are asked for. Two vectors
// of scores are read once: the maximum and both exponentials follow.
//       CHECK:   memref.prefetch {{.*}} read, locality<2>
//       CHECK:   %[[SEEN:.*]] = arith.select %{{.*}}, %{{.*}}, %[[MASKED]]
//       CHECK:   arith.cmpf ogt, %{{.*}}, %[[SEEN]]
//   CHECK-NOT:   scf.for
// CHECK-COUNT-2:   arith.shli
// All keys are one block: sums are divided as they leave the registers.
//       CHECK:   scf.for {{.*}} to %c12 step %c4 iter_args
//       CHECK:   %[[RESULT:.*]] = arith.mulf %{{.*}}, %{{.*}} : vector<8xf32>
//  CHECK-NEXT:   vector.store %[[RESULT]]

// The last 4 of 12 elements of a head are copied one by one.
// CHECK-LABEL: func private @attention_h1_d12(
//       CHECK:   scf.for {{.*}} = %c8 to %c12 step %c1
// CHECK-COUNT-8:   memref.store
//       CHECK:   vector.load %{{.*}} : memref<?xf32>, vector<4xf32>
//       CHECK:   %[[BIASED:.*]] = vector.load %[[FLAT:.*]][{{.*}}] : memref<36xf32>, vector<8xf32>
// -inf stays; what is finite is held where its product with log2(e) is finite.
//   CHECK-DAG:   %[[MASKED:.*]] = arith.cmpf oeq, %[[BIASED]], %[[INFINITY:.*]] :
//   CHECK-DAG:   %[[LOW:.*]] = arith.cmpf ogt, %[[LOWEST:.*]], %[[BIASED]]
//       CHECK:   %[[FINITE:.*]] = arith.select %[[LOW]], %[[LOWEST]], %[[BIASED]]
//       CHECK:   %[[ADDEND:.*]] = arith.select %[[MASKED]], %[[INFINITY]], %[[FINITE]]
//       CHECK:   math.fma %[[ADDEND]]
//       CHECK:   vector.load %[[FLAT]][{{.*}}] : memref<36xf32>, vector<1xf32>
}
