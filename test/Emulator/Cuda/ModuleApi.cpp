//===- ModuleApi.cpp - Modules and kernels --------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Api.h"
#include "Image.h"
#include "Operations.h"

#include "llvm/Support/FormatVariadic.h"
#include <cstring>

using namespace llvm;
using namespace vitc::emulator;
using namespace vitc::emulator::cuda;

/// What a block may have without cuFuncSetAttribute.
static constexpr size_t kDefaultSharedBytes = size_t(48) << 10;

namespace {
/// Where the driver's compiler writes why it refused.
struct ErrorLog {
  char *buffer = nullptr;
  size_t size = 0;
  void **sizeValue = nullptr;

  void write(StringRef text) const {
    if (!buffer || !sizeValue || size == 0)
      return;
    size_t length = std::min(text.size(), size - 1);
    std::memcpy(buffer, text.data(), length);
    buffer[length] = 0;
    *sizeValue = reinterpret_cast<void *>(length);
  }
};
} // namespace

static ErrorLog findLog(unsigned count, const CUjit_option *options,
                        void **values) {
  ErrorLog log;
  for (unsigned i = 0; i < count; ++i)
    if (options[i] == CU_JIT_ERROR_LOG_BUFFER) {
      log.buffer = static_cast<char *>(values[i]);
    } else if (options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES) {
      log.size = static_cast<unsigned>(reinterpret_cast<uintptr_t>(values[i]));
      log.sizeValue = &values[i];
    }
  return log;
}

static CUresult checkOptions(Driver &driver, const ErrorLog &log,
                             unsigned count, const CUjit_option *options) {
  for (unsigned i = 0; i < count; ++i)
    if (options[i] != CU_JIT_ERROR_LOG_BUFFER &&
        options[i] != CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES)
      return driver.misuse(
          CUDA_ERROR_INVALID_VALUE,
          formatv("option {0} is not known", static_cast<int>(options[i])));
  if ((log.buffer == nullptr) != (log.sizeValue == nullptr))
    return driver.misuse(CUDA_ERROR_INVALID_VALUE,
                         "a log needs both a buffer and its size");
  return CUDA_SUCCESS;
}

static CUresult loadModule(Driver &driver, StringRef image, CUmodule *module,
                           const ErrorLog &log) {
  // Machine code needs a machine; a driver refuses that of another one.
  if (image.starts_with("\x7f"
                        "ELF"))
    return CUDA_ERROR_NO_BINARY_FOR_GPU;
  ImageError error;
  auto loaded = std::make_shared<cuda::Module>();
  loaded->device = &driver.getDevice();
  loaded->program =
      loadPtx(image, loaded->device->capability, driver.machine, error);
  if (loaded->program) {
    *module = driver.modules.add(std::move(loaded));
    return CUDA_SUCCESS;
  }
  log.write(error.log);
  return error.isMisuse ? driver.misuse(error.result, error.log) : error.result;
}

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image,
                            unsigned numOptions, CUjit_option *options,
                            void **values) {
  Driver &driver = Driver::get();
  ErrorLog log = findLog(numOptions, options, values);
  // What a failure that the environment asks for leaves there.
  log.write("ptxas application ptx input, line 1; error   : a failure that was "
            "asked for");
  return driver.call("cuModuleLoadDataEx", NeedsContext | NeedsNoCapture, [&] {
    log.write("");
    CUresult result = checkOptions(driver, log, numOptions, options);
    return result == CUDA_SUCCESS
               ? loadModule(driver, static_cast<const char *>(image), module,
                            log)
               : result;
  });
}

CUresult cuModuleUnload(CUmodule handle) {
  Driver &driver = Driver::get();
  return driver.call("cuModuleUnload", NeedsContext | NeedsNoCapture, [&] {
    CUresult result = CUDA_SUCCESS;
    auto module = driver.find(driver.modules, handle, "module", result);
    if (!module)
      return result;
    driver.streams.forEach([&](CUstream, Stream &stream) {
      for (const Pending &pending : stream.pending)
        if (pending.module == module)
          result = driver.misuse(CUDA_ERROR_INVALID_VALUE,
                                 "a kernel of its module is under way");
    });
    if (result != CUDA_SUCCESS)
      return result;
    module->isUnloaded = true;
    driver.functions.forEach([&](CUfunction function, Function &each) {
      if (each.module == module)
        driver.functions.remove(function);
    });
    driver.modules.remove(handle);
    return CUDA_SUCCESS;
  });
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule handle,
                             const char *name) {
  Driver &driver = Driver::get();
  return driver.call("cuModuleGetFunction", NeedsContext, [&] {
    CUresult result = CUDA_SUCCESS;
    auto module = driver.find(driver.modules, handle, "module", result);
    if (!module)
      return result;
    const KernelShape *shape = module->program->findShape(name);
    if (!shape)
      return driver.misuse(CUDA_ERROR_NOT_FOUND,
                           formatv("the module has no kernel '{0}'", name));
    auto found = std::make_shared<Function>();
    found->module = module;
    found->name = name;
    found->shape = *shape;
    found->maxDynamicBytes = kDefaultSharedBytes - shape->staticSharedBytes;
    *function = driver.functions.add(std::move(found));
    return CUDA_SUCCESS;
  });
}

CUresult cuFuncSetAttribute(CUfunction handle, CUfunction_attribute attribute,
                            int value) {
  Driver &driver = Driver::get();
  return driver.call("cuFuncSetAttribute", NeedsContext, [&] {
    CUresult result = CUDA_SUCCESS;
    auto function = driver.find(driver.functions, handle, "kernel", result);
    if (!function)
      return result;
    if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
      return driver.misuse(
          CUDA_ERROR_INVALID_VALUE,
          formatv("attribute {0} is not known", static_cast<int>(attribute)));
    size_t most = getMaxSharedBytes(driver.getDevice().capability) -
                  function->shape.staticSharedBytes;
    if (value < 0 || static_cast<size_t>(value) > most)
      return driver.misuse(
          CUDA_ERROR_INVALID_VALUE,
          formatv("kernel '{0}' asks for {1} bytes of dynamic shared memory; "
                  "the device has {2}",
                  function->name, value, most));
    function->maxDynamicBytes = value;
    return CUDA_SUCCESS;
  });
}

/// What a driver refuses of a launch.
static CUresult checkLaunch(Driver &driver, const Function &function,
                            const LaunchOptions &options, void **arguments,
                            void **extra) {
  auto refuse = [&](const Twine &what) {
    return driver.misuse(CUDA_ERROR_INVALID_VALUE,
                         "kernel '" + function.name + "' " + what);
  };
  const KernelShape &shape = function.shape;
  const Dim3 &grid = options.grid, &block = options.block;
  if (grid.getSize() == 0 || grid.x > 0x7fffffff || grid.y > 65535 ||
      grid.z > 65535)
    return refuse(formatv("runs in a grid of 1 to 2147483647 x 65535 x 65535 "
                          "blocks, not {0} x {1} x {2}",
                          grid.x, grid.y, grid.z));
  if (block.getSize() == 0 || block.getSize() > shape.maxThreads ||
      block.z > 64 || (shape.block && *shape.block != block))
    return refuse(formatv("runs in blocks of {0} {1} threads, not {2} x {3} x "
                          "{4}",
                          shape.block ? "just" : "up to", shape.maxThreads,
                          block.x, block.y, block.z));
  if (options.dynamicSharedBytes > function.maxDynamicBytes)
    return refuse(formatv("is launched with {0} bytes of dynamic shared "
                          "memory; cuFuncSetAttribute allows {1}",
                          options.dynamicSharedBytes,
                          function.maxDynamicBytes));
  if (extra)
    return refuse("gets its arguments as extra options");
  for (auto [i, parameter] : enumerate(shape.parameters))
    if (!arguments || !arguments[i])
      return refuse(
          formatv("lacks argument {0} of {1}", i, shape.parameters.size()));
  return CUDA_SUCCESS;
}

CUresult cuLaunchKernel(CUfunction handle, unsigned gridX, unsigned gridY,
                        unsigned gridZ, unsigned blockX, unsigned blockY,
                        unsigned blockZ, unsigned sharedBytes, CUstream stream,
                        void **arguments, void **extra) {
  Driver &driver = Driver::get();
  return driver.call("cuLaunchKernel", NeedsContext, [&] {
    CUresult result = CUDA_SUCCESS;
    auto function = driver.find(driver.functions, handle, "kernel", result);
    if (!function)
      return result;
    LaunchOptions options;
    options.grid = {gridX, gridY, gridZ};
    options.block = {blockX, blockY, blockZ};
    options.dynamicSharedBytes = sharedBytes;
    result = checkLaunch(driver, *function, options, arguments, extra);
    if (result != CUDA_SUCCESS)
      return result;
    return driver.issue(stream,
                        std::make_shared<Launch>(function, options, arguments));
  });
}
