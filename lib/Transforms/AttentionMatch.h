//===- AttentionMatch.h - Softmax between two products -------*- C++ -*----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_ATTENTIONMATCH_H
#define VITC_LIB_TRANSFORMS_ATTENTIONMATCH_H

#include "WeightedValues.h"

namespace vitc::vit {

/// What is added to a masked score is at most this, so that the sum with any
/// score is the mask: in f32 neighbours of -1e30 are 7e22 apart.
constexpr double kMaskedScore = -1e30;

/// factor * tensor, added to the scores; or, for a tensor of i1, `factor` where
/// the tensor is `where` and 0 elsewhere.
struct AttentionAddend : AttentionOperand {
  double factor;
  bool where;

  bool isMask() const {
    return mlir::getElementTypeOrSelf(tensor).isInteger(1);
  }
};

/// A tensor that multiplies or divides the scores, constant along the keys.
struct AttentionMultiplier : AttentionOperand {
  bool divides;
};

/// What a linalg.softmax belongs to:
///   softmax(cap(scale * multipliers * query · key^T) + addends) · value
/// All masks among the addends have one factor, which is added once.
struct AttentionMatch {
  AxisSpace space;
  AttentionOperand query, key, value;
  double scale = 1;
  std::optional<double> softcap;
  llvm::SmallVector<AttentionAddend> addends;
  llvm::SmallVector<AttentionMultiplier> multipliers;
  /// The axes of the dims of vit.attention. Key and value may lack some of the
  /// batch and of the heads.
  AxisList batch, heads, queries, keys, channels, valueChannels;
  /// The product with the values, and the dims of its result.
  mlir::Operation *product = nullptr;
  DimAxes resultDims;
};

/// Fills `match`; fails with the reason, a clause in lower case.
llvm::LogicalResult matchAttention(mlir::linalg::SoftmaxOp softmax,
                                   AttentionMatch &match, std::string &reason);

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_ATTENTIONMATCH_H
