//===- RaiseShiftMask.cpp - Masks of shifted windows from constants -------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exporters store Swin's mask, [nW, N, N] with ones between, once a block. One
// that vit.shift_mask generates for a partition of a shifted map in the same
// function becomes that op, which kernels compute from indices. Hugging Face's
// Swin stores the sum of mask and bias, [nW, H, N, N], which is taken apart.
//
//===----------------------------------------------------------------------===//

#include "DeadOps.h"
#include "Movement.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "vitc/Analysis/Evaluate.h"
#include "vitc/Transforms/Passes.h"
#include <array>
#include <cmath>

namespace vitc::vit {
#define GEN_PASS_DEF_RAISESHIFTMASKPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

namespace {
/// A map cut into windows after a shift, as in vit.shift_mask.
struct ShiftedWindows {
  std::array<int64_t, 2> size, window, shift;

  int64_t getNumWindows() const {
    return size[0] / window[0] * (size[1] / window[1]);
  }
  int64_t getNumTokens() const { return window[0] * window[1]; }
  bool operator==(const ShiftedWindows &other) const {
    return size == other.size && window == other.window && shift == other.shift;
  }
};
} // namespace

/// The regions of each window's tokens.
static SmallVector<SmallVector<int32_t>>
getRegions(const ShiftedWindows &windows) {
  SmallVector<int32_t> all =
      ShiftMaskOp::getRegions(windows.size, windows.window, windows.shift);
  SmallVector<SmallVector<int32_t>> regions;
  for (ArrayRef<int32_t> rest = all; !rest.empty();
       rest = rest.drop_front(windows.getNumTokens()))
    regions.emplace_back(rest.take_front(windows.getNumTokens()));
  return regions;
}

/// The shifted windows of a function, each kind once.
static SmallVector<ShiftedWindows> getShiftedWindows(func::FuncOp function) {
  SmallVector<ShiftedWindows> all;
  function.walk([&](WindowPartitionOp op) {
    auto shifted = op.getInput().getDefiningOp<CyclicShiftOp>();
    if (!shifted)
      return;
    ShiftedWindows windows;
    for (int64_t dim : {0, 1}) {
      windows.size[dim] = op.getInput().getType().getDimSize(dim + 1);
      windows.window[dim] = op.getWindow()[dim];
      windows.shift[dim] = shifted.getShift()[dim];
      if (windows.shift[dim] < 0 || windows.shift[dim] >= windows.window[dim])
        return;
    }
    if (!llvm::is_contained(all, windows))
      all.push_back(windows);
  });
  return all;
}

/// Whether a constant of this shape may be the mask: [nW, N, N] and ones.
static bool hasMaskShape(const ShiftedWindows &windows,
                         ArrayRef<int64_t> shape) {
  auto dropUnits = [](ArrayRef<int64_t> sizes) {
    return SmallVector<int64_t>(
        llvm::make_filter_range(sizes, [](int64_t size) { return size != 1; }));
  };
  int64_t numTokens = windows.getNumTokens();
  return dropUnits(shape) ==
         dropUnits({windows.getNumWindows(), numTokens, numTokens});
}

/// The number that is between all tokens of different regions, if 0 is between
/// all others.
static std::optional<double> getMaskValue(const ShiftedWindows &windows,
                                          DenseElementsAttr mask) {
  std::optional<double> value;
  auto element = mask.getValues<APFloat>().begin();
  for (ArrayRef<int32_t> tokens : getRegions(windows)) {
    for (int32_t query : tokens) {
      for (int32_t key : tokens) {
        APFloat number = *element++;
        if (query == key) {
          if (!number.isZero())
            return std::nullopt;
          continue;
        }
        double found = FloatAttr::getValueAsDouble(number);
        if (found == 0 || (value && found != *value))
          return std::nullopt;
        value = found;
      }
    }
  }
  return value;
}

/// Whether all elements are 0 or one other number.
static bool isMask(DenseElementsAttr elements) {
  std::optional<double> value;
  for (APFloat number : elements.getValues<APFloat>()) {
    double found = FloatAttr::getValueAsDouble(number);
    if (found == 0)
      continue;
    if (value && found != *value)
      return false;
    value = found;
  }
  return value.has_value();
}

static Value buildMask(OpBuilder &builder, Location loc,
                       const ShiftedWindows &windows, Type elementType,
                       double value) {
  int64_t numTokens = windows.getNumTokens();
  auto type = RankedTensorType::get(
      {windows.getNumWindows(), 1, numTokens, numTokens}, elementType);
  return ShiftMaskOp::create(builder, loc, type,
                             ArrayRef<int64_t>(windows.size),
                             ArrayRef<int64_t>(windows.window),
                             ArrayRef<int64_t>(windows.shift), APFloat(value));
}

static LogicalResult raiseShiftMask(Operation *constant,
                                    ArrayRef<ShiftedWindows> allWindows,
                                    vitc::Evaluator &evaluator,
                                    RewriterBase &rewriter) {
  Value result = constant->getResult(0);
  auto type = dyn_cast<RankedTensorType>(result.getType());
  if (!type || !isa<FloatType>(type.getElementType()) || !isMovable(result))
    return rewriter.notifyMatchFailure(constant, "no constant of floats");
  bool masksOthers = false;
  for (const ShiftedWindows &windows : allWindows) {
    if (!hasMaskShape(windows, type.getShape()))
      continue;
    DenseElementsAttr mask = evaluator.evaluate(result);
    std::optional<double> value =
        mask ? getMaskValue(windows, mask) : std::nullopt;
    if (!value) {
      masksOthers |= mask && isMask(mask);
      continue;
    }

    rewriter.setInsertionPoint(constant);
    Location loc = constant->getLoc();
    Value raised =
        buildMask(rewriter, loc, windows, type.getElementType(), *value);
    rewriter.replaceAllUsesWith(
        result, reshape(rewriter, loc, raised, type.getShape()));
    return success();
  }
  if (masksOthers)
    constant->emitRemark("not raised to vit.shift_mask: it masks other tokens "
                         "than those that the shifts in use bring together");
  return rewriter.notifyMatchFailure(constant, "is the mask of no windows");
}

//===----------------------------------------------------------------------===//
// Sums of a bias and a mask
//===----------------------------------------------------------------------===//

namespace {
/// A bias [1, H, N, N], the same for all windows, and the number of a mask.
struct BiasAndMask {
  DenseElementsAttr bias;
  float value;
};
} // namespace

/// The bias and the mask whose sum, rounded, is every bit of `sum`,
/// [nW, H, N, N] of f32. A window of one region has the bias alone.
static std::optional<BiasAndMask> splitSum(const ShiftedWindows &windows,
                                           DenseElementsAttr sum) {
  SmallVector<SmallVector<int32_t>> regions = getRegions(windows);
  auto *whole = llvm::find_if(regions, [](ArrayRef<int32_t> tokens) {
    return llvm::all_equal(tokens);
  });
  if (whole == regions.end())
    return std::nullopt;
  ArrayRef<int64_t> shape = sum.getType().getShape();
  int64_t heads = shape[1], numTokens = shape[2];
  int64_t perWindow = heads * numTokens * numTokens;
  auto all = llvm::to_vector(sum.getValues<float>());
  ArrayRef<float> bias = ArrayRef(all).slice(
      std::distance(regions.begin(), whole) * perWindow, perWindow);

  std::optional<float> value;
  for (auto [index, found] : llvm::enumerate(all)) {
    float expected = bias[index % perWindow];
    ArrayRef<int32_t> tokens = regions[index / perWindow];
    int32_t query = tokens[index / numTokens % numTokens];
    if (query != tokens[index % numTokens]) {
      if (!value)
        value = std::round(found - expected);
      expected += *value;
    }
    if (found != expected)
      return std::nullopt;
  }
  if (!value)
    return std::nullopt;
  return BiasAndMask{
      DenseElementsAttr::get(
          sum.getType().clone({1, heads, numTokens, numTokens}), bias),
      *value};
}

/// Gives attention the bias and the mask that its one addend is the sum of.
static LogicalResult splitAddend(AttentionOp attention,
                                 ArrayRef<ShiftedWindows> allWindows,
                                 vitc::Evaluator &evaluator,
                                 RewriterBase &rewriter) {
  if (!attention.getBias() == !attention.getMask())
    return rewriter.notifyMatchFailure(attention, "has not one addend");
  Value addend =
      attention.getBias() ? attention.getBias() : attention.getMask();
  auto type = cast<RankedTensorType>(addend.getType());
  if (!type.getElementType().isF32())
    return rewriter.notifyMatchFailure(attention, "addend is not of f32");
  bool isOtherSum = false;
  for (const ShiftedWindows &windows : allWindows) {
    if (type.getDimSize(0) != windows.getNumWindows() ||
        type.getDimSize(2) != windows.getNumTokens() ||
        type.getDimSize(3) != windows.getNumTokens())
      continue;
    DenseElementsAttr sum = evaluator.evaluate(addend);
    std::optional<BiasAndMask> parts =
        sum ? splitSum(windows, sum) : std::nullopt;
    if (!parts) {
      // One window may have a bias alone; raiseShiftMask has reported a mask.
      isOtherSum |= sum && windows.getNumWindows() > 1 && !isMask(sum);
      continue;
    }

    rewriter.setInsertionPoint(attention);
    Location loc = addend.getLoc();
    Value bias =
        ConstantOp::create(rewriter, loc, WeightExprAttr::data(parts->bias));
    Value mask =
        buildMask(rewriter, loc, windows, rewriter.getF32Type(), parts->value);
    rewriter.modifyOpInPlace(attention, [&] {
      attention.getBiasMutable().assign(bias);
      attention.getMaskMutable().assign(mask);
    });
    return success();
  }
  if (isOtherSum)
    attention->emitRemark("its addend ")
        << type << " is not split into bias and vit.shift_mask: it is no sum "
        << "of one bias for all windows and their mask";
  return rewriter.notifyMatchFailure(attention, "addend is no such sum");
}

namespace {
struct RaiseShiftMaskPass final
    : vitc::vit::impl::RaiseShiftMaskPassBase<RaiseShiftMaskPass> {
  using Base::Base;
  void runOnOperation() override {
    SmallVector<ShiftedWindows> windows = getShiftedWindows(getOperation());
    if (windows.empty())
      return;
    IRRewriter rewriter(&getContext());
    raiseShiftMasks(windows, rewriter);
    eraseDeadOps(getOperation(), rewriter);
  }

  void raiseShiftMasks(ArrayRef<ShiftedWindows> windows,
                       RewriterBase &rewriter) {
    vitc::Evaluator evaluator(getOperation()->getParentOfType<ModuleOp>());
    getOperation().walk([&](Operation *op) {
      auto attention = dyn_cast<AttentionOp>(op);
      if ((op->hasTrait<OpTrait::ConstantLike>() &&
           succeeded(raiseShiftMask(op, windows, evaluator, rewriter))) ||
          (attention &&
           succeeded(splitAddend(attention, windows, evaluator, rewriter))))
        ++numRaised;
    });
  }
};
} // namespace
