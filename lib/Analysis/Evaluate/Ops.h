//===- Ops.h - Evaluation of one op ----------------------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_ANALYSIS_EVALUATE_OPS_H
#define VITC_LIB_ANALYSIS_EVALUATE_OPS_H

#include "ConstantTensor.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace vitc {

/// The value of an operand, or of what a region captures; null if it is not a
/// constant.
using ValueLookup =
    llvm::function_ref<const ConstantTensor *(mlir::Value value)>;
using ConstantTensors = llvm::SmallVector<ConstantTensor, 1>;

/// More points than this take too long, at some 10 ns each.
inline constexpr int64_t kMaxPoints = int64_t(1) << 30;
/// The same of multiplications of a contraction, at some 0.5 ns each.
inline constexpr int64_t kMaxProducts = int64_t(1) << 34;

/// Results are of types that getConstantType gives and of a size that has been
/// checked. Each fails for an op or a body that it does not cover.
mlir::FailureOr<ConstantTensors> evaluateStructuredOp(mlir::linalg::LinalgOp op,
                                                      ValueLookup lookup);
mlir::FailureOr<ConstantTensor> evaluateSoftmaxOp(mlir::linalg::SoftmaxOp op,
                                                  ValueLookup lookup);
mlir::FailureOr<ConstantTensor> evaluateTensorOp(mlir::Operation *op,
                                                 ValueLookup lookup);
mlir::FailureOr<ConstantTensor> evaluateElementwiseOp(mlir::Operation *op,
                                                      ValueLookup lookup);

/// A float product of two operands that is summed, over loops of which each
/// reads two or more of the three tensors: in f64, by blocks. Fails for all
/// other ops.
mlir::FailureOr<ConstantTensor> evaluateContraction(mlir::linalg::LinalgOp op,
                                                    ValueLookup lookup);

} // namespace vitc

#endif // VITC_LIB_ANALYSIS_EVALUATE_OPS_H
