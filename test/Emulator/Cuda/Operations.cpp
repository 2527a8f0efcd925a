//===- Operations.cpp - What streams do -----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Operations.h"

#include "llvm/Support/Alignment.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/xxhash.h"
#include <cstring>

using namespace llvm;
using namespace vitc::emulator;
using namespace vitc::emulator::cuda;

static void *toPointer(CUdeviceptr address) {
  return reinterpret_cast<void *>(static_cast<uintptr_t>(address));
}

static CUresult checkDevice(Device &device, CUdeviceptr address, size_t bytes) {
  CUresult result = CUDA_SUCCESS;
  Driver::get().checkRange(device, address, bytes, result);
  return result;
}

/// Whether `memory` is not the device's.
static CUresult checkHost(Device &device, const void *memory, size_t bytes) {
  auto address = reinterpret_cast<uintptr_t>(memory);
  const GlobalMemory::Allocation *before = device.memory.findBefore(address);
  if (!memory || (before && address - before->begin < before->size))
    return Driver::get().misuse(
        CUDA_ERROR_INVALID_VALUE,
        formatv("{0} bytes of host memory at {1:x}, {2}", bytes, address,
                memory ? device.memory.describe(address) : "which is null"));
  return CUDA_SUCCESS;
}

static CUresult refuseHostInGraph() {
  return Driver::get().misuse(
      kCaptureUnsupported,
      "copies from or to host memory that is not pinned, in a capture");
}

static uint64_t hash(const void *memory, size_t bytes) {
  return xxh3_64bits(
      ArrayRef<uint8_t>(static_cast<const uint8_t *>(memory), bytes));
}

CUresult CopyToDevice::capture(Device &) const { return refuseHostInGraph(); }

CUresult CopyToDevice::issue(Device &device, Pending &pending) const {
  if (CUresult result = checkDevice(device, to, bytes))
    return result;
  if (CUresult result = checkHost(device, from, bytes))
    return result;
  pending.run = [*this, before = hash(from, bytes)] {
    if (hash(from, bytes) != before)
      return Driver::get().misuse(
          CUDA_ERROR_ILLEGAL_ADDRESS,
          formatv("{0} bytes of host memory changed before they were copied to "
                  "the device",
                  bytes));
    std::memcpy(toPointer(to), from, bytes);
    return CUDA_SUCCESS;
  };
  return CUDA_SUCCESS;
}

CUresult CopyToHost::capture(Device &) const { return refuseHostInGraph(); }

CUresult CopyToHost::issue(Device &device, Pending &pending) const {
  if (CUresult result = checkDevice(device, from, bytes))
    return result;
  if (CUresult result = checkHost(device, to, bytes))
    return result;
  // Who reads it too early finds NaN.
  std::memset(to, 0xff, bytes);
  pending.run = [*this] {
    std::memcpy(to, toPointer(from), bytes);
    return CUDA_SUCCESS;
  };
  return CUDA_SUCCESS;
}

CUresult CopyOnDevice::capture(Device &device) const {
  if (CUresult result = checkDevice(device, to, bytes))
    return result;
  if (CUresult result = checkDevice(device, from, bytes))
    return result;
  return to < from + bytes && from < to + bytes
             ? Driver::get().misuse(CUDA_ERROR_INVALID_VALUE,
                                    "copies between ranges that overlap")
             : CUDA_SUCCESS;
}

CUresult CopyOnDevice::issue(Device &device, Pending &pending) const {
  pending.run = [*this] {
    std::memcpy(toPointer(to), toPointer(from), bytes);
    return CUDA_SUCCESS;
  };
  return capture(device);
}

CUresult Fill::capture(Device &device) const {
  return checkDevice(device, address, bytes);
}

CUresult Fill::issue(Device &device, Pending &pending) const {
  pending.run = [*this] {
    std::memset(toPointer(address), value, bytes);
    return CUDA_SUCCESS;
  };
  return capture(device);
}

struct Launch::Values {
  std::vector<uint64_t> memory;
  std::vector<void *> addresses;
};

/// No parameter needs more.
static constexpr size_t kMaxAlignment = 128;

Launch::Launch(std::shared_ptr<const Function> newFunction,
               LaunchOptions options, void *const *arguments)
    : function(std::move(newFunction)), options(std::move(options)) {
  std::vector<size_t> offsets;
  size_t end = 0;
  for (const KernelShape::Parameter &parameter : function->shape.parameters) {
    offsets.push_back(alignTo(end, kMaxAlignment));
    end = offsets.back() + parameter.bytes;
  }
  auto copy = std::make_shared<Values>();
  copy->memory.resize((end + kMaxAlignment) / sizeof(uint64_t) + 1);
  auto *begin = reinterpret_cast<char *>(
      alignAddr(copy->memory.data(), Align(kMaxAlignment)));
  for (auto [i, offset] : enumerate(offsets)) {
    std::memcpy(begin + offset, arguments[i],
                function->shape.parameters[i].bytes);
    copy->addresses.push_back(begin + offset);
  }
  values = std::move(copy);
}

CUresult Launch::capture(Device &device) const {
  Driver &driver = Driver::get();
  if (function->module->isUnloaded)
    return driver.misuse(CUDA_ERROR_INVALID_HANDLE,
                         "kernel '" + function->name +
                             "' is of a module that was unloaded");
  if (function->module->device != &device)
    return driver.misuse(CUDA_ERROR_INVALID_CONTEXT,
                         "kernel '" + function->name +
                             "' belongs to another context");
  return CUDA_SUCCESS;
}

CUresult Launch::issue(Device &device, Pending &pending) const {
  pending.module = function->module;
  pending.run = [function = function, options = options, values = values,
                 &device]() mutable {
    Driver &driver = Driver::get();
    options.seed = driver.getSeed();
    Error error = function->module->program->launch(
        function->name, options, values->addresses, device.memory);
    return error ? driver.misuse(CUDA_ERROR_ILLEGAL_ADDRESS,
                                 toString(std::move(error)))
                 : CUDA_SUCCESS;
  };
  return capture(device);
}

CUresult Record::capture(Device &) const {
  return Driver::get().misuse(kCaptureUnsupported,
                              "records an event in a capture, where it tells "
                              "no time");
}

CUresult Record::issue(Device &, Pending &pending) const {
  event->isRecorded = true;
  event->isDone = false;
  pending.run = [event = event] {
    event->isDone = true;
    event->time = std::chrono::steady_clock::now();
    return CUDA_SUCCESS;
  };
  return CUDA_SUCCESS;
}
