// RUN: vit-opt %s -vitc-raise -vitc-fuse -vitc-kernel | FileCheck %s
// RUN: vit-opt %s -vitc-kernel -vitc-cpu=isa=x86-64-v3 | FileCheck %s --check-prefix=LLVM
// RUN: vit-opt %s -vitc-kernel -vitc-cpu="isa=x86-64-v4 backend=onednn" | FileCheck %s --check-prefix=ONEDNN

vit.weight @w : tensor<16x8xf32> seed(1 mean 0.0 scale 1.0)

// Fused, the activation is the product's; else it is a kernel of its own.
//      CHECK: kernel.weight @weight0
// CHECK-LABEL: func @forward(
//  CHECK-SAME:     !kernel.context
//       CHECK:   kernel.gemm {{.*}} activation gelu
//   CHECK-NOT:   kernel.generic

// Nothing but LLVM's ops is left beside the weights.
//       LLVM: llvm.func @forward(%{{[^ ]+}}: !llvm.ptr)
//   LLVM-NOT: {{(unrealized_conversion_cast|memref|arith|scf|math)[.]}}

//      ONEDNN: #kernel.code<scratch = {{[0-9]+}}, onednn = true
func.func @forward(%x: tensor<?x8xf32>) -> tensor<?x16xf32> {
  %w = vit.constant #vit.expr<ref, [@w]> : tensor<16x8xf32>
  %0 = vit.linear %x, %w : tensor<?x8xf32>, tensor<16x8xf32> -> tensor<?x16xf32>
  %1 = vit.gelu %0 : tensor<?x16xf32>
  return %1 : tensor<?x16xf32>
}
