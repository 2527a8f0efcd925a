//===- AddAttentionEntry.cpp - The function that returns attention maps ---===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Clones @forward to @attention and, behind every vit.attention, adds
//   %m = vit.attention_map %q, %k scale s queries first
//   %maps = tensor.insert_slice %m into %previous[0, layer, 0, 0]
// while query and key are live. The rest of the clone is @forward, op by op.
// Runs before vit-narrow-tokens, so that a map sees every query.
//
//===----------------------------------------------------------------------===//

#include "BatchSize.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "vitc/Transforms/Passes.h"

namespace vitc::vit {
#define GEN_PASS_DEF_ADDATTENTIONENTRYPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

/// [B, layers, H, Nk], the maps of all layers.
static RankedTensorType getMapsType(ArrayRef<AttentionOp> ops) {
  AttentionOp first = ops.front();
  RankedTensorType query = first.getQuery().getType();
  return query.clone({query.getDimSize(0), static_cast<int64_t>(ops.size()),
                      query.getDimSize(1),
                      first.getKey().getType().getDimSize(2)});
}

/// The attention ops of a function when their maps stack: same batch, heads and
/// keys. A remark says why not.
static SmallVector<AttentionOp> getStackableAttention(func::FuncOp function) {
  SmallVector<AttentionOp> ops(function.getOps<AttentionOp>());
  for (AttentionOp op : ops) {
    RankedTensorType query = op.getQuery().getType();
    RankedTensorType first = ops.front().getQuery().getType();
    if (query.getShape().take_front(2) == first.getShape().take_front(2) &&
        op.getKey().getType().getDimSize(2) ==
            ops.front().getKey().getType().getDimSize(2))
      continue;
    op.emitRemark("no attention maps: layers differ in heads or keys");
    return {};
  }
  if (!ops.empty() && !hasMixedSizes(ops[0], getMapsType(ops))) {
    ops[0].emitRemark("no attention maps: no argument has the dynamic size of ")
        << getMapsType(ops);
    return {};
  }
  return ops;
}

static void addAttentionEntry(func::FuncOp forward, QuerySelection selection) {
  if (getStackableAttention(forward).empty())
    return;
  OpBuilder builder(forward);
  builder.setInsertionPointAfter(forward);
  auto entry = cast<func::FuncOp>(builder.clone(*forward));
  entry.setName("attention");
  SmallVector<AttentionOp> ops(entry.getOps<AttentionOp>());

  RankedTensorType type = getMapsType(ops);
  builder.setInsertionPoint(ops.front());
  Location loc = forward.getLoc();
  SmallVector<OpFoldResult> sizes = getMixedSizes(builder, type);
  Value maps =
      tensor::EmptyOp::create(builder, loc, sizes, type.getElementType());
  SmallVector<OpFoldResult> offsets(4, builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(4, builder.getIndexAttr(1));
  sizes[1] = builder.getIndexAttr(1);
  for (auto [layer, op] : llvm::enumerate(ops)) {
    builder.setInsertionPointAfter(op);
    Value map = AttentionMapOp::create(builder, op.getLoc(), op.getQuery(),
                                       op.getKey(), op.getBias(), op.getMask(),
                                       op.getScale(), selection);
    offsets[1] = builder.getIndexAttr(layer);
    maps = tensor::InsertSliceOp::create(builder, op.getLoc(), map, maps,
                                         offsets, sizes, strides);
  }

  Operation *terminator = entry.getBody().front().getTerminator();
  terminator->insertOperands(terminator->getNumOperands(), maps);
  unsigned index = entry.getNumResults();
  (void)entry.insertResult(index, type, DictionaryAttr());
  entry.setResultAttr(index, VitDialect::kNameAttr,
                      builder.getStringAttr("attentions"));
}

namespace {
struct AddAttentionEntryPass final
    : vitc::vit::impl::AddAttentionEntryPassBase<AddAttentionEntryPass> {
  using Base::Base;
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto model = module->getAttrOfType<ModelAttr>(VitDialect::kModelAttr);
    auto forward = module.lookupSymbol<func::FuncOp>("forward");
    if (!forward || !model || !model.getGrid() ||
        module.lookupSymbol("attention"))
      return;
    addAttentionEntry(forward, model.getGrid().getClassToken()
                                   ? QuerySelection::First
                                   : QuerySelection::Mean);
  }
};
} // namespace
