// RUN: vit-opt %s -kernel-schedule-nvptx=arch=sm_90a -convert-kernel-to-nvvm -cse | FileCheck %s

#rows = affine_map<(b, h, i, d) -> (b, h, i, d)>

// A warpgroup's instructions read queries, keys and values of shared memory that
// is swizzled, once the fence lets them see the copies; probabilities come from
// registers, and rows of values lie along the columns. The first of a sum adds to none. 77 keys are a block of 64,
// in four products over 64 terms and over 64 keys, and one of 16, whose last three
// are hidden.
// CHECK-LABEL: llvm.func @attention_h2_d64(
//  CHECK-SAME:   kernel.shared_bytes = 24576
//  CHECK-SAME:   nvvm.reqntid = array<i32: 128>
//       CHECK:   arith.xori
//       CHECK:   nvvm.cp.async.shared.global {{.*}}, 16, cache =  cg
//       CHECK:   scf.for
//       CHECK:     nvvm.cp.async.wait.group 0
//  CHECK-NEXT:     fence.proxy.async.shared::cta;
//       CHECK:     nvvm.barrier0
//       CHECK:     nvvm.wgmma.fence.aligned
//       CHECK:     wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {{.*}}, $32, $33, 0, 1, 1, 0, 0;
// CHECK-COUNT-3:   wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {{.*}}, $64, $65, 1, 1, 1, 0, 0;
//       CHECK:     nvvm.wgmma.commit.group.sync.aligned
//       CHECK:     nvvm.wgmma.wait.group.sync.aligned 0
//   CHECK-NOT:     llvm.store {{.*}} !llvm.ptr<3>
//       CHECK:     arith.truncf %{{.*}} : vector<2xf32> to vector<2xbf16>
//       CHECK:     fence.proxy.async.shared::cta;
//       CHECK:     nvvm.barrier0
//       CHECK:     nvvm.wgmma.fence.aligned
// CHECK-COUNT-4:   wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {{.*}}, {$64, $65, $66, $67}, $68, 1, 1, 1, 1;
//       CHECK:     nvvm.wgmma.wait.group.sync.aligned 0
//       CHECK:     scf.yield
//       CHECK:   wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {{.*}}, $8, $9, 0, 1, 1, 0, 0;
// CHECK-COUNT-3: wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 {{.*}}, $16, $17, 1, 1, 1, 0, 0;
//       CHECK:   wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 {{.*}}, 1, 1, 1, 1;
//   CHECK-NOT:   wgmma.mma_async
//       CHECK:   llvm.return
func.func @warpgroup(%context: !kernel.context) {
  %b = kernel.batch %context
  %n = arith.constant 60 : index
  %m = arith.constant 77 : index
  %q = kernel.buffer %context input at 0 : memref<?x2x60x64xbf16>
  %k = kernel.buffer %context input at 1 : memref<?x2x77x64xbf16>
  %o = kernel.buffer %context output at 0 : memref<?x2x60x64xf32>
  kernel.attention batch(%b) queries(%n) keys(%m) heads 2 head_dim 64 value_dim 64 scale 2.500000e-01
      query(%q at #rows : memref<?x2x60x64xbf16>) key(%k at #rows : memref<?x2x77x64xbf16>)
      value(%k at #rows : memref<?x2x77x64xbf16>) init(%o at #rows : memref<?x2x60x64xf32>)
  return
}
