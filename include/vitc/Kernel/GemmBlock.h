//===- GemmBlock.h - A gemm of a block of threads ------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a tiling of a gemm means for a GPU's registers. The schedule chooses by
// it, code generation asks ptxas to keep to it.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_KERNEL_GEMMBLOCK_H
#define VITC_KERNEL_GEMMBLOCK_H

#include "Kernel/KernelDialect.h"

namespace vitc::kernel {

/// A block whose threads, or warps where weights are not of f32, have a
/// micro-tile each.
struct GemmBlock {
  /// Rows that a warp normalises at once.
  static constexpr int64_t kNormRows = 2;
  /// Vectors of `width` elements that a lane reads of each at once, of rows of
  /// k elements: enough to hide the latency of memory, and in registers; as
  /// many each time where that is possible.
  static int64_t countNormVectors(int64_t k, int64_t width);

  /// Neighbours of a row of lhs that a thread reads together.
  static int64_t getLhsWidth(GemmOp op);
  /// Terms in 32 bits of weights.
  static int64_t getTermsOfWord(GemmOp op);
  /// What a thread holds that brings `elements` of lhs to shared memory.
  static int64_t countLhsRegisters(GemmOp op, int64_t elements);

  int64_t threads;
  /// What a thread holds at once, in registers of 32 bits, by an estimate.
  int64_t registers;

  GemmBlock(GemmOp op, GemmTilingAttr tiling);

  /// Blocks that share a multiprocessor without spilling; 0 where a thread has
  /// too few registers even in a block by itself.
  int64_t countResident() const;
};

} // namespace vitc::kernel

#endif // VITC_KERNEL_GEMMBLOCK_H
