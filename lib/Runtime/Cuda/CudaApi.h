//===- CudaApi.h - What vitc calls of the CUDA driver API ----- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The driver is loaded at run time, and vitc is built without CUDA's headers:
// these are own declarations of the binary interface that libcuda.so.1 keeps.
// Names and numbers are the driver's.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_CUDA_CUDAAPI_H
#define VITC_LIB_RUNTIME_CUDA_CUDAAPI_H

#include <cstddef>
#include <cstdint>

namespace vitc::rt::cuda {

using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = struct CUctx_st *;
using CUmodule = struct CUmod_st *;
using CUfunction = struct CUfunc_st *;
using CUstream = struct CUstream_st *;
using CUevent = struct CUevent_st *;
using CUgraph = struct CUgraph_st *;
using CUgraphExec = struct CUgraphExec_st *;

/// Any other number may come back, too.
enum CUresult : int {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_INVALID_VALUE = 1,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_NOT_INITIALIZED = 3,
  CUDA_ERROR_NO_DEVICE = 100,
  CUDA_ERROR_INVALID_DEVICE = 101,
  CUDA_ERROR_INVALID_IMAGE = 200,
  CUDA_ERROR_INVALID_CONTEXT = 201,
  CUDA_ERROR_NO_BINARY_FOR_GPU = 209,
  CUDA_ERROR_INVALID_PTX = 218,
  CUDA_ERROR_UNSUPPORTED_PTX_VERSION = 222,
  CUDA_ERROR_INVALID_HANDLE = 400,
  CUDA_ERROR_ILLEGAL_STATE = 401,
  CUDA_ERROR_NOT_FOUND = 500,
  CUDA_ERROR_ILLEGAL_ADDRESS = 700,
  CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701,
  CUDA_ERROR_HARDWARE_STACK_ERROR = 714,
  CUDA_ERROR_ILLEGAL_INSTRUCTION = 715,
  CUDA_ERROR_MISALIGNED_ADDRESS = 716,
  CUDA_ERROR_INVALID_ADDRESS_SPACE = 717,
  CUDA_ERROR_INVALID_PC = 718,
  CUDA_ERROR_LAUNCH_FAILED = 719,
  CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900,
  CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = 901,
  CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD = 908,
  CUDA_ERROR_UNKNOWN = 999
};

enum CUdevice_attribute : int {
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
  CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97
};

enum CUfunction_attribute : int {
  CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8
};

/// Of cuModuleLoadDataEx; each value is passed as a pointer.
enum CUjit_option : int {
  CU_JIT_ERROR_LOG_BUFFER = 5,
  CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6
};

enum CUstream_flags : unsigned { CU_STREAM_NON_BLOCKING = 1 };
enum CUevent_flags : unsigned { CU_EVENT_DEFAULT = 0 };
enum CUstreamCaptureMode : int { CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1 };

} // namespace vitc::rt::cuda

/// F(name, symbol, parameters...): a function, what libcuda.so.1 exports it as
/// (of a function with several versions the one meant here), its parameters.
/// All return CUresult.
#define VITC_CUDA_FUNCTIONS(F)                                                 \
  F(cuInit, cuInit, unsigned flags)                                            \
  F(cuDriverGetVersion, cuDriverGetVersion, int *version)                      \
  F(cuGetErrorName, cuGetErrorName, CUresult error, const char **name)         \
  F(cuGetErrorString, cuGetErrorString, CUresult error, const char **text)     \
  F(cuDeviceGetCount, cuDeviceGetCount, int *count)                            \
  F(cuDeviceGet, cuDeviceGet, CUdevice *device, int ordinal)                   \
  F(cuDeviceGetName, cuDeviceGetName, char *name, int length, CUdevice device) \
  F(cuDeviceGetAttribute, cuDeviceGetAttribute, int *value,                    \
    CUdevice_attribute attribute, CUdevice device)                             \
  F(cuDevicePrimaryCtxRetain, cuDevicePrimaryCtxRetain, CUcontext *context,    \
    CUdevice device)                                                           \
  F(cuDevicePrimaryCtxRelease, cuDevicePrimaryCtxRelease_v2, CUdevice device)  \
  F(cuCtxPushCurrent, cuCtxPushCurrent_v2, CUcontext context)                  \
  F(cuCtxPopCurrent, cuCtxPopCurrent_v2, CUcontext *context)                   \
  F(cuModuleLoadDataEx, cuModuleLoadDataEx, CUmodule *module,                  \
    const void *image, unsigned numOptions, CUjit_option *options,             \
    void **values)                                                             \
  F(cuModuleUnload, cuModuleUnload, CUmodule module)                           \
  F(cuModuleGetFunction, cuModuleGetFunction, CUfunction *function,            \
    CUmodule module, const char *name)                                         \
  F(cuFuncSetAttribute, cuFuncSetAttribute, CUfunction function,               \
    CUfunction_attribute attribute, int value)                                 \
  F(cuMemGetInfo, cuMemGetInfo_v2, size_t *free, size_t *total)                \
  F(cuMemAlloc, cuMemAlloc_v2, CUdeviceptr *address, size_t bytes)             \
  F(cuMemFree, cuMemFree_v2, CUdeviceptr address)                              \
  F(cuMemHostAlloc, cuMemHostAlloc, void **address, size_t bytes,              \
    unsigned flags)                                                            \
  F(cuMemFreeHost, cuMemFreeHost, void *address)                               \
  F(cuMemcpyHtoDAsync, cuMemcpyHtoDAsync_v2, CUdeviceptr to, const void *from, \
    size_t bytes, CUstream stream)                                             \
  F(cuMemcpyDtoHAsync, cuMemcpyDtoHAsync_v2, void *to, CUdeviceptr from,       \
    size_t bytes, CUstream stream)                                             \
  F(cuMemcpyDtoDAsync, cuMemcpyDtoDAsync_v2, CUdeviceptr to, CUdeviceptr from, \
    size_t bytes, CUstream stream)                                             \
  F(cuMemsetD8Async, cuMemsetD8Async, CUdeviceptr address,                     \
    unsigned char value, size_t bytes, CUstream stream)                        \
  F(cuStreamCreate, cuStreamCreate, CUstream *stream, unsigned flags)          \
  F(cuStreamDestroy, cuStreamDestroy_v2, CUstream stream)                      \
  F(cuStreamSynchronize, cuStreamSynchronize, CUstream stream)                 \
  F(cuStreamBeginCapture, cuStreamBeginCapture_v2, CUstream stream,            \
    CUstreamCaptureMode mode)                                                  \
  F(cuStreamEndCapture, cuStreamEndCapture, CUstream stream, CUgraph *graph)   \
  F(cuGraphInstantiateWithFlags, cuGraphInstantiateWithFlags,                  \
    CUgraphExec *executable, CUgraph graph, unsigned long long flags)          \
  F(cuGraphDestroy, cuGraphDestroy, CUgraph graph)                             \
  F(cuGraphExecDestroy, cuGraphExecDestroy, CUgraphExec executable)            \
  F(cuGraphLaunch, cuGraphLaunch, CUgraphExec executable, CUstream stream)     \
  F(cuLaunchKernel, cuLaunchKernel, CUfunction function, unsigned gridX,       \
    unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,          \
    unsigned blockZ, unsigned sharedBytes, CUstream stream, void **arguments,  \
    void **extra)                                                              \
  F(cuEventCreate, cuEventCreate, CUevent *event, unsigned flags)              \
  F(cuEventDestroy, cuEventDestroy_v2, CUevent event)                          \
  F(cuEventRecord, cuEventRecord, CUevent event, CUstream stream)              \
  F(cuEventElapsedTime, cuEventElapsedTime, float *milliseconds,               \
    CUevent begin, CUevent end)

#endif // VITC_LIB_RUNTIME_CUDA_CUDAAPI_H
