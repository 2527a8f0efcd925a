//===- SequenceProduct.h - Products along the tokens ------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_SEQUENCEPRODUCT_H
#define VITC_LIB_TRANSFORMS_SEQUENCEPRODUCT_H

#include "mlir/IR/Builders.h"

#include <optional>

namespace vitc::vit {

/// A linalg.contract of `weight` [M, N] and of `tokens` along dim `dim`, of
/// size N, other than the last; the result has the tokens' dims in their order,
/// that one of size M.
struct SequenceProduct {
  mlir::Value tokens, weight;
  unsigned dim;
};

/// The product that `op` is; none for other ops and other maps.
std::optional<SequenceProduct> matchSequenceProduct(mlir::Operation *op);

/// Its result.
mlir::Value buildSequenceProduct(mlir::OpBuilder &builder, mlir::Location loc,
                                 const SequenceProduct &product);

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_SEQUENCEPRODUCT_H
