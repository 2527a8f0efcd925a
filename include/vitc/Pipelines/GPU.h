//===- GPU.h - The way from kernels to a GPU's code ---------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_PIPELINES_GPU_H
#define VITC_PIPELINES_GPU_H

#include "mlir/Pass/PassManager.h"

namespace vitc {

/// kernels on planned buffers -> kernels with tiles, for one architecture.
void addGpuSchedulePasses(mlir::OpPassManager &passes, llvm::StringRef arch);
/// kernels with tiles -> gpu.module @kernels, and entries that launch them.
void addGpuLaunchPasses(mlir::OpPassManager &passes);
/// kernels -> LLVM dialect, through the two above: the entries for the host,
/// the functions of gpu.module @kernels for NVPTX.
void addGpuCodePasses(mlir::OpPassManager &passes, llvm::StringRef arch);

/// Registers it as -vitc-gpu.
void registerGpuPipelines();

} // namespace vitc

#endif // VITC_PIPELINES_GPU_H
