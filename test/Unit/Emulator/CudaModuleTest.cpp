//===- CudaModuleTest.cpp - Kernels of the emulated driver ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaTest.h"

using namespace vitc::emulator::cuda;

namespace {
class CudaModuleTest : public CudaTest {
protected:
  CUfunction getAdd() {
    CUfunction add = nullptr;
    EXPECT_EQ(cuModuleGetFunction(&add, module, "add"), CUDA_SUCCESS);
    return add;
  }
  CUresult launch(CUfunction function, unsigned blocks, unsigned threads,
                  unsigned sharedBytes, void **arguments) {
    return cuLaunchKernel(function, blocks, 1, 1, threads, 1, 1, sharedBytes,
                          nullptr, arguments, nullptr);
  }
  /// Loads PTX that the driver refuses; what its compiler says.
  std::string refuse(llvm::StringRef ptx, CUresult expected) {
    char log[256] = {};
    CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER,
                              CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
    void *values[] = {log, reinterpret_cast<void *>(sizeof(log))};
    CUmodule none = nullptr;
    EXPECT_EQ(cuModuleLoadDataEx(&none, ptx.str().c_str(), 2, options, values),
              expected);
    EXPECT_EQ(reinterpret_cast<size_t>(values[1]), strlen(log));
    return log;
  }

  CUmodule module = nullptr;
};
} // namespace

TEST_F(CudaModuleTest, runsAKernel) {
  module = load(kAddKernel);
  CUdeviceptr x = allocate(256), y = allocate(256);
  std::vector<float> in(64, 1), out(64);
  float by = 2;
  void *arguments[] = {&y, &x, &by};
  ASSERT_EQ(cuMemcpyHtoDAsync_v2(x, in.data(), 256, nullptr), CUDA_SUCCESS);
  ASSERT_EQ(launch(getAdd(), 2, 32, 0, arguments), CUDA_SUCCESS);
  by = 5; // Taken already.
  ASSERT_EQ(cuMemcpyDtoHAsync_v2(out.data(), y, 256, nullptr), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamSynchronize(nullptr), CUDA_SUCCESS);
  EXPECT_EQ(out, std::vector<float>(64, 3));
  ASSERT_EQ(cuModuleUnload(module), CUDA_SUCCESS);
  free(x);
  free(y);
}

TEST_F(CudaModuleTest, kernelAtFault) {
  module = load(kAddKernel);
  CUdeviceptr x = allocate(256), y = allocate(252);
  float by = 2;
  void *arguments[] = {&y, &x, &by};
  ASSERT_EQ(launch(getAdd(), 2, 32, 0, arguments), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamSynchronize(nullptr), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_EQ(takeMisuse(),
            "cuStreamSynchronize: kernel 'add', block (1, 0, 0), thread 31 "
            "(31, 0, 0) writes 4 bytes of global memory, 0 bytes past the end "
            "of 'allocation 1 of cuMemAlloc' (252 bytes), at 'store float %s, "
            "ptr addrspace(1) %to, align 4'");
  // The context is lost, and everybody is told.
  CUdeviceptr z = 0;
  EXPECT_EQ(cuMemAlloc_v2(&z, 4), CUDA_ERROR_ILLEGAL_ADDRESS);
  startOn({});
}

TEST_F(CudaModuleTest, launchesThatAreWrong) {
  module = load(kAddKernel);
  CUfunction add = getAdd();
  CUdeviceptr x = allocate(128);
  float by = 2;
  void *arguments[] = {&x, &x, &by}, *few[] = {&x, nullptr, nullptr};
  expectMisuse(launch(add, 0, 32, 0, arguments), CUDA_ERROR_INVALID_VALUE,
               "cuLaunchKernel: kernel 'add' runs in a grid of 1 to 2147483647 "
               "x 65535 x 65535 blocks, not 0 x 1 x 1");
  expectMisuse(launch(add, 1, 64, 0, arguments), CUDA_ERROR_INVALID_VALUE,
               "cuLaunchKernel: kernel 'add' runs in blocks of just 32 "
               "threads, not 64 x 1 x 1");
  expectMisuse(launch(add, 1, 32, 0, few), CUDA_ERROR_INVALID_VALUE,
               "cuLaunchKernel: kernel 'add' lacks argument 1 of 3");
  expectMisuse(launch(add, 1, 32, 0, nullptr), CUDA_ERROR_INVALID_VALUE,
               "cuLaunchKernel: kernel 'add' lacks argument 0 of 3");
  expectMisuse(launch(add, 1, 32, 50000, arguments), CUDA_ERROR_INVALID_VALUE,
               "cuLaunchKernel: kernel 'add' is launched with 50000 bytes of "
               "dynamic shared memory; cuFuncSetAttribute allows 49152");
  constexpr auto kShared = CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
  expectMisuse(cuFuncSetAttribute(add, kShared, 170000),
               CUDA_ERROR_INVALID_VALUE,
               "cuFuncSetAttribute: kernel 'add' asks for 170000 bytes of "
               "dynamic shared memory; the device has 166912");
  ASSERT_EQ(cuFuncSetAttribute(add, kShared, 50000), CUDA_SUCCESS);
  ASSERT_EQ(launch(add, 1, 32, 50000, arguments), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamSynchronize(nullptr), CUDA_SUCCESS);
  ASSERT_EQ(cuModuleUnload(module), CUDA_SUCCESS);
  expectMisuse(launch(add, 1, 32, 0, arguments), CUDA_ERROR_INVALID_HANDLE,
               "cuLaunchKernel: its kernel was destroyed");
  expectMisuse(cuModuleGetFunction(&add, module, "add"),
               CUDA_ERROR_INVALID_HANDLE,
               "cuModuleGetFunction: its module was destroyed");
  free(x);
}

TEST_F(CudaModuleTest, kernelThatTheModuleLacks) {
  module = load(kAddKernel);
  CUfunction none = nullptr;
  expectMisuse(cuModuleGetFunction(&none, module, "sub"), CUDA_ERROR_NOT_FOUND,
               "cuModuleGetFunction: the module has no kernel 'sub'");
  ASSERT_EQ(cuModuleUnload(module), CUDA_SUCCESS);
}

TEST_F(CudaModuleTest, moduleWhoseKernelIsUnderWay) {
  module = load(kAddKernel);
  CUstream stream = createStream();
  CUdeviceptr x = allocate(128);
  float by = 2;
  void *arguments[] = {&x, &x, &by};
  ASSERT_EQ(cuLaunchKernel(getAdd(), 1, 1, 1, 32, 1, 1, 0, stream, arguments,
                           nullptr),
            CUDA_SUCCESS);
  expectMisuse(cuModuleUnload(module), CUDA_ERROR_INVALID_VALUE,
               "cuModuleUnload: a kernel of its module is under way");
  ASSERT_EQ(cuStreamSynchronize(stream), CUDA_SUCCESS);
  ASSERT_EQ(cuModuleUnload(module), CUDA_SUCCESS);
  free(x);
}

// What runs is what ships, to the letter.
TEST_F(CudaModuleTest, codeOfOtherPtx) {
  module = load(kAddKernel);
  ASSERT_EQ(cuModuleUnload(module), CUDA_SUCCESS);
  std::string ptx = getPtx(kAddKernel, "sm_80");
  size_t place = ptx.find("add.rn.f32");
  ASSERT_NE(place, ptx.npos);
  ptx.replace(place, 10, "sub.rn.f32");
  std::string message = "no file of LLVM IR in '" + folder +
                        "' gives this PTX for sm_80; 4-llvm.sm_80.ll gives "
                        "other PTX";
  EXPECT_EQ(refuse(ptx, CUDA_ERROR_INVALID_PTX), message);
  EXPECT_EQ(takeMisuse(), "cuModuleLoadDataEx: " + message);
}

TEST_F(CudaModuleTest, imagesThatDoNotRun) {
  std::string ptx = getPtx(kAddKernel, "sm_90a");
  EXPECT_EQ(refuse(ptx, CUDA_ERROR_INVALID_PTX),
            "ptxas fatal   : SM version specified by .target sm_90a does not "
            "run on compute capability 8.0");
  EXPECT_EQ(refuse("\x7f"
                   "ELF",
                   CUDA_ERROR_NO_BINARY_FOR_GPU),
            "");
  Machine machine;
  machine.driver = llvm::VersionTuple(11, 4);
  machine.devices = {llvm::VersionTuple(9, 0)};
  start(machine);
  EXPECT_EQ(refuse(ptx, CUDA_ERROR_UNSUPPORTED_PTX_VERSION),
            "ptxas application ptx input, line 1; fatal   : Unsupported "
            ".version 8.0; current version is '7.4'");
  machine.failures = {{"cuModuleLoadDataEx", 1, CUDA_ERROR_INVALID_PTX}};
  start(machine);
  EXPECT_EQ(refuse(ptx, CUDA_ERROR_INVALID_PTX),
            "ptxas application ptx input, line 1; error   : a failure that was "
            "asked for");
  EXPECT_EQ(takeMisuse(), "");
}

TEST(CudaMachineTest, whatRunsWhere) {
  using llvm::VersionTuple;
  EXPECT_TRUE(canRun(VersionTuple(8, 0), "sm_80"));
  EXPECT_TRUE(canRun(VersionTuple(9, 0), "sm_80"));
  EXPECT_FALSE(canRun(VersionTuple(8, 0), "sm_86"));
  EXPECT_TRUE(canRun(VersionTuple(9, 0), "sm_90a"));
  EXPECT_FALSE(canRun(VersionTuple(10, 0), "sm_90a"));
}
