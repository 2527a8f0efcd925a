//===- FakeCuda.cpp - A driver without a GPU ------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeCuda.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

using namespace vitc::rt::cuda;
using vitc::rt::test::FakeCuda;
using vitc::rt::test::FakeKernel;
using vitc::rt::test::FakeLaunch;
using vitc::rt::test::getFakeCuda;

// The driver's own kinds.
struct vitc::rt::cuda::CUmod_st {
  std::map<std::string, CUfunction> functions;
};
struct vitc::rt::cuda::CUfunc_st {
  std::string name;
};
struct vitc::rt::cuda::CUgraph_st {
  std::vector<std::function<CUresult()>> nodes;
};
struct vitc::rt::cuda::CUgraphExec_st {
  std::vector<std::function<CUresult()>> nodes;
};
struct vitc::rt::cuda::CUstream_st {
  CUgraph captured = nullptr; // while it is
};
struct vitc::rt::cuda::CUevent_st {
  int64_t nanoseconds = -1; // -1: not yet
};

/// Above all that a process can map.
static constexpr uint64_t kFirstAddress = uint64_t(1) << 56;
static constexpr size_t kAlignment = 256;
static constexpr int64_t kCopyTime = 10000, kKernelTime = 2000;
static constexpr int64_t kInstantiateTime = 1000000; // meanwhile
static constexpr CUresult kNotPermitted = static_cast<CUresult>(900);

static thread_local std::vector<CUcontext> contexts;

FakeCuda &vitc::rt::test::getFakeCuda() {
  static FakeCuda fake;
  return fake;
}

void *FakeCuda::toHost(uint64_t address) const {
  auto next = memory.upper_bound(address);
  if (next == memory.begin())
    throw std::out_of_range("no memory of the GPU");
  auto found = std::prev(next);
  if (address - found->first >= found->second.size())
    throw std::out_of_range("no memory of the GPU");
  return const_cast<uint8_t *>(found->second.data()) + (address - found->first);
}

/// Counts a call and does what it is told to instead, if it is.
#define FAKE_CALL(symbol)                                                      \
  ++getFakeCuda().calls[#symbol];                                              \
  if (auto told = getFakeCuda().results.find(#symbol);                         \
      told != getFakeCuda().results.end())                                     \
    return told->second;

#define FAKE_CALL_IN_CONTEXT(symbol)                                           \
  FAKE_CALL(symbol)                                                            \
  if (contexts.empty())                                                        \
    return CUDA_ERROR_INVALID_CONTEXT;

#define FAKE_FUNCTION extern "C" __attribute__((visibility("default"))) CUresult

/// Of a copy of what must all be the GPU's.
static bool isMemory(CUdeviceptr address, size_t bytes) {
  try {
    auto *first = getFakeCuda().toHost<uint8_t>(address);
    return bytes == 0 || getFakeCuda().toHost<uint8_t>(address + bytes - 1) ==
                             first + bytes - 1;
  } catch (const std::out_of_range &) {
    return false;
  }
}

//===----------------------------------------------------------------------===//
// Devices and contexts
//===----------------------------------------------------------------------===//

FAKE_FUNCTION cuInit(unsigned) {
  FAKE_CALL(cuInit)
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuDriverGetVersion(int *version) {
  FAKE_CALL(cuDriverGetVersion)
  *version = getFakeCuda().driverVersion;
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuGetErrorName(CUresult error, const char **name) {
  FAKE_CALL(cuGetErrorName)
  *name = error == CUDA_ERROR_OUT_OF_MEMORY     ? "CUDA_ERROR_OUT_OF_MEMORY"
          : error == CUDA_ERROR_INVALID_PTX     ? "CUDA_ERROR_INVALID_PTX"
          : error == CUDA_ERROR_ILLEGAL_ADDRESS ? "CUDA_ERROR_ILLEGAL_ADDRESS"
          : error == CUDA_ERROR_UNKNOWN         ? "CUDA_ERROR_UNKNOWN"
                                                : nullptr;
  return *name ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

FAKE_FUNCTION cuGetErrorString(CUresult error, const char **text) {
  FAKE_CALL(cuGetErrorString)
  *text = error == CUDA_ERROR_UNKNOWN ? nullptr : "what happened";
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuDeviceGetCount(int *count) {
  FAKE_CALL(cuDeviceGetCount)
  *count = static_cast<int>(getFakeCuda().devices.size());
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuDeviceGet(CUdevice *device, int ordinal) {
  FAKE_CALL(cuDeviceGet)
  *device = ordinal;
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuDeviceGetName(char *name, int length, CUdevice device) {
  FAKE_CALL(cuDeviceGetName)
  std::strncpy(name, getFakeCuda().devices[device].name.c_str(), length);
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuDeviceGetAttribute(int *value, CUdevice_attribute attribute,
                                   CUdevice device) {
  FAKE_CALL(cuDeviceGetAttribute)
  const vitc::rt::test::FakeDevice &fake = getFakeCuda().devices[device];
  *value = attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR
               ? fake.major
           : attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR
               ? fake.minor
               : fake.sharedBytes;
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
  FAKE_CALL(cuDevicePrimaryCtxRetain)
  ++getFakeCuda().alive["context"];
  *context = reinterpret_cast<CUcontext>(uintptr_t(device) + 1);
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuDevicePrimaryCtxRelease_v2(CUdevice) {
  FAKE_CALL(cuDevicePrimaryCtxRelease_v2)
  --getFakeCuda().alive["context"];
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuCtxPushCurrent_v2(CUcontext context) {
  FAKE_CALL(cuCtxPushCurrent_v2)
  contexts.push_back(context);
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuCtxPopCurrent_v2(CUcontext *context) {
  FAKE_CALL_IN_CONTEXT(cuCtxPopCurrent_v2)
  *context = contexts.back();
  contexts.pop_back();
  return CUDA_SUCCESS;
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

FAKE_FUNCTION cuModuleLoadDataEx(CUmodule *module, const void *image,
                                 unsigned numOptions, CUjit_option *options,
                                 void **values) {
  FAKE_CALL_IN_CONTEXT(cuModuleLoadDataEx)
  FakeCuda &fake = getFakeCuda();
  auto *text = static_cast<const char *>(image);
  if (auto told = fake.loadResults.find(*text);
      told != fake.loadResults.end()) {
    for (unsigned i = 0; i + 1 < numOptions; ++i)
      if (options[i] == CU_JIT_ERROR_LOG_BUFFER &&
          options[i + 1] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES)
        std::strncpy(static_cast<char *>(values[i]), fake.jitLog.c_str(),
                     reinterpret_cast<uintptr_t>(values[i + 1]));
    return told->second;
  }
  fake.images.emplace_back(text);
  ++fake.alive["module"];
  *module = new CUmod_st;
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuModuleUnload(CUmodule module) {
  FAKE_CALL_IN_CONTEXT(cuModuleUnload)
  --getFakeCuda().alive["module"];
  for (auto &[name, function] : module->functions)
    delete function;
  delete module;
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuModuleGetFunction(CUfunction *function, CUmodule module,
                                  const char *name) {
  FAKE_CALL_IN_CONTEXT(cuModuleGetFunction)
  if (!getFakeCuda().kernels.count(name))
    return CUDA_ERROR_NOT_FOUND;
  CUfunction &found = module->functions[name];
  if (!found)
    found = new CUfunc_st{name};
  *function = found;
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuFuncSetAttribute(CUfunction function,
                                 CUfunction_attribute attribute, int value) {
  FAKE_CALL_IN_CONTEXT(cuFuncSetAttribute)
  if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
    return CUDA_ERROR_INVALID_VALUE;
  getFakeCuda().sharedLimits[function->name] = value;
  return CUDA_SUCCESS;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

FAKE_FUNCTION cuMemGetInfo_v2(size_t *free, size_t *total) {
  FAKE_CALL_IN_CONTEXT(cuMemGetInfo_v2)
  *total = getFakeCuda().memoryBytes;
  *free = *total - getFakeCuda().usedBytes;
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
  FAKE_CALL_IN_CONTEXT(cuMemAlloc_v2)
  FakeCuda &fake = getFakeCuda();
  if (bytes == 0)
    return CUDA_ERROR_INVALID_VALUE;
  if (bytes > fake.memoryBytes - fake.usedBytes)
    return CUDA_ERROR_OUT_OF_MEMORY;
  // The lowest that is free.
  uint64_t next = kFirstAddress;
  for (const auto &[used, content] : fake.memory) {
    if (used - next >= bytes)
      break;
    next = (used + content.size() + kAlignment - 1) / kAlignment * kAlignment;
  }
  fake.usedBytes += bytes;
  // Not zeros, as of a GPU.
  fake.memory.emplace(next, std::vector<uint8_t>(bytes, 0xA5));
  ++fake.alive["memory"];
  *address = next;
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuMemFree_v2(CUdeviceptr address) {
  FAKE_CALL_IN_CONTEXT(cuMemFree_v2)
  FakeCuda &fake = getFakeCuda();
  auto found = fake.memory.find(address);
  if (found == fake.memory.end())
    return CUDA_ERROR_INVALID_VALUE;
  fake.usedBytes -= found->second.size();
  fake.memory.erase(found);
  --fake.alive["memory"];
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuMemHostAlloc(void **address, size_t bytes, unsigned flags) {
  FAKE_CALL_IN_CONTEXT(cuMemHostAlloc)
  if (bytes == 0 || flags != 0)
    return CUDA_ERROR_INVALID_VALUE;
  FakeCuda &fake = getFakeCuda();
  std::vector<uint8_t> memory(bytes);
  *address = memory.data();
  fake.lockedMemory[*address] = std::move(memory);
  ++fake.alive["locked memory"];
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuMemFreeHost(void *address) {
  FAKE_CALL_IN_CONTEXT(cuMemFreeHost)
  if (getFakeCuda().lockedMemory.erase(address) == 0)
    return CUDA_ERROR_INVALID_VALUE;
  --getFakeCuda().alive["locked memory"];
  return CUDA_SUCCESS;
}

//===----------------------------------------------------------------------===//
// Streams and events
//===----------------------------------------------------------------------===//

/// Does `work`, or keeps it for the graph that is captured.
static CUresult queue(CUstream stream, int64_t time,
                      std::function<CUresult()> work) {
  auto timed = [work = std::move(work), time] {
    getFakeCuda().nanoseconds += time;
    return work();
  };
  if (!stream || !stream->captured)
    return timed();
  stream->captured->nodes.push_back(timed);
  return CUDA_SUCCESS;
}

/// What touches the caller's memory cannot be captured here.
static CUresult copy(CUstream stream, CUdeviceptr device, size_t bytes,
                     const std::function<void(uint8_t *)> &work) {
  if (stream && stream->captured)
    return kNotPermitted;
  if (!isMemory(device, bytes))
    return CUDA_ERROR_INVALID_VALUE;
  return queue(stream, kCopyTime, [&] {
    work(getFakeCuda().toHost<uint8_t>(device));
    return CUDA_SUCCESS;
  });
}

/// Counts a copy if it is one of page-locked memory.
static void countLocked(const void *address) {
  FakeCuda &fake = getFakeCuda();
  auto *byte = static_cast<const uint8_t *>(address);
  for (const auto &[begin, memory] : fake.lockedMemory)
    if (byte >= memory.data() && byte < memory.data() + memory.size())
      ++fake.lockedCopies;
}

FAKE_FUNCTION cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from,
                                   size_t bytes, CUstream stream) {
  FAKE_CALL_IN_CONTEXT(cuMemcpyHtoDAsync_v2)
  countLocked(from);
  return copy(stream, to, bytes,
              [&](uint8_t *memory) { std::memcpy(memory, from, bytes); });
}

FAKE_FUNCTION cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes,
                                   CUstream stream) {
  FAKE_CALL_IN_CONTEXT(cuMemcpyDtoHAsync_v2)
  countLocked(to);
  return copy(stream, from, bytes,
              [&](uint8_t *memory) { std::memcpy(to, memory, bytes); });
}

FAKE_FUNCTION cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from,
                                   size_t bytes, CUstream stream) {
  FAKE_CALL_IN_CONTEXT(cuMemcpyDtoDAsync_v2)
  if (!isMemory(from, bytes))
    return CUDA_ERROR_INVALID_VALUE;
  return copy(stream, to, bytes, [&](uint8_t *memory) {
    std::memmove(memory, getFakeCuda().toHost(from), bytes);
  });
}

FAKE_FUNCTION cuMemsetD8Async(CUdeviceptr address, unsigned char value,
                              size_t bytes, CUstream stream) {
  FAKE_CALL_IN_CONTEXT(cuMemsetD8Async)
  return copy(stream, address, bytes,
              [&](uint8_t *memory) { std::memset(memory, value, bytes); });
}

FAKE_FUNCTION cuStreamCreate(CUstream *stream, unsigned flags) {
  FAKE_CALL_IN_CONTEXT(cuStreamCreate)
  if (flags != CU_STREAM_NON_BLOCKING)
    return CUDA_ERROR_INVALID_VALUE;
  ++getFakeCuda().alive["stream"];
  *stream = new CUstream_st;
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuStreamDestroy_v2(CUstream stream) {
  FAKE_CALL_IN_CONTEXT(cuStreamDestroy_v2)
  --getFakeCuda().alive["stream"];
  delete stream;
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuStreamSynchronize(CUstream stream) {
  FAKE_CALL_IN_CONTEXT(cuStreamSynchronize)
  if (stream && stream->captured)
    return kNotPermitted;
  return getFakeCuda().failed;
}

FAKE_FUNCTION cuEventCreate(CUevent *event, unsigned) {
  FAKE_CALL_IN_CONTEXT(cuEventCreate)
  ++getFakeCuda().alive["event"];
  *event = new CUevent_st;
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuEventDestroy_v2(CUevent event) {
  FAKE_CALL_IN_CONTEXT(cuEventDestroy_v2)
  --getFakeCuda().alive["event"];
  delete event;
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuEventRecord(CUevent event, CUstream stream) {
  FAKE_CALL_IN_CONTEXT(cuEventRecord)
  if (stream && stream->captured)
    return kNotPermitted;
  event->nanoseconds = getFakeCuda().nanoseconds;
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuEventElapsedTime(float *milliseconds, CUevent begin,
                                 CUevent end) {
  FAKE_CALL_IN_CONTEXT(cuEventElapsedTime)
  if (begin->nanoseconds < 0 || end->nanoseconds < 0)
    return CUDA_ERROR_INVALID_HANDLE;
  *milliseconds =
      static_cast<float>(end->nanoseconds - begin->nanoseconds) * 1e-6f;
  return CUDA_SUCCESS;
}

//===----------------------------------------------------------------------===//
// Kernels and graphs
//===----------------------------------------------------------------------===//

FAKE_FUNCTION cuLaunchKernel(CUfunction function, unsigned gridX,
                             unsigned gridY, unsigned gridZ, unsigned blockX,
                             unsigned blockY, unsigned blockZ,
                             unsigned sharedBytes, CUstream stream,
                             void **arguments, void **extra) {
  FAKE_CALL_IN_CONTEXT(cuLaunchKernel)
  FakeCuda &fake = getFakeCuda();
  int limit = 48 << 10;
  if (auto raised = fake.sharedLimits.find(function->name);
      raised != fake.sharedLimits.end())
    limit = raised->second;
  if (gridX == 0 || gridY != 1 || gridZ != 1 || blockX == 0 || blockX > 1024 ||
      blockY != 1 || blockZ != 1 || extra ||
      sharedBytes > static_cast<unsigned>(limit))
    return CUDA_ERROR_INVALID_VALUE;
  const FakeKernel &kernel = fake.kernels.at(function->name);
  std::vector<uint64_t> values;
  for (size_t i = 0; i < kernel.numArguments; ++i)
    values.push_back(*static_cast<const uint64_t *>(arguments[i]));
  FakeLaunch launch = {function->name, gridX, blockX, sharedBytes};
  return queue(stream, kKernelTime, [&kernel, launch, values] {
    getFakeCuda().launches.push_back(launch);
    try {
      kernel.run(launch.blocks, values.data());
    } catch (const std::out_of_range &) {
      getFakeCuda().failed = CUDA_ERROR_ILLEGAL_ADDRESS;
    }
    return CUDA_SUCCESS;
  });
}

FAKE_FUNCTION cuStreamBeginCapture_v2(CUstream stream,
                                      CUstreamCaptureMode mode) {
  FAKE_CALL_IN_CONTEXT(cuStreamBeginCapture_v2)
  if (stream->captured || mode != CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)
    return CUDA_ERROR_INVALID_VALUE;
  ++getFakeCuda().alive["graph"];
  stream->captured = new CUgraph_st;
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuStreamEndCapture(CUstream stream, CUgraph *graph) {
  FAKE_CALL_IN_CONTEXT(cuStreamEndCapture)
  *graph = stream->captured;
  stream->captured = nullptr;
  return *graph ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

FAKE_FUNCTION cuGraphInstantiateWithFlags(CUgraphExec *executable,
                                          CUgraph graph, unsigned long long) {
  FAKE_CALL_IN_CONTEXT(cuGraphInstantiateWithFlags)
  ++getFakeCuda().alive["executable graph"];
  getFakeCuda().nanoseconds += kInstantiateTime;
  *executable = new CUgraphExec_st{graph->nodes};
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuGraphDestroy(CUgraph graph) {
  FAKE_CALL_IN_CONTEXT(cuGraphDestroy)
  --getFakeCuda().alive["graph"];
  delete graph;
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuGraphExecDestroy(CUgraphExec executable) {
  FAKE_CALL_IN_CONTEXT(cuGraphExecDestroy)
  --getFakeCuda().alive["executable graph"];
  delete executable;
  return CUDA_SUCCESS;
}

FAKE_FUNCTION cuGraphLaunch(CUgraphExec executable, CUstream stream) {
  FAKE_CALL_IN_CONTEXT(cuGraphLaunch)
  if (!stream || stream->captured)
    return CUDA_ERROR_INVALID_VALUE;
  for (const std::function<CUresult()> &node : executable->nodes)
    if (CUresult result = node(); result != CUDA_SUCCESS)
      return result;
  return CUDA_SUCCESS;
}
