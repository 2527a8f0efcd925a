//===- AttentionCost.cpp - An attention layer beside its formula ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Analysis/AttentionCost.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "vitc/Analysis/BatchMultiple.h"
#include "vitc/Analysis/Footprint.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;

/// Whether the op multiplies what is computed with weights.
static bool isProjection(Operation *op) {
  if (isa<vit::LinearOp, vit::Conv2dOp>(op))
    return true;
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp || !linalg::isaContractionOpInterface(linalgOp))
    return false;
  auto isConstant = [](Value value) {
    Operation *producer = value.getDefiningOp();
    return producer && producer->hasTrait<OpTrait::ConstantLike>();
  };
  return llvm::count_if(linalgOp.getDpsInputs(), isConstant) == 1;
}

/// Collects the projections that make `value` of tokens: the linear layer, and
/// one along the sequence beside it. Norms, rotations and scales may follow the
/// projections; between them data are only moved.
static void collectProducers(Value value, llvm::SetVector<Operation *> &found) {
  SmallVector<std::pair<Value, /*projected=*/bool>> worklist = {{value, false}};
  llvm::DenseSet<Operation *> visited;
  while (!worklist.empty()) {
    auto [current, projected] = worklist.pop_back_val();
    Operation *op = current.getDefiningOp();
    if (!op || isa<vit::PatchEmbedOp, vit::AttentionOp>(op) ||
        !visited.insert(op).second)
      continue;
    if (isProjection(op)) {
      found.insert(op);
      projected = true;
    } else if (projected && !isDataMovement(op)) {
      continue;
    }
    for (Value operand : op->getOperands())
      if (isa<RankedTensorType>(operand.getType()))
        worklist.push_back({operand, projected});
  }
}

/// Whether the projection sums over `tokens` and gives `keys`: its weights are
/// the matrix of these two sizes.
static bool isAlongSequence(Operation *op, int64_t tokens, int64_t keys) {
  if (auto linear = dyn_cast<vit::LinearOp>(op))
    return linear.getWeight().getType().getShape() == ArrayRef({keys, tokens});
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  return linalgOp && llvm::any_of(linalgOp.getDpsInputs(), [&](Value input) {
           Operation *producer = input.getDefiningOp();
           ArrayRef<int64_t> shape =
               cast<ShapedType>(input.getType()).getShape();
           return producer && producer->hasTrait<OpTrait::ConstantLike>() &&
                  (shape == ArrayRef({keys, tokens}) ||
                   shape == ArrayRef({tokens, keys}));
         });
}

/// Whether `value`, of `keys` tokens, is projected from `tokens` of them.
static bool isProjected(Value value, int64_t tokens, int64_t keys) {
  llvm::SetVector<Operation *> producers;
  collectProducers(value, producers);
  return llvm::any_of(producers, [&](Operation *op) {
    return isAlongSequence(op, tokens, keys);
  });
}

/// The projection behind `value`, through ops that only it feeds.
static void collectConsumer(Value value, llvm::SetVector<Operation *> &found) {
  while (value.hasOneUse()) {
    Operation *op = *value.getUsers().begin();
    if (isProjection(op)) {
      found.insert(op);
      return;
    }
    if (op->getNumResults() != 1)
      return;
    value = op->getResult(0);
  }
}

AttentionCost vitc::getAttentionCost(vit::AttentionOp op, int64_t batch) {
  auto query = op.getQuery().getType();
  auto value = op.getValue().getType();
  AttentionCost cost;
  int64_t windows = query.isDynamicDim(0)
                        ? getBatchMultiple(op.getQuery()).value_or(1)
                        : llvm::divideCeil(query.getDimSize(0), batch);
  cost.heads = query.getDimSize(1);
  cost.windowTokens = query.getDimSize(2);
  cost.tokens = windows * cost.windowTokens;
  cost.keys = op.getKey().getType().getDimSize(2);
  cost.width = cost.heads * value.getDimSize(3);
  cost.kind = AttentionKind::Global;
  if (windows > 1)
    cost.kind = AttentionKind::Windowed;
  else if (cost.keys != cost.tokens)
    cost.kind = isProjected(op.getKey(), cost.tokens, cost.keys) &&
                        isProjected(op.getValue(), cost.tokens, cost.keys)
                    ? AttentionKind::Projected
                    : AttentionKind::Cross;
  // Queries and the result are of n tokens, keys and values of their own.
  int64_t others = cost.kind == AttentionKind::Cross ? cost.keys : cost.tokens;
  int64_t projections = 2 * (cost.tokens + others) * cost.width * cost.width;
  int64_t products = 2 * cost.tokens * cost.keys * cost.width;
  cost.formula = projections + products;
  if (cost.kind == AttentionKind::Projected)
    cost.formula += products;

  llvm::SetVector<Operation *> parts;
  parts.insert(op);
  for (Value operand : {op.getQuery(), op.getKey(), op.getValue()})
    collectProducers(operand, parts);
  collectConsumer(op.getResult(), parts);
  cost.multiplyAdds = 0;
  for (Operation *part : parts)
    cost.multiplyAdds += getFootprint(part).multiplyAdds;
  cost.multiplyAdds /= batch;
  return cost;
}

StringRef vitc::getName(AttentionKind kind) {
  switch (kind) {
  case AttentionKind::Global:
    return "global";
  case AttentionKind::Windowed:
    return "windowed";
  case AttentionKind::Projected:
    return "projected";
  case AttentionKind::Cross:
    return "cross";
  }
  llvm_unreachable("all kinds are covered");
}

StringRef vitc::getFormula(AttentionKind kind) {
  switch (kind) {
  case AttentionKind::Global:
    return "4nC^2 + 2n^2C";
  case AttentionKind::Windowed:
    return "4nC^2 + 2M^2nC";
  case AttentionKind::Projected:
    return "4nC^2 + 4nkC";
  case AttentionKind::Cross:
    return "2nC^2 + 2kC^2 + 2nkC";
  }
  llvm_unreachable("all kinds are covered");
}
