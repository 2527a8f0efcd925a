//===- CudaTest.cpp - The emulated driver ---------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaTest.h"

#include "vitc/Target/Ptx.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace vitc;
using namespace vitc::emulator::cuda;

const char *const vitc::emulator::cuda::kAddKernel = R"(
target datalayout = "e-p6:32:32-i64:64-i128:128-i256:256-v16:16-v32:32-n16:32:64"
target triple = "nvptx64-nvidia-cuda"

@smem = external addrspace(3) global [0 x i8], align 16

define ptx_kernel void @add(ptr addrspace(1) %y, ptr addrspace(1) %x, float %by) #0 {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %block = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %first = shl i32 %block, 5
  %i = add i32 %first, %tid
  %from = getelementptr float, ptr addrspace(1) %x, i32 %i
  %to = getelementptr float, ptr addrspace(1) %y, i32 %i
  %v = load float, ptr addrspace(1) %from
  %s = fadd float %v, %by
  store float %s, ptr addrspace(1) %to
  ret void
}

attributes #0 = { "nvvm.reqntid"="32" }
)";

CudaTest::CudaTest() { start(); }

CudaTest::~CudaTest() {
  for (CUstream stream : streams)
    EXPECT_EQ(cuStreamDestroy_v2(stream), CUDA_SUCCESS);
  if (context) {
    EXPECT_EQ(cuCtxPopCurrent_v2(nullptr), CUDA_SUCCESS);
    EXPECT_EQ(cuDevicePrimaryCtxRelease_v2(0), CUDA_SUCCESS);
  }
  EXPECT_EQ(Driver::get().listLeaks(), std::vector<std::string>());
  EXPECT_EQ(takeMisuse(), "");
  Driver::reset({});
  if (!folder.empty())
    llvm::sys::fs::remove_directories(folder);
}

void CudaTest::startOn(Machine machine) {
  Driver::reset(std::move(machine));
  streams.clear();
  context = nullptr;
}

void CudaTest::start(Machine machine) {
  startOn(std::move(machine));
  ASSERT_EQ(cuInit(0), CUDA_SUCCESS);
  ASSERT_EQ(cuDevicePrimaryCtxRetain(&context, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuCtxPushCurrent_v2(context), CUDA_SUCCESS);
}

void CudaTest::expectMisuse(CUresult actual, CUresult expected,
                            llvm::StringRef message) {
  EXPECT_EQ(actual, expected);
  EXPECT_EQ(takeMisuse(), message.str());
}

CUdeviceptr CudaTest::allocate(size_t bytes) {
  CUdeviceptr address = 0;
  EXPECT_EQ(cuMemAlloc_v2(&address, bytes), CUDA_SUCCESS);
  return address;
}

void CudaTest::free(CUdeviceptr address) {
  EXPECT_EQ(cuMemFree_v2(address), CUDA_SUCCESS);
}

CUstream CudaTest::createStream() {
  CUstream stream = nullptr;
  EXPECT_EQ(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
  streams.push_back(stream);
  return stream;
}

std::string CudaTest::getPtx(llvm::StringRef text, llvm::StringRef target) {
  initializeGpuTargets();
  auto ptx = generatePtx(text, *findGpuTarget(target));
  if (ptx)
    return *ptx;
  ADD_FAILURE() << llvm::toString(ptx.takeError());
  return "";
}

CUmodule CudaTest::load(llvm::StringRef text) {
  if (folder.empty()) {
    llvm::SmallString<128> path;
    EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("vitc-cuda", path));
    folder = path.str().str();
  }
  std::error_code code;
  llvm::raw_fd_ostream(folder + "/4-llvm.sm_80.ll", code) << text;
  EXPECT_FALSE(code);
  Driver::get().machine.irFolder = folder;
  CUmodule module = nullptr;
  EXPECT_EQ(cuModuleLoadDataEx(&module, getPtx(text, "sm_80").c_str(), 0,
                               nullptr, nullptr),
            CUDA_SUCCESS);
  return module;
}
