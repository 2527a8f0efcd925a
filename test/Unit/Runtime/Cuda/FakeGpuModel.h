//===- FakeGpuModel.h - Models written by hand, for GPUs ------ -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// FakeModel and FakeGenerator with kernels for FakeCuda. Both have machine code
// for sm_90a, and PTX alone for sm_80.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_UNIT_RUNTIME_CUDA_FAKEGPUMODEL_H
#define VITC_TEST_UNIT_RUNTIME_CUDA_FAKEGPUMODEL_H

#include "Cuda/FakeCuda.h"
#include "FakeGenerator.h"
#include "FakeModel.h"

#include <gtest/gtest.h>

#include <vector>

namespace vitc::rt::test {

/// Begins with a new driver; at the end nothing of it may be alive.
class FakeCudaTest : public ::testing::Test {
protected:
  FakeCudaTest() { cuda = FakeCuda(); }
  void TearDown() override;

  FakeCuda &cuda = getFakeCuda();
};

/// What the first byte of an image says in FakeCuda::loadResults.
inline constexpr char kPtx = '.', kCubin = 'C';

/// The images of both architectures, sm_90a first.
class FakeImages {
public:
  explicit FakeImages(std::vector<DeviceKernelDescriptor> kernels);
  FakeImages(const FakeImages &) = delete;
  FakeImages &operator=(const FakeImages &) = delete;

  static constexpr int32_t kCount = 2;

  /// `code` with `function` for each architecture.
  std::vector<CodeDescriptor> makeCodes(CodeDescriptor code, EntryFn function);

  std::vector<DeviceKernelDescriptor> kernels;
  DeviceImage images[kCount];
};

/// Has the entries of FakeModel. Kernel 0, of a block for each channel of each
/// picture, makes means of what kernel 1 makes logits of; kernel 2 makes a map.
class FakeGpuModel : public FakeModel {
public:
  FakeGpuModel();

  FakeImages images;
};

/// Has the entries of FakeGenerator, each one kernel of one block.
class FakeGpuGenerator : public FakeGenerator {
public:
  FakeGpuGenerator();

  FakeImages images;
};

} // namespace vitc::rt::test

#endif // VITC_TEST_UNIT_RUNTIME_CUDA_FAKEGPUMODEL_H
