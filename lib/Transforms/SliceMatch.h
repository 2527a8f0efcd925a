//===- SliceMatch.h - Slices of slices of a tensor ------------- -*- C++ -*-==//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_SLICEMATCH_H
#define VITC_LIB_TRANSFORMS_SLICEMATCH_H

#include "mlir/IR/BuiltinTypes.h"

#include <optional>

namespace vitc::vit {

/// A part of a tensor: along each dim, sizes[dim] positions from offsets[dim]
/// on, strides[dim] apart. A dynamic dim is whole.
struct Slice {
  mlir::TypedValue<mlir::RankedTensorType> source;
  llvm::SmallVector<int64_t> offsets, sizes, strides;

  bool isWhole(unsigned dim) const {
    return sizes[dim] == source.getType().getDimSize(dim);
  }
  /// Whether the part is a range of `dim`, of the whole of all others.
  bool isRangeOf(unsigned dim) const;
};

/// The tensor as a part of what it is cut from by one or several
/// tensor.extract_slice; the whole of itself otherwise. None for computed
/// offsets, a part of a dynamic dim or a rank that changes.
std::optional<Slice> matchSlice(mlir::Value tensor);

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_SLICEMATCH_H
