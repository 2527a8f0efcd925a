//===- Lanes.h - Many values of one scalar ---------------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The body of a structured op runs once for thousands of points of its loops:
// each scalar becomes an array. Floats of every type are doubles, rounded to
// their type after each op, which for the four basic operations and sqrt gives
// the type's own result (Figueroa 1995). Integers are sign-extended; a true i1
// is -1.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_ANALYSIS_EVALUATE_LANES_H
#define VITC_LIB_ANALYSIS_EVALUATE_LANES_H

#include "ConstantTensor.h"
#include "mlir/IR/Operation.h"

namespace vitc {

/// Points that are evaluated at once.
inline constexpr int64_t kLanes = 4096;

/// One array is in use, by the type of the scalar.
struct Lanes {
  std::vector<double> floats;
  std::vector<int64_t> integers;
};

/// Rounds floats to `type`, wraps integers to its width.
void roundLanes(mlir::Type type, int64_t count, Lanes &lanes);

/// Elements [begin, begin + count).
void loadLanes(const ConstantTensor &tensor, int64_t begin, int64_t count,
               Lanes &lanes);
void storeLanes(const Lanes &lanes, int64_t begin, int64_t count,
                ConstantTensor &tensor);
/// Elements at `offsets`.
void gatherLanes(const ConstantTensor &tensor, llvm::ArrayRef<int64_t> offsets,
                 Lanes &lanes);
void scatterLanes(const Lanes &lanes, llvm::ArrayRef<int64_t> offsets,
                  ConstantTensor &tensor);

/// Evaluates a scalar arith or math op, or one on tensors element by element;
/// fails for other ops and for a division by zero.
mlir::LogicalResult evaluateScalarOp(mlir::Operation *op,
                                     llvm::ArrayRef<const Lanes *> operands,
                                     int64_t count, Lanes &result);

} // namespace vitc

#endif // VITC_LIB_ANALYSIS_EVALUATE_LANES_H
