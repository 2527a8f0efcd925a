//===- WithoutKernel.cpp - Which vit ops convert-vit-to-kernel lacks ------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Products, norms, attention, cells and pooling have kernels for f32, for rows
// of a batch, and for weights that are packed when the program is written. What
// only moves data has index maps, and vit.gelu loops, for every type.
//
//===----------------------------------------------------------------------===//

#include "Patterns.h"

#include "Vit/VitDialect.h"
#include "mlir/IR/Matchers.h"
#include "vitc/Analysis/ShiftMask.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vitc;

/// The first float type among operands and results that is not f32, or null;
/// integers are lengths and selections, which kernels read as they are.
static Type findOtherType(Operation *op) {
  for (Value value :
       llvm::concat<const Value>(op->getOperands(), op->getResults()))
    if (Type type = getElementTypeOrSelf(value);
        isa<FloatType>(type) && !type.isF32())
      return type;
  return {};
}

static bool isComputed(Value value) {
  return value && !matchPattern(value, m_Constant());
}

/// The part of `op` that is computed where its kernel needs a constant.
static StringRef findComputedPart(Operation *op) {
  return llvm::TypeSwitch<Operation *, StringRef>(op)
      .Case([](vit::LinearOp op) {
        return isComputed(op.getWeight()) ? "a computed weight" : "";
      })
      .Case([](vit::Conv2dOp op) {
        return isComputed(op.getFilter()) ? "a computed filter" : "";
      })
      .Case([](vit::PatchEmbedOp op) {
        return isComputed(op.getFilter())     ? "a computed filter"
               : isComputed(op.getTokens())   ? "computed tokens"
               : isComputed(op.getPosition()) ? "a computed position"
                                              : "";
      })
      .Default(StringRef());
}

std::string vitc::getReasonWithoutKernel(Operation *op) {
  if (isa<vit::RelativePositionBiasOp>(op))
    return "it is computed at run time; kernels read it as a constant";
  if (auto mask = dyn_cast<vit::ShiftMaskOp>(op)) {
    bool hasKernel = isAttentionMask(mask) &&
                     llvm::all_of(op->getUsers(), [](Operation *user) {
                       return getReasonWithoutKernel(user).empty();
                     });
    return hasKernel ? "" : "what reads it has no kernel that computes it";
  }
  if (!isa<vit::AdditiveAttentionOp, vit::AttentionMapOp, vit::AttentionOp,
           vit::Conv2dOp, vit::GruCellOp, vit::LayerNormOp, vit::LinearOp,
           vit::LstmCellOp, vit::MeanTokensOp, vit::PatchEmbedOp,
           vit::RmsNormOp, vit::SoftmaxMatmulOp>(op))
    return "";
  if (Type type = findOtherType(op))
    return llvm::formatv("it has element type {0}; its kernel is for f32",
                         type);
  if (StringRef part = findComputedPart(op); !part.empty())
    return llvm::formatv("it has {0}; its kernel needs constants", part);
  if (isa<vit::LayerNormOp, vit::LinearOp, vit::RmsNormOp>(op) &&
      cast<RankedTensorType>(op->getOperand(0).getType()).getRank() < 2)
    return "it has an input of rank 1; its kernel needs a batch and channels";
  return "";
}
