//===- WeightedValues.h - Softmax before a product ----------*- C++ -*-----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_WEIGHTEDVALUES_H
#define VITC_LIB_TRANSFORMS_WEIGHTEDVALUES_H

#include "Axes.h"
#include "Match.h"

#include <string>

namespace vitc::vit {

/// A tensor and what its dims are, in the axes of an attention.
struct AttentionOperand {
  mlir::Value tensor;
  DimAxes dims;
};

/// softmax(scores) · value, where softmax is taken along the keys.
struct WeightedValues {
  /// The product with the values, and the dims of its result.
  mlir::Operation *product = nullptr;
  DimAxes resultDims;
  AttentionOperand value;
  /// The dims of the softmax.
  DimAxes scoreDims;
  AxisList keys, valueChannels;
};

/// Follows the probabilities down to the one product that reads them. Fills
/// `match`; fails with the reason, a clause in lower case.
llvm::LogicalResult matchWeightedValues(mlir::linalg::SoftmaxOp softmax,
                                        AxisSpace &space, WeightedValues &match,
                                        std::string &reason);

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_WEIGHTEDVALUES_H
