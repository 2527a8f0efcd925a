//===- MergeAttentionHeads.cpp - Heads computed one by one -> one op ------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %0 = vit.merge_heads (vit.attention %q0, %k0, %v0)      // one head each
//   %1 = vit.merge_heads (vit.attention %q1, %k1, %v1)
//   %2 = tensor.concat dim(2) %0, %1
// becomes
//   %2 = vit.merge_heads (vit.attention %q, %k, %v)         // two heads
// where %q, %k and %v are split from the tokens that the heads' are slices of,
// or from one linear layer in place of one a head.
//
//===----------------------------------------------------------------------===//

#include "DeadOps.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "vitc/Analysis/BatchMultiple.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_MERGEATTENTIONHEADSPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc;
using namespace vitc::vit;

/// The first of consecutive slices along the last dim of one tensor; null for
/// other values.
static tensor::ExtractSliceOp getConsecutiveSlices(ArrayRef<Value> values) {
  auto first = values.front().getDefiningOp<tensor::ExtractSliceOp>();
  if (!first)
    return {};
  int64_t last = first.getSourceType().getRank() - 1;
  SmallVector<OpFoldResult> offsets = first.getMixedOffsets();
  SmallVector<OpFoldResult> sizes = first.getMixedSizes();
  int64_t offset = first.getStaticOffset(last);
  for (Value value : values) {
    auto slice = value.getDefiningOp<tensor::ExtractSliceOp>();
    if (!slice || slice.getSource() != first.getSource() ||
        slice.getType().getRank() != last + 1 ||
        slice.getStaticOffset(last) != offset ||
        ArrayRef(slice.getMixedSizes()).drop_back() !=
            ArrayRef(sizes).drop_back() ||
        ArrayRef(slice.getMixedOffsets()).drop_back() !=
            ArrayRef(offsets).drop_back() ||
        llvm::any_of(slice.getStaticStrides(),
                     [](int64_t stride) { return stride != 1; }))
      return {};
    offset += slice.getStaticSize(last);
  }
  return first;
}

/// Whether these are plain linear layers of one input.
static bool areSiblingLinears(ArrayRef<Value> values) {
  auto first = values.front().getDefiningOp<LinearOp>();
  return first && llvm::all_of(values, [&](Value value) {
           auto linear = value.getDefiningOp<LinearOp>();
           return linear && linear.getInput() == first.getInput() &&
                  !linear.getBias() == !first.getBias() &&
                  !linear.getResidual() && !linear.getNorm() &&
                  linear.getActivation() == Activation::None;
         });
}

/// The values side by side along their last dim.
static Value joinChannels(ArrayRef<Value> values, RewriterBase &rewriter,
                          Location loc) {
  if (tensor::ExtractSliceOp first = getConsecutiveSlices(values)) {
    int64_t channels = 0;
    for (Value value : values)
      channels += cast<RankedTensorType>(value.getType()).getShape().back();
    SmallVector<int64_t> shape(first.getType().getShape());
    shape.back() = channels;
    if (first.getType().clone(shape) == first.getSourceType() &&
        getBatchMultiple(first.getResult()) ==
            getBatchMultiple(first.getSource()))
      return first.getSource();
    SmallVector<OpFoldResult> sizes = first.getMixedSizes();
    sizes.back() = rewriter.getIndexAttr(channels);
    return tensor::ExtractSliceOp::create(rewriter, loc, first.getSource(),
                                          first.getMixedOffsets(), sizes,
                                          first.getMixedStrides());
  }
  SmallVector<Value> weights, biases;
  for (Value value : values) {
    auto linear = value.getDefiningOp<LinearOp>();
    weights.push_back(linear.getWeight());
    if (linear.getBias())
      biases.push_back(linear.getBias());
  }
  Value weight = tensor::ConcatOp::create(rewriter, loc, /*dim=*/0, weights);
  Value bias;
  if (!biases.empty())
    bias = tensor::ConcatOp::create(rewriter, loc, /*dim=*/0, biases);
  return LinearOp::create(rewriter, loc,
                          values.front().getDefiningOp<LinearOp>().getInput(),
                          weight, bias, Value(), Activation::None, NormAttr());
}

/// The attention behind each operand of a concatenation of heads; none when the
/// concatenation is of something else. A remark says why heads stay apart.
static SmallVector<AttentionOp> getHeads(tensor::ConcatOp concat) {
  SmallVector<AttentionOp> heads;
  if (concat.getRank() != 3 || concat.getDim() != 2)
    return heads;
  for (Value operand : concat.getInputs()) {
    auto merge = operand.getDefiningOp<MergeHeadsOp>();
    auto attention =
        merge ? merge.getInput().getDefiningOp<AttentionOp>() : AttentionOp();
    if (!attention)
      return {};
    heads.push_back(attention);
  }
  return heads;
}

/// Why the heads can not be one op; null when they can.
static const char *getObstacle(ArrayRef<AttentionOp> heads) {
  AttentionOp first = heads.front();
  for (AttentionOp head : heads) {
    if (!head->hasOneUse() || !(*head->user_begin())->hasOneUse())
      return "another op reads the result of a head";
    if (head.getBias() || head.getMask())
      return "a head has a bias or a mask";
    if (head.getScale() != first.getScale())
      return "their scales differ";
    if (head.getSoftcap() != first.getSoftcap())
      return "their softcaps differ";
    if (head.getCausal() != first.getCausal() ||
        head.getKeyLength() != first.getKeyLength())
      return "their queries see different keys";
    if (head->getOperandTypes() != first->getOperandTypes())
      return "their shapes differ";
  }
  for (unsigned role = 0; role < 3; ++role) {
    SmallVector<Value> tokens;
    for (AttentionOp head : heads) {
      auto split = head->getOperand(role).getDefiningOp<SplitHeadsOp>();
      if (!split)
        return "an operand is not split from tokens";
      tokens.push_back(split.getInput());
    }
    if (!getConsecutiveSlices(tokens) && !areSiblingLinears(tokens))
      return "their operands are neither slices of one tensor nor linear "
             "layers of one input";
  }
  return nullptr;
}

static void mergeHeads(tensor::ConcatOp concat, ArrayRef<AttentionOp> heads,
                       RewriterBase &rewriter) {
  rewriter.setInsertionPoint(concat);
  SmallVector<Location> locations = {concat.getLoc()};
  for (AttentionOp head : heads)
    locations.push_back(head.getLoc());
  Location loc = rewriter.getFusedLoc(locations);
  SmallVector<Value> operands;
  for (unsigned role = 0; role < 3; ++role) {
    SmallVector<Value> tokens;
    int64_t numHeads = 0;
    for (AttentionOp head : heads) {
      auto split = head->getOperand(role).getDefiningOp<SplitHeadsOp>();
      tokens.push_back(split.getInput());
      numHeads += split.getHeads();
    }
    operands.push_back(SplitHeadsOp::create(
        rewriter, loc, joinChannels(tokens, rewriter, loc), numHeads));
  }
  AttentionOp first = heads.front();
  Value attention = AttentionOp::create(
      rewriter, loc, operands[0], operands[1], operands[2],
      /*bias=*/Value(), /*mask=*/Value(), first.getKeyLength(),
      first.getScaleAttr(), first.getCausalAttr(), first.getSoftcapAttr());
  rewriter.replaceOpWithNewOp<MergeHeadsOp>(concat, attention);
}

namespace {
struct MergeAttentionHeadsPass final
    : vitc::vit::impl::MergeAttentionHeadsPassBase<MergeAttentionHeadsPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<tensor::ConcatOp> concats;
    getOperation().walk(
        [&](tensor::ConcatOp concat) { concats.push_back(concat); });
    for (tensor::ConcatOp concat : concats) {
      SmallVector<AttentionOp> heads = getHeads(concat);
      if (heads.size() < 2)
        continue;
      if (const char *obstacle = getObstacle(heads)) {
        concat.emitRemark("heads stay apart: ") << obstacle;
        continue;
      }
      mergeHeads(concat, heads, rewriter);
      numMerged += heads.size();
    }
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
