//===- BatchMultiple.cpp - Dynamic sizes as multiples of the batch --------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Walks from a value to the argument its dynamic size comes from. No op that
// has one dynamic size changes the number of elements but by a static factor,
// so that the sizes on both sides of a reshape or a window op tell the factor.
//
//===----------------------------------------------------------------------===//

#include "vitc/Analysis/BatchMultiple.h"

#include "Kernel/KernelDialect.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;
using namespace vitc;

/// The product of a shaped type's static sizes.
static int64_t getStaticElements(Type type) {
  int64_t elements = 1;
  for (int64_t size : cast<ShapedType>(type).getShape())
    if (!ShapedType::isDynamic(size))
      elements *= size;
  return elements;
}

static bool hasDynamicSize(Value value) {
  auto type = dyn_cast<ShapedType>(value.getType());
  return type && type.hasRank() && !type.hasStaticShape();
}

namespace {
/// A value whose size, times `numerator` / `denominator`, is the one asked for.
struct Source {
  Value value;
  int64_t numerator = 1, denominator = 1;
};
} // namespace

/// Where a loop carries `value`, what it carried before; null elsewhere. It
/// carries values of one type.
static Value getLoopInit(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  Operation *op =
      argument ? argument.getOwner()->getParentOp() : value.getDefiningOp();
  unsigned number = argument ? argument.getArgNumber()
                             : cast<OpResult>(value).getResultNumber();
  if (auto loop = dyn_cast<scf::WhileOp>(op)) {
    if (argument && argument.getOwner() == loop.getBeforeBody())
      return loop.getInits()[number];
    return loop.getConditionOp().getArgs()[number];
  }
  auto loop = dyn_cast<scf::ForOp>(op);
  if (!loop || (argument && number < loop.getNumInductionVars()))
    return {};
  return loop
      .getInitArgs()[number - (argument ? loop.getNumInductionVars() : 0)];
}

/// One step from the size of a value toward the batch, or none.
static std::optional<Source> getSource(Value value) {
  Operation *op = value.getDefiningOp();
  if (Value init = getLoopInit(value))
    return Source{init};
  if (auto dim = dyn_cast<tensor::DimOp>(op))
    return Source{dim.getSource()};
  if (auto product = dyn_cast<arith::MulIOp>(op)) {
    for (auto [factor, other] :
         {std::pair(product.getLhs(), product.getRhs()),
          std::pair(product.getRhs(), product.getLhs())}) {
      IntegerAttr constant;
      if (matchPattern(factor, m_Constant(&constant)))
        return Source{other, constant.getInt()};
    }
    return std::nullopt;
  }
  if (auto quotient = dyn_cast<arith::DivUIOp>(op)) {
    IntegerAttr constant;
    if (matchPattern(quotient.getRhs(), m_Constant(&constant)) &&
        constant.getInt() > 0)
      return Source{quotient.getLhs(), 1, constant.getInt()};
    return std::nullopt;
  }
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return Source{empty.getDynamicSizes().front()};
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return Source{slice.getSizes().front()};
  if (auto map = dyn_cast<vit::AttentionMapOp>(op))
    return Source{map.getQuery(), 1, static_cast<int64_t>(map.getWindows())};
  if (auto concat = dyn_cast<tensor::ConcatOp>(op))
    if (concat.getResultType().isDynamicDim(concat.getDim()))
      return std::nullopt;
  if (auto destination = dyn_cast<DestinationStyleOpInterface>(op))
    return Source{destination.getDpsInits().front()};

  auto operand = llvm::find_if(op->getOperands(), hasDynamicSize);
  if (operand == op->operand_end())
    return std::nullopt;
  bool changesSize = isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp,
                         vit::WindowPartitionOp, vit::WindowReverseOp>(op);
  if (!changesSize)
    return Source{*operand};
  return Source{*operand, getStaticElements((*operand).getType()),
                getStaticElements(value.getType())};
}

std::optional<int64_t> vitc::getBatchMultiple(Value value) {
  // m is numerator / denominator.
  int64_t numerator = 1, denominator = 1;
  while (!isa<BlockArgument>(value) || getLoopInit(value)) {
    if (isa<ShapedType>(value.getType()) && !hasDynamicSize(value))
      return std::nullopt;
    std::optional<Source> source = getSource(value);
    if (!source || llvm::MulOverflow(numerator, source->numerator, numerator) ||
        llvm::MulOverflow(denominator, source->denominator, denominator) ||
        denominator == 0)
      return std::nullopt;
    int64_t common = std::gcd(numerator, denominator);
    numerator /= common;
    denominator /= common;
    value = source->value;
  }
  if (!hasDynamicSize(value) || numerator % denominator != 0)
    return std::nullopt;
  return numerator / denominator;
}

std::optional<KernelSize> vitc::getKernelSize(Value size) {
  if (IntegerAttr constant; matchPattern(size, m_Constant(&constant)))
    return KernelSize{constant.getInt(), /*timesBatch=*/false};
  if (size.getDefiningOp<kernel::BatchOp>())
    return KernelSize{1, /*timesBatch=*/true};
  auto product = size.getDefiningOp<arith::MulIOp>();
  if (!product)
    return std::nullopt;
  std::optional<KernelSize> lhs = getKernelSize(product.getLhs());
  std::optional<KernelSize> rhs = getKernelSize(product.getRhs());
  int64_t factor;
  if (!lhs || !rhs || (lhs->timesBatch && rhs->timesBatch) ||
      llvm::MulOverflow(lhs->factor, rhs->factor, factor))
    return std::nullopt;
  return KernelSize{factor, lhs->timesBatch || rhs->timesBatch};
}
