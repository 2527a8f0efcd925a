//===- CudaDevice.cpp - A GPU and what runs on it -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cuda/CudaDevice.h"

#include "Isa.h"
#include "Status.h"

#include <algorithm>
#include <charconv>
#include <tuple>

using namespace vitc::rt;
using namespace vitc::rt::cuda;

/// A capability has one digit behind the point.
Architecture vitc::rt::cuda::parseArchitecture(std::string_view name) {
  constexpr std::string_view prefix = "sm_";
  if (name.substr(0, prefix.size()) != prefix)
    return {};
  int number = 0;
  const char *end = name.data() + name.size();
  auto [stop, code] = std::from_chars(name.data() + prefix.size(), end, number);
  std::string_view suffix(stop, end - stop);
  if (code != std::errc() || number < 0 || (!suffix.empty() && suffix != "a"))
    return {};
  return {{number / 10, number % 10}, !suffix.empty()};
}

static std::string format(ComputeCapability capability) {
  return fmt::format("{}.{}", capability.major, capability.minor);
}

/// Orders capabilities by age.
static auto getOrder(ComputeCapability capability) {
  return std::tuple(capability.major, capability.minor);
}

/// Not of the blocks' shared memory.
static bool runsArchitecture(ComputeCapability capability,
                             std::string_view name) {
  Architecture needed = parseArchitecture(name);
  if (needed.capability.major == 0)
    return false;
  return needed.isAlone ? getOrder(capability) == getOrder(needed.capability)
                        : getOrder(capability) >= getOrder(needed.capability);
}

static int getMostSharedBytes(const DeviceImage &image) {
  int most = 0;
  for (int32_t i = 0; i < image.numKernels; ++i)
    most = std::max(most, image.kernels[i].sharedBytes);
  return most;
}

//===----------------------------------------------------------------------===//
// CudaDevice
//===----------------------------------------------------------------------===//

CudaDevice::CudaDevice(int32_t ordinal)
    : library(std::make_shared<const CudaLibrary>()) {
  if (ordinal < 0 || ordinal >= library->numDevices)
    throw Failure(VITC_UNSUPPORTED,
                  "GPU {} was asked for; the machine has {}, counted from 0",
                  ordinal, library->numDevices);
  library->check(library->cuDeviceGet(&handle, ordinal), "cuDeviceGet");
  char text[256] = "";
  library->check(library->cuDeviceGetName(text, sizeof(text) - 1, handle),
                 "cuDeviceGetName");
  name = text;
  capability = {getAttribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
                getAttribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)};
  sharedBytes =
      getAttribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
}

int CudaDevice::getAttribute(CUdevice_attribute attribute) const {
  int value = 0;
  library->check(library->cuDeviceGetAttribute(&value, attribute, handle),
                 "cuDeviceGetAttribute");
  return value;
}

bool CudaDevice::canRun(const DeviceImage &image) const {
  return runsArchitecture(capability, image.architecture) &&
         getMostSharedBytes(image) <= sharedBytes;
}

bool CudaDevice::canRunCubin(const DeviceImage &image) const {
  ComputeCapability needed = parseArchitecture(image.architecture).capability;
  return image.cubin && capability.major == needed.major &&
         capability.minor >= needed.minor;
}

/// Throws what keeps the GPU from running any of the entry's code.
void CudaDevice::rejectCode(const EntryDescriptor &entry) const {
  for (int32_t i = 0; i < entry.numCodes; ++i) {
    const DeviceImage &image = *entry.codes[i].image;
    if (runsArchitecture(capability, image.architecture))
      throw Failure(VITC_UNSUPPORTED,
                    "the GPU '{}' has {} bytes of shared memory for a block; "
                    "the program's code for {} needs {}; {}",
                    name, sharedBytes, image.architecture,
                    getMostSharedBytes(image), kCompileForCpu);
  }
  throw Failure(VITC_UNSUPPORTED,
                "the GPU '{}' has compute capability {}; the program was "
                "compiled for {} and needs that; {}",
                name, format(capability), listIsas(entry), kCompileForCpu);
}

const CodeDescriptor &CudaDevice::chooseCode(const EntryDescriptor &entry,
                                             const char *isa) const {
  const CodeDescriptor *begin = entry.codes, *end = begin + entry.numCodes;
  const CodeDescriptor *best = std::find_if(
      begin, end, [&](const CodeDescriptor &c) { return canRun(*c.image); });
  if (best == end)
    rejectCode(entry);
  std::string_view wanted = isa ? isa : "native";
  if (wanted == "native")
    return *best;
  const CodeDescriptor *named = std::find_if(
      begin, end, [&](const CodeDescriptor &c) { return c.isa == wanted; });
  if (named == end)
    throw Failure(VITC_UNSUPPORTED,
                  "the program has no code for architecture '{}'; it has {}",
                  wanted, listIsas(entry));
  if (!canRun(*named->image))
    throw Failure(VITC_UNSUPPORTED,
                  "the GPU '{}', of compute capability {}, does not run code "
                  "for architecture '{}'; the best of the program's that it "
                  "runs is {}",
                  name, format(capability), wanted, best->isa);
  return *named;
}

//===----------------------------------------------------------------------===//
// CudaContext
//===----------------------------------------------------------------------===//

CudaContext::CudaContext(const CudaDevice &device) : device(device) {
  const CudaLibrary &library = getLibrary();
  CUresult result =
      library.cuDevicePrimaryCtxRetain(&handle, device.getHandle());
  if (result == CUDA_SUCCESS)
    return;
  throw Failure(result == CUDA_ERROR_OUT_OF_MEMORY ? VITC_OUT_OF_MEMORY
                                                   : VITC_UNSUPPORTED,
                "the GPU '{}' cannot be used ({}); the program needs it; {}",
                device.getName(), library.describe(result), kCompileForCpu);
}

CudaContext::~CudaContext() {
  (void)getLibrary().cuDevicePrimaryCtxRelease(device.getHandle());
}

CudaContext::Scope::Scope(const CudaContext &context)
    : library(context.getLibrary()) {
  library.check(library.cuCtxPushCurrent(context.handle), "cuCtxPushCurrent");
}

CudaContext::Scope::~Scope() {
  CUcontext popped = nullptr;
  (void)library.cuCtxPopCurrent(&popped);
}
