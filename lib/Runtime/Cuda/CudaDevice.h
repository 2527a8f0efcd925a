//===- CudaDevice.h - A GPU and what runs on it --------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_CUDA_CUDADEVICE_H
#define VITC_LIB_RUNTIME_CUDA_CUDADEVICE_H

#include "Cuda/CudaLibrary.h"

#include "vitc/Runtime/Descriptor.h"

#include <memory>
#include <string>
#include <string_view>

namespace vitc::rt::cuda {

/// 9.0 and the like.
struct ComputeCapability {
  int major = 0, minor = 0;
};

/// What code for "sm_80" or "sm_90a" runs on.
struct Architecture {
  ComputeCapability capability;
  bool isAlone = false; // "a": on that capability and no later one
};

/// Of a name that is none, a capability of 0.0.
Architecture parseArchitecture(std::string_view name);

/// A GPU of the machine, not yet in use.
class CudaDevice {
public:
  /// Throws Failure where there is no driver or no such device.
  explicit CudaDevice(int32_t ordinal);

  const CudaLibrary &getLibrary() const { return *library; }
  CUdevice getHandle() const { return handle; }
  const std::string &getName() const { return name; }
  ComputeCapability getCapability() const { return capability; }

  /// Whether the GPU runs the architecture and has the shared memory that its
  /// kernels need.
  bool canRun(const DeviceImage &image) const;
  /// Whether it runs the machine code in it: what is for another generation of
  /// GPUs is compiled anew from PTX.
  bool canRunCubin(const DeviceImage &image) const;

  /// The code of `entry` for the architecture `isa`, or, when it is null or
  /// "native", the best that the GPU runs. Throws Failure(VITC_UNSUPPORTED).
  const CodeDescriptor &chooseCode(const EntryDescriptor &entry,
                                   const char *isa) const;

private:
  int getAttribute(CUdevice_attribute attribute) const;
  [[noreturn]] void rejectCode(const EntryDescriptor &entry) const;

  std::shared_ptr<const CudaLibrary> library;
  CUdevice handle = 0;
  std::string name;
  ComputeCapability capability;
  int sharedBytes = 0; // a block can have
};

/// A GPU in use: its primary context, which all users of it in this process
/// share.
class CudaContext {
public:
  explicit CudaContext(const CudaDevice &device);
  ~CudaContext();
  CudaContext(const CudaContext &) = delete;
  CudaContext &operator=(const CudaContext &) = delete;

  const CudaDevice &getDevice() const { return device; }
  const CudaLibrary &getLibrary() const { return device.getLibrary(); }

  /// While it lives, the context is the calling thread's; what was before is
  /// again behind it.
  class Scope {
  public:
    /// Throws Failure.
    explicit Scope(const CudaContext &context);
    ~Scope();
    Scope(const Scope &) = delete;
    Scope &operator=(const Scope &) = delete;

  private:
    const CudaLibrary &library;
  };

private:
  CudaDevice device;
  CUcontext handle = nullptr;
};

} // namespace vitc::rt::cuda

#endif // VITC_LIB_RUNTIME_CUDA_CUDADEVICE_H
