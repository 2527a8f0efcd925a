//===- CudaModel.h - A model's kernels and weights on a GPU --- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_CUDA_CUDAMODEL_H
#define VITC_LIB_RUNTIME_CUDA_CUDAMODEL_H

#include "Cuda/CudaMemory.h"

#include "vitc/Runtime/Descriptor.h"

#include <memory>
#include <vector>

namespace vitc::rt::cuda {

/// The code of a DeviceImage, loaded.
class CudaModule {
public:
  /// Loads machine code that the GPU runs, or else compiles PTX. Throws
  /// Failure. The context is the thread's.
  CudaModule(std::shared_ptr<const CudaContext> context,
             const DeviceImage &image);
  ~CudaModule();
  CudaModule(const CudaModule &) = delete;
  CudaModule &operator=(const CudaModule &) = delete;

  /// Starts `blocks` blocks of kernel number `kernel` on `stream`. Throws
  /// Failure. The context is the thread's.
  void launch(int32_t kernel, int64_t blocks, const void *const *arguments,
              CUstream stream) const;

private:
  bool loadCubin();
  void loadPtx();
  void findKernels();

  std::shared_ptr<const CudaContext> context;
  const DeviceImage &image;
  CUmodule handle = nullptr;
  std::vector<CUfunction> functions; // of the image's kernels
};

/// What all sessions of a model share on its GPU.
struct CudaModel {
  /// Uploads the weights and loads the image. Throws Failure.
  CudaModel(const CudaDevice &device, const DeviceImage &image,
            const uint8_t *weights, int64_t weightBytes);

  std::shared_ptr<const CudaContext> context;
  CudaMemory weights;
  std::unique_ptr<const CudaModule> module;
};

} // namespace vitc::rt::cuda

#endif // VITC_LIB_RUNTIME_CUDA_CUDAMODEL_H
