//===- CudaStreamTest.cpp - Streams and graphs of the emulated driver -----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaTest.h"

#include "llvm/Support/FormatVariadic.h"
#include <thread>

using namespace vitc::emulator::cuda;

namespace {
class CudaStreamTest : public CudaTest {
protected:
  void begin(CUstream stream) {
    ASSERT_EQ(
        cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
        CUDA_SUCCESS);
  }
  /// Ends a capture that something spoilt.
  void expectInvalid(CUstream stream) {
    CUgraph graph = nullptr;
    EXPECT_EQ(cuStreamEndCapture(stream, &graph),
              CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    EXPECT_EQ(graph, nullptr);
  }
  float read(CUdeviceptr address, CUstream stream) {
    float value = 0;
    EXPECT_EQ(cuMemcpyDtoHAsync_v2(&value, address, 4, stream), CUDA_SUCCESS);
    EXPECT_EQ(cuStreamSynchronize(stream), CUDA_SUCCESS);
    return value;
  }
};
} // namespace

TEST_F(CudaStreamTest, streamThatWasDestroyed) {
  CUstream stream = nullptr;
  ASSERT_EQ(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
  ASSERT_EQ(cuStreamDestroy_v2(stream), CUDA_SUCCESS);
  expectMisuse(cuStreamSynchronize(stream), CUDA_ERROR_INVALID_HANDLE,
               "cuStreamSynchronize: its stream was destroyed");
  expectMisuse(cuStreamDestroy_v2(reinterpret_cast<CUstream>(8)),
               CUDA_ERROR_INVALID_HANDLE,
               "cuStreamDestroy: its stream is none");
  expectMisuse(cuStreamCreate(&stream, 0), CUDA_ERROR_INVALID_VALUE,
               "cuStreamCreate: its flags are 0; streams are to be "
               "CU_STREAM_NON_BLOCKING");
}

TEST_F(CudaStreamTest, timeBetweenEvents) {
  CUstream stream = createStream();
  CUevent begin = nullptr, end = nullptr;
  ASSERT_EQ(cuEventCreate(&begin, CU_EVENT_DEFAULT), CUDA_SUCCESS);
  ASSERT_EQ(cuEventCreate(&end, CU_EVENT_DEFAULT), CUDA_SUCCESS);
  float milliseconds = -1;
  expectMisuse(cuEventElapsedTime(&milliseconds, begin, end),
               CUDA_ERROR_INVALID_HANDLE,
               "cuEventElapsedTime: an event was not recorded");
  ASSERT_EQ(cuEventRecord(begin, stream), CUDA_SUCCESS);
  ASSERT_EQ(cuEventRecord(end, stream), CUDA_SUCCESS);
  expectMisuse(cuEventElapsedTime(&milliseconds, begin, end), kNotReady,
               "cuEventElapsedTime: nobody waited for an event");
  ASSERT_EQ(cuStreamSynchronize(stream), CUDA_SUCCESS);
  ASSERT_EQ(cuEventElapsedTime(&milliseconds, begin, end), CUDA_SUCCESS);
  EXPECT_GE(milliseconds, 0);
  ASSERT_EQ(cuEventDestroy_v2(begin), CUDA_SUCCESS);
  ASSERT_EQ(cuEventDestroy_v2(end), CUDA_SUCCESS);
  expectMisuse(cuEventRecord(end, stream), CUDA_ERROR_INVALID_HANDLE,
               "cuEventRecord: its event was destroyed");
}

// A graph has the arguments that its launches had when they were captured.
TEST_F(CudaStreamTest, graphOfKernels) {
  CUmodule module = load(kAddKernel);
  CUfunction add = nullptr;
  ASSERT_EQ(cuModuleGetFunction(&add, module, "add"), CUDA_SUCCESS);
  CUstream stream = createStream();
  CUdeviceptr x = allocate(128), y = allocate(128);
  float by = 1;
  void *there[] = {&y, &x, &by}, *back[] = {&x, &y, &by};
  begin(stream);
  for (void **arguments : {there, back})
    ASSERT_EQ(
        cuLaunchKernel(add, 1, 1, 1, 32, 1, 1, 0, stream, arguments, nullptr),
        CUDA_SUCCESS);
  CUgraph graph = nullptr;
  ASSERT_EQ(cuStreamEndCapture(stream, &graph), CUDA_SUCCESS);
  by = 100;
  CUgraphExec executable = nullptr;
  ASSERT_EQ(cuGraphInstantiateWithFlags(&executable, graph, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphDestroy(graph), CUDA_SUCCESS);
  expectMisuse(cuGraphInstantiateWithFlags(&executable, graph, 0),
               CUDA_ERROR_INVALID_HANDLE,
               "cuGraphInstantiateWithFlags: its graph was destroyed");

  ASSERT_EQ(cuMemsetD8Async(x, 0, 128, stream), CUDA_SUCCESS);
  for (float expected : {2, 4}) {
    ASSERT_EQ(cuGraphLaunch(executable, stream), CUDA_SUCCESS);
    EXPECT_EQ(read(x + 124, stream), expected);
  }

  // It outlives neither its module nor its memory.
  free(y);
  ASSERT_EQ(cuGraphLaunch(executable, stream), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamSynchronize(stream), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_NE(takeMisuse().find("which was freed"), std::string::npos);
  startOn({});
}

TEST_F(CudaStreamTest, graphOfAModuleThatIsGone) {
  CUmodule module = load(kAddKernel);
  CUfunction add = nullptr;
  ASSERT_EQ(cuModuleGetFunction(&add, module, "add"), CUDA_SUCCESS);
  CUstream stream = createStream();
  CUdeviceptr x = allocate(128);
  float by = 1;
  void *arguments[] = {&x, &x, &by};
  begin(stream);
  ASSERT_EQ(
      cuLaunchKernel(add, 1, 1, 1, 32, 1, 1, 0, stream, arguments, nullptr),
      CUDA_SUCCESS);
  CUgraph graph = nullptr;
  ASSERT_EQ(cuStreamEndCapture(stream, &graph), CUDA_SUCCESS);
  CUgraphExec executable = nullptr;
  ASSERT_EQ(cuGraphInstantiateWithFlags(&executable, graph, 0), CUDA_SUCCESS);
  ASSERT_EQ(cuModuleUnload(module), CUDA_SUCCESS);
  expectMisuse(cuGraphLaunch(executable, stream), CUDA_ERROR_INVALID_HANDLE,
               "cuGraphLaunch: kernel 'add' is of a module that was unloaded");
  ASSERT_EQ(cuGraphDestroy(graph), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphExecDestroy(executable), CUDA_SUCCESS);
  free(x);
}

TEST_F(CudaStreamTest, callsThatSpoilACapture) {
  CUstream stream = createStream();
  CUdeviceptr a = allocate(16);
  float host[4] = {};
  const char *while_ = ": comes while its thread captures";
  begin(stream);
  expectMisuse(cuStreamSynchronize(stream), kCaptureUnsupported,
               std::string("cuStreamSynchronize") + while_);
  expectInvalid(stream);
  begin(stream);
  CUdeviceptr b = 0;
  expectMisuse(cuMemAlloc_v2(&b, 4), kCaptureUnsupported,
               std::string("cuMemAlloc") + while_);
  expectInvalid(stream);
  begin(stream);
  expectMisuse(cuMemFree_v2(a), kCaptureUnsupported,
               std::string("cuMemFree") + while_);
  expectInvalid(stream);
  begin(stream);
  expectMisuse(cuMemcpyHtoDAsync_v2(a, host, 16, stream), kCaptureUnsupported,
               "cuMemcpyHtoDAsync: copies from or to host memory that is not "
               "pinned, in a capture");
  expectInvalid(stream);
  begin(stream);
  expectMisuse(cuMemsetD8Async(a + 8, 0, 16, stream), CUDA_ERROR_INVALID_VALUE,
               llvm::formatv("cuMemsetD8Async: 16 bytes of device memory at "
                             "{0:x}, 8 bytes into 'allocation 0 of "
                             "cuMemAlloc' (16 bytes)",
                             a + 8)
                   .str());
  expectInvalid(stream);
  free(a);
}

// As a driver does it: the stream can be used again.
TEST_F(CudaStreamTest, anEndThatFailsEndsACapture) {
  Machine machine;
  machine.failures = {{"cuStreamEndCapture", 1, CUDA_ERROR_OUT_OF_MEMORY}};
  start(machine);
  CUstream stream = nullptr;
  ASSERT_EQ(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING), CUDA_SUCCESS);
  ASSERT_EQ(
      cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
      CUDA_SUCCESS);
  CUgraph graph = nullptr;
  EXPECT_EQ(cuStreamEndCapture(stream, &graph), CUDA_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(cuStreamSynchronize(stream), CUDA_SUCCESS);
  EXPECT_EQ(cuStreamDestroy_v2(stream), CUDA_SUCCESS);
  EXPECT_EQ(takeMisuse(), "");
}

TEST_F(CudaStreamTest, capturesThatAreNone) {
  CUstream stream = createStream();
  CUgraph graph = nullptr;
  expectMisuse(cuStreamEndCapture(stream, &graph), kIllegalState,
               "cuStreamEndCapture: its stream is not captured");
  expectMisuse(
      cuStreamBeginCapture_v2(nullptr, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
      kCaptureUnsupported,
      "cuStreamBeginCapture: the default stream cannot be captured");
  expectMisuse(
      cuStreamBeginCapture_v2(stream, static_cast<CUstreamCaptureMode>(0)),
      CUDA_ERROR_INVALID_VALUE,
      "cuStreamBeginCapture: its mode is 0; captures are to be of one thread");
  begin(stream);
  CUresult result = CUDA_SUCCESS;
  std::thread([&] {
    cuCtxPushCurrent_v2(context);
    result = cuStreamEndCapture(stream, &graph);
  }).join();
  expectMisuse(result, kCaptureWrongThread,
               "cuStreamEndCapture: another thread captures its stream");
  ASSERT_EQ(cuStreamEndCapture(stream, &graph), CUDA_SUCCESS);
  ASSERT_EQ(cuGraphDestroy(graph), CUDA_SUCCESS);
}
