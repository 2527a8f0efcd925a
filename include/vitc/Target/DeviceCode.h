//===- DeviceCode.h - Kernels for one architecture of GPUs ---- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_DEVICECODE_H
#define VITC_TARGET_DEVICECODE_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "vitc/Target/GpuTarget.h"
#include <string>

namespace vitc {

/// What the runtime must know of a kernel to launch it.
struct DeviceKernel {
  std::string name;
  int32_t threads;     // of a block
  int32_t sharedBytes; // dynamic shared memory of a block
};

/// The kernels of all entries for one architecture.
struct DeviceCode {
  const GpuTarget *target = nullptr;
  llvm::SmallVector<DeviceKernel> kernels; // by number
  std::string llvmIR, ptx;
  llvm::SmallVector<char, 0> cubin; // empty: ptxas was not there
};

/// Lets `context` translate kernels to LLVM IR; not for threads.
void registerDeviceTranslations(mlir::MLIRContext &context);

/// Compiles kernels in the LLVM dialect to PTX; with LLVM's effort 0 to 3 spent
/// on their IR. Errors are diagnostics.
mlir::FailureOr<DeviceCode> generateDeviceCode(mlir::gpu::GPUModuleOp kernels,
                                               const GpuTarget &target,
                                               unsigned optLevel);

} // namespace vitc

#endif // VITC_TARGET_DEVICECODE_H
