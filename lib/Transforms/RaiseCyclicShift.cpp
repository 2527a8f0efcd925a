//===- RaiseCyclicShift.cpp - Cyclic shift from slices and concat ---------===//
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
// and a second one along the columns joins it.
//
//===----------------------------------------------------------------------===//

#include "DeadOps.h"
#include "Movement.h"
#include "SliceMatch.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_RAISECYCLICSHIFTPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

/// The source and the shift s of a concatenation of positions [s, size) and
/// [0, s) of one tensor; none for another concatenation.
static std::optional<std::pair<Value, int64_t>>
matchRoll(tensor::ConcatOp concat) {
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
  return std::pair(Value(front->source), shift);
}

static LogicalResult raiseCyclicShift(tensor::ConcatOp concat,
                                      RewriterBase &rewriter) {
  auto roll = matchRoll(concat);
  if (!roll)
    return rewriter.notifyMatchFailure(concat, "rolls no tensor");
  RankedTensorType type = concat.getResultType();
  unsigned axis = concat.getDim();
  if (type.getRank() != 4 || (axis != 1 && axis != 2) ||
      !isa<FloatType>(type.getElementType()) || !isMovable(concat)) {
    concat.emitRemark("rolls dim ")
        << axis << " of " << type
        << "; vit.cyclic_shift rolls dim 1 or 2 of floats [B, H, W, C]";
    return failure();
  }

  auto [source, amount] = *roll;
  // The same shift, the shorter way round.
  if (2 * amount > type.getDimSize(axis))
    amount -= type.getDimSize(axis);
  SmallVector<int64_t> shift = {0, 0};
  SmallVector<Location> locations = {concat.getLoc()};
  auto previous = source.getDefiningOp<CyclicShiftOp>();
  if (previous && previous.getShift()[axis - 1] == 0) {
    shift.assign(previous.getShift().begin(), previous.getShift().end());
    source = previous.getInput();
    locations.insert(locations.begin(), previous.getLoc());
  }
  shift[axis - 1] = amount;
  rewriter.setInsertionPoint(concat);
  rewriter.replaceOp(
      concat, CyclicShiftOp::create(rewriter, rewriter.getFusedLoc(locations),
                                    type, source, shift));
  return success();
}

namespace {
struct RaiseCyclicShiftPass final
    : vitc::vit::impl::RaiseCyclicShiftPassBase<RaiseCyclicShiftPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](tensor::ConcatOp concat) {
      if (succeeded(raiseCyclicShift(concat, rewriter)))
        ++numRaised;
    });
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
