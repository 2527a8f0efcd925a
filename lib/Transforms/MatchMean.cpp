//===- MatchMean.cpp - Means and the rows that read them ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatchMean.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <cmath>

using namespace mlir;
using namespace vitc::vit;

/// Sizes of more than one element, dynamic ones among them.
static SmallVector<int64_t> dropUnits(ArrayRef<int64_t> shape) {
  return SmallVector<int64_t>(
      llvm::make_filter_range(shape, [](int64_t size) { return size != 1; }));
}

Value vitc::vit::skipUnitReshapes(Value tensor) {
  while (Operation *op = tensor.getDefiningOp()) {
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op))
      break;
    Value source = op->getOperand(0);
    auto from = cast<RankedTensorType>(source.getType());
    auto to = cast<RankedTensorType>(tensor.getType());
    if (dropUnits(from.getShape()) != dropUnits(to.getShape()))
      break;
    tensor = source;
  }
  return tensor;
}

bool vitc::vit::readsAllBut(const ElementwiseOperand &operand,
                            ArrayRef<int64_t> shape, ArrayRef<int64_t> dims) {
  if (!operand.tensor)
    return false;
  SmallVector<int64_t> wanted, read;
  for (int64_t dim = 0; dim < static_cast<int64_t>(shape.size()); ++dim)
    if (shape[dim] != 1 && !llvm::is_contained(dims, dim))
      wanted.push_back(dim);
  auto type = cast<RankedTensorType>(operand.tensor.getType());
  for (auto [result, size] :
       llvm::zip_equal(operand.map.getResults(), type.getShape())) {
    if (size == 1)
      continue;
    auto dim = dyn_cast<AffineDimExpr>(result);
    if (!dim)
      return false;
    read.push_back(dim.getPosition());
  }
  return wanted == read;
}

/// Whether the body of a reduction adds its input to its result.
static bool isSum(Block &body) {
  auto *terminator = body.getTerminator();
  if (body.getNumArguments() != 2 || terminator->getNumOperands() != 1)
    return false;
  auto add = terminator->getOperand(0).getDefiningOp<arith::AddFOp>();
  return add && ((add.getLhs() == body.getArgument(0) &&
                  add.getRhs() == body.getArgument(1)) ||
                 (add.getLhs() == body.getArgument(1) &&
                  add.getRhs() == body.getArgument(0)));
}

std::optional<Mean> vitc::vit::matchSum(Value tensor) {
  auto op = tensor.getDefiningOp<linalg::LinalgOp>();
  if (!op || !isa<linalg::GenericOp, linalg::ReduceOp>(op.getOperation()) ||
      op.getNumDpsInputs() != 1 || op->getNumResults() != 1 ||
      !isSum(*op.getBlock()))
    return std::nullopt;
  std::optional<double> init = getScalar(op.getDpsInits()[0]);
  if (!init || *init != 0 ||
      !op.getMatchingIndexingMap(op.getDpsInputOperand(0)).isIdentity())
    return std::nullopt;

  Mean sum;
  sum.input = cast<TypedValue<RankedTensorType>>(op.getDpsInputs()[0]);
  AffineMap resultMap = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  // Dims that are kept stay in order.
  int64_t last = -1;
  for (AffineExpr result : resultMap.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(result);
    if (!dim && !isa<AffineConstantExpr>(result))
      return std::nullopt;
    if (!dim)
      continue;
    if (static_cast<int64_t>(dim.getPosition()) <= last)
      return std::nullopt;
    last = dim.getPosition();
  }
  for (unsigned dim = 0; dim < op.getNumLoops(); ++dim)
    if (!resultMap.isFunctionOfDim(dim))
      sum.dims.push_back(dim);
  if (sum.dims.empty())
    return std::nullopt;
  return sum;
}

std::optional<Mean> vitc::vit::matchMean(Value tensor) {
  tensor = skipUnitReshapes(tensor);
  std::optional<Scaled> scaled = matchScaled(tensor);
  if (!scaled ||
      !readsAllBut(scaled->tensor,
                   cast<RankedTensorType>(tensor.getType()).getShape(), {}))
    return std::nullopt;
  std::optional<Mean> sum = matchSum(skipUnitReshapes(scaled->tensor.tensor));
  if (!sum)
    return std::nullopt;
  double count = 1;
  for (int64_t dim : sum->dims)
    count *= sum->input.getType().getDimSize(dim);
  if (std::abs(scaled->factor * count - 1) > 1e-6)
    return std::nullopt;
  return sum;
}
