//===- ScalarBody.h - What one result of a body needs ------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_VITTOKERNEL_SCALARBODY_H
#define VITC_CONVERSION_VITTOKERNEL_SCALARBODY_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/SetVector.h"
#include <optional>

namespace vitc {

/// The scalar ops from which a linalg.generic computes one of its results, some
/// of them outside of its body.
class ScalarBody {
public:
  /// Reports an op that has no place in a kernel.
  static mlir::FailureOr<ScalarBody> find(mlir::linalg::GenericOp op,
                                          unsigned result);

  bool uses(mlir::BlockArgument argument) const {
    return arguments.contains(argument);
  }
  /// The tensors that it extracts elements from, in the order of their numbers.
  llvm::ArrayRef<mlir::Value> getTables() const { return tables.getArrayRef(); }

  /// Emits the ops and kernel.yield. `mapping` has the arguments; dims[i] is
  /// the kernel's dim of loop i, none for a loop of one iteration.
  void clone(mlir::ImplicitLocOpBuilder &builder, mlir::IRMapping &mapping,
             llvm::ArrayRef<std::optional<unsigned>> dims) const;

private:
  mlir::LogicalResult visit(mlir::linalg::GenericOp op, mlir::Value value,
                            unsigned result);

  llvm::SetVector<mlir::Operation *> ops; // operands first
  llvm::SetVector<mlir::Value> tables;
  llvm::SetVector<mlir::Value> arguments;
  mlir::Value yielded;
};

} // namespace vitc

#endif // VITC_CONVERSION_VITTOKERNEL_SCALARBODY_H
