//===- Compare.h - Values against their reference ------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_VERIFY_COMPARE_H
#define VITC_LIB_VERIFY_COMPARE_H

#include "HostTensor.h"

#include <optional>

namespace vitc {

/// How far a tensor is from its reference, of the same shape.
struct Comparison {
  double largestError = 0, largestReference = 0;
  bool agrees = true;
  /// Whether an error of a unit in the last place agrees, too.
  bool allowsUnit = false;
  /// The first element that is not within the tolerance.
  llvm::SmallVector<int64_t> index;
  double found = 0, expected = 0;

  double getRelativeError() const;
};

/// An element agrees within `tolerance` * the largest finite reference value,
/// one of 16 bits also within a unit in the last place if there is a tolerance;
/// NaN and infinities agree with themselves.
Comparison compare(const HostTensor &tensor, const HostTensor &reference,
                   double tolerance);

/// The ways to see `reference`, a value of the source's shape, as what a kernel
/// of iteration space `extents` writes: rows and batches are collapsed or split
/// dims, and a convolution has its channels last.
llvm::SmallVector<HostTensor> alignReference(const HostTensor &reference,
                                             llvm::ArrayRef<int64_t> extents);

/// The same for a kernel that computes only the first or the last tokens, since
/// nothing reads the others.
llvm::SmallVector<HostTensor> alignTokens(const HostTensor &reference,
                                          llvm::ArrayRef<int64_t> extents);

/// Tensors that agree but in the last dim, one behind the other along it; none
/// where they do not.
std::optional<HostTensor>
concatLastDim(llvm::ArrayRef<const HostTensor *> parts);

} // namespace vitc

#endif // VITC_LIB_VERIFY_COMPARE_H
