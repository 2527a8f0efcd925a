//===- FuseQkv.cpp - One wide product for query, key and value ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %q = vit.linear %x, %wq bias(%bq)
//   %k = vit.linear %x, %wk bias(%bk)
// becomes
//   %0 = vit.linear %x, concat(%wq, %wk) bias(concat(%bq, %bk))
//   %q, %k = slices of %0
// so that the input is read once and the kernel has more columns to share among
// threads. The concatenations are weight expressions and cost nothing at run
// time.
//
//===----------------------------------------------------------------------===//

#include "BatchSize.h"
#include "ConstantWeight.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "vitc/Analysis/BatchMultiple.h"
#include "vitc/Transforms/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace vitc::vit {
#define GEN_PASS_DEF_FUSEQKVPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

/// Whether `value`, or what moves it, is read by attention maps alone. Such a
/// product stands beside those of @forward: apart, it shares their weights.
static bool isForMaps(Value value) {
  return !value.use_empty() &&
         llvm::all_of(value.getUsers(), [](Operation *user) {
           return isa<AttentionMapOp>(user) ||
                  (isa<SplitHeadsOp, tensor::ExtractSliceOp,
                       tensor::ExpandShapeOp, tensor::CollapseShapeOp>(user) &&
                   isForMaps(user->getResult(0)));
         });
}

static bool isFusible(LinearOp linear) {
  return linear.getActivation() == Activation::None && !linear.getResidual() &&
         !linear.getNorm() && linear.getInput().getType().getRank() > 1 &&
         getConstantWeight(linear.getWeight()) &&
         (!linear.getBias() || getConstantWeight(linear.getBias())) &&
         (!linear.getBias() || getElementTypeOrSelf(linear.getBias()) ==
                                   getElementTypeOrSelf(linear.getWeight())) &&
         !isForMaps(linear.getResult());
}

/// The bias of `linear`; zeros where it has none, as keys in BEiT and Swin v2.
static WeightExprAttr getBias(LinearOp linear, Builder &builder) {
  if (linear.getBias())
    return getConstantWeight(linear.getBias());
  RankedTensorType weight = linear.getWeight().getType();
  auto type =
      RankedTensorType::get(weight.getDimSize(0), weight.getElementType());
  return WeightExprAttr::data(
      cast<DenseElementsAttr>(builder.getZeroAttr(type)));
}

static LogicalResult fuseQkv(ArrayRef<LinearOp> linears,
                             RewriterBase &rewriter) {
  LinearOp first = linears.front();
  std::optional<int64_t> multiple =
      first.getType().isDynamicDim(0) ? vitc::getBatchMultiple(first) : 1;
  if (!multiple || !hasMixedSizes(first, first.getType())) {
    first.emitRemark("not fused with the linear layers beside it: no argument "
                     "has the dynamic size of ")
        << first.getType();
    return failure();
  }

  bool anyBias = llvm::any_of(
      linears, [](LinearOp linear) { return bool(linear.getBias()); });
  SmallVector<WeightExprAttr> weights, biases;
  SmallVector<Location> locations;
  for (LinearOp linear : linears) {
    weights.push_back(getConstantWeight(linear.getWeight()));
    if (anyBias)
      biases.push_back(getBias(linear, rewriter));
    locations.push_back(linear.getLoc());
  }

  rewriter.setInsertionPoint(first);
  Location loc = rewriter.getFusedLoc(locations);
  Value weight =
      ConstantOp::create(rewriter, loc, WeightExprAttr::concat(weights));
  Value bias;
  if (!biases.empty())
    bias = ConstantOp::create(rewriter, loc, WeightExprAttr::concat(biases));
  auto wide = LinearOp::create(rewriter, loc, first.getInput(), weight, bias,
                               Value(), Activation::None, NormAttr());
  RankedTensorType type = wide.getType();
  SmallVector<OpFoldResult> offsets(type.getRank(), rewriter.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), rewriter.getIndexAttr(1));
  int64_t begin = 0;
  for (LinearOp linear : linears) {
    RankedTensorType part = linear.getType();
    SmallVector<OpFoldResult> sizes = getMixedSizes(rewriter, type, *multiple);
    sizes.back() = rewriter.getIndexAttr(part.getShape().back());
    offsets.back() = rewriter.getIndexAttr(begin);
    rewriter.replaceOpWithNewOp<tensor::ExtractSliceOp>(
        linear, part, wide, offsets, sizes, strides);
    begin += part.getShape().back();
  }
  return success();
}

namespace {
struct FuseQkvPass final : vitc::vit::impl::FuseQkvPassBase<FuseQkvPass> {
  using Base::Base;
  void runOnOperation() override {
    // Linears of different blocks do not always run together; a concatenation
    // has one element type.
    llvm::MapVector<std::tuple<Value, Block *, Type>, SmallVector<LinearOp>>
        readers;
    getOperation().walk([&](LinearOp linear) {
      if (isFusible(linear))
        readers[{linear.getInput(), linear->getBlock(),
                 getElementTypeOrSelf(linear.getWeight())}]
            .push_back(linear);
    });
    IRRewriter rewriter(&getContext());
    for (auto &[place, linears] : readers)
      if (linears.size() > 1 && succeeded(fuseQkv(linears, rewriter)))
        numFused += linears.size();
  }
};
} // namespace
