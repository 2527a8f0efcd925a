//===- SequenceProduct.cpp - Products along the tokens --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SequenceProduct.h"

#include "BatchSize.h"
#include "Match.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "vitc/Analysis/BatchMultiple.h"

using namespace mlir;
using namespace vitc::vit;

std::optional<SequenceProduct> vitc::vit::matchSequenceProduct(Operation *op) {
  if (!isa<linalg::ContractOp>(op) || op->getNumResults() != 1)
    return std::nullopt;
  std::optional<Contraction> product = matchContraction(op->getResult(0));
  if (!product || !product->batch.empty() || product->n.size() != 1 ||
      product->k.size() != 1)
    return std::nullopt;
  unsigned summed = product->k.front(), channel = product->n.front();
  ArrayRef<AffineExpr> dims = product->lhsMap.getResults();
  AffineExpr from = getAffineDimExpr(summed, op->getContext());
  AffineExpr to = getAffineDimExpr(channel, op->getContext());
  unsigned dim = llvm::find(dims, from) - dims.begin();
  SmallVector<AffineExpr> result(dims);
  result[dim] = to;
  if (dim + 1 == dims.size() ||
      product->resultMap.getResults() != ArrayRef(result) ||
      product->rhsMap.getResults() != ArrayRef({to, from}))
    return std::nullopt;
  return SequenceProduct{product->lhs, product->rhs, dim};
}

Value vitc::vit::buildSequenceProduct(OpBuilder &builder, Location loc,
                                      const SequenceProduct &product) {
  auto tokens = cast<RankedTensorType>(product.tokens.getType());
  SmallVector<int64_t> shape(tokens.getShape());
  shape[product.dim] =
      cast<RankedTensorType>(product.weight.getType()).getDimSize(0);
  RankedTensorType type = tokens.clone(shape);
  Type element = tokens.getElementType();
  Value empty = tensor::EmptyOp::create(
      builder, loc,
      getMixedSizes(builder, type,
                    vitc::getBatchMultiple(product.tokens).value_or(1)),
      element);
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(element));
  Value init = linalg::FillOp::create(builder, loc, zero, empty).getResult(0);

  // A loop for each dim of the tokens, and one for the channels.
  unsigned channel = shape.size();
  auto getMap = [&](ArrayRef<unsigned> loops) {
    return AffineMap::getMultiDimMapWithTargets(channel + 1, loops,
                                                builder.getContext());
  };
  auto loops = llvm::to_vector(llvm::seq<unsigned>(channel));
  auto resultLoops = loops;
  resultLoops[product.dim] = channel;
  return linalg::ContractOp::create(
             builder, loc, type, ValueRange{product.tokens, product.weight},
             init,
             builder.getAffineMapArrayAttr({getMap(loops),
                                            getMap({channel, product.dim}),
                                            getMap(resultLoops)}))
      .getResult(0);
}
