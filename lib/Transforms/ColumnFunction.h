//===- ColumnFunction.h - Columns computed from columns ---------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A recurrent cell computes its state from slices of products, which exporters
// cut before or behind a sum. Its values at sample points, with random numbers
// for each slice, tell which cell it is.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_COLUMNFUNCTION_H
#define VITC_LIB_TRANSFORMS_COLUMNFUNCTION_H

#include "ElementwiseFunction.h"

namespace vitc::vit {

/// Positions of the last dim of a tensor, from `offset` on.
struct Columns {
  mlir::Value tensor;
  int64_t offset;
  Samples samples;
};

/// An elementwise expression as a function of the columns that it reads.
class ColumnFunction {
public:
  /// `state` stands for itself, however it is computed.
  explicit ColumnFunction(mlir::Value state);
  /// None for a very long expression.
  std::optional<Samples> evaluate(mlir::Value tensor, int64_t offset = 0);
  const Samples &getState() const { return state; }
  /// What was read but for the state.
  llvm::ArrayRef<Columns> getColumns() const { return columns; }

private:
  std::optional<Samples> compute(mlir::Value tensor, int64_t offset);
  Samples addColumns(mlir::Value tensor, int64_t offset);

  Samples state;
  llvm::SmallVector<Columns> columns;
  llvm::DenseMap<std::pair<mlir::Value, int64_t>, std::optional<Samples>>
      values;
};

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_COLUMNFUNCTION_H
