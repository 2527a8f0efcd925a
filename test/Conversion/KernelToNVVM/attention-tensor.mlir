// RUN: vit-opt %s -kernel-schedule-nvptx -convert-kernel-to-nvvm -cse | FileCheck %s

#rows = affine_map<(b, h, i, d) -> (b, h, i, d)>

// Operands of 16 bits go to shared memory as they are, and to tensor cores;
// probabilities stay in registers. 16 keys are two products of 8 columns.
// CHECK-LABEL: llvm.func @attention_h2_d32(
//  CHECK-SAME:   nvvm.reqntid = array<i32: 64>
//       CHECK:   nvvm.cp.async.shared.global {{.*}}, 16, cache =  cg
//       CHECK:   nvvm.barrier0
//       CHECK:   scf.for %{{.*}} = %c0{{.*}} to %c32{{.*}} step %c16{{.*}} iter_args(
//       CHECK:     nvvm.ldmatrix {{.*}}num = 4
//       CHECK:     nvvm.ldmatrix {{.*}}num = 4
// CHECK-COUNT-2:   nvvm.mma.sync
//   CHECK-NOT:   llvm.store {{.*}} !llvm.ptr<3>
//       CHECK:   arith.truncf %{{.*}} : vector<2xf32> to vector<2xbf16>
//       CHECK:   nvvm.barrier0
//       CHECK:   nvvm.ldmatrix {{.*}}layout = #nvvm.mma_layout<col>
// CHECK-COUNT-2: nvvm.mma.sync
func.func @short_factors(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 30 : index
  %m = arith.constant 10 : index
  %q = kernel.buffer %context input at 0 : memref<?x2x30x32xbf16>
  %k = kernel.buffer %context input at 1 : memref<?x2x10x32xbf16>
  %o = kernel.buffer %context output at 0 : memref<?x2x30x32xf32>
  kernel.attention batch(%b) queries(%n) keys(%m) heads 2 head_dim 32 value_dim 32 scale 2.500000e-01
      query(%q at #rows : memref<?x2x30x32xbf16>) key(%k at #rows : memref<?x2x10x32xbf16>)
      value(%k at #rows : memref<?x2x10x32xbf16>) init(%o at #rows : memref<?x2x30x32xf32>)
  return
}

// Of tf32 an instruction takes 8 terms, and 8 keys have the probabilities of
// one: each is rounded by itself. Values are loaded by lanes.
// CHECK-LABEL: llvm.func @attention_h2_d32{{(_0)?}}(
//  CHECK-SAME:   nvvm.reqntid = array<i32: 64>
//       CHECK:   nvvm.cp.async.shared.global {{.*}}, 16, cache =  cg
//       CHECK:   nvvm.barrier0
//       CHECK:   scf.for %{{.*}} = %c0{{.*}} to %c32{{.*}} step %c8{{.*}} iter_args(
//       CHECK:     nvvm.ldmatrix {{.*}}num = 4
//       CHECK:     nvvm.ldmatrix {{.*}}num = 4
// CHECK-COUNT-2:   nvvm.mma.sync {{.*}} shape = #nvvm.shape<m = 16, n = 8, k = 8>
//   CHECK-NOT:   llvm.store {{.*}} !llvm.ptr<3>
// CHECK-COUNT-8: nvvm.convert.float.to.tf32
//       CHECK:   nvvm.barrier0
//   CHECK-NOT:   nvvm.ldmatrix
// CHECK-COUNT-4: llvm.load {{.*}} !llvm.ptr<3> -> f32
// CHECK-COUNT-2: nvvm.mma.sync
func.func @factors_of_tf32(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 30 : index
  %m = arith.constant 10 : index
  %q = kernel.buffer %context input at 0 : memref<?x2x30x32xtf32>
  %k = kernel.buffer %context input at 1 : memref<?x2x10x32xtf32>
  %o = kernel.buffer %context output at 0 : memref<?x2x30x32xf32>
  kernel.attention batch(%b) queries(%n) keys(%m) heads 2 head_dim 32 value_dim 32 scale 2.500000e-01
      query(%q at #rows : memref<?x2x30x32xtf32>) key(%k at #rows : memref<?x2x10x32xtf32>)
      value(%k at #rows : memref<?x2x10x32xtf32>) init(%o at #rows : memref<?x2x30x32xf32>)
  return
}
