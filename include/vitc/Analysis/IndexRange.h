//===- IndexRange.h - What the index of a map stays within --- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_ANALYSIS_INDEXRANGE_H
#define VITC_ANALYSIS_INDEXRANGE_H

#include "mlir/IR/AffineExpr.h"
#include <optional>

namespace vitc {

/// The numbers from `first` to `last`.
struct IndexRange {
  int64_t first, last;
};

/// What `expr` stays within, dim d being 0 or more and below sizes[d], by
/// interval arithmetic; a size of ShapedType::kDynamic is not known. None where
/// it has symbols or is multiplied by, divided by or reduced modulo anything
/// but a positive number. Unlike upstream's getBoundForAffineExpr it bounds a
/// remainder whose dividend does not wrap.
std::optional<IndexRange> getIndexRange(mlir::AffineExpr expr,
                                        llvm::ArrayRef<int64_t> sizes);

/// Whether `expr` is known to be 0 or more and below `extent`.
bool staysBelow(mlir::AffineExpr expr, llvm::ArrayRef<int64_t> sizes,
                int64_t extent);

} // namespace vitc

#endif // VITC_ANALYSIS_INDEXRANGE_H
