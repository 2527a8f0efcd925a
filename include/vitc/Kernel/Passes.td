//===- Passes.td - Passes from kernel to kernel --------- -*- tablegen -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_KERNEL_PASSES_TD
#define VITC_KERNEL_PASSES_TD

include "mlir/Pass/PassBase.td"

def ScheduleCPUPass : Pass<"kernel-schedule-cpu", "mlir::ModuleOp"> {
  let summary = "choose tiles and providers of all kernels for a CPU";
  let description = [{
    Sets the module's #kernel.cpu and each kernel's tiling attribute. No other pass
    makes a choice for this target. A kernel that has a tiling keeps it.
    Example: test/Kernel/kernel-schedule-cpu.mlir
  }];
  let options = [
    Option<"isa", "isa", "std::string", /*default=*/"\"x86-64-v4\"", "x86-64-v2, -v3, -v4 or armv8-a">,
    Option<"backend", "backend", "std::string", /*default=*/"\"llvm\"",
           "Who computes gemms: llvm (own vector code), onednn, or auto: the cheaper by the cost model">];
  let dependentDialects = ["vitc::kernel::KernelDialect"];
}

def ScheduleNVPTXPass : Pass<"kernel-schedule-nvptx", "mlir::ModuleOp"> {
  let summary = "choose tiles of all kernels for a GPU";
  let description = [{
    Sets the module's #kernel.gpu and each kernel's tiling attribute. No other pass
    makes a choice for this target. A kernel that has a tiling keeps it.
    Example: test/Kernel/kernel-schedule-nvptx.mlir
  }];
  let options = [Option<"arch", "arch", "std::string", /*default=*/"\"sm_80\"", "sm_80, sm_90a, ...">];
  let dependentDialects = ["vitc::kernel::KernelDialect"];
}

def FuseCastsPass : Pass<"kernel-fuse-casts", "mlir::func::FuncOp"> {
  let summary = "cast between f32 and f16 or bf16 in the products beside";
  let description = [{
    A kernel.generic that only rounds what a gemm writes becomes part of that gemm; one
    that only extends what gemms multiply goes where all of them can read its input. A
    remark says why another stays.
    Example: test/Kernel/kernel-fuse-casts.mlir
  }];
  let statistics = [Statistic<"numRounded", "num-rounded", "gemms that round their result now">,
                    Statistic<"numExtended", "num-extended", "casts that gemms do as they read now">];
  let dependentDialects = ["vitc::kernel::KernelDialect"];
}

def LowerPrecisionPass : Pass<"kernel-lower-precision", "mlir::func::FuncOp"> {
  let summary = "multiply in f16, bf16 or tf32 where the model says f32";
  let description = [{
    Products with constant weights get them in the type `type`, so that both operands
    are rounded to it and sums stay f32. What only products and attention read is
    stored so, too: queries, keys and values, the results of heads, the hidden layer of
    an MLP. Rows that a product normalises are written so before, if there are more
    than a decoder's step has. Sums of residuals, statistics and softmax stay f32.
    Micikevicius et al. 2018, section 3.
    Example: test/Kernel/kernel-lower-precision.mlir
  }];
  let options = [Option<"type", "type", "std::string", /*default=*/"\"bf16\"", "bf16, f16 or tf32">];
  let statistics = [Statistic<"numProducts", "num-products", "products of lower precision now">,
                    Statistic<"numValues", "num-values", "values stored in lower precision now">];
  let dependentDialects = ["mlir::tensor::TensorDialect", "vitc::kernel::KernelDialect"];
}

def DecomposeGemmPass : Pass<"kernel-decompose-gemm", "mlir::func::FuncOp"> {
  let summary = "write rows that oneDNN cannot read itself to a buffer";
  let description = [{
    A product by oneDNN reads its left side as it is: the norm that a gemm begins with
    becomes a kernel.norm before it, rows that lie scattered a kernel.gather.
    Example: test/Kernel/kernel-decompose-gemm.mlir
  }];
  let statistics = [Statistic<"numDecomposed", "num-decomposed", "gemms with a kernel before them now">];
  let dependentDialects = ["vitc::kernel::KernelDialect", "mlir::tensor::TensorDialect"];
}

def PlanArenaPass : Pass<"kernel-plan-arena", "mlir::ModuleOp"> {
  let summary = "give every buffer a place in the arena, the weights or the context";
  let description = [{
    From liveness, for every batch at once: an offset is base + perBatch * batch.
    Entry functions then take one !kernel.context; their interface and the size of
    their arena stand in #kernel.entry.
    Example: test/Kernel/kernel-plan-arena.mlir
  }];
  let options = [Option<"reuse", "reuse", "bool", /*default=*/"true",
      "Let buffers share memory; off to compare every buffer after a run">];
  let dependentDialects = ["vitc::kernel::KernelDialect"];
}

#endif // VITC_KERNEL_PASSES_TD
