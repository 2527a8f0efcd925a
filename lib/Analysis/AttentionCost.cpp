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
  cost.kind = windows > 1                      ? AttentionKind::Windowed
              : cost.keys != cost.windowTokens ? AttentionKind::Projected
                                               : AttentionKind::Global;
  int64_t projections = 4 * cost.tokens * cost.width * cost.width;
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
  }
  llvm_unreachable("all kinds are covered");
}
