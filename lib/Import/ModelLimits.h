//===- ModelLimits.h - The largest sizes of a model ------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Far above any model, far below what overflows.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_MODELLIMITS_H
#define VITC_LIB_IMPORT_MODELLIMITS_H

#include "vitc/Runtime/Descriptor.h"

#include <cstdint>

namespace vitc::import_ {

inline constexpr int64_t kMaxWidth = 65536;
inline constexpr int64_t kMaxHidden = int64_t(1) << 20;
inline constexpr int64_t kMaxLayers = 1024;
inline constexpr int64_t kMaxPixels = 65536; // along one side
inline constexpr int64_t kMaxArea = int64_t(1) << 26;
inline constexpr int64_t kMaxChannels = 1024;
inline constexpr int64_t kMaxTokens = int64_t(1) << 20;
inline constexpr int64_t kMaxVocabulary = int64_t(1) << 24;
inline constexpr int64_t kMaxPositions = int64_t(1) << 20;
using rt::kMaxBeams;

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_MODELLIMITS_H
