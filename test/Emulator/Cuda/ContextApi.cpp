//===- ContextApi.cpp - The driver, devices, contexts ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Api.h"
#include "Driver.h"

#include "llvm/Support/FormatVariadic.h"
#include <cstring>

using namespace llvm;
using namespace vitc::emulator::cuda;

namespace {
struct ResultText {
  CUresult result;
  const char *name, *text;
};
} // namespace

static constexpr ResultText kResultTexts[] = {
    {CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
    {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED",
     "initialization error"},
    {CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE",
     "no CUDA-capable device is detected"},
    {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE",
     "invalid device ordinal"},
    {CUDA_ERROR_INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE",
     "device kernel image is invalid"},
    {CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT",
     "invalid device context"},
    {CUDA_ERROR_NO_BINARY_FOR_GPU, "CUDA_ERROR_NO_BINARY_FOR_GPU",
     "no kernel image is available for execution on the device"},
    {CUDA_ERROR_INVALID_PTX, "CUDA_ERROR_INVALID_PTX",
     "a PTX JIT compilation failed"},
    {CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
     "the provided PTX was compiled with an unsupported toolchain."},
    {CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE",
     "invalid resource handle"},
    {kIllegalState, "CUDA_ERROR_ILLEGAL_STATE",
     "the operation cannot be performed in the present state"},
    {CUDA_ERROR_NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {kNotReady, "CUDA_ERROR_NOT_READY", "device not ready"},
    {CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS",
     "an illegal memory access was encountered"},
    {kContextIsDestroyed, "CUDA_ERROR_CONTEXT_IS_DESTROYED",
     "context is destroyed"},
    {CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED",
     "unspecified launch failure"},
    {kCaptureUnsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
    {CUDA_ERROR_STREAM_CAPTURE_INVALIDATED,
     "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
     "operation failed due to a previous error during capture"},
    {kCaptureWrongThread, "CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD",
     "attempt to terminate a thread-local capture sequence from another "
     "thread"},
    {CUDA_ERROR_UNKNOWN, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

static CUresult getText(CUresult result, const char **text,
                        const char *ResultText::*member) {
  for (const ResultText &each : kResultTexts)
    if (each.result == result) {
      *text = each.*member;
      return CUDA_SUCCESS;
    }
  *text = nullptr;
  return CUDA_ERROR_INVALID_VALUE;
}

CUresult cuGetErrorName(CUresult error, const char **name) {
  return getText(error, name, &ResultText::name);
}

CUresult cuGetErrorString(CUresult error, const char **text) {
  return getText(error, text, &ResultText::text);
}

CUresult cuInit(unsigned flags) {
  Driver &driver = Driver::get();
  return driver.call("cuInit", NeedsNothing, [&] {
    if (flags != 0)
      return driver.misuse(CUDA_ERROR_INVALID_VALUE, "its flags are not 0");
    if (driver.machine.devices.empty())
      return CUDA_ERROR_NO_DEVICE;
    driver.isInitialized = true;
    return CUDA_SUCCESS;
  });
}

CUresult cuDriverGetVersion(int *version) {
  Driver &driver = Driver::get();
  return driver.call("cuDriverGetVersion", NeedsNothing, [&] {
    *version = driver.machine.driver.getMajor() * 1000 +
               driver.machine.driver.getMinor().value_or(0) * 10;
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGetCount(int *count) {
  Driver &driver = Driver::get();
  return driver.call("cuDeviceGetCount", NeedsInit, [&] {
    *count = driver.machine.devices.size();
    return CUDA_SUCCESS;
  });
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
  Driver &driver = Driver::get();
  return driver.call("cuDeviceGet", NeedsInit, [&] {
    if (!driver.findDevice(ordinal))
      return CUDA_ERROR_INVALID_DEVICE;
    *device = ordinal;
    return CUDA_SUCCESS;
  });
}

/// Runs `body` with the device of a number.
template <typename Body>
static CUresult callDevice(const char *name, CUdevice number, Body body) {
  Driver &driver = Driver::get();
  return driver.call(name, NeedsInit, [&] {
    Device *device = driver.findDevice(number);
    return device ? body(driver, *device)
                  : driver.misuse(CUDA_ERROR_INVALID_DEVICE,
                                  formatv("there is no device {0}", number));
  });
}

CUresult cuDeviceGetName(char *name, int length, CUdevice number) {
  return callDevice(
      "cuDeviceGetName", number, [&](Driver &driver, Device &device) {
        if (length <= 0)
          return driver.misuse(CUDA_ERROR_INVALID_VALUE,
                               formatv("its length is {0}", length));
        std::string full = "emulated " + device.capability.getAsString();
        *std::copy_n(full.begin(), std::min<size_t>(full.size(), length - 1),
                     name) = 0;
        return CUDA_SUCCESS;
      });
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute,
                              CUdevice number) {
  return callDevice(
      "cuDeviceGetAttribute", number, [&](Driver &driver, Device &device) {
        switch (attribute) {
        case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR:
          *value = device.capability.getMajor();
          return CUDA_SUCCESS;
        case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR:
          *value = device.capability.getMinor().value_or(0);
          return CUDA_SUCCESS;
        case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN:
          *value = getMaxSharedBytes(device.capability);
          return CUDA_SUCCESS;
        }
        return driver.misuse(
            CUDA_ERROR_INVALID_VALUE,
            formatv("attribute {0} is not known", static_cast<int>(attribute)));
      });
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice number) {
  return callDevice("cuDevicePrimaryCtxRetain", number,
                    [&](Driver &driver, Device &device) {
                      return driver.retainContext(device, *context);
                    });
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice number) {
  return callDevice("cuDevicePrimaryCtxRelease", number,
                    [&](Driver &driver, Device &device) {
                      return driver.releaseContext(device);
                    });
}

CUresult cuCtxPushCurrent_v2(CUcontext context) {
  Driver &driver = Driver::get();
  return driver.call("cuCtxPushCurrent", NeedsInit, [&] {
    if (!driver.findDevice(context))
      return driver.misuse(CUDA_ERROR_INVALID_CONTEXT,
                           "its context is none, or was destroyed");
    driver.getContexts().push_back(context);
    return CUDA_SUCCESS;
  });
}

CUresult cuCtxPopCurrent_v2(CUcontext *context) {
  Driver &driver = Driver::get();
  return driver.call("cuCtxPopCurrent", NeedsInit, [&] {
    std::vector<CUcontext> &stack = driver.getContexts();
    if (stack.empty())
      return driver.misuse(CUDA_ERROR_INVALID_CONTEXT,
                           "its thread has no current context");
    if (context)
      *context = stack.back();
    stack.pop_back();
    return CUDA_SUCCESS;
  });
}
