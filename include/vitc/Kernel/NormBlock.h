//===- NormBlock.h - Norms of a block of threads -------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How a GPU's threads share the rows of a kernel.norm. The schedule chooses the
// rows of a block by it, code generation follows it.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_KERNEL_NORMBLOCK_H
#define VITC_KERNEL_NORMBLOCK_H

#include "Kernel/KernelDialect.h"
#include "vitc/Kernel/RowLanes.h"

namespace vitc::kernel {

/// A row is shared by lanes.lanes neighbouring threads of a warp, each with
/// every so manieth `width` channels: at most what a thread reads or writes of
/// memory at once.
struct NormBlock {
  int64_t width;
  RowLanes lanes;

  explicit NormBlock(NormOp op);
  /// Of a block of `rows` rows, in whole warps.
  int64_t getThreads(int64_t rows) const;
};

} // namespace vitc::kernel

#endif // VITC_KERNEL_NORMBLOCK_H
