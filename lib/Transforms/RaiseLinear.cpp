//===- RaiseLinear.cpp - Products with constants -> vit.linear ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   %0 = linalg.contract ins(%x, %w)        // [B, N, K] x [K, M]
//   %1 = arith.addf %0, %b                  // [M], broadcast
// becomes
//   %1 = vit.linear %x, transpose(%w) bias(%b)
// Other orders of dims are transposed to this one and back: channels first, as
// convolutions of 1x1 write it. Linformer's projection of keys and values along
// the sequence stays a product, of [B, N, E] and [N, K] to [B, K, E], because a
// copy of the tokens would cost more than the product gains. The movement of
// constants is left to vit-fold-constants.
//
//===----------------------------------------------------------------------===//

#include "Axes.h"
#include "Match.h"
#include "SequenceProduct.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "vitc/Transforms/Passes.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>

namespace vitc::vit {
#define GEN_PASS_DEF_RAISELINEARPASS
#include "vitc/Transforms/Passes.h.inc"
} // namespace vitc::vit

using namespace mlir;
using namespace vitc::vit;

namespace {
/// A linear layer, and the axes of what it reads and writes.
struct LinearMatch {
  AxisSpace space;
  Value input, weight, bias;
  DimAxes inputDims, weightDims, biasDims;
  /// The dims of the input that are not contracted.
  DimAxes rowDims;
  AxisList contracted, channels;
  /// What the layer replaces.
  Value result;
  DimAxes resultDims;
};
} // namespace

/// Takes the addition of a constant to each channel, if that is all that reads
/// the product.
static void matchBias(LinearMatch &match) {
  if (!match.result.hasOneUse())
    return;
  Operation *user = *match.result.getUsers().begin();
  if (user->getNumResults() != 1)
    return;
  std::optional<Elementwise> add = matchElementwise(user->getResult(0));
  if (!add || !add->is<arith::AddFOp>())
    return;
  for (unsigned index : {0, 1}) {
    const ElementwiseOperand &product = add->operands[index];
    const ElementwiseOperand &bias = add->operands[1 - index];
    if (product.tensor != match.result || !product.isIdentity() ||
        !bias.tensor || !isMovedConstant(bias.tensor))
      continue;
    DimAxes dims = AxisSpace::compose(bias.map, match.resultDims);
    // A dim of size 1 has no axes, also where the map calls it by its index.
    auto type = cast<RankedTensorType>(bias.tensor.getType());
    if (flatten(dims) != match.channels ||
        type.getNumElements() != match.space.getSize(match.channels))
      continue;
    match.bias = bias.tensor;
    match.biasDims = dims;
    match.result = user->getResult(0);
    return;
  }
}

/// The axes of the dims that `map` reads in some of the loops, in its order.
static AxisList getAxes(AffineMap map, ArrayRef<unsigned> some,
                        ArrayRef<AxisList> loops) {
  AxisList axes;
  for (AffineExpr result : map.getResults()) {
    unsigned loop = cast<AffineDimExpr>(result).getPosition();
    if (llvm::is_contained(some, loop))
      llvm::append_range(axes, loops[loop]);
  }
  return axes;
}

/// Queries of attention pooling are a constant that is expanded to the batch
/// and projected then: project it once and expand the result.
static void dropBroadcasts(LinearMatch &match) {
  if (!isMovedConstant(match.input))
    return;
  while (match.space.stepUp(match.input, match.inputDims))
    ;
  AxisList present = flatten(match.inputDims);
  match.contracted = match.space.resolve(match.contracted);
  match.rowDims = match.space.resolveDims(match.rowDims);
  for (AxisList &dim : match.rowDims)
    llvm::erase_if(
        dim, [&](unsigned axis) { return !llvm::is_contained(present, axis); });
}

/// Where one operand is a constant but the product is no layer, `obstacle` says
/// why.
static std::optional<LinearMatch> matchProduct(linalg::LinalgOp op,
                                               std::string &obstacle) {
  auto isWeight = [](Value value) {
    auto type = dyn_cast<ShapedType>(value.getType());
    return type && type.hasStaticShape() && isMovedConstant(value);
  };
  if (op->getNumResults() != 1 ||
      llvm::count_if(op.getDpsInputs(), isWeight) != 1)
    return std::nullopt;
  Value result = op->getResult(0);
  std::optional<Contraction> product = matchContraction(result);
  if (!product) {
    obstacle = "it adds to another value than zero, or reads an operand other "
               "than in the order of its loops";
    return std::nullopt;
  }
  if (!isWeight(product->rhs))
    product = product->swapped();
  // What is computed from constants alone is one, unless it grows with the
  // batch.
  if (product->n.empty()) {
    obstacle = "its constant has no dim that is the result's alone; a weight "
               "has the output channels";
    return std::nullopt;
  }
  Type element = getElementTypeOrSelf(result);
  if (!isa<FloatType>(element) ||
      getElementTypeOrSelf(product->lhs) != element) {
    obstacle = llvm::formatv("it has an input of {0} and a result of {1}; both "
                             "must be of one float type",
                             getElementTypeOrSelf(product->lhs), element);
    return std::nullopt;
  }

  LinearMatch match;
  std::optional<DimAxes> input = match.space.addDims(product->lhs);
  std::optional<DimAxes> weight = match.space.addDims(product->rhs);
  if (!input || !weight) {
    obstacle = llvm::formatv("its input is {0}; needs static sizes but for one "
                             "dim, the batch",
                             product->lhs.getType());
    return std::nullopt;
  }
  DimAxes loops(product->sizes.size());
  bindLoops(loops, product->lhsMap, *input);
  bindLoops(loops, product->rhsMap, *weight);
  // A batch of one matrix is a matrix.
  for (unsigned loop : product->batch)
    if (!loops[loop].empty()) {
      obstacle = "its constant has a matrix for each item of a batch; a weight "
                 "is one matrix";
      return std::nullopt;
    }
  match.input = product->lhs;
  match.inputDims = *input;
  match.weight = product->rhs;
  match.weightDims = AxisSpace::compose(product->rhsMap, loops);
  match.result = result;
  match.resultDims = AxisSpace::compose(product->resultMap, loops);
  match.contracted = getAxes(product->lhsMap, product->k, loops);
  match.channels = getAxes(product->resultMap, product->n, loops);
  for (auto [dim, expr] : llvm::enumerate(product->lhsMap.getResults()))
    if (!llvm::is_contained(product->k,
                            cast<AffineDimExpr>(expr).getPosition()))
      match.rowDims.push_back((*input)[dim]);
  // A vector is a matrix of one row.
  if (match.rowDims.empty())
    match.rowDims.emplace_back();
  matchBias(match);
  dropBroadcasts(match);
  return match;
}

/// A convolution of 1x1 that reads what were tokens or whose result becomes
/// tokens; between feature maps it stays a convolution.
static std::optional<LinearMatch> matchConv2d(Conv2dOp conv) {
  auto isReshape = [](Operation *op) {
    return isa_and_nonnull<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op);
  };
  RankedTensorType filter = conv.getFilter().getType();
  if (filter.getDimSize(2) != 1 || filter.getDimSize(3) != 1 ||
      conv.getGroups() != 1 || conv.getActivation() != Activation::None ||
      conv.getResidual() ||
      llvm::any_of(conv.getStride(),
                   [](int64_t stride) { return stride != 1; }) ||
      llvm::any_of(conv.getPad(), [](int64_t pad) { return pad != 0; }) ||
      !isMovedConstant(conv.getFilter()) ||
      (conv.getBias() && !isMovedConstant(conv.getBias())) ||
      !(isReshape(conv.getInput().getDefiningOp()) ||
        llvm::any_of(conv->getUsers(), isReshape)))
    return std::nullopt;

  LinearMatch match;
  std::optional<DimAxes> input = match.space.addDims(conv.getInput());
  if (!input)
    return std::nullopt;
  DimAxes weight = *match.space.addDims(conv.getFilter());
  weight[1] = (*input)[1];
  match.input = conv.getInput();
  match.inputDims = *input;
  match.weight = conv.getFilter();
  match.weightDims = weight;
  match.contracted = weight[1];
  match.channels = weight[0];
  match.rowDims = {(*input)[0], (*input)[2], (*input)[3]};
  match.result = conv.getResult();
  match.resultDims = {(*input)[0], weight[0], (*input)[2], (*input)[3]};
  if (conv.getBias()) {
    match.bias = conv.getBias();
    match.biasDims = {match.channels};
  } else {
    matchBias(match);
  }
  return match;
}

namespace {
/// The output of a linear layer, and which of its dims is contracted.
struct Sequence {
  Value tokens;
  DimAxes dims;
  unsigned dim;
};
} // namespace

/// What a product that contracts along the sequence reads; none for a layer
/// along the channels, or one with a bias, which vit.linear adds.
static std::optional<Sequence> matchSequence(LinearMatch &match) {
  Sequence sequence = {match.input, match.inputDims, 0};
  while (match.space.stepUp(sequence.tokens, sequence.dims))
    ;
  AxisList contracted = match.space.resolve(match.contracted);
  auto *dim = llvm::find(sequence.dims, contracted);
  if (match.bias || !sequence.tokens.getDefiningOp<LinearOp>() ||
      dim == sequence.dims.end() || dim == sequence.dims.end() - 1)
    return std::nullopt;
  sequence.dim = dim - sequence.dims.begin();
  // Slices and broadcasts lie between.
  AxisList rows = flatten(match.space.resolveDims(match.inputDims));
  AxisList present = flatten(sequence.dims);
  llvm::sort(rows);
  llvm::sort(present);
  return rows == present ? std::optional(sequence) : std::nullopt;
}

/// The product of the tokens and the weights, in the order of the tokens' dims.
static void buildProjection(LinearMatch &match, const Sequence &sequence,
                            RewriterBase &rewriter) {
  Operation *product = match.result.getDefiningOp();
  rewriter.setInsertionPoint(product);
  Location loc = product->getLoc();
  AxisSpace &space = match.space;
  DimAxes resultDims = sequence.dims;
  resultDims[sequence.dim] = match.channels;
  Value weight =
      space.rearrange(rewriter, loc, match.weight, match.weightDims,
                      {match.channels, space.resolve(match.contracted)});

  Value projected = buildSequenceProduct(
      rewriter, loc, {sequence.tokens, weight, sequence.dim});
  rewriter.replaceOp(product,
                     space.rearrange(rewriter, loc, projected, resultDims,
                                     space.resolveDims(match.resultDims)));
}

static void buildLinear(LinearMatch &match, Operation *product,
                        RewriterBase &rewriter) {
  Operation *last = match.result.getDefiningOp();
  rewriter.setInsertionPoint(last);
  Location loc =
      last == product
          ? product->getLoc()
          : rewriter.getFusedLoc({product->getLoc(), last->getLoc()});
  AxisSpace &space = match.space;
  // Only the first dim of vit.linear may be dynamic.
  DimAxes rows = match.rowDims;
  auto growing = llvm::find_if(rows, [&](const AxisList &dim) {
    return ShapedType::isDynamic(space.getSize(dim));
  });
  if (growing != rows.end())
    std::rotate(rows.begin(), growing, growing + 1);
  DimAxes inputDims = rows, resultDims = rows;
  inputDims.push_back(match.contracted);
  resultDims.push_back(match.channels);
  Value input =
      space.rearrange(rewriter, loc, match.input, match.inputDims, inputDims);
  Value weight = space.rearrange(rewriter, loc, match.weight, match.weightDims,
                                 {match.channels, match.contracted});
  Value bias;
  if (match.bias)
    bias = space.rearrange(rewriter, loc, match.bias, match.biasDims,
                           {match.channels});
  Value linear = LinearOp::create(rewriter, loc, input, weight, bias, Value(),
                                  Activation::None, NormAttr());
  rewriter.replaceOp(last, space.rearrange(rewriter, loc, linear, resultDims,
                                           match.resultDims));
  if (last != product)
    rewriter.eraseOp(product);
}

namespace {
struct RaiseLinearPass final
    : vitc::vit::impl::RaiseLinearPassBase<RaiseLinearPass> {
  using Base::Base;
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<Operation *> products;
    getOperation().walk([&](Operation *op) {
      auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
      if (isa<Conv2dOp>(op) ||
          (linalgOp && linalg::isaContractionOpInterface(linalgOp)))
        products.push_back(op);
    });
    for (Operation *op : products) {
      auto conv = dyn_cast<Conv2dOp>(op);
      std::string obstacle;
      std::optional<LinearMatch> match =
          conv ? matchConv2d(conv)
               : matchProduct(cast<linalg::LinalgOp>(op), obstacle);
      if (!match) {
        if (!obstacle.empty())
          op->emitRemark("not raised to vit.linear: ") << obstacle;
        continue;
      }
      if (std::optional<Sequence> sequence = matchSequence(*match)) {
        buildProjection(*match, *sequence, rewriter);
        continue;
      }
      buildLinear(*match, op, rewriter);
      ++numRaised;
    }
  }
};
} // namespace
