//===- CudaModel.cpp - A model's kernels and weights on a GPU -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cuda/CudaModel.h"

#include "Status.h"

#include <algorithm>
#include <limits>
#include <string_view>

using namespace vitc::rt;
using namespace vitc::rt::cuda;

/// What a block gets without being asked for more.
static constexpr int32_t kPlainSharedBytes = 48 << 10;
/// Blocks of a grid's first dimension.
static constexpr int64_t kMaxBlocks = std::numeric_limits<int32_t>::max();

//===----------------------------------------------------------------------===//
// CudaModule
//===----------------------------------------------------------------------===//

CudaModule::CudaModule(std::shared_ptr<const CudaContext> owner,
                       const DeviceImage &image)
    : context(std::move(owner)), image(image) {
  if (!loadCubin())
    loadPtx();
  try {
    findKernels();
  } catch (...) {
    (void)context->getLibrary().cuModuleUnload(handle);
    throw;
  }
}

CudaModule::~CudaModule() {
  try {
    CudaContext::Scope scope(*context);
    (void)context->getLibrary().cuModuleUnload(handle);
  } catch (const Failure &) {
    // A context that cannot be made current is gone, and its code with it.
  }
}

/// False where there is none for this GPU, or the driver is too old for it.
bool CudaModule::loadCubin() {
  if (!context->getDevice().canRunCubin(image))
    return false;
  const CudaLibrary &library = context->getLibrary();
  CUresult result =
      library.cuModuleLoadDataEx(&handle, image.cubin, 0, nullptr, nullptr);
  if (result == CUDA_ERROR_NO_BINARY_FOR_GPU ||
      result == CUDA_ERROR_INVALID_IMAGE)
    return false;
  library.check(result, "cuModuleLoadDataEx");
  return true;
}

/// The version of the language, "8.0" of ".version 8.0".
static std::string_view findPtxVersion(std::string_view ptx) {
  constexpr std::string_view directive = ".version ";
  size_t begin = ptx.find(directive);
  if (begin == ptx.npos)
    return "unknown";
  begin += directive.size();
  return ptx.substr(begin, ptx.find_first_of("\r\n", begin) - begin);
}

void CudaModule::loadPtx() {
  const CudaLibrary &library = context->getLibrary();
  std::string log(8192, '\0');
  CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER,
                            CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log.data(), reinterpret_cast<void *>(log.size())};
  CUresult result = library.cuModuleLoadDataEx(
      &handle, image.ptx, std::size(options), options, values);
  if (result == CUDA_SUCCESS)
    return;
  if (result == CUDA_ERROR_OUT_OF_MEMORY)
    library.check(result, "cuModuleLoadDataEx");
  std::string driver = library.formatVersion(library.driverVersion);
  if (result == CUDA_ERROR_UNSUPPORTED_PTX_VERSION)
    throw Failure(VITC_UNSUPPORTED,
                  "the NVIDIA driver is for CUDA {} and does not know PTX {}; "
                  "the program's code for {} needs a newer driver; {}",
                  driver, findPtxVersion(image.ptx), image.architecture,
                  kCompileForCpu);
  log.resize(log.find('\0') == log.npos ? log.size() : log.find('\0'));
  throw Failure(VITC_UNSUPPORTED,
                "the NVIDIA driver, for CUDA {}, does not compile the "
                "program's PTX for {} ({}); the program needs one that does; "
                "{}; the driver says: {}",
                driver, image.architecture, library.describe(result),
                kCompileForCpu, log.empty() ? "nothing" : log);
}

void CudaModule::findKernels() {
  const CudaLibrary &library = context->getLibrary();
  for (int32_t i = 0; i < image.numKernels; ++i) {
    const DeviceKernelDescriptor &kernel = image.kernels[i];
    CUfunction function = nullptr;
    CUresult result =
        library.cuModuleGetFunction(&function, handle, kernel.name);
    if (result == CUDA_ERROR_NOT_FOUND)
      throw Failure(VITC_INTERNAL,
                    "the program's code for {} has no kernel '{}' ({}); needs "
                    "it",
                    image.architecture, kernel.name, library.describe(result));
    // A driver may load kernels one by one.
    library.check(result, "cuModuleGetFunction");
    if (kernel.sharedBytes > kPlainSharedBytes)
      library.check(library.cuFuncSetAttribute(
                        function,
                        CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                        kernel.sharedBytes),
                    "cuFuncSetAttribute");
    functions.push_back(function);
  }
}

void CudaModule::launch(int32_t kernel, int64_t blocks,
                        const void *const *arguments, CUstream stream) const {
  if (kernel < 0 || kernel >= image.numKernels)
    throw Failure(VITC_INTERNAL,
                  "kernel {} was launched; the program's code for {} has {}",
                  kernel, image.architecture, image.numKernels);
  const DeviceKernelDescriptor &descriptor = image.kernels[kernel];
  if (blocks < 0 || blocks > kMaxBlocks)
    throw Failure(VITC_OUT_OF_MEMORY,
                  "kernel '{}' was launched with {} blocks; a GPU takes 0 to "
                  "{}: use a smaller batch",
                  descriptor.name, blocks, kMaxBlocks);
  if (blocks == 0)
    return;
  const CudaLibrary &library = context->getLibrary();
  // The driver only reads what the arguments point to.
  library.check(library.cuLaunchKernel(
                    functions[kernel], static_cast<unsigned>(blocks), 1, 1,
                    descriptor.threads, 1, 1, descriptor.sharedBytes, stream,
                    const_cast<void **>(arguments), nullptr),
                "cuLaunchKernel");
}

//===----------------------------------------------------------------------===//
// CudaModel
//===----------------------------------------------------------------------===//

CudaModel::CudaModel(const CudaDevice &device, const DeviceImage &image,
                     const uint8_t *bytes, int64_t numBytes)
    : context(std::make_shared<const CudaContext>(device)) {
  CudaContext::Scope scope(*context);
  module = std::make_unique<const CudaModule>(context, image);
  weights = CudaMemory(context, numBytes,
                       {"the model's weights", /*growsWithBatch=*/false});
  if (numBytes == 0)
    return;
  const CudaLibrary &library = context->getLibrary();
  library.check(library.cuMemcpyHtoDAsync(weights.get(), bytes, numBytes,
                                          /*stream=*/nullptr),
                "cuMemcpyHtoDAsync");
  library.check(library.cuStreamSynchronize(nullptr), "cuStreamSynchronize");
}
