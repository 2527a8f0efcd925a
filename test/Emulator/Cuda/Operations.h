//===- Operations.h - What streams do ------------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_EMULATOR_CUDA_OPERATIONS_H
#define VITC_TEST_EMULATOR_CUDA_OPERATIONS_H

#include "Driver.h"

namespace vitc::emulator::cuda {

/// Copies from memory of the host. A graph holds none, nor of the opposite:
/// what cuMemAllocHost does not give moves while the call lasts.
class CopyToDevice final : public Operation {
public:
  CopyToDevice(CUdeviceptr to, const void *from, size_t bytes)
      : to(to), from(from), bytes(bytes) {}
  CUresult capture(Device &device) const override;
  CUresult issue(Device &device, Pending &pending) const override;

private:
  CUdeviceptr to;
  const void *from;
  size_t bytes;
};

class CopyToHost final : public Operation {
public:
  CopyToHost(void *to, CUdeviceptr from, size_t bytes)
      : to(to), from(from), bytes(bytes) {}
  CUresult capture(Device &device) const override;
  CUresult issue(Device &device, Pending &pending) const override;

private:
  void *to;
  CUdeviceptr from;
  size_t bytes;
};

class CopyOnDevice final : public Operation {
public:
  CopyOnDevice(CUdeviceptr to, CUdeviceptr from, size_t bytes)
      : to(to), from(from), bytes(bytes) {}
  CUresult capture(Device &device) const override;
  CUresult issue(Device &device, Pending &pending) const override;

private:
  CUdeviceptr to, from;
  size_t bytes;
};

class Fill final : public Operation {
public:
  Fill(CUdeviceptr address, unsigned char value, size_t bytes)
      : address(address), value(value), bytes(bytes) {}
  CUresult capture(Device &device) const override;
  CUresult issue(Device &device, Pending &pending) const override;

private:
  CUdeviceptr address;
  unsigned char value;
  size_t bytes;
};

/// A kernel with the values that its parameters had when it was launched.
class Launch final : public Operation {
public:
  Launch(std::shared_ptr<const Function> function, LaunchOptions options,
         void *const *arguments);
  CUresult capture(Device &device) const override;
  CUresult issue(Device &device, Pending &pending) const override;

private:
  struct Values;

  std::shared_ptr<const Function> function;
  LaunchOptions options;
  std::shared_ptr<const Values> values;
};

/// Notes when an event comes to pass.
class Record final : public Operation {
public:
  explicit Record(std::shared_ptr<Event> event) : event(std::move(event)) {}
  CUresult capture(Device &device) const override;
  CUresult issue(Device &device, Pending &pending) const override;

private:
  std::shared_ptr<Event> event;
};

} // namespace vitc::emulator::cuda

#endif // VITC_TEST_EMULATOR_CUDA_OPERATIONS_H
