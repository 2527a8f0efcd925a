//===- CPU.h - The way from a vit module to CPU code --------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_PIPELINES_CPU_H
#define VITC_PIPELINES_CPU_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

namespace vitc {

/// The stages of a compilation, each named after what it leaves behind. Dumps,
/// --compile-to and --compile-from speak of them.
enum class Phase { Import, Raise, Fuse, Kernel, LLVM };

/// vit and leftovers -> vit in its canonical form.
void addRaisePasses(mlir::OpPassManager &passes);
/// vit -> vit, fused; also adds the entry that returns attention maps, of the
/// layers that LayerNumbers reads from `attentionLayers`.
void addFusePasses(mlir::OpPassManager &passes,
                   llvm::StringRef attentionLayers = "all");
/// vit -> kernels on planned buffers; `backend` is to compute gemms, whose
/// operands are of `precision`, f32, tf32, bf16 or f16. `fewerProducts`
/// computes convolutions with fewer of them, which only a CPU is known to gain
/// from.
void addKernelPasses(mlir::OpPassManager &passes,
                     llvm::StringRef backend = "llvm",
                     llvm::StringRef precision = "f32",
                     bool fewerProducts = true);
/// kernels -> kernels with tiles, for one level; `backend` computes
/// gemms.
void addCpuSchedulePasses(mlir::OpPassManager &passes, llvm::StringRef isa,
                          llvm::StringRef backend);
/// kernels with tiles -> their functions, and entries that launch them.
void addCpuLaunchPasses(mlir::OpPassManager &passes);
/// kernels -> LLVM dialect, for one level, through the two above.
void addCpuCodePasses(mlir::OpPassManager &passes, llvm::StringRef isa,
                      llvm::StringRef backend);

/// Checks that a module that was not made here, such as a .mlir file, is what a
/// phase leaves behind.
mlir::LogicalResult verifyPhase(mlir::ModuleOp module, Phase phase);

/// Registers the above as -vitc-raise, -vitc-fuse, -vitc-kernel and -vitc-cpu.
void registerPipelines();

} // namespace vitc

#endif // VITC_PIPELINES_CPU_H
