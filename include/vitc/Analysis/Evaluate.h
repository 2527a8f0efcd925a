//===- Evaluate.h - Ops on constants, computed at compile time --*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An interpreter of linalg, tensor, arith, math and vit ops on constants: shape
// chains and masks that exporters leave, tables that are computed from weights.
// Each scalar op runs over thousands of elements at once. Every op is rounded
// to its type; products that are summed, and sums, are kept in f64 till the
// end.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_ANALYSIS_EVALUATE_H
#define VITC_ANALYSIS_EVALUATE_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"

#include <memory>

namespace vitc {

/// Evaluates ops on constant tensors. Conversions of vit ops need the linalg,
/// tensor, arith, math and func dialects to be loaded. Not thread-safe.
class Evaluator {
public:
  /// The most bytes of one value, operands included.
  static constexpr int64_t kMaxBytes = int64_t(64) << 20;

  /// Files of `module` are mapped when a value of theirs is first read; their
  /// hashes are not compared.
  explicit Evaluator(mlir::ModuleOp module, int64_t maxBytes = kMaxBytes);
  ~Evaluator();

  /// The value, if it is computed from constants alone; null, without a
  /// diagnostic, otherwise, where a tensor on the way has more than maxBytes,
  /// all of them have more than 16 * maxBytes, or an op takes too long. Scalars
  /// are tensors of rank 0. Values are remembered: what has been evaluated must
  /// not be erased before the evaluator is.
  mlir::DenseElementsAttr evaluate(mlir::Value value);

  /// What became of a value at the numbers that were given.
  enum class Outcome { AllVisited, Stopped, NoValue, TooLong };

  /// Elements of a float `value`, row-major, where all elements of `given`, an
  /// integer tensor that it may be computed from, are one of `numbers`: in
  /// their order, till `visit` returns false. What `given` does not reach is
  /// computed once; TooLong if the rest would take more than seconds at all
  /// numbers. Nothing is remembered.
  Outcome evaluateEach(
      mlir::Value value, mlir::Value given, llvm::ArrayRef<int64_t> numbers,
      llvm::function_ref<bool(int64_t number, llvm::ArrayRef<double> elements)>
          visit);

  /// The results of `op`, given the values of its operands in their order; null
  /// for tensor.empty's results, which are read by no op. Nothing is
  /// remembered.
  mlir::FailureOr<llvm::SmallVector<mlir::DenseElementsAttr>>
  evaluate(mlir::Operation *op,
           llvm::ArrayRef<mlir::DenseElementsAttr> operands);

private:
  class Implementation;
  std::unique_ptr<Implementation> implementation;
};

} // namespace vitc

#endif // VITC_ANALYSIS_EVALUATE_H
