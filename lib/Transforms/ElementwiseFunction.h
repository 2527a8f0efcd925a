//===- ElementwiseFunction.h - Elementwise ops as numbers -------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exporters write one function in many ways. Its values at sample points tell
// which one it is, whatever the order of factors and the form of constants.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_ELEMENTWISEFUNCTION_H
#define VITC_LIB_TRANSFORMS_ELEMENTWISEFUNCTION_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/SetVector.h"

#include <optional>

namespace vitc::vit {

/// The values of a tensor of the expression at each sample point.
using Samples = llvm::SmallVector<double>;

/// Points between -8 and 8, where the activations differ.
Samples getSamplePoints();

/// The values of a tensor that an expression is computed from; none where they
/// are not known.
using ReadSamples =
    llvm::function_ref<std::optional<Samples>(mlir::Value tensor)>;

/// Whether one analytic op, or a linalg.generic of such, computes `tensor`
/// element by element.
bool isElementwise(mlir::Value tensor);

/// The values of such a tensor at the sample points.
std::optional<Samples> computeElementwise(mlir::Value tensor, ReadSamples read);

/// An elementwise expression as a function of one of its tensors. All of its
/// ops are analytic, so that functions that agree at the points are the same.
class ElementwiseFunction {
public:
  explicit ElementwiseFunction(mlir::Value argument) {
    values.try_emplace(argument, getSamplePoints());
  }
  /// None where `tensor` depends on more than the argument.
  std::optional<Samples> evaluate(mlir::Value tensor);
  /// Whether what was evaluated has an erf.
  bool hasErf() const { return erf; }

private:
  std::optional<Samples> compute(mlir::Value tensor);

  bool erf = false;
  llvm::DenseMap<mlir::Value, std::optional<Samples>> values;
};

/// `root` and the tensors that it is computed from, element by element, the
/// nearest first; not all of a very long expression.
llvm::SetVector<mlir::Value> getExpressionTensors(mlir::Value root);

/// Whether `argument`, and all that `root` is computed from it with, have no
/// other reader than these ops.
bool isOnlyReadBy(mlir::Value argument, mlir::Value root);

/// Whether a tensor is computed with an erf, a tanh or an exp.
bool isSigmoidal(mlir::Value tensor);

/// The largest difference of `values` from `function` at the sample points,
/// relative to 1 + |function|.
double getDifference(llvm::ArrayRef<double> values,
                     llvm::function_ref<double(double)> function);

/// How far the values of one function may be apart: the rounding of a constant
/// to `type`, and of those that exporters write with seven digits.
double getTolerance(mlir::FloatType type);

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_ELEMENTWISEFUNCTION_H
