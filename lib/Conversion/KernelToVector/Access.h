//===- Access.h - Where an index map leads in memory --------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_ACCESS_H
#define VITC_CONVERSION_KERNELTOVECTOR_ACCESS_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include <optional>

namespace vitc::kernel {

/// The row-major element offset of operand[map(dims...)], for an operand with
/// identity layout whose dim 0 alone may be dynamic.
class Access {
public:
  Access(mlir::AffineMap map, mlir::MemRefType type);

  unsigned getNumDims() const { return numDims; }
  /// The offset as a function of all dims.
  mlir::AffineExpr getOffset() const { return offset; }
  /// The offset with `dim` at 0; VectorBuilder::apply gives its value.
  mlir::AffineExpr getOffsetWithout(unsigned dim) const;
  /// Elements that one step along `dim` adds, if it adds as many everywhere.
  std::optional<int64_t> getStride(unsigned dim) const;

  /// Emits an error on `op` unless the stride along `dim` is 1. `operand` and
  /// `axis` say which in the message: "lhs", "k".
  mlir::LogicalResult requireUnitStride(mlir::Operation *op,
                                        llvm::StringRef operand, unsigned dim,
                                        llvm::StringRef axis) const;
  /// As requireUnitStride for `dim` in [0, size), but the stride may be another
  /// from one run of `run` elements to the next.
  mlir::LogicalResult requireUnitStrideInRuns(mlir::Operation *op,
                                              llvm::StringRef operand,
                                              unsigned dim,
                                              llvm::StringRef axis,
                                              int64_t size, int64_t run) const;

private:
  /// Elements from index `begin` of `dim` to the next, if that is as many
  /// everywhere.
  std::optional<int64_t> getStride(unsigned dim, mlir::AffineExpr begin) const;

  mlir::AffineExpr offset;
  unsigned numDims;
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_ACCESS_H
