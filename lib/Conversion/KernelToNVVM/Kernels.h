//===- Kernels.h - A kernel of a GPU for each op --------------- -*- C++ -*-==//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// For each kernel op: build<Op> generates the kernel, and count<Op>Blocks emits
// the number of its blocks where it is launched. Ops with equal attributes,
// operand types and constant operands share the kernel.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_KERNELS_H
#define VITC_CONVERSION_KERNELTONVVM_KERNELS_H

#include "DeviceBuilder.h"

namespace vitc::kernel {

/// Kernels of one task a thread, which share their code with the CPU:
/// kernel.generic, gather, mean and grouped_conv.
bool isThreadKernel(mlir::Operation *op);
mlir::FailureOr<DeviceKernel> buildThreadKernel(mlir::Operation *op,
                                                DeviceContext &context);
mlir::Value countThreadKernelBlocks(mlir::Operation *op,
                                    VectorBuilder &builder);

mlir::FailureOr<DeviceKernel> buildDeviceGemm(GemmOp op,
                                              DeviceContext &context);
mlir::Value countDeviceGemmBlocks(GemmOp op, VectorBuilder &builder);

mlir::FailureOr<DeviceKernel> buildDeviceAttention(AttentionOp op,
                                                   DeviceContext &context);
mlir::Value countDeviceAttentionBlocks(AttentionOp op, VectorBuilder &builder);

mlir::FailureOr<DeviceKernel> buildDeviceAttentionMap(AttentionMapOp op,
                                                      DeviceContext &context);
mlir::Value countDeviceAttentionMapBlocks(AttentionMapOp op,
                                          VectorBuilder &builder);

mlir::FailureOr<DeviceKernel> buildDeviceNorm(NormOp op,
                                              DeviceContext &context);
mlir::Value countDeviceNormBlocks(NormOp op, VectorBuilder &builder);

/// Inputs of entry functions, by number.
using InputSet = llvm::DenseSet<std::pair<mlir::Operation *, int64_t>>;

/// Lets kernels load what entry functions compute their arguments from: inputs
/// but those that a kernel writes.
void loadNumbersInKernels(mlir::ModuleOp module, mlir::gpu::GPUModuleOp kernels,
                          const InputSet &writtenInputs);

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_KERNELS_H
