//===- FuseCasts.cpp - Products that read and write 16 bits ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model of f16 is computed in f32; what is left of its types are casts at its
// ends, each of them a pass over memory:
//   %x32 = kernel.generic ... inputs(%x : f16) { arith.extf }
//   %y32 = kernel.gemm ... lhs(%x32)
//   %y = kernel.generic ... inputs(%y32) { arith.truncf } -> f16
// becomes
//   %y = kernel.gemm ... lhs(%x : f16) -> f16
// A product rounds once, behind its epilogue, as the cast did.
//
//===----------------------------------------------------------------------===//

#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "vitc/Kernel/Passes.h"

namespace vitc::kernel {
#define GEN_PASS_DEF_FUSECASTSPASS
#include "vitc/Kernel/Passes.h.inc"
} // namespace vitc::kernel

using namespace mlir;
using namespace vitc::kernel;

/// Whether `op` is all that the body of a generic does, to its only input.
template <typename CastOp> static bool isCast(GenericOp op) {
  if (op.getInputs().size() != 1 || !op.getReduce().empty())
    return false;
  Block &body = op.getBody().front();
  auto cast = dyn_cast<CastOp>(body.front());
  return cast && cast.getIn() == body.getArgument(0) &&
         cast->getNextNode() == body.getTerminator() &&
         body.getTerminator()->getOperand(0) == cast.getResult();
}

/// From f16 or bf16 to f32, or back.
static bool isBetween(Value narrow, Value wide) {
  Type element = getElementTypeOrSelf(narrow);
  return (element.isF16() || element.isBF16()) &&
         getElementTypeOrSelf(wide).isF32();
}

/// Whether each element of init is made of the input's at the same indices.
static bool keepsIndices(GenericOp op) {
  auto input = cast<RankedTensorType>(op.getInputs()[0].getType());
  auto init = cast<RankedTensorType>(op.getInit().getType());
  auto inputMap = cast<AffineMapAttr>(op.getInputMaps()[0]).getValue();
  return input.getShape() == init.getShape() && inputMap.isIdentity() &&
         op.getResultMap().isIdentity() &&
         input.getShape().drop_front() == op.getSizes();
}

/// Whether a value has as many items as `op` runs over, and nothing in it
/// before it is written.
static bool isNewFor(GenericOp op, Value init) {
  auto empty = init.getDefiningOp<tensor::EmptyOp>();
  return empty && isEqualConstantIntOrValue(empty.getMixedSizes().front(),
                                            getAsOpFoldResult(op.getBatch()));
}

static LogicalResult leave(GenericOp op, const Twine &reason) {
  op.emitRemark("not cast in the product beside it: ") << reason;
  return failure();
}

/// gemm, cast becomes a gemm that rounds.
static LogicalResult fuseRounding(GenericOp op, RewriterBase &rewriter) {
  Value wide = op.getInputs()[0];
  auto gemm = wide.getDefiningOp<GemmOp>();
  if (!gemm || !isCast<arith::TruncFOp>(op) || !isBetween(op.getInit(), wide))
    return failure();
  auto cast = llvm::cast<arith::TruncFOp>(op.getBody().front().front());
  if (cast.getRoundingmode().value_or(arith::RoundingMode::to_nearest_even) !=
      arith::RoundingMode::to_nearest_even)
    return leave(op, "the cast does not round to nearest even");
  if (!keepsIndices(op))
    return leave(op, "the cast moves elements");
  if (gemm.getStatistics())
    return leave(op, "the product has statistics, which are of f32");
  if (!wide.hasOneUse())
    return leave(op, "another op reads what the product writes");
  if (!isNewFor(op, gemm.getInit()))
    return leave(op, "the product writes into another value");
  rewriter.setInsertionPoint(op);
  auto rounded = llvm::cast<GemmOp>(rewriter.clone(*gemm));
  rewriter.modifyOpInPlace(rounded, [&] {
    rounded->setLoc(rewriter.getFusedLoc({gemm.getLoc(), op.getLoc()}));
    rounded.getInitMutable().assign(op.getInit());
    rounded->getResult(0).setType(op.getInit().getType());
  });
  rewriter.replaceOp(op, rounded);
  rewriter.eraseOp(gemm);
  return success();
}

/// cast, gemms becomes gemms that extend.
static LogicalResult fuseExtension(GenericOp op, RewriterBase &rewriter) {
  Value narrow = op.getInputs()[0], wide = op->getResult(0);
  if (!isCast<arith::ExtFOp>(op) || !isBetween(narrow, op.getInit()) ||
      llvm::none_of(wide.getUsers(), llvm::IsaPred<GemmOp>))
    return failure();
  if (!keepsIndices(op))
    return leave(op, "the cast moves elements");
  if (!isNewFor(op, op.getInit()))
    return leave(op, "the cast writes into another value");
  for (OpOperand &use : wide.getUses()) {
    auto gemm = dyn_cast<GemmOp>(use.getOwner());
    if (!gemm || &use != &gemm.getLhsMutable())
      return leave(op, "an op reads f32 that is no product, or not as its left "
                       "side");
  }
  rewriter.replaceAllUsesWith(wide, narrow);
  rewriter.eraseOp(op);
  return success();
}

namespace {
struct FuseCastsPass final
    : vitc::kernel::impl::FuseCastsPassBase<FuseCastsPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](GenericOp op) {
      if (succeeded(fuseRounding(op, rewriter)))
        ++numRounded;
      else if (succeeded(fuseExtension(op, rewriter)))
        ++numExtended;
    });
  }
};
} // namespace
