//===- NormRows.h - Norms and the products that read their rows -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_NORMROWS_H
#define VITC_LIB_TRANSFORMS_NORMROWS_H

#include "Vit/VitDialect.h"

#include <string>

namespace vitc::vit {

/// A vit.layer_norm or a vit.rms_norm.
struct Norm {
  mlir::Operation *op;
  mlir::FloatAttr epsilon;
  bool rms;
  /// Null for none.
  mlir::Value scale, shift;

  mlir::Value getInput() const { return op->getOperand(0); }
  mlir::Value getResult() const { return op->getResult(0); }
  /// Without scale and shift; null where epsilon is infinite.
  NormAttr getAttr() const;
};
std::optional<Norm> matchNorm(mlir::Operation *op);

/// The uses of `tensor` by ops that compute, behind any that only move whole
/// rows of its last dim.
llvm::SmallVector<mlir::OpOperand *> getRowReaders(mlir::Value tensor);

/// Why a reader of a norm's rows is no vit.linear that multiplies them as they
/// are; empty if it is one.
std::string getProductObstacle(mlir::OpOperand &reader);

/// Parameters of a linear layer; `bias` may be null.
struct LinearWeights {
  WeightExprAttr weight, bias;
};

/// What multiplies x as `weights` multiply scale * x + shift, of which either
/// may be null; all are f32.
LinearWeights foldAffine(LinearWeights weights, WeightExprAttr scale,
                         WeightExprAttr shift);

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_NORMROWS_H
