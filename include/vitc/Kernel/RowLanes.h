//===- RowLanes.h - Lanes that share a row -------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_KERNEL_ROWLANES_H
#define VITC_KERNEL_ROWLANES_H

#include <cstdint>

namespace vitc::kernel {

/// How `lanes` neighbouring threads read rows of `vectors` vectors: each takes
/// every so manieth. Few vectors more than one for all cost less than lanes
/// that have none.
struct RowLanes {
  int64_t lanes, vectors;

  explicit RowLanes(int64_t vectors);
  /// Vectors that a lane has, at most.
  int64_t getParts() const;
  /// Whether some lanes have a vector less.
  bool isRagged() const { return vectors % lanes != 0; }
};

} // namespace vitc::kernel

#endif // VITC_KERNEL_ROWLANES_H
