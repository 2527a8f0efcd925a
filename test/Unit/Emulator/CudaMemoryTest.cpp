//===- CudaMemoryTest.cpp - Memory and copies of the emulated driver ------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaTest.h"

#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace vitc::emulator::cuda;

namespace {
class CudaMemoryTest : public CudaTest {};
} // namespace

TEST_F(CudaMemoryTest, copiesRunWhenSomebodyWaits) {
  CUstream stream = createStream();
  CUdeviceptr a = allocate(16), b = allocate(16);
  const float in[4] = {1, 2, 3, 4};
  float out[4] = {};
  ASSERT_EQ(cuMemcpyHtoDAsync_v2(a, in, 16, stream), CUDA_SUCCESS);
  ASSERT_EQ(cuMemsetD8Async(b, 0, 16, stream), CUDA_SUCCESS);
  ASSERT_EQ(cuMemcpyDtoDAsync_v2(b + 4, a, 8, stream), CUDA_SUCCESS);
  ASSERT_EQ(cuMemcpyDtoHAsync_v2(out, b, 16, stream), CUDA_SUCCESS);
  EXPECT_TRUE(std::isnan(out[1]));
  ASSERT_EQ(cuStreamSynchronize(stream), CUDA_SUCCESS);
  EXPECT_EQ(std::vector<float>(out, out + 4), std::vector<float>({0, 1, 2, 0}));
  free(a);
  free(b);
}

TEST_F(CudaMemoryTest, sourceThatChanges) {
  CUstream stream = createStream();
  CUdeviceptr a = allocate(4);
  float in = 1;
  ASSERT_EQ(cuMemcpyHtoDAsync_v2(a, &in, 4, stream), CUDA_SUCCESS);
  in = 2;
  expectMisuse(cuStreamSynchronize(stream), CUDA_ERROR_ILLEGAL_ADDRESS,
               "cuStreamSynchronize: 4 bytes of host memory changed before "
               "they were copied to the device");
  // As after every fault of a device.
  EXPECT_EQ(cuMemFree_v2(a), CUDA_ERROR_ILLEGAL_ADDRESS);
  startOn({});
}

TEST_F(CudaMemoryTest, rangesThatAreNone) {
  CUstream stream = createStream();
  CUdeviceptr a = allocate(16);
  float host[8] = {};
  expectMisuse(cuMemcpyHtoDAsync_v2(a + 8, host, 12, stream),
               CUDA_ERROR_INVALID_VALUE,
               llvm::formatv("cuMemcpyHtoDAsync: 12 bytes of device memory at "
                             "{0:x}, 8 bytes into 'allocation 0 of "
                             "cuMemAlloc' (16 bytes)",
                             a + 8)
                   .str());
  expectMisuse(cuMemcpyDtoHAsync_v2(host, 64, 4, stream),
               CUDA_ERROR_INVALID_VALUE,
               "cuMemcpyDtoHAsync: 4 bytes of device memory at 0x40, far from "
               "every allocation");
  expectMisuse(cuMemcpyHtoDAsync_v2(a, nullptr, 4, stream),
               CUDA_ERROR_INVALID_VALUE,
               "cuMemcpyHtoDAsync: 4 bytes of host memory at 0x0, which is "
               "null");
  void *deviceMemory = reinterpret_cast<void *>(a);
  expectMisuse(cuMemcpyDtoHAsync_v2(deviceMemory, a, 4, stream),
               CUDA_ERROR_INVALID_VALUE,
               llvm::formatv("cuMemcpyDtoHAsync: 4 bytes of host memory at "
                             "{0:x}, 0 bytes into 'allocation 0 of "
                             "cuMemAlloc' (16 bytes)",
                             a)
                   .str());
  expectMisuse(cuMemcpyDtoDAsync_v2(a + 4, a, 8, stream),
               CUDA_ERROR_INVALID_VALUE,
               "cuMemcpyDtoDAsync: copies between ranges that overlap");
  free(a);
}

TEST_F(CudaMemoryTest, memoryThatWasFreed) {
  CUstream stream = createStream();
  CUdeviceptr a = allocate(16);
  free(a);
  expectMisuse(cuMemsetD8Async(a, 0, 4, stream), CUDA_ERROR_INVALID_VALUE,
               llvm::formatv("cuMemsetD8Async: 4 bytes of device memory at "
                             "{0:x}, 0 bytes into 'allocation 0 of "
                             "cuMemAlloc', which was freed",
                             a)
                   .str());
  expectMisuse(cuMemFree_v2(a), CUDA_ERROR_INVALID_VALUE,
               llvm::formatv("cuMemFree: no allocation begins at {0:x}, 0 "
                             "bytes into 'allocation 0 of cuMemAlloc', which "
                             "was freed",
                             a)
                   .str());
  free(0);
}

TEST_F(CudaMemoryTest, memoryRunsOut) {
  Machine machine;
  machine.memoryBytes = 4096;
  start(machine);
  size_t bytes = 0, total = 0;
  expectMisuse(cuMemAlloc_v2(nullptr, 0), CUDA_ERROR_INVALID_VALUE,
               "cuMemAlloc: allocates 0 bytes");
  CUdeviceptr a = allocate(4000 - 512), b = 0;
  ASSERT_EQ(cuMemGetInfo_v2(&bytes, &total), CUDA_SUCCESS);
  EXPECT_EQ(bytes, 512u);
  EXPECT_EQ(total, 4096u);
  EXPECT_EQ(cuMemAlloc_v2(&b, 513), CUDA_ERROR_OUT_OF_MEMORY);
  b = allocate(512);
  free(a);
  free(b);
  EXPECT_EQ(takeMisuse(), "");
}

TEST_F(CudaMemoryTest, lockedMemory) {
  CUstream stream = createStream();
  CUdeviceptr a = allocate(8);
  void *memory = nullptr;
  expectMisuse(cuMemHostAlloc(&memory, 0, 0), CUDA_ERROR_INVALID_VALUE,
               "cuMemHostAlloc: allocates 0 bytes with flags 0");
  ASSERT_EQ(cuMemHostAlloc(&memory, 16, 0), CUDA_SUCCESS);
  auto *floats = static_cast<float *>(memory);
  EXPECT_TRUE(std::isnan(floats[0]));
  floats[0] = 1, floats[1] = 2;
  ASSERT_EQ(cuMemcpyHtoDAsync_v2(a, floats, 8, stream), CUDA_SUCCESS);
  ASSERT_EQ(cuMemcpyDtoHAsync_v2(floats + 2, a, 8, stream), CUDA_SUCCESS);
  EXPECT_TRUE(std::isnan(floats[3]));
  ASSERT_EQ(cuStreamSynchronize(stream), CUDA_SUCCESS);
  EXPECT_EQ(floats[3], 2);
  EXPECT_EQ(Driver::get().listLeaks()[1],
            "device 0: 1 blocks of host memory were not freed");
  expectMisuse(cuMemFreeHost(floats + 1), CUDA_ERROR_INVALID_VALUE,
               llvm::formatv("cuMemFreeHost: no host memory of "
                             "cuMemHostAlloc begins at {0:x}",
                             reinterpret_cast<uintptr_t>(floats + 1))
                   .str());
  // What is under way ends before.
  ASSERT_EQ(cuMemcpyHtoDAsync_v2(a, floats, 8, stream), CUDA_SUCCESS);
  EXPECT_EQ(cuMemFreeHost(memory), CUDA_SUCCESS);
  free(a);
}

// A program that takes device memory for its own does not get far.
TEST_F(CudaMemoryTest, hostCannotTouchIt) {
  CUdeviceptr a = allocate(4);
  EXPECT_DEATH(*reinterpret_cast<volatile float *>(a) = 1, "");
  free(a);
}
