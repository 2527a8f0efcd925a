//===- RowLanes.cpp - Lanes that share a row ------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Kernel/RowLanes.h"

#include "vitc/Kernel/Multiprocessor.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>

using namespace vitc::kernel;

/// Vectors of a row that a lane reads rather than that others do nothing.
static constexpr int64_t kMaxParts = 8;

RowLanes::RowLanes(int64_t vectors) : vectors(vectors) {
  lanes = std::min<int64_t>(
      int64_t(1) << llvm::countr_zero(static_cast<uint64_t>(vectors)),
      kWarpThreads);
  if (vectors / lanes > kMaxParts)
    lanes = std::min<int64_t>(llvm::bit_ceil(static_cast<uint64_t>(vectors)),
                              kWarpThreads);
}

int64_t RowLanes::getParts() const { return llvm::divideCeil(vectors, lanes); }
