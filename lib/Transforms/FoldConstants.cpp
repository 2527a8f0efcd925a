//===- FoldConstants.cpp - Compute what depends on constants alone --------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %0 = vit.constant #vit.expr<ref, [@w]> : tensor<64x32xf32>
//   %1 = linalg.transpose ins(%0) permutation = [1, 0]
// becomes
//   %1 = vit.constant #vit.expr<transpose, [#vit.expr<ref, [@w]>], params = [1,
//   0]>
// which holds no data. What is more than movement is computed:
//   - integers, scalars and tensors of equal elements become arith.constant,
//   - other floats become vit.constant of a `data` expression.
// Leaves alone what is too large to compute, a linalg.fill that only
// initialises a result, and a vit.shift_mask that only attention reads.
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"
#include "WeightMovement.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "vitc/Analysis/Evaluate.h"
#include "vitc/Analysis/ShiftMask.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_FOLDCONSTANTSPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc;
using namespace vitc::vit;

/// Whether the evaluator may know how to compute `op`.
static bool isComputable(Operation *op) {
  return op->getNumResults() > 0 && isMemoryEffectFree(op) &&
         isa_and_nonnull<arith::ArithDialect, linalg::LinalgDialect,
                         math::MathDialect, tensor::TensorDialect, VitDialect>(
             op->getDialect()) &&
         llvm::all_of(op->getResultTypes(), [](Type type) {
           auto tensor = dyn_cast<RankedTensorType>(type);
           return tensor ? tensor.hasStaticShape() : type.isIntOrIndexOrFloat();
         });
}

/// Whether each use by an op that stays is a place to write to.
static bool isOnlyInit(Operation *op,
                       llvm::function_ref<bool(Operation *)> isDead) {
  return isa<linalg::FillOp>(op) &&
         llvm::all_of(op->getUses(), [&](OpOperand &use) {
           auto owner = dyn_cast<DestinationStyleOpInterface>(use.getOwner());
           return isDead(use.getOwner()) || (owner && owner.isDpsInit(&use));
         });
}

/// Of a tensor; none for a scalar.
static int64_t getBytes(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape())
    return 0;
  Type element = tensor.getElementType();
  int64_t bits = element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 64;
  return llvm::SaturatingMultiply<uint64_t>(tensor.getNumElements(),
                                            llvm::divideCeil(bits, 8));
}

static Value createConstant(RewriterBase &rewriter, Location loc, Type type,
                            DenseElementsAttr values) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return arith::ConstantOp::create(
        rewriter, loc, cast<TypedAttr>(values.getSplatValue<Attribute>()));
  if (isa<FloatType>(tensor.getElementType()) && !values.isSplat() &&
      !values.empty())
    return ConstantOp::create(rewriter, loc, WeightExprAttr::data(values));
  return arith::ConstantOp::create(rewriter, loc, values);
}

namespace {
struct FoldConstantsPass final
    : vitc::vit::impl::FoldConstantsPassBase<FoldConstantsPass> {
  using Base::Base;
  void runOnOperation() override;

private:
  /// Ops that depend on constants alone, in their order.
  SmallVector<Operation *> findConstantOps();
  LogicalResult fold(Operation *op, Evaluator &evaluator,
                     WeightMovement &movement);
  void reportUnfolded(Operation *op);
};
} // namespace

SmallVector<Operation *> FoldConstantsPass::findConstantOps() {
  DenseSet<Value> constants;
  SmallVector<Operation *> ops;
  getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<RelativePositionBiasOp>(op) && !foldPositionBias)
      return WalkResult::skip();
    // Kernels compute it from indices.
    auto mask = dyn_cast<ShiftMaskOp>(op);
    if (mask && isAttentionMask(mask))
      return WalkResult::skip();
    if (!isComputable(op))
      // The ops of a body are computed with the op that has it.
      return isa<linalg::LinalgDialect, tensor::TensorDialect>(op->getDialect())
                 ? WalkResult::skip()
                 : WalkResult::advance();
    llvm::SetVector<Value> sources(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), sources);
    if (llvm::all_of(sources, [&](Value source) {
          return constants.contains(source);
        })) {
      constants.insert(op->result_begin(), op->result_end());
      if (!op->hasTrait<OpTrait::ConstantLike>() && !isa<tensor::EmptyOp>(op))
        ops.push_back(op);
    }
    return WalkResult::skip();
  });
  return ops;
}

LogicalResult FoldConstantsPass::fold(Operation *op, Evaluator &evaluator,
                                      WeightMovement &movement) {
  IRRewriter rewriter(op);
  if (WeightExprAttr expr = movement.getMovedWeight(op)) {
    rewriter.replaceAllUsesWith(
        op->getResult(0), ConstantOp::create(rewriter, op->getLoc(), expr));
    return success();
  }
  SmallVector<DenseElementsAttr> values;
  for (Value result : op->getResults()) {
    values.push_back(evaluator.evaluate(result));
    if (!values.back())
      return failure();
  }
  for (auto [result, value] : llvm::zip_equal(op->getResults(), values))
    rewriter.replaceAllUsesWith(
        result,
        createConstant(rewriter, op->getLoc(), result.getType(), value));
  return success();
}

void FoldConstantsPass::reportUnfolded(Operation *op) {
  int64_t bytes = 0;
  for (Type type : op->getOperandTypes())
    bytes = std::max(bytes, getBytes(type));
  for (Type type : op->getResultTypes())
    bytes = std::max(bytes, getBytes(type));
  if (bytes > maxBytes) {
    ++numTooLarge;
    op->emitRemark() << "depends on constants alone but is computed at run "
                        "time: a tensor of it has "
                     << bytes << " bytes; at most " << maxBytes.getValue()
                     << " are folded";
    return;
  }
  op->emitRemark("depends on constants alone but is computed at run time: no "
                 "evaluation is known for it or for what it reads");
}

void FoldConstantsPass::runOnOperation() {
  func::FuncOp function = getOperation();
  Evaluator evaluator(function->getParentOfType<ModuleOp>(), maxBytes);
  SmallVector<Operation *> ops = findConstantOps();
  // In their order, so that no chain is followed to its start.
  WeightMovement movement;
  for (Operation *op : ops)
    movement.add(op);
  DenseSet<Operation *> dead;
  auto isDead = [&](Operation *op) {
    for (; op != function; op = op->getParentOp())
      if (dead.contains(op))
        return true;
    return false;
  };
  // The last first: what only folded ops read need not be a constant itself.
  // Nothing is erased before the evaluator has been used for the last time.
  for (Operation *op : llvm::reverse(ops)) {
    if (llvm::all_of(op->getUsers(), isDead)) {
      dead.insert(op);
    } else if (isOnlyInit(op, isDead)) {
      continue;
    } else if (succeeded(fold(op, evaluator, movement))) {
      dead.insert(op);
      ++numFolded;
    } else {
      reportUnfolded(op);
    }
  }
  function.walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
    if (isOpTriviallyDead(op))
      op->erase();
  });
}
