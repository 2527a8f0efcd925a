//===- LowerPrecision.cpp - Products in 16 bits ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A product's operands have the type of its weights:
//   %w = kernel.constant #vit.expr<pack, [%a : f32]>
//   %q = kernel.gemm lhs(%x) weights(%w) -> f32
//   kernel.attention query(%q) ...
// becomes
//   %w = kernel.constant #vit.expr<pack, [#vit.expr<cast, [%a]> : bf16]>
//   %q = kernel.gemm lhs(%x) weights(%w) -> bf16
//   kernel.attention query(%q) ...
// A value stays f32 where anything else reads it: residuals, norms.
//
//===----------------------------------------------------------------------===//

#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "vitc/Kernel/Passes.h"

namespace vitc::kernel {
#define GEN_PASS_DEF_LOWERPRECISIONPASS
#include "vitc/Kernel/Passes.h.inc"
} // namespace vitc::kernel

using namespace mlir;
using namespace vitc::kernel;
using vitc::vit::WeightExprAttr;
using vitc::vit::WeightExprKind;

/// The packed matrix that a product multiplies by, if it is a constant of f32.
static WeightExprAttr getMatrix(GemmOp gemm) {
  auto constant = gemm.getWeights().getDefiningOp<ConstantOp>();
  if (!constant || constant.getValue().getKind() != WeightExprKind::Pack ||
      !getElementTypeOrSelf(constant).isF32())
    return {};
  return constant.getValue().getExprOperand(0);
}

static void lowerWeights(GemmOp gemm, WeightExprAttr matrix, Type type,
                         OpBuilder &builder) {
  Value weights = gemm.getWeights();
  WeightExprAttr packed =
      WeightExprAttr::pack(WeightExprAttr::castTo(matrix, type));
  builder.setInsertionPoint(gemm);
  gemm.getWeightsMutable().assign(
      ConstantOp::create(builder, weights.getLoc(), packed.getType(), packed));
  if (weights.use_empty())
    weights.getDefiningOp()->erase();
}

/// Whether an operand is read as `type` by what multiplies it.
static bool isMultiplied(OpOperand &use, Type type) {
  if (auto gemm = dyn_cast<GemmOp>(use.getOwner()))
    return &use == &gemm.getLhsMutable() && !gemm.transformsRows() &&
           getElementTypeOrSelf(gemm.getWeights()) == type;
  auto attention = dyn_cast<AttentionOp>(use.getOwner());
  auto isOperand = [&](MutableOperandRange range) {
    return llvm::any_of(range, [&](OpOperand &each) { return &each == &use; });
  };
  return attention && attention.getQuery() &&
         (isOperand(attention.getQueryMutable()) ||
          isOperand(attention.getKeyMutable()) ||
          &use == &attention.getValueMutable());
}

/// An attention's operands are of one type: all that it multiplies can change
/// together, or none does.
static bool canLower(Value value, Type type) {
  if (!value.getDefiningOp<GemmOp>() && !value.getDefiningOp<AttentionOp>())
    return false;
  auto producer = cast<DestinationStyleOpInterface>(value.getDefiningOp());
  Value init = producer.getDpsInits().front();
  if (!init.getDefiningOp<tensor::EmptyOp>() || !init.hasOneUse() ||
      producer->getNumResults() != 1 || !getElementTypeOrSelf(value).isF32())
    return false;
  return llvm::all_of(value.getUses(),
                      [&](OpOperand &use) { return isMultiplied(use, type); });
}

static bool lowersWith(Value value, const llvm::DenseSet<Value> &values) {
  return llvm::all_of(value.getUsers(), [&](Operation *user) {
    auto attention = dyn_cast<AttentionOp>(user);
    return !attention || (values.contains(attention.getQuery()) &&
                          values.contains(attention.getKey()) &&
                          values.contains(attention.getValue()));
  });
}

/// What only products and attention read, and a product or attention writes.
static llvm::SetVector<Value> findValues(func::FuncOp function, Type type) {
  llvm::DenseSet<Value> values;
  SmallVector<Value> candidates;
  function.walk([&](Operation *op) {
    for (Value result : op->getResults())
      if (canLower(result, type) && values.insert(result).second)
        candidates.push_back(result);
  });
  // A value that stays f32 keeps those beside it.
  for (bool changed = true; changed;) {
    changed = false;
    for (Value value : candidates)
      if (values.contains(value) && !lowersWith(value, values)) {
        values.erase(value);
        changed = true;
      }
  }
  llvm::SetVector<Value> found;
  for (Value value : candidates)
    if (values.contains(value))
      found.insert(value);
  return found;
}

static void lowerValue(Value value, Type type, OpBuilder &builder) {
  auto producer = cast<DestinationStyleOpInterface>(value.getDefiningOp());
  OpOperand &init = *producer.getDpsInitOperand(0);
  auto empty = init.get().getDefiningOp<tensor::EmptyOp>();
  builder.setInsertionPoint(empty);
  init.set(tensor::EmptyOp::create(builder, empty.getLoc(),
                                   empty.getMixedSizes(), type));
  value.setType(cast<RankedTensorType>(value.getType()).clone(type));
  empty.erase();
}

namespace {
struct LowerPrecisionPass final
    : vitc::kernel::impl::LowerPrecisionPassBase<LowerPrecisionPass> {
  using Base::Base;
  void runOnOperation() override {
    OpBuilder builder(&getContext());
    Type lowered;
    if (type == "bf16")
      lowered = builder.getBF16Type();
    else if (type == "f16")
      lowered = builder.getF16Type();
    if (!lowered) {
      getOperation().emitError() << "kernel-lower-precision has type " << type
                                 << "; needs bf16 or f16";
      return signalPassFailure();
    }
    SmallVector<GemmOp> gemms;
    getOperation().walk([&](GemmOp gemm) { gemms.push_back(gemm); });
    for (GemmOp gemm : gemms)
      if (WeightExprAttr matrix = getMatrix(gemm)) {
        lowerWeights(gemm, matrix, lowered, builder);
        ++numProducts;
      }
    for (Value value : findValues(getOperation(), lowered)) {
      lowerValue(value, lowered, builder);
      ++numValues;
    }
  }
};
} // namespace
