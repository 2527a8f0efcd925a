//===- RaiseHeads.cpp - Movement of heads -> split_heads, merge_heads -----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %1 = expand_shape %0                    // [B, N, 3, H, D]
//   %2 = transpose %1                       // [3, B, H, N, D]
//   %q = collapse_shape slice %2            // [B, H, N, D]
//   vit.attention %q, ...
// becomes
//   %1 = extract_slice %0                   // [B, N, H * D]
//   %q = vit.split_heads %1
// and likewise for keys, values and, with vit.merge_heads, the result.
//
//===----------------------------------------------------------------------===//

#include "DeadOps.h"
#include "Heads.h"
#include "Movement.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "vitc/Transforms/Passes.h"
#include "llvm/ADT/SetVector.h"

namespace vitc::vit {
#define GEN_PASS_DEF_RAISEHEADSPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

/// Axes of [B, H, N, D].
static HeadAxes getHeadAxes(ArrayRef<AxisList> dims) {
  return {dims[0], dims[1], dims[2], dims[3]};
}

/// Query, key or value.
static bool raiseOperand(OpOperand &operand, RewriterBase &rewriter) {
  Value value = operand.get();
  AxisSpace space;
  std::optional<DimAxes> dims = space.addDims(value);
  if (!dims || value.getDefiningOp<SplitHeadsOp>())
    return false;
  DimAxes target = *dims;
  while (space.stepUp(value, *dims))
    ;
  target = space.resolveDims(target);
  // Broadcasts stay: split_heads would have to read what they write.
  AxisList present = flatten(*dims);
  if (value == operand.get())
    return false;
  if (!llvm::all_of(flatten(target), [&](auto axis) {
        return llvm::is_contained(present, axis);
      })) {
    constexpr StringLiteral names[] = {"query", "key", "value"};
    operand.getOwner()->emitRemark("not raised to vit.split_heads: its ")
        << names[operand.getOperandNumber()] << " is broadcast from "
        << value.getType() << "; vit.split_heads reads each element once";
    return false;
  }
  rewriter.setInsertionPoint(operand.getOwner());
  Value heads = splitHeads(rewriter, operand.getOwner()->getLoc(), space, value,
                           *dims, getHeadAxes(target));
  rewriter.modifyOpInPlace(operand.getOwner(), [&] { operand.set(heads); });
  return true;
}

/// The op that only moves what `use` reads; null for other users.
static Operation *getMovingUser(OpOperand &use) {
  Operation *user = use.getOwner();
  if (user->getNumResults() != 1 || use.getOperandNumber() != 0 ||
      !isa<RankedTensorType>(user->getResult(0).getType()))
    return nullptr;
  AxisSpace space;
  Value value = user->getResult(0);
  std::optional<DimAxes> dims = space.addDims(value);
  return dims && space.stepUp(value, *dims) ? user : nullptr;
}

/// The last ops that only move `value`.
static llvm::SetVector<Operation *> getMovedResults(Value value) {
  llvm::SetVector<Operation *> reached, last;
  for (OpOperand &use : value.getUses())
    if (Operation *user = getMovingUser(use))
      reached.insert(user);
  for (size_t index = 0; index < reached.size(); ++index) {
    Operation *op = reached[index];
    for (OpOperand &use : op->getUses()) {
      Operation *user = getMovingUser(use);
      user ? reached.insert(user) : last.insert(op);
    }
  }
  return last;
}

/// A moved result of attention.
static bool raiseResult(Operation *moved, AttentionOp attention,
                        RewriterBase &rewriter) {
  if (isa<MergeHeadsOp>(moved))
    return false;
  AxisSpace space;
  Value value = moved->getResult(0);
  std::optional<DimAxes> dims = space.addDims(value);
  if (!dims)
    return false;
  DimAxes target = *dims;
  while (value != attention.getResult())
    if (!space.stepUp(value, *dims))
      return false;
  rewriter.setInsertionPoint(moved);
  rewriter.replaceOp(moved,
                     mergeHeads(rewriter, moved->getLoc(), space, value,
                                getHeadAxes(space.resolveDims(*dims)), target));
  return true;
}

/// Tokens that are split into as many heads as an attention has, but do not
/// reach one by movement alone: Swin v2 normalises its queries and keys.
static LogicalResult raiseSplit(linalg::TransposeOp op,
                                const llvm::DenseSet<int64_t> &heads,
                                RewriterBase &rewriter) {
  auto expand = op.getInput().getDefiningOp<tensor::ExpandShapeOp>();
  if (!expand || op.getPermutation() != ArrayRef<int64_t>{0, 2, 1, 3} ||
      expand.getReassociationIndices() !=
          ArrayRef<ReassociationIndices>{{0}, {1}, {2, 3}})
    return rewriter.notifyMatchFailure(op, "splits no tokens [B, N, E]");
  RankedTensorType type = expand.getResultType();
  if (!heads.contains(type.getDimSize(2)) ||
      !isa<FloatType>(type.getElementType()) || !isMovable(expand.getSrc()))
    return rewriter.notifyMatchFailure(op, "splits into other parts");
  rewriter.setInsertionPoint(op);
  rewriter.replaceOpWithNewOp<SplitHeadsOp>(op, expand.getSrc(),
                                            type.getDimSize(2));
  return success();
}

namespace {
struct RaiseHeadsPass final
    : vitc::vit::impl::RaiseHeadsPassBase<RaiseHeadsPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<AttentionOp> ops;
    getOperation().walk([&](AttentionOp op) { ops.push_back(op); });
    for (AttentionOp op : ops) {
      for (OpOperand *operand :
           {&op.getQueryMutable(), &op.getKeyMutable(), &op.getValueMutable()})
        numRaised += raiseOperand(*operand, rewriter);
      for (Operation *moved : getMovedResults(op.getResult()))
        numRaised += raiseResult(moved, op, rewriter);
    }
    llvm::DenseSet<int64_t> heads;
    for (AttentionOp op : ops)
      heads.insert(op.getType().getDimSize(1));
    getOperation().walk([&](linalg::TransposeOp op) {
      if (succeeded(raiseSplit(op, heads, rewriter)))
        ++numRaised;
    });
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
