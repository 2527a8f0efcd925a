//===- Site.h - A place in a kernel --------------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_EMULATOR_SITE_H
#define VITC_TEST_EMULATOR_SITE_H

#include "Model.h"
#include <string>

namespace vitc::emulator {

enum class Access : uint8_t { Read, Write, Atomic };

/// Whether `bytes` at `offset` lie within `size`. No sum is made that wraps.
constexpr bool fits(size_t offset, size_t bytes, size_t size) {
  return offset <= size && bytes <= size - offset;
}

/// An instruction of a kernel that calls the emulator.
struct Site {
  std::string text; ///< The instruction, as messages show it.
  /// Of a call: its model, and how PTX's predicate, the first word, is read.
  const Model *model = nullptr;
  bool predicated = false, negated = false;
  unsigned numOperands = 0; ///< Without the predicate.
  /// Of a load or store.
  Access access = Access::Read;
  bool toShared = false, toGlobal = false;
  uint32_t alignment = 1;
  /// Of a load or store in global memory: addresses that are known to be
  /// right, which code looks at before it asks.
  mutable uint64_t begin = 0, span = 0;
};

} // namespace vitc::emulator

#endif // VITC_TEST_EMULATOR_SITE_H
