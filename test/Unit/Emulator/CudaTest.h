//===- CudaTest.h - The emulated driver ----------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_UNIT_EMULATOR_CUDATEST_H
#define VITC_TEST_UNIT_EMULATOR_CUDATEST_H

#include "Api.h"
#include "Driver.h"

#include "gtest/gtest.h"

namespace vitc::emulator::cuda {

/// A machine with one device of compute capability 8.0, whose context is
/// current. Nothing of it may be left over.
class CudaTest : public testing::Test {
protected:
  CudaTest();
  ~CudaTest() override;

  /// Starts over on another machine, before cuInit.
  void startOn(Machine machine);
  /// Starts over where `result` is what `call`, as "cuMemAlloc:2", gives.
  void start(Machine machine = {});

  /// What the driver tells of the last call, or nothing.
  std::string takeMisuse() { return Driver::get().takeMisuse(); }
  /// Expects that a call was refused, and why.
  void expectMisuse(CUresult actual, CUresult expected,
                    llvm::StringRef message);

  CUdeviceptr allocate(size_t bytes);
  void free(CUdeviceptr address);
  CUstream createStream();

  /// Loads the kernel `text` of LLVM IR as a program would: as the PTX of a
  /// file in a folder that the machine names.
  CUmodule load(llvm::StringRef text);
  /// The PTX of a kernel.
  static std::string getPtx(llvm::StringRef text, llvm::StringRef target);

  CUcontext context = nullptr;
  std::vector<CUstream> streams;
  std::string folder;
};

/// y[i] = x[i] + by, in blocks of 32 threads.
extern const char *const kAddKernel;

} // namespace vitc::emulator::cuda

#endif // VITC_TEST_UNIT_EMULATOR_CUDATEST_H
