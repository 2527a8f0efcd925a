//===- ReaderLayout.h - How readers want a value stored ------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_VITTOKERNEL_READERLAYOUT_H
#define VITC_CONVERSION_VITTOKERNEL_READERLAYOUT_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Value.h"

#include <optional>

namespace vitc {

/// The dim of `value` that kernels want contiguous which read it, directly or
/// where it was moved to: channels, as products and norms have them. None where
/// they differ, or none of them cares.
std::optional<unsigned> getReaderRowDim(mlir::Value value);

/// The layout of a value of this rank with `rowDim` contiguous: the identity
/// with that dim moved to the end.
mlir::AffineMap getLayoutWithRows(unsigned rank, unsigned rowDim,
                                  mlir::MLIRContext *context);

} // namespace vitc

#endif // VITC_CONVERSION_VITTOKERNEL_READERLAYOUT_H
