//===- FakeModel.h - A model written by hand ------------------ -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the compiler would write into an object file, with kernels in C++: a
// classifier of 4 classes for pictures of 8 x 8 pixels.
//   logits[b, c] = weights[c] + mean over the picture of channel c mod 3
//   maps[b, l, h, k] = (k + 1) / 15, with 1 token and 2 x 2 patches as keys
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_UNIT_RUNTIME_FAKEMODEL_H
#define VITC_TEST_UNIT_RUNTIME_FAKEMODEL_H

#include "vitc/Runtime/Descriptor.h"
#include "vitc/Runtime/vitc.h"

#include <vector>

namespace vitc::rt::test {

/// A descriptor and all that it points to; tests change fields as they need.
class FakeModel {
public:
  FakeModel();
  FakeModel(const FakeModel &) = delete;
  FakeModel &operator=(const FakeModel &) = delete;

  static constexpr int64_t kChannels = 3, kHeight = 8, kWidth = 8;
  static constexpr int64_t kClasses = 4, kLayers = 2, kHeads = 3, kKeys = 5;
  /// Query i of head h has the probability ((i + h + k) % kKeys + 1) / kSum for
  /// key k; the mean over queries is 1 / kKeys.
  static constexpr float kSum = 15.0f;
  static constexpr int64_t kPixels = kChannels * kHeight * kWidth;

  /// The levels of this machine's architecture, best first.
  static std::vector<const char *> isaLevels();

  std::vector<CodeDescriptor> forwardCodes, attentionCodes;
  TensorDescriptor inputs[2], outputs[1 + kLayers];
  AttentionLayerDescriptor layers[kLayers];
  EntryDescriptor entries[2];
  vitc_model_descriptor_t descriptor = {};
};

} // namespace vitc::rt::test

#endif // VITC_TEST_UNIT_RUNTIME_FAKEMODEL_H
