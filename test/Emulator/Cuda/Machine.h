//===- Machine.h - The machine that a driver finds ------------ -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_EMULATOR_CUDA_MACHINE_H
#define VITC_TEST_EMULATOR_CUDA_MACHINE_H

#include "Cuda/CudaApi.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/VersionTuple.h"
#include <string>
#include <vector>

namespace vitc::emulator::cuda {

using namespace vitc::rt::cuda;

/// What environment variables choose, so that a program meets every machine.
struct Machine {
  /// Compute capabilities of the devices. VITC_EMULATOR_DEVICE: "8.0", or
  /// "8.0,9.0" for two, or "none".
  std::vector<llvm::VersionTuple> devices = {llvm::VersionTuple(8, 0)};
  /// Of each device. VITC_EMULATOR_MEMORY, in bytes.
  size_t memoryBytes = size_t(16) << 30;
  /// As cuDriverGetVersion counts. VITC_EMULATOR_DRIVER: "12.4".
  llvm::VersionTuple driver = llvm::VersionTuple(13, 0);
  /// In which order blocks and threads run. VITC_EMULATOR_SEED.
  uint64_t seed = 0;
  /// The folder of the LLVM IR of all modules. VITC_EMULATOR_IR.
  std::string irFolder;
  /// Whether what was not freed is told at exit. VITC_EMULATOR_LEAKS: "1".
  bool tellsLeaks = false;
  /// A call that fails, of a function by the name in its header.
  /// VITC_EMULATOR_FAIL: "cuMemAlloc:3=2", the third with result 2.
  struct Failure {
    std::string function;
    unsigned call;
    CUresult result;
  };
  std::vector<Failure> failures;

  static llvm::Expected<Machine> fromEnvironment();

  /// The newest version of PTX that the driver compiles.
  llvm::VersionTuple getPtxVersion() const;
};

/// Dynamic shared memory that a block may ask for.
size_t getMaxSharedBytes(llvm::VersionTuple capability);

/// Whether a device of `capability` runs PTX for `target`, as "sm_90a".
bool canRun(llvm::VersionTuple capability, llvm::StringRef target);

} // namespace vitc::emulator::cuda

#endif // VITC_TEST_EMULATOR_CUDA_MACHINE_H
