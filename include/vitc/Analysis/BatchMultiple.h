//===- BatchMultiple.h - Dynamic sizes as multiples of the batch *- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one runtime size of a model is its batch B. It is the first size of its
// arguments; other values may have m * B there, as Swin's windows have, m of
// them an image.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_ANALYSIS_BATCHMULTIPLE_H
#define VITC_ANALYSIS_BATCHMULTIPLE_H

#include "mlir/IR/Value.h"
#include <optional>

namespace vitc {

/// m where the dynamic size of a tensor, or an index, is m * B; none where that
/// is not known. At most one size of a tensor may be dynamic.
std::optional<int64_t> getBatchMultiple(mlir::Value value);

/// A size of a kernel: `factor`, or `factor` * B.
struct KernelSize {
  int64_t factor;
  bool timesBatch;

  int64_t at(int64_t batch) const {
    return timesBatch ? factor * batch : factor;
  }
};

/// An index behind the conversion to kernels, where asking for B has become
/// kernel.batch; none where it is something else than a product of that and
/// constants.
std::optional<KernelSize> getKernelSize(mlir::Value size);

} // namespace vitc

#endif // VITC_ANALYSIS_BATCHMULTIPLE_H
