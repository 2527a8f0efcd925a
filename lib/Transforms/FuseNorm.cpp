//===- FuseNorm.cpp - Norms -> the products that read their rows ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %0 = vit.layer_norm %x epsilon 1.0e-05
//   %1 = vit.linear %0, %w
// becomes
//   %1 = vit.linear %x, %w norm <epsilon = 1.0e-05 : f64>
// What lies between may move whole rows. Leaves the norm alone when it has a
// scale or shift, when another op reads it, or when more products read it than
// kMaxReaders.
//
//===----------------------------------------------------------------------===//

#include "ConstantWeight.h"
#include "NormRows.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "vitc/Analysis/SourceName.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_FUSENORMPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

/// Products that may each normalise the rows for themselves, which takes half a
/// percent of a product with 768 columns; a norm of its own reads and writes
/// every row once more.
static constexpr size_t kMaxReaders = 3;

/// Why `reader` cannot normalise what it reads; empty if it can.
static std::string getObstacle(OpOperand &reader) {
  if (std::string reason = getProductObstacle(reader); !reason.empty())
    return reason;
  auto linear = cast<LinearOp>(reader.getOwner());
  if (!getConstantWeight(linear.getWeight()))
    return "a linear layer that reads its result has a computed weight";
  return "";
}

static LogicalResult fuseNorm(const Norm &norm, RewriterBase &rewriter) {
  if (norm.scale || norm.shift)
    return rewriter.notifyMatchFailure(norm.op, "has a scale or a shift");
  auto miss = [&](const Twine &reason) {
    norm.op->emitRemark("not fused into the linear layers behind it: ")
        << reason;
    return failure();
  };
  NormAttr attr = norm.getAttr();
  if (!attr)
    return miss("its epsilon is infinite");
  SmallVector<OpOperand *> readers = getRowReaders(norm.getResult());
  if (readers.empty())
    return rewriter.notifyMatchFailure(norm.op, "nothing reads its result");
  for (OpOperand *reader : readers)
    if (std::string reason = getObstacle(*reader); !reason.empty())
      return miss(reason);
  if (readers.size() > kMaxReaders)
    return miss(Twine(readers.size()) + " of them read it; at most " +
                Twine(kMaxReaders) + " normalise for themselves");

  for (OpOperand *reader : readers) {
    auto linear = cast<LinearOp>(reader->getOwner());
    rewriter.modifyOpInPlace(linear, [&] {
      linear.setNormAttr(attr);
      linear->setLoc(vitc::fusePrologue(norm.op->getLoc(), linear.getLoc()));
    });
  }
  rewriter.replaceOp(norm.op, norm.getInput());
  return success();
}

namespace {
struct FuseNormPass final : vitc::vit::impl::FuseNormPassBase<FuseNormPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](Operation *op) {
      std::optional<Norm> norm = matchNorm(op);
      if (norm && succeeded(fuseNorm(*norm, rewriter)))
        ++numFused;
    });
  }
};
} // namespace
