//===- ChannelAffine.cpp - Constants for each channel ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChannelAffine.h"

#include "ConstantWeight.h"
#include "Match.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace vitc::vit;

//===----------------------------------------------------------------------===//
// One op
//===----------------------------------------------------------------------===//

namespace {
/// A product, quotient, sum or difference of a tensor and constants.
struct ChannelOp {
  Value tensor;
  Operation *scalarOp;
  /// One of these: a number, or a vector along `dim`.
  std::optional<double> number;
  Value vector;
  std::optional<unsigned> dim;
};
} // namespace

/// The dim along which a constant of several elements differs; none where it is
/// several.
static std::optional<unsigned> getVectorDim(const ElementwiseOperand &operand) {
  std::optional<unsigned> dim;
  auto type = cast<RankedTensorType>(operand.tensor.getType());
  for (auto [size, index] :
       llvm::zip(type.getShape(), operand.map.getResults())) {
    if (size == 1)
      continue;
    auto expr = dyn_cast<AffineDimExpr>(index);
    if (!expr || dim)
      return std::nullopt;
    dim = expr.getPosition();
  }
  return dim;
}

static bool isF32(Value tensor) { return getElementTypeOrSelf(tensor).isF32(); }

/// 1 / x for each element of a `data` expression; none for others, and where
/// one of them is 0.
static std::optional<SmallVector<float>> getReciprocals(Value constant) {
  WeightExprAttr expr = getConstantWeight(constant);
  while (expr && expr.getKind() == WeightExprKind::Reshape)
    expr = expr.getExprOperand(0);
  if (!expr || expr.getKind() != WeightExprKind::Data)
    return std::nullopt;
  SmallVector<float> reciprocals;
  for (float value :
       cast<DenseElementsAttr>(expr.getOperands()[0]).getValues<float>()) {
    if (value == 0)
      return std::nullopt;
    reciprocals.push_back(1 / value);
  }
  return reciprocals;
}

static std::optional<ChannelOp> matchChannelOp(Value result) {
  std::optional<Elementwise> op = matchElementwise(result);
  if (!op || !isF32(result) ||
      !op->is<arith::MulFOp, arith::DivFOp, arith::AddFOp, arith::SubFOp>())
    return std::nullopt;
  bool commutes = op->is<arith::MulFOp, arith::AddFOp>();
  for (unsigned index : {0, 1}) {
    const ElementwiseOperand &tensor = op->operands[index];
    const ElementwiseOperand &constant = op->operands[1 - index];
    if (!tensor.isIdentity() || tensor.scalar || (index == 1 && !commutes) ||
        tensor.tensor.getType() != result.getType())
      continue;
    ChannelOp match{tensor.tensor, op->scalarOp, constant.scalar, {}, {}};
    if (constant.scalar) {
      if (*constant.scalar == 0 && op->is<arith::DivFOp>())
        return std::nullopt;
      return match;
    }
    if (!constant.tensor || !getConstantWeight(constant.tensor) ||
        !isF32(constant.tensor))
      continue;
    match.vector = constant.tensor;
    match.dim = getVectorDim(constant);
    // There is no expression for the reciprocals of stored weights.
    if (match.dim && (!op->is<arith::DivFOp>() || getReciprocals(match.vector)))
      return match;
  }
  return std::nullopt;
}

/// A vector of `size` equal elements.
static WeightExprAttr getSplat(MLIRContext *context, double number,
                               int64_t size) {
  auto type = RankedTensorType::get(size, Float32Type::get(context));
  return WeightExprAttr::data(
      DenseElementsAttr::get(type, static_cast<float>(number)));
}

/// What `op` multiplies by or adds, as a vector of `size`.
static WeightExprAttr getVector(const ChannelOp &op, int64_t size) {
  MLIRContext *context = op.scalarOp->getContext();
  bool divides = isa<arith::DivFOp>(op.scalarOp);
  bool subtracts = isa<arith::SubFOp>(op.scalarOp);
  if (op.number)
    return getSplat(context,
                    divides     ? 1 / *op.number
                    : subtracts ? -*op.number
                                : *op.number,
                    size);
  WeightExprAttr vector = getConstantWeight(op.vector);
  if (divides) {
    auto type = RankedTensorType::get(size, Float32Type::get(context));
    return WeightExprAttr::data(
        DenseElementsAttr::get(type, ArrayRef(*getReciprocals(op.vector))));
  }
  if (vector.getType().getRank() != 1)
    vector = WeightExprAttr::reshape(vector, {size});
  if (subtracts)
    vector = WeightExprAttr::scale(vector, getSplat(context, -1, size), 0);
  return vector;
}

//===----------------------------------------------------------------------===//
// Chains of ops
//===----------------------------------------------------------------------===//

std::optional<ChannelAffine> vitc::vit::matchChannelAffine(Value result) {
  ChannelAffine affine;
  affine.input = result;
  while (std::optional<ChannelOp> op = matchChannelOp(affine.input)) {
    if (op->dim && !affine.isAlong(*op->dim))
      break;
    if (!affine.ops.empty() && !affine.input.hasOneUse())
      break;
    if (op->dim)
      affine.dim = op->dim;
    affine.hasOffset |= isa<arith::AddFOp, arith::SubFOp>(op->scalarOp);
    affine.ops.insert(affine.ops.begin(), affine.input.getDefiningOp());
    affine.input = op->tensor;
  }
  return affine.ops.empty() ? std::nullopt : std::optional(affine);
}

bool vitc::vit::isContinued(const ChannelAffine &affine) {
  Value result = affine.ops.back()->getResult(0);
  if (!result.hasOneUse())
    return false;
  Operation *user = *result.getUsers().begin();
  if (user->getNumResults() != 1)
    return false;
  std::optional<ChannelOp> next = matchChannelOp(user->getResult(0));
  return next && next->tensor == result &&
         (!next->dim || affine.isAlong(*next->dim));
}

bool vitc::vit::isIdentity(const ChannelAffine &affine) {
  return llvm::all_of(affine.ops, [](Operation *op) {
    ChannelOp match = *matchChannelOp(op->getResult(0));
    return match.number ==
           (isa<arith::AddFOp, arith::SubFOp>(match.scalarOp) ? 0.0 : 1.0);
  });
}

ChannelConstants vitc::vit::getChannelConstants(const ChannelAffine &affine,
                                                int64_t size) {
  ChannelConstants constants;
  for (Operation *op : affine.ops) {
    ChannelOp match = *matchChannelOp(op->getResult(0));
    WeightExprAttr vector = getVector(match, size);
    WeightExprAttr &offset = constants.offset, &factor = constants.factor;
    if (isa<arith::AddFOp, arith::SubFOp>(match.scalarOp)) {
      offset = offset ? WeightExprAttr::add(offset, vector) : vector;
      continue;
    }
    factor = factor ? WeightExprAttr::scale(factor, vector, 0) : vector;
    if (offset)
      offset = WeightExprAttr::scale(offset, vector, 0);
  }
  return constants;
}

//===----------------------------------------------------------------------===//
// Parameters of a product
//===----------------------------------------------------------------------===//

Value vitc::vit::getWeight(Operation *product) {
  if (auto linear = dyn_cast<LinearOp>(product))
    return linear.getWeight();
  return cast<Conv2dOp>(product).getFilter();
}

Value vitc::vit::getBias(Operation *product) {
  if (auto linear = dyn_cast<LinearOp>(product))
    return linear.getBias();
  return cast<Conv2dOp>(product).getBias();
}

void vitc::vit::setParameters(Operation *product, WeightExprAttr weight,
                              WeightExprAttr bias, Location loc,
                              RewriterBase &rewriter) {
  rewriter.setInsertionPoint(product);
  auto create = [&](WeightExprAttr expr) -> Value {
    return ConstantOp::create(rewriter, loc, expr);
  };
  rewriter.modifyOpInPlace(product, [&] {
    product->setLoc(loc);
    auto linear = dyn_cast<LinearOp>(product);
    auto conv = dyn_cast<Conv2dOp>(product);
    (linear ? linear.getWeightMutable() : conv.getFilterMutable())
        .assign(create(weight));
    if (bias)
      (linear ? linear.getBiasMutable() : conv.getBiasMutable())
          .assign(create(bias));
  });
}

/// Why the constants of `affine` cannot become part of `product`, which
/// computes its input; empty where they can.
static std::string getObstacle(const ChannelAffine &affine,
                               const MovedProduct &product) {
  if (!affine.input.hasOneUse())
    return "the product before it has another user";
  if (product.getActivation() != Activation::None || product.getResidual())
    return "the product before it has an activation or a residual";
  std::optional<unsigned> channels = product.getChannelDim();
  if (!channels || !affine.isAlong(*channels))
    return "its constants are not one for each channel of the product before "
           "it";
  Value bias = getBias(product.product);
  if (!getConstantWeight(getWeight(product.product)) ||
      (bias && !getConstantWeight(bias)))
    return "the weight or the bias of the product before it is computed";
  if (!isF32(getWeight(product.product)) || (bias && !isF32(bias)))
    return "the weight or the bias of the product before it is not of f32";
  return "";
}

LogicalResult vitc::vit::foldIntoProduct(const ChannelAffine &affine,
                                         StringRef what,
                                         RewriterBase &rewriter) {
  Operation *last = affine.ops.back();
  std::optional<MovedProduct> found = getMovedProduct(affine.input);
  if (!found)
    return rewriter.notifyMatchFailure(last, "no product comes before it");
  const MovedProduct &product = *found;
  if (std::string obstacle = getObstacle(affine, product); !obstacle.empty()) {
    if (affine.dim)
      last->emitRemark(what) << " not folded into weights: " << obstacle;
    return failure();
  }
  WeightExprAttr weight = getConstantWeight(getWeight(product.product));
  WeightExprAttr bias = getConstantWeight(getBias(product.product));
  auto [factor, offset] =
      getChannelConstants(affine, weight.getType().getDimSize(0));
  if (factor) {
    weight = WeightExprAttr::scale(weight, factor, /*dim=*/0);
    if (bias)
      bias = WeightExprAttr::scale(bias, factor, /*dim=*/0);
  }
  if (offset)
    bias = bias ? WeightExprAttr::add(bias, offset) : offset;

  SmallVector<Location> locs = {product.product->getLoc()};
  for (Operation *op : affine.ops)
    locs.push_back(op->getLoc());
  setParameters(product.product, weight, bias, rewriter.getFusedLoc(locs),
                rewriter);
  eraseAffine(affine, rewriter);
  return success();
}

void vitc::vit::eraseAffine(const ChannelAffine &affine,
                            RewriterBase &rewriter) {
  rewriter.replaceAllUsesWith(affine.ops.back()->getResult(0), affine.input);
  for (Operation *op : llvm::reverse(affine.ops))
    rewriter.eraseOp(op);
}
