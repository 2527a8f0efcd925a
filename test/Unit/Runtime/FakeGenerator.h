//===- FakeGenerator.h - A generating model written by hand --- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model whose step keeps its tokens in a cache, updated where it lies, and a
// hash of them in a state that is returned: they agree only if both follow
// their rows. Its logits are those of the toy in generation_cases.py.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_UNIT_RUNTIME_FAKEGENERATOR_H
#define VITC_TEST_UNIT_RUNTIME_FAKEGENERATOR_H

#include "FakeModel.h"

#include <vector>

namespace vitc::rt::test {

/// A descriptor and all that it points to; tests change fields as they need.
class FakeGenerator {
public:
  FakeGenerator();
  FakeGenerator(const FakeGenerator &) = delete;
  FakeGenerator &operator=(const FakeGenerator &) = delete;

  static constexpr int64_t kVocabulary = 11, kMaxLength = 12;
  /// A token behind which no score is a number.
  static constexpr int64_t kNoScores = 99;

  FakeModel fake;
  std::vector<CodeDescriptor> encodeCodes, stepCodes;
  /// "encode", of i64 seeds [batch], then "step".
  EntryDescriptor entries[2];
  vitc_model_descriptor_t descriptor = {};
};

} // namespace vitc::rt::test

#endif // VITC_TEST_UNIT_RUNTIME_FAKEGENERATOR_H
