//===- RaiseCausalMask.cpp - Constant masks -> the causal form ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %m = vit.constant ...  // 0 for j <= i + 2, -inf for other keys
//   %r = vit.attention %q, %k, %v mask(%m)
// becomes
//   %r = vit.attention %q, %k, %v causal 2
// which computes no score of a masked key. Numbers of at most -1e9 mask as -inf
// does where the query sees another key.
//
//===----------------------------------------------------------------------===//

#include "DeadOps.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "vitc/Analysis/Evaluate.h"
#include "vitc/Transforms/Passes.h"
#include <cmath>

namespace vitc::vit {
#define GEN_PASS_DEF_RAISECAUSALMASKPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

/// What masks a key beside one that is seen: no score of use is as far from
/// another.
static constexpr double kLargestMask = -1e9;

namespace {
/// A mask [Bb, 1 or H, Nq, Nk] of zeros and numbers that mask.
struct Mask {
  int64_t queries, keys;
  /// Whether a key is seen, in the order of the tensor.
  SmallVector<bool> isSeen;
  bool isInfinite = true;

  ArrayRef<bool> getRow(int64_t row) const {
    return ArrayRef(isSeen).slice(row * keys, keys);
  }
  int64_t getNumRows() const { return isSeen.size() / keys; }
};
} // namespace

/// None where the tensor has other numbers, or masks nothing.
static std::optional<Mask> getMask(DenseElementsAttr elements) {
  ArrayRef<int64_t> shape = elements.getType().getShape();
  Mask mask;
  mask.queries = shape[2];
  mask.keys = shape[3];
  mask.isSeen.reserve(elements.getNumElements());
  for (APFloat element : elements.getValues<APFloat>()) {
    double number = FloatAttr::getValueAsDouble(element);
    if (number != 0 && !(number <= kLargestMask))
      return std::nullopt;
    mask.isSeen.push_back(number == 0);
    mask.isInfinite &= number == 0 || std::isinf(number);
  }
  if (!llvm::is_contained(mask.isSeen, false))
    return std::nullopt;
  return mask;
}

/// The offset for which query i sees the keys j <= i + offset; fails with the
/// reason where there is none.
static FailureOr<int64_t> getOffset(const Mask &mask, std::string &reason) {
  llvm::raw_string_ostream stream(reason);
  std::optional<int64_t> offset;
  for (int64_t row = 0; row < mask.getNumRows() && !offset; ++row)
    if (int64_t seen = llvm::count(mask.getRow(row), true))
      offset = seen - 1 - row % mask.queries;
  if (!offset) {
    stream << "it masks all keys";
    return failure();
  }
  for (int64_t row = 0; row < mask.getNumRows(); ++row) {
    int64_t query = row % mask.queries;
    if (query + *offset < 0 && !mask.isInfinite) {
      stream << "query " << query << " has no key but its masks are finite";
      return failure();
    }
    for (auto [key, isSeen] : llvm::enumerate(mask.getRow(row))) {
      if (isSeen == (static_cast<int64_t>(key) <= query + *offset))
        continue;
      stream << "query " << query << (isSeen ? " sees" : " does not see")
             << " key " << key << "; with offset " << *offset << " it "
             << (isSeen ? "must not" : "must");
      return failure();
    }
  }
  return *offset;
}

static LogicalResult raiseCausalMask(AttentionOp attention,
                                     MutableOperandRange addend,
                                     vitc::Evaluator &evaluator) {
  if (addend.empty() || attention.getCausal())
    return failure();
  Value tensor = addend[0].get();
  auto type = cast<RankedTensorType>(tensor.getType());
  // The mask of windows is computed from indices.
  if (tensor.getDefiningOp<ShiftMaskOp>() || !type.hasStaticShape())
    return failure();
  DenseElementsAttr elements = evaluator.evaluate(tensor);
  std::optional<Mask> mask = elements ? getMask(elements) : std::nullopt;
  if (!mask)
    return failure();
  std::string reason;
  FailureOr<int64_t> offset = getOffset(*mask, reason);
  if (failed(offset)) {
    attention->emitRemark("its mask is not raised to a causal form: ")
        << reason;
    return failure();
  }
  attention.setCausal(*offset);
  addend.clear();
  return success();
}

namespace {
struct RaiseCausalMaskPass final
    : vitc::vit::impl::RaiseCausalMaskPassBase<RaiseCausalMaskPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    {
      vitc::Evaluator evaluator(getOperation()->getParentOfType<ModuleOp>());
      getOperation().walk([&](AttentionOp attention) {
        if (succeeded(raiseCausalMask(attention, attention.getMaskMutable(),
                                      evaluator)) ||
            succeeded(raiseCausalMask(attention, attention.getBiasMutable(),
                                      evaluator)))
          ++numRaised;
      });
    }
    eraseDeadOps(getOperation(), rewriter);
  }
};
} // namespace
