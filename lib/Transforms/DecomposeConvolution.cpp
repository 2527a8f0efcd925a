//===- DecomposeConvolution.cpp - Convolutions of fewer products ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two neighbours of a convolution with three taps and a stride of 2,
//   y0 = w0 x0 + w1 x1 + w2 x2,  y1 = w0 x2 + w1 x3 + w2 x4,
// share x2. With s = (w0 + w2) x2 they are
//   y0 = s + w0 (x0 - x2) + w1 x1,  y1 = s + w2 (x4 - x2) + w1 x3,
// five products instead of six (Winograd 1980, minimal filtering F(2, 2) of the
// taps that share inputs). Along rows and columns at once four results take 25
// instead of 36, in nine sums over channels. Each sum is a vit.linear of all
// 2 x 2 tiles, whose inputs are differences of pixels and whose weights are
// sums of taps; its terms lie side by side as input channels:
//   %sums = concat of nine vit.linear            // [B, 9 T, T', O]
//   %y = activation(four of them for each pixel) // [B, H, W, O]
// Nothing but additions surrounds the products, which keeps the error near that
// of the direct sum.
//
//===----------------------------------------------------------------------===//

#include "BatchSize.h"
#include "ConstantWeight.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"
#include "vitc/Analysis/BatchMultiple.h"
#include "vitc/Transforms/Passes.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

namespace vitc::vit {
#define GEN_PASS_DEF_DECOMPOSECONVOLUTIONPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

namespace {
/// A product along one dim: a sum of taps times an input, or times the
/// difference of two.
struct Term {
  ArrayRef<int64_t> taps;
  int64_t input;
  std::optional<int64_t> subtrahend = std::nullopt;
};
} // namespace

static constexpr int64_t kTaps = 3, kStride = 2;
/// Results of a tile along a dim, and the inputs from one tile to the next.
static constexpr int64_t kTileResults = 2;
static constexpr int64_t kTileInputs = kTileResults * kStride;

static constexpr int64_t kFirst[] = {0}, kMiddle[] = {1}, kLast[] = {2},
                         kOuter[] = {0, 2};
static const Term kFirstTerms[] = {{kFirst, 0, 2}, {kMiddle, 1}};
static const Term kSharedTerms[] = {{kOuter, 2}};
static const Term kLastTerms[] = {{kLast, 4, 2}, {kMiddle, 3}};
/// The sums of a tile along one dim: result r is that of kShared and of 2 r.
static const ArrayRef<Term> kSums[] = {kFirstTerms, kSharedTerms, kLastTerms};
static constexpr int64_t kNumSums = std::size(kSums);
static constexpr int64_t kShared = 1;

/// Products of a tile, of all sums.
static constexpr int64_t kTileProducts = 25;
/// What is done beside them, in multiply-adds: for each channel of a tile,
/// which is read 49 times and written 25 times from the nearest caches; for
/// each output of a tile, of which nine sums are written and 16 read; for each
/// pair of channels, whose 16 more weights come from memory.
static constexpr int64_t kInputCost = 250, kResultCost = 60, kWeightCost = 100;

/// Bytes of an image that lie between the products at most, as caches hold
/// them: the input with what tiles share, and all sums.
static constexpr int64_t kMaxBytes = int64_t(12) << 20;

static int64_t countTiles(RankedTensorType result) {
  return llvm::divideCeil(result.getDimSize(2), kTileResults) *
         llvm::divideCeil(result.getDimSize(3), kTileResults);
}

/// Whether it has the taps and the stride that are decomposed.
static bool isCandidate(Conv2dOp conv) {
  auto isAll = [](ArrayRef<int64_t> values, int64_t expected) {
    return llvm::all_of(values,
                        [&](int64_t value) { return value == expected; });
  };
  return isAll(conv.getFilter().getType().getShape().take_back(2), kTaps) &&
         isAll(conv.getStride(), kStride) && isAll(conv.getDilation(), 1) &&
         conv.getGroups() == 1;
}

/// Why it stays one product; empty if it need not.
static std::string getObstacle(Conv2dOp conv) {
  RankedTensorType result = conv.getType(), filter = conv.getFilter().getType();
  if (conv.getResidual())
    return "it has a residual";
  if (auto before = conv.getInput().getDefiningOp<linalg::GenericOp>();
      before && before.getNumParallelLoops() == before.getNumLoops())
    return "it applies what computes its input, as it reads that";
  if (conv.getActivation() != Activation::None &&
      conv.getActivation() != Activation::Relu)
    return llvm::formatv("it has the activation {0}; ReLU is known",
                         stringifyActivation(conv.getActivation()));
  if (!getConstantWeight(conv.getFilter()) ||
      !filter.getElementType().isF32() || !result.getElementType().isF32())
    return "its filter is no f32 constant";
  if (!hasMixedSizes(conv, result) ||
      (!result.hasStaticShape() && !vitc::getBatchMultiple(conv.getInput())))
    return llvm::formatv("no argument has the dynamic size of {0}", result);
  return "";
}

/// The same for its cost.
static std::string getCostObstacle(Conv2dOp conv) {
  RankedTensorType result = conv.getType();
  int64_t inputs = conv.getInput().getType().getDimSize(1);
  int64_t outputs = result.getDimSize(1), tiles = countTiles(result);
  int64_t pixels = result.getDimSize(2) * result.getDimSize(3);
  int64_t direct = kTaps * kTaps * pixels * inputs * outputs;
  int64_t decomposed =
      (kTileProducts * tiles + kWeightCost) * inputs * outputs +
      tiles * (kInputCost * inputs + kResultCost * outputs);
  if (decomposed >= direct)
    return llvm::formatv("that costs as much as {0} multiply-adds, not {1}",
                         decomposed, direct);
  int64_t bytes = tiles *
                  (kTileProducts * inputs + kNumSums * kNumSums * outputs) *
                  static_cast<int64_t>(sizeof(float));
  if (bytes > kMaxBytes)
    return llvm::formatv("its sums and their inputs take {0} bytes an image, "
                         "more than caches hold",
                         bytes);
  return "";
}

namespace {
/// Builds what a convolution becomes.
class Decomposition {
public:
  Decomposition(Conv2dOp conv, OpBuilder &builder)
      : conv(conv), b(conv.getLoc(), builder),
        multiple(vitc::getBatchMultiple(conv.getInput()).value_or(1)) {}
  Value build();

private:
  /// The input with its border, up to the last pixel that a tile reads.
  Value pad();
  /// [B, T, T', C]: what the taps of a pair of terms are multiplied with.
  Value buildInput(Value padded, const Term &row, const Term &column);
  /// [C, O]: the sum of their taps.
  WeightExprAttr getWeights(const Term &row, const Term &column);
  /// [B, T, T', O].
  Value buildSum(Value padded, int64_t row, int64_t column);
  /// The result's [B, H, W, O] from all sums.
  Value buildResult(Value sums);
  Value buildEmpty(RankedTensorType type);
  /// Computes [B, Y, X, C] of `shape`; `maps` leads from these to `inputs`.
  Value buildElementwise(
      ArrayRef<int64_t> shape, ValueRange inputs, ArrayRef<AffineMap> maps,
      llvm::function_ref<Value(OpBuilder &, Location, ValueRange)> body);
  int64_t countTiles(unsigned dim) {
    return llvm::divideCeil(conv.getType().getDimSize(dim), kTileResults);
  }

  Conv2dOp conv;
  ImplicitLocOpBuilder b;
  int64_t multiple;
};
} // namespace

Value Decomposition::buildEmpty(RankedTensorType type) {
  return tensor::EmptyOp::create(b, getMixedSizes(b, type, multiple),
                                 type.getElementType());
}

Value Decomposition::buildElementwise(
    ArrayRef<int64_t> shape, ValueRange inputs, ArrayRef<AffineMap> maps,
    llvm::function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  auto type = conv.getType().clone(shape);
  SmallVector<AffineMap> indexing(maps);
  indexing.push_back(b.getMultiDimIdentityMap(shape.size()));
  SmallVector<utils::IteratorType> iterators(shape.size(),
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, TypeRange(type), inputs, ValueRange(buildEmpty(type)), indexing,
             iterators,
             [&](OpBuilder &builder, Location loc, ValueRange arguments) {
               linalg::YieldOp::create(
                   builder, loc, body(builder, loc, arguments.drop_back()));
             })
      .getResult(0);
}

Value Decomposition::pad() {
  RankedTensorType type = conv.getInput().getType();
  SmallVector<OpFoldResult> low(4, b.getIndexAttr(0)), high(low);
  SmallVector<int64_t> shape(type.getShape());
  for (unsigned dim : {2, 3}) {
    int64_t before = conv.getPad()[dim - 2];
    int64_t size = countTiles(dim) * kTileInputs + 1;
    low[dim] = b.getIndexAttr(before);
    // What a stride leaves over may be cut off.
    high[dim] =
        b.getIndexAttr(std::max<int64_t>(0, size - before - shape[dim]));
    shape[dim] = std::max(size, before + shape[dim]);
  }
  Value zero = arith::ConstantOp::create(b, b.getF32FloatAttr(0));
  return tensor::PadOp::create(b, type.clone(shape), conv.getInput(), low, high,
                               zero);
}

Value Decomposition::buildInput(Value padded, const Term &row,
                                const Term &column) {
  AffineExpr n, y, x, c;
  bindDims(b.getContext(), n, y, x, c);
  SmallVector<AffineMap> maps;
  auto add = [&](int64_t i, int64_t j) {
    maps.push_back(
        AffineMap::get(4, 0, {n, c, y * kTileInputs + i, x * kTileInputs + j},
                       b.getContext()));
  };
  // The difference along columns, then that of two such along rows.
  auto addColumns = [&](int64_t i) {
    add(i, column.input);
    if (column.subtrahend)
      add(i, *column.subtrahend);
  };
  addColumns(row.input);
  if (row.subtrahend)
    addColumns(*row.subtrahend);
  RankedTensorType type = conv.getInput().getType();
  SmallVector<Value> inputs(maps.size(), padded);
  return buildElementwise(
      {type.getDimSize(0), countTiles(2), countTiles(3), type.getDimSize(1)},
      inputs, maps, [&](OpBuilder &builder, Location loc, ValueRange pixels) {
        auto subtract = [&](Value left, Value right) -> Value {
          return arith::SubFOp::create(builder, loc, left, right);
        };
        auto getColumns = [&](ValueRange part) {
          return part.size() == 2 ? subtract(part[0], part[1]) : part[0];
        };
        if (!row.subtrahend)
          return getColumns(pixels);
        size_t half = pixels.size() / 2;
        return subtract(getColumns(pixels.take_front(half)),
                        getColumns(pixels.drop_front(half)));
      });
}

WeightExprAttr Decomposition::getWeights(const Term &row, const Term &column) {
  WeightExprAttr filter = getConstantWeight(conv.getFilter());
  ArrayRef<int64_t> shape = filter.getType().getShape();
  int64_t outputs = shape[0], inputs = shape[1];
  WeightExprAttr taps =
      WeightExprAttr::reshape(WeightExprAttr::transpose(filter, {2, 3, 1, 0}),
                              {kTaps * kTaps * inputs, outputs});
  WeightExprAttr sum;
  for (int64_t i : row.taps)
    for (int64_t j : column.taps) {
      WeightExprAttr tap =
          WeightExprAttr::slice(taps, (i * kTaps + j) * inputs, inputs);
      sum = sum ? WeightExprAttr::add(sum, tap) : tap;
    }
  return sum;
}

Value Decomposition::buildSum(Value padded, int64_t row, int64_t column) {
  SmallVector<Value> inputs;
  SmallVector<WeightExprAttr> weights;
  for (const Term &rowTerm : kSums[row])
    for (const Term &columnTerm : kSums[column]) {
      inputs.push_back(buildInput(padded, rowTerm, columnTerm));
      weights.push_back(getWeights(rowTerm, columnTerm));
    }
  Value input = inputs.size() == 1
                    ? inputs.front()
                    : tensor::ConcatOp::create(b, /*dim=*/3, inputs);
  Value weight = ConstantOp::create(
      b, WeightExprAttr::transpose(WeightExprAttr::concat(weights), {1, 0}));
  // Each pixel has the shared sum.
  bool isShared = row == kShared && column == kShared;
  return LinearOp::create(b, input, weight, isShared ? conv.getBias() : Value(),
                          /*residual=*/Value(), Activation::None, NormAttr());
}

Value Decomposition::buildResult(Value sums) {
  AffineExpr n, y, x, c;
  bindDims(b.getContext(), n, y, x, c);
  int64_t rows = countTiles(2);
  SmallVector<AffineMap> maps;
  auto add = [&](AffineExpr row, AffineExpr column) {
    maps.push_back(AffineMap::get(
        4, 0,
        {n, (row * kNumSums + column) * rows + y.floorDiv(kTileResults),
         x.floorDiv(kTileResults), c},
        b.getContext()));
  };
  AffineExpr shared = b.getAffineConstantExpr(kShared);
  AffineExpr row = y % kTileResults * 2, column = x % kTileResults * 2;
  for (AffineExpr i : {row, shared})
    for (AffineExpr j : {column, shared})
      add(i, j);
  ArrayRef<int64_t> shape = conv.getType().getShape();
  SmallVector<Value> inputs(maps.size(), sums);
  return buildElementwise(
      {shape[0], shape[2], shape[3], shape[1]}, inputs, maps,
      [&](OpBuilder &builder, Location loc, ValueRange parts) {
        auto sum = [&](Value left, Value right) -> Value {
          return arith::AddFOp::create(builder, loc, left, right);
        };
        Value value = sum(sum(parts[0], parts[1]), sum(parts[2], parts[3]));
        if (conv.getActivation() == Activation::None)
          return value;
        Value zero =
            arith::ConstantOp::create(builder, loc, b.getF32FloatAttr(0));
        return arith::MaximumFOp::create(builder, loc, value, zero).getResult();
      });
}

Value Decomposition::build() {
  Value padded = pad();
  SmallVector<Value> sums;
  for (int64_t row = 0; row < kNumSums; ++row)
    for (int64_t column = 0; column < kNumSums; ++column)
      sums.push_back(buildSum(padded, row, column));
  Value all = tensor::ConcatOp::create(b, /*dim=*/1, sums);
  return linalg::TransposeOp::create(b, buildResult(all),
                                     buildEmpty(conv.getType()),
                                     ArrayRef<int64_t>{0, 3, 1, 2})
      ->getResult(0);
}

namespace {
struct DecomposeConvolutionPass final
    : vitc::vit::impl::DecomposeConvolutionPassBase<DecomposeConvolutionPass> {
  using Base::Base;
  void runOnOperation() override {
    SmallVector<Conv2dOp> convolutions;
    getOperation().walk([&](Conv2dOp conv) {
      if (!isCandidate(conv))
        return;
      std::string reason = getObstacle(conv);
      if (reason.empty())
        reason = getCostObstacle(conv);
      if (reason.empty())
        convolutions.push_back(conv);
      else
        conv.emitRemark("not decomposed: ") << reason;
    });
    IRRewriter rewriter(&getContext());
    for (Conv2dOp conv : convolutions) {
      rewriter.setInsertionPoint(conv);
      rewriter.replaceOp(conv, Decomposition(conv, rewriter).build());
      ++numDecomposed;
    }
  }
};
} // namespace
