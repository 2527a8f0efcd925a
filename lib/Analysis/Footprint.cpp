//===- Footprint.cpp - What an op computes and moves ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Analysis/Footprint.h"

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "vitc/Analysis/BatchMultiple.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vitc;

Footprint &Footprint::operator+=(const Footprint &other) {
  multiplyAdds += other.multiplyAdds;
  otherFlops += other.otherFlops;
  bytes += other.bytes;
  return *this;
}

/// A size, for one item of the batch.
static int64_t getSize(Value tensor, int64_t dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  return type.isDynamicDim(dim) ? getBatchMultiple(tensor).value_or(1)
                                : type.getDimSize(dim);
}

int64_t vitc::getNumElements(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  int64_t elements = 1;
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    elements *= getSize(tensor, dim);
  return elements;
}

static int64_t getBytes(Value tensor) {
  Type element = cast<RankedTensorType>(tensor.getType()).getElementType();
  int64_t bits = element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 64;
  return getNumElements(tensor) * ((bits + 7) / 8);
}

//===----------------------------------------------------------------------===//
// FLOPs of vit ops
//===----------------------------------------------------------------------===//

int64_t vitc::getActivationFlops(vit::Activation activation) {
  switch (activation) {
  case vit::Activation::None:
    return 0;
  case vit::Activation::Gelu: // 0.5 * x * (1 + erf(x * c))
    return 5;
  case vit::Activation::GeluTanh: // with the cubic term
    return 9;
  case vit::Activation::GeluQuick: // x / (1 + exp(c * x))
    return 4;
  case vit::Activation::Silu: // x / (1 + exp(-x))
    return 4;
  case vit::Activation::Sigmoid: // 1 / (1 + exp(-x))
    return 4;
  case vit::Activation::Relu:
    return 1;
  }
  llvm_unreachable("all activations are covered");
}

/// Of `elements` that a product normalises before it reads them.
static int64_t countNorm(vit::NormAttr norm, int64_t elements) {
  if (!norm)
    return 0;
  return elements * (norm.getRms() ? kRmsNormFlops : kLayerNormFlops);
}

static Footprint count(vit::LinearOp op) {
  Footprint result;
  int64_t outputs = getNumElements(op.getResult());
  result.multiplyAdds = outputs * op.getWeight().getType().getDimSize(1);
  result.otherFlops =
      outputs * (bool(op.getBias()) + bool(op.getResidual()) +
                 getActivationFlops(op.getActivation())) +
      countNorm(op.getNormAttr(), getNumElements(op.getInput()));
  return result;
}

/// Products of every query with every key, and of every probability with every
/// value; addends and softmax on each score.
static Footprint countAttention(Value query, Value key, int64_t valueDim,
                                Value bias, Value mask) {
  Footprint result;
  int64_t scores = getSize(query, 0) * getSize(query, 1) * getSize(query, 2) *
                   getSize(key, 2);
  result.multiplyAdds = scores * (getSize(query, 3) + valueDim);
  result.otherFlops = scores * (kSoftmaxFlops + bool(bias) + bool(mask));
  return result;
}

static Footprint count(vit::AttentionOp op) {
  return countAttention(op.getQuery(), op.getKey(), getSize(op.getValue(), 3),
                        op.getBias(), op.getMask());
}

static Footprint count(vit::SoftmaxMatmulOp op) {
  Footprint result;
  int64_t scores = getNumElements(op.getScores());
  result.multiplyAdds = scores * getSize(op.getValue(), 3);
  result.otherFlops = scores * kSoftmaxFlops;
  return result;
}

static Footprint count(vit::AdditiveAttentionOp op) {
  // Adding, tanh, and the product with the weight.
  constexpr int64_t kTermFlops = 2;
  Footprint result;
  int64_t scores = getNumElements(op.getQuery()) / getSize(op.getQuery(), 2) *
                   getSize(op.getKey(), 1);
  int64_t terms = scores * getSize(op.getQuery(), 2);
  result.multiplyAdds = terms + scores * getSize(op.getValue(), 2);
  result.otherFlops = terms * kTermFlops + scores * kSoftmaxFlops;
  return result;
}

/// Sigmoids of three ops each, tanh, sums and products of a recurrent cell.
static Footprint count(vit::GruCellOp op) {
  Footprint result;
  result.otherFlops = getNumElements(op.getHidden()) * 15;
  return result;
}

static Footprint count(vit::LstmCellOp op) {
  Footprint result;
  result.otherFlops = getNumElements(op.getCell()) * 15;
  return result;
}

static Footprint count(vit::AttentionMapOp op) {
  return countAttention(op.getQuery(), op.getKey(), 0, op.getBias(),
                        op.getMask());
}

static Footprint count(vit::PatchEmbedOp op) {
  Footprint result;
  auto filter = cast<RankedTensorType>(op.getFilter().getType());
  int64_t patches = getSize(op.getImage(), 0) * op.getGridHeight() *
                    op.getGridWidth() * filter.getDimSize(0);
  result.multiplyAdds =
      patches * (filter.getNumElements() / filter.getDimSize(0));
  result.otherFlops =
      patches * bool(op.getBias()) +
      countNorm(op.getNormAttr(), getNumElements(op.getImage()));
  if (op.getPosition())
    result.otherFlops += getNumElements(op.getResult());
  return result;
}

static Footprint count(vit::Conv2dOp op) {
  Footprint result;
  auto filter = cast<RankedTensorType>(op.getFilter().getType());
  int64_t outputs = getNumElements(op.getResult());
  result.multiplyAdds =
      outputs * (filter.getNumElements() / filter.getDimSize(0));
  result.otherFlops = outputs * (bool(op.getBias()) + bool(op.getResidual()) +
                                 getActivationFlops(op.getActivation()));
  return result;
}

static Footprint count(vit::LayerNormOp op) {
  Footprint result;
  result.otherFlops =
      getNumElements(op.getResult()) *
      (kLayerNormFlops + bool(op.getScale()) + bool(op.getShift()));
  return result;
}

static Footprint count(vit::RmsNormOp op) {
  Footprint result;
  result.otherFlops =
      getNumElements(op.getResult()) * (kRmsNormFlops + bool(op.getScale()));
  return result;
}

static Footprint count(vit::GeluOp op) {
  Footprint result;
  result.otherFlops =
      getNumElements(op.getResult()) * getActivationFlops(op.getActivation());
  return result;
}

static Footprint count(vit::MeanTokensOp op) {
  Footprint result;
  result.otherFlops = getNumElements(op.getInput());
  return result;
}

//===----------------------------------------------------------------------===//
// FLOPs of linalg ops
//===----------------------------------------------------------------------===//

/// Iterations of a linalg op for one item of the batch.
static int64_t getNumIterations(linalg::LinalgOp op) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  int64_t iterations = 1;
  for (auto [loop, size] : llvm::enumerate(sizes)) {
    if (!ShapedType::isDynamic(size)) {
      iterations *= size;
      continue;
    }
    // The batch: an operand whose dim this loop is says how often.
    for (OpOperand &operand : op->getOpOperands()) {
      AffineMap map = op.getMatchingIndexingMap(&operand);
      for (auto [dim, expr] : llvm::enumerate(map.getResults()))
        if (expr == getAffineDimExpr(loop, op.getContext()))
          size = getSize(operand.get(), dim);
    }
    iterations *= std::max<int64_t>(size, 1);
  }
  return iterations;
}

static Footprint countLinalg(linalg::LinalgOp op) {
  Footprint result;
  int64_t iterations = getNumIterations(op);
  if (linalg::isaContractionOpInterface(op)) {
    result.multiplyAdds = iterations;
    return result;
  }
  int64_t ops = 0;
  for (Operation &inner : *op.getBlock())
    if (isa<math::MathDialect>(inner.getDialect()) ||
        (isa<arith::ArithDialect>(inner.getDialect()) &&
         !inner.hasTrait<OpTrait::ConstantLike>()))
      ++ops;
  result.otherFlops = iterations * ops;
  return result;
}

bool vitc::isDataMovement(Operation *op) {
  return isa<vit::SplitHeadsOp, vit::MergeHeadsOp, vit::WindowPartitionOp,
             vit::WindowReverseOp, vit::CyclicShiftOp, vit::PatchMergingOp,
             vit::ConstantOp, linalg::TransposeOp, linalg::BroadcastOp,
             linalg::FillOp>(op) ||
         isa<tensor::TensorDialect>(op->getDialect()) ||
         op->hasTrait<OpTrait::ConstantLike>();
}

Footprint vitc::getFootprint(Operation *op) {
  Footprint result;
  if (isDataMovement(op) || op->getNumResults() == 0 ||
      !llvm::all_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>))
    return result;
  // The rows alone are read and written.
  if (auto update = dyn_cast<vit::CacheUpdateOp>(op)) {
    result.bytes = 2 * getBytes(update.getRows());
    return result;
  }
  result =
      llvm::TypeSwitch<Operation *, Footprint>(op)
          .Case<vit::LinearOp, vit::AttentionOp, vit::AttentionMapOp,
                vit::PatchEmbedOp, vit::Conv2dOp, vit::LayerNormOp,
                vit::RmsNormOp, vit::GeluOp, vit::MeanTokensOp,
                vit::SoftmaxMatmulOp, vit::AdditiveAttentionOp, vit::GruCellOp,
                vit::LstmCellOp>([](auto op) { return count(op); })
          .Case<linalg::SoftmaxOp>([](linalg::SoftmaxOp softmax) {
            Footprint result;
            result.otherFlops = 5 * getNumElements(softmax.getInput());
            return result;
          })
          .Case<linalg::LinalgOp>(
              [](linalg::LinalgOp op) { return countLinalg(op); })
          .Default([](Operation *op) {
            Footprint result;
            if (OpTrait::hasElementwiseMappableTraits(op))
              result.otherFlops = getNumElements(op->getResult(0));
            return result;
          });
  auto destination = dyn_cast<DestinationStyleOpInterface>(op);
  for (OpOperand &operand : op->getOpOperands())
    if (isa<RankedTensorType>(operand.get().getType()) &&
        !(destination && destination.isDpsInit(&operand)))
      result.bytes += getBytes(operand.get());
  for (Value value : op->getResults())
    result.bytes += getBytes(value);
  return result;
}
