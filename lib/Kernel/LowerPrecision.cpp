//===- LowerPrecision.cpp - Products of lower precision -------------------===//
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
// A value stays f32 where anything else reads it: residuals, norms. Rows that a
// product normalises are written first:
//   %q = kernel.gemm lhs(%x) ... norm <epsilon = 1e-5>
// becomes
//   %r = kernel.norm ... input(%x) -> bf16
//   %q = kernel.gemm lhs(%r) ...
// as a tile of it multiplies them in half the time that it takes to read them
// as f32 for their statistics and again, for each block of columns.
//
// A tf32 takes as many bytes as an f32. What is stored so is rounded once and
// not again each time that it is multiplied.
//
//===----------------------------------------------------------------------===//

#include "WrittenRows.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
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

/// Rows up to which a product has few blocks, none of which waits long for a
/// norm: those of a decoder's step.
static constexpr int64_t kFewRows = 8;

/// Whether the rows that `gemm` normalises can be written before.
static bool canWriteNorm(GemmOp gemm) {
  std::optional<int64_t> rows = getConstantIntValue(gemm.getRows());
  return gemm.getNorm() && rows && *rows > kFewRows && !gemm.getZeroOutside() &&
         !gemm.transformsElements();
}

/// Whether `norm` writes what `gemm` normalises.
static bool isNormOf(NormOp norm, GemmOp gemm) {
  return norm->getBlock() == gemm->getBlock() &&
         norm.getBatch() == gemm.getBatch() &&
         norm.getRows() == gemm.getRows() && norm.getInput() == gemm.getLhs() &&
         norm.getInputMap() == gemm.getLhsMap() &&
         norm.getChannels() == gemm.getK() &&
         norm.getRms() == gemm.getNormAttr().getRms() &&
         norm.getEpsilonAttr() == gemm.getNormAttr().getEpsilon();
}

/// Writes normalised rows as `type`, once for all gemms of a block that read
/// them.
static void writeNorms(ArrayRef<GemmOp> gemms, Type type, OpBuilder &builder) {
  SmallVector<NormOp> norms;
  for (GemmOp gemm : gemms) {
    if (!canWriteNorm(gemm))
      continue;
    auto *known =
        llvm::find_if(norms, [&](NormOp norm) { return isNormOf(norm, gemm); });
    if (known == norms.end()) {
      builder.setInsertionPoint(gemm);
      norms.push_back(
          createNorm(gemm, gemm.getLhs(), gemm.getLhsMapAttr(), type, builder));
      known = &norms.back();
    }
    readRows(gemm, known->getResult(0));
  }
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
    else if (type == "tf32")
      lowered = builder.getTF32Type();
    if (!lowered) {
      getOperation().emitError() << "kernel-lower-precision has type " << type
                                 << "; needs bf16, f16 or tf32";
      return signalPassFailure();
    }
    SmallVector<GemmOp> gemms;
    getOperation().walk([&](GemmOp gemm) { gemms.push_back(gemm); });
    SmallVector<GemmOp> lower;
    for (GemmOp gemm : gemms)
      if (WeightExprAttr matrix = getMatrix(gemm)) {
        lowerWeights(gemm, matrix, lowered, builder);
        lower.push_back(gemm);
        ++numProducts;
      }
    writeNorms(lower, lowered, builder);
    for (Value value : findValues(getOperation(), lowered)) {
      lowerValue(value, lowered, builder);
      ++numValues;
    }
  }
};
} // namespace
