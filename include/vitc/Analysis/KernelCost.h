//===- KernelCost.h - What a kernel computes and moves -------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// FLOPs are counted as getFootprint does; bytes by the index maps: each element
// that a kernel touches passes through memory once, however often a tile reads
// it.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_ANALYSIS_KERNELCOST_H
#define VITC_ANALYSIS_KERNELCOST_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"
#include <optional>

namespace vitc {

/// base + perBatch * batch.
struct BatchCount {
  int64_t base = 0, perBatch = 0;

  int64_t at(int64_t batch) const { return base + perBatch * batch; }
  BatchCount &operator+=(const BatchCount &other);
};

/// How a kernel uses a memref: as map(b, ...), b being below `sizes[0]` for
/// each item of the run's batch, the other dims below theirs.
struct OperandAccess {
  mlir::Value operand;
  mlir::AffineMap map; // null: any element
  llvm::SmallVector<int64_t> sizes;
  bool isPerItem; // false: the kernel's batch is not the run's
  bool isWrite;
};

struct KernelCost {
  BatchCount flops;
  /// Bytes of weights that are read, of other values that are read, and of
  /// results.
  BatchCount weights, read, written;
  /// Reads before writes.
  llvm::SmallVector<OperandAccess> accesses;

  BatchCount getBytes() const;
};

/// The cost of a kernel op on buffers; none where it depends on a runtime value
/// other than the batch. An operand counts once for each map that it is read
/// through. Of a map that is not injective, the elements are bounded by the
/// range of its results.
std::optional<KernelCost> getKernelCost(mlir::Operation *kernel);

/// The `work` of a kernel.launch: [flops, flops a batch, bytes, bytes a batch];
/// null where the cost is unknown.
mlir::DenseI64ArrayAttr getWork(mlir::Operation *kernel);

} // namespace vitc

#endif // VITC_ANALYSIS_KERNELCOST_H
