//===- RaiseRelativePositionBias.cpp - Position bias from gathers ---------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %0 = linalg.generic ins(%index)    // row index[i] of %table, [N * N, H]
//   %1 = tensor.expand_shape %0        // [N, N, H]
//   %2 = linalg.transpose ins(%1)      // [H, N, N]
// becomes
//   %2 = vit.relative_position_bias %table window [4, 4]
// if it reads the rows that this op reads. Exporters spell the index and the
// movement in many ways: instead of matching one, the ops are evaluated on a
// table whose elements are their own positions.
//
//===----------------------------------------------------------------------===//

#include "DeadOps.h"
#include "Movement.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "vitc/Analysis/Evaluate.h"
#include "vitc/Transforms/Passes.h"

#include <cmath>

namespace vitc::vit {
#define GEN_PASS_DEF_RAISERELATIVEPOSITIONBIASPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

namespace {
/// A window whose relative positions a table may have a row for.
struct Window {
  int64_t height, width;
  bool classToken;
};
} // namespace

/// The window that has `numTokens` tokens, a class token included or not, and
/// `numRows` relative positions. Of an oblong one, also the same on its side.
static SmallVector<Window> getWindows(int64_t numTokens, int64_t numRows) {
  SmallVector<Window> windows;
  for (bool classToken : {false, true}) {
    int64_t tokens = numTokens - classToken, rows = numRows - 3 * classToken;
    for (int64_t height = 1; height <= tokens; ++height) {
      int64_t width = tokens / height;
      if (height * width == tokens &&
          (2 * height - 1) * (2 * width - 1) == rows)
        windows.push_back({height, width, classToken});
    }
  }
  return windows;
}

static SmallVector<int64_t> dropUnits(ArrayRef<int64_t> sizes) {
  return SmallVector<int64_t>(
      llvm::make_filter_range(sizes, [](int64_t size) { return size != 1; }));
}

/// The table, [T, H], from which each element of a generic is read.
static Value getGatheredTable(linalg::GenericOp gather) {
  auto yield = cast<linalg::YieldOp>(gather.getBody()->getTerminator());
  if (gather->getNumResults() != 1)
    return nullptr;
  auto extract = yield.getValues()[0].getDefiningOp<tensor::ExtractOp>();
  if (!extract || extract->getParentOp() != gather ||
      gather->isAncestor(extract.getTensor().getParentBlock()->getParentOp()))
    return nullptr;
  RankedTensorType table = extract.getTensor().getType();
  auto result = cast<RankedTensorType>(gather->getResult(0).getType());
  if (table.getRank() != 2 || !table.hasStaticShape() ||
      !result.hasStaticShape() || !isa<FloatType>(table.getElementType()) ||
      table.getNumElements() == 0)
    return nullptr;
  return extract.getTensor();
}

/// What reshapes or transposes `value`, if that alone reads it.
static Operation *getMovement(Value value) {
  if (!value.hasOneUse())
    return nullptr;
  OpOperand &use = *value.use_begin();
  Operation *op = use.getOwner();
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
             linalg::TransposeOp>(op) &&
                 use.getOperandNumber() == 0
             ? op
             : nullptr;
}

/// Where in `table` each element of `chain`'s last result is read from; empty
/// if that is not known. `chain` starts with what reads the table.
static SmallVector<int64_t>
getPositions(Value table, ArrayRef<Operation *> chain, RewriterBase &rewriter) {
  auto type = cast<RankedTensorType>(table.getType());
  auto element = cast<FloatType>(type.getElementType());
  const llvm::fltSemantics &semantics = element.getFloatSemantics();
  int64_t numElements = type.getNumElements();
  if (numElements > int64_t(1) << APFloat::semanticsPrecision(semantics))
    return {};
  SmallVector<Attribute> numbers;
  for (int64_t position = 0; position < numElements; ++position)
    numbers.push_back(rewriter.getFloatAttr(element, double(position)));

  OpBuilder::InsertionGuard guard(rewriter);
  rewriter.setInsertionPoint(chain.back());
  SmallVector<Operation *> clones = {arith::ConstantOp::create(
      rewriter, table.getLoc(), DenseElementsAttr::get(type, numbers))};
  IRMapping mapping;
  mapping.map(table, clones.front()->getResult(0));
  for (Operation *op : chain)
    clones.push_back(rewriter.clone(*op, mapping));
  DenseElementsAttr values =
      vitc::Evaluator(chain.front()->getParentOfType<ModuleOp>())
          .evaluate(clones.back()->getResult(0));
  for (Operation *op : llvm::reverse(clones))
    rewriter.eraseOp(op);
  if (!values)
    return {};
  return llvm::map_to_vector(values.getValues<APFloat>(), [](APFloat number) {
    return int64_t(FloatAttr::getValueAsDouble(number));
  });
}

/// Whether `op` reads what has these positions in its table, [H, N, N].
static bool readsPositions(RelativePositionBiasOp op,
                           ArrayRef<int64_t> positions) {
  SmallVector<int32_t> index = op.getIndex();
  int64_t heads = op.getTable().getType().getDimSize(1);
  if (int64_t(positions.size()) != heads * int64_t(index.size()))
    return false;
  for (auto [i, position] : llvm::enumerate(positions))
    if (position != index[i % index.size()] * heads + int64_t(i / index.size()))
      return false;
  return true;
}

/// The elementwise op of constants and `value` that alone reads it.
static linalg::GenericOp getElementwise(Value value) {
  if (!value.hasOneUse())
    return nullptr;
  auto op = dyn_cast<linalg::GenericOp>(*value.getUsers().begin());
  if (!op || op.getNumDpsInputs() != 1 || op->getNumResults() != 1 ||
      op.getDpsInputs()[0] != value ||
      op.getNumParallelLoops() != op.getNumLoops() ||
      !llvm::all_of(op.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isIdentity(); }) ||
      !op.getMatchingBlockArgument(op.getDpsInitOperand(0)).use_empty() ||
      op->getResult(0).getType() != value.getType())
    return nullptr;
  bool isOfElements = llvm::all_of(*op.getBody(), [&](Operation &inner) {
    return !isa<linalg::IndexOp>(inner) && inner.getNumRegions() == 0 &&
           llvm::all_of(inner.getOperands(), [&](Value operand) {
             Operation *definition = operand.getDefiningOp();
             return operand.getParentBlock() == op.getBody() ||
                    (definition &&
                     definition->hasTrait<OpTrait::ConstantLike>());
           });
  });
  return isOfElements ? op : nullptr;
}

/// Applies `op` to each element of `table` instead of each of the bias: there
/// are fewer.
static Value applyToTable(linalg::GenericOp op, Value table,
                          RewriterBase &rewriter) {
  auto type = cast<RankedTensorType>(table.getType());
  Location loc = op.getLoc();
  Value empty = tensor::EmptyOp::create(rewriter, loc, type.getShape(),
                                        type.getElementType());
  AffineMap map = rewriter.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> loops(type.getRank(),
                                         utils::IteratorType::parallel);
  auto applied = linalg::GenericOp::create(
      rewriter, loc, TypeRange(type), ValueRange(table), ValueRange(empty),
      ArrayRef<AffineMap>{map, map}, loops);
  IRMapping mapping;
  op.getRegion().cloneInto(&applied.getRegion(), mapping);
  return applied->getResult(0);
}

/// Replaces the last result of `chain` by `bias`, and what computes each
/// element of it by the same on the table.
static void replaceChain(RelativePositionBiasOp bias,
                         ArrayRef<Operation *> chain, RewriterBase &rewriter) {
  Value last = chain.back()->getResult(0);
  Value table = bias.getTable();
  SmallVector<Location> locations = {chain.front()->getLoc()};
  rewriter.setInsertionPoint(bias);
  while (linalg::GenericOp op = getElementwise(last)) {
    table = applyToTable(op, table, rewriter);
    locations.push_back(op.getLoc());
    last = op->getResult(0);
  }
  Location loc = rewriter.getFusedLoc(locations);
  rewriter.modifyOpInPlace(bias, [&] {
    bias.getTableMutable().assign(table);
    bias->setLoc(loc);
  });
  rewriter.setInsertionPointAfter(bias);
  rewriter.replaceAllUsesWith(
      last, reshape(rewriter, loc, bias,
                    cast<RankedTensorType>(last.getType()).getShape()));
}

static LogicalResult raiseRelativePositionBias(linalg::GenericOp gather,
                                               RewriterBase &rewriter) {
  Value table = getGatheredTable(gather);
  if (!table)
    return rewriter.notifyMatchFailure(gather, "reads no table of floats");
  auto type = cast<RankedTensorType>(table.getType());
  int64_t heads = type.getDimSize(1);
  auto result = cast<RankedTensorType>(gather->getResult(0).getType());
  int64_t numPairs = result.getNumElements() / heads;
  auto numTokens = int64_t(std::llround(std::sqrt(double(numPairs))));
  if (numTokens * numTokens * heads != result.getNumElements())
    return rewriter.notifyMatchFailure(gather, "reads no pairs of tokens");
  SmallVector<Window> windows = getWindows(numTokens, type.getDimSize(0));
  if (windows.empty())
    return rewriter.notifyMatchFailure(gather, "the table is of no window");

  SmallVector<Operation *> chain;
  for (Operation *op = gather; op; op = getMovement(op->getResult(0)))
    chain.push_back(op);
  SmallVector<int64_t> shape = dropUnits({heads, numTokens, numTokens});
  bool mayBeBias = false;
  for (; !chain.empty(); chain.pop_back()) {
    Operation *op = chain.back();
    auto moved = cast<RankedTensorType>(op->getResult(0).getType());
    if (dropUnits(moved.getShape()) != shape)
      continue;
    SmallVector<int64_t> positions = getPositions(table, chain, rewriter);
    if (positions.empty())
      continue;
    mayBeBias = true;
    rewriter.setInsertionPoint(op);
    for (const Window &window : windows) {
      auto bias = RelativePositionBiasOp::create(
          rewriter, gather.getLoc(), table,
          rewriter.getDenseI64ArrayAttr({window.height, window.width}),
          window.classToken ? rewriter.getUnitAttr() : UnitAttr());
      if (readsPositions(bias, positions)) {
        replaceChain(bias, chain, rewriter);
        return success();
      }
      rewriter.eraseOp(bias);
    }
  }
  if (mayBeBias)
    gather.emitRemark("reads a table of ")
        << type.getDimSize(0) << " rows for " << numTokens << " x " << numTokens
        << " pairs of tokens, but not the rows of relative positions in a "
           "window of "
        << windows[0].height << " x " << windows[0].width;
  return failure();
}

namespace {
struct RaiseRelativePositionBiasPass final
    : vitc::vit::impl::RaiseRelativePositionBiasPassBase<
          RaiseRelativePositionBiasPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::GenericOp> gathers;
    getOperation().walk([&](linalg::GenericOp op) { gathers.push_back(op); });
    for (linalg::GenericOp gather : gathers)
      if (succeeded(raiseRelativePositionBias(gather, rewriter)))
        ++numRaised;
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
