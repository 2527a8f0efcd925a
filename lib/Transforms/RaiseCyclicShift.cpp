//===- RaiseCyclicShift.cpp - Cyclic shift from slices or gathers ---------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exporters write torch.roll as two slices and their concatenation, one axis
// after the other:
//   %0 = tensor.extract_slice %x of rows [s, H)
//   %1 = tensor.extract_slice %x of rows [0, s)
//   %y = tensor.concat dim(1) %0, %1
// becomes
//   %y = vit.cyclic_shift %x shift [s, 0]
// and a second one along the columns joins it. So does a gather of the rows
// s, s + 1, ... H - 1, 0, ... s - 1.
//
//===----------------------------------------------------------------------===//

#include "DeadOps.h"
#include "Movement.h"
#include "SliceMatch.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_RAISECYCLICSHIFTPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

namespace {
/// Along `axis`, position i of the result is position i + amount of `source`,
/// counted round.
struct Roll {
  Value source;
  unsigned axis;
  int64_t amount;
};
} // namespace

/// A concatenation of positions [s, size) and [0, s) of one tensor.
static std::optional<Roll> matchRoll(tensor::ConcatOp concat) {
  if (concat.getInputs().size() != 2)
    return std::nullopt;
  std::optional<Slice> front = matchSlice(concat.getInputs()[0]);
  std::optional<Slice> back = matchSlice(concat.getInputs()[1]);
  unsigned axis = concat.getDim();
  if (!front || !back || front->source != back->source ||
      !front->isRangeOf(axis) || !back->isRangeOf(axis))
    return std::nullopt;
  int64_t shift = back->sizes[axis];
  int64_t size = front->source.getType().getDimSize(axis);
  if (back->offsets[axis] != 0 || front->offsets[axis] != shift ||
      front->sizes[axis] != size - shift)
    return std::nullopt;
  return Roll{front->source, axis, shift};
}

/// How far indices are shifted, all of them, round `size`.
static std::optional<int64_t> getShift(DenseIntElementsAttr indices,
                                       int64_t size) {
  if (indices.getNumElements() != size)
    return std::nullopt;
  int64_t shift = (*indices.begin()).getSExtValue();
  for (auto [position, index] : llvm::enumerate(indices))
    if (index.getSExtValue() != (int64_t(position) + shift) % size)
      return std::nullopt;
  return shift;
}

/// A gather along one axis by constant indices.
static std::optional<Roll> matchRoll(linalg::GenericOp gather) {
  if (gather.getNumDpsInputs() != 1 || gather->getNumResults() != 1 ||
      gather.getNumParallelLoops() != gather.getNumLoops())
    return std::nullopt;
  auto yield = cast<linalg::YieldOp>(gather.getBody()->getTerminator());
  auto extract = yield.getValues()[0].getDefiningOp<tensor::ExtractOp>();
  AffineMap indexMap = gather.getIndexingMapsArray()[0];
  if (!extract || extract.getTensor().getType() != gather.getResultTypes()[0] ||
      !gather.getIndexingMapsArray()[1].isIdentity() ||
      indexMap.getNumResults() != 1 ||
      !isa<AffineDimExpr>(indexMap.getResult(0)))
    return std::nullopt;
  unsigned axis = cast<AffineDimExpr>(indexMap.getResult(0)).getPosition();
  for (auto [dim, index] : llvm::enumerate(extract.getIndices())) {
    auto loop = index.getDefiningOp<linalg::IndexOp>();
    auto cast = index.getDefiningOp<arith::IndexCastOp>();
    if (dim == axis ? !cast || cast.getIn() != gather.getBody()->getArgument(0)
                    : !loop || loop.getDim() != dim)
      return std::nullopt;
  }
  DenseIntElementsAttr indices;
  int64_t size = extract.getTensor().getType().getDimSize(axis);
  if (ShapedType::isDynamic(size) ||
      !matchPattern(gather.getDpsInputs()[0], m_Constant(&indices)))
    return std::nullopt;
  std::optional<int64_t> amount = getShift(indices, size);
  if (!amount || *amount <= 0)
    return std::nullopt;
  return Roll{extract.getTensor(), axis, *amount};
}

static LogicalResult raiseCyclicShift(Operation *op, RewriterBase &rewriter) {
  std::optional<Roll> roll;
  if (auto concat = dyn_cast<tensor::ConcatOp>(op))
    roll = matchRoll(concat);
  else if (auto gather = dyn_cast<linalg::GenericOp>(op))
    roll = matchRoll(gather);
  if (!roll)
    return rewriter.notifyMatchFailure(op, "rolls no tensor");
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  auto [source, axis, amount] = *roll;
  if (type.getRank() != 4 || (axis != 1 && axis != 2) ||
      !isa<FloatType>(type.getElementType()) || !isMovable(op->getResult(0))) {
    op->emitRemark("rolls dim ")
        << axis << " of " << type
        << "; vit.cyclic_shift rolls dim 1 or 2 of floats [B, H, W, C]";
    return failure();
  }

  // The same shift, the shorter way round.
  if (2 * amount > type.getDimSize(axis))
    amount -= type.getDimSize(axis);
  SmallVector<int64_t> shift = {0, 0};
  SmallVector<Location> locations = {op->getLoc()};
  auto previous = source.getDefiningOp<CyclicShiftOp>();
  if (previous && previous.getShift()[axis - 1] == 0) {
    shift.assign(previous.getShift().begin(), previous.getShift().end());
    source = previous.getInput();
    locations.insert(locations.begin(), previous.getLoc());
  }
  shift[axis - 1] = amount;
  rewriter.setInsertionPoint(op);
  rewriter.replaceOp(op, CyclicShiftOp::create(rewriter,
                                               rewriter.getFusedLoc(locations),
                                               type, source, shift));
  return success();
}

namespace {
struct RaiseCyclicShiftPass final
    : vitc::vit::impl::RaiseCyclicShiftPassBase<RaiseCyclicShiftPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](Operation *op) {
      if (succeeded(raiseCyclicShift(op, rewriter)))
        ++numRaised;
    });
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
