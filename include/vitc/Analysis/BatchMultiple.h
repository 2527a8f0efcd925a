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

} // namespace vitc

#endif // VITC_ANALYSIS_BATCHMULTIPLE_H
