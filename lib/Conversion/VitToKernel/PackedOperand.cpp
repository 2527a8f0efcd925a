//===- PackedOperand.cpp - Values written as products read them -----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The operand with the columns of a product is read packed. A kernel that
// writes runs of channels, the columns, can write it so at once: Linformer
// projects the tokens of a norm along the sequence.
//
//===----------------------------------------------------------------------===//

#include "IndexSimplify.h"
#include "KernelEmitter.h"
#include "Product.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;

RankedTensorType vitc::getPackedType(const Product &product) {
  SmallVector<int64_t> shape = {vit::WeightExprAttr::packedSize(
      product.count(product.columns), product.count(product.sum))};
  if (product.hasWeightsPerItem)
    shape.insert(shape.begin(), product.getExtent(product.batch));
  return cast<RankedTensorType>(product.rhs->get().getType()).clone(shape);
}

std::optional<AffineMap> vitc::getPackedMap(const Product &product) {
  constexpr int64_t granule = vit::WeightExprAttr::kPackGranule;
  int64_t n = product.count(product.columns);
  int64_t width = vit::WeightExprAttr::kPanelColumns;
  int64_t tail = llvm::alignTo(n % width, granule);
  if (n < width)
    width = tail;
  else if (tail != 0 && tail != width)
    return std::nullopt;

  auto op = cast<linalg::LinalgOp>(product.rhs->getOwner());
  AffineMap indexing = op.getMatchingIndexingMap(product.rhs);
  MLIRContext *context = op.getContext();
  auto linearize = [&](ArrayRef<unsigned> loops) {
    SmallVector<AffineExpr> indices;
    SmallVector<int64_t> shape;
    for (unsigned loop : loops) {
      std::optional<unsigned> dim =
          indexing.getResultPosition(getAffineDimExpr(loop, context));
      indices.push_back(getAffineDimExpr(*dim, context));
      shape.push_back(product.sizes[loop]);
    }
    return linearizeIndices(indices, shape);
  };
  int64_t k = llvm::alignTo(product.count(product.sum), granule);
  AffineExpr column = linearize(product.columns);
  AffineExpr l = linearize(product.sum);
  SmallVector<AffineExpr> place = {column.floorDiv(width) * (width * k) +
                                   l * width + column % width};
  if (product.hasWeightsPerItem)
    place.insert(place.begin(), linearize(product.batch));
  return simplifyIndices(
      AffineMap::get(indexing.getNumResults(), 0, place, context),
      cast<RankedTensorType>(product.rhs->get().getType()).getShape());
}

std::optional<Destination> KernelEmitter::writePacked(Value result) {
  if (!result.hasOneUse())
    return std::nullopt;
  OpOperand &use = *result.getUses().begin();
  auto op = dyn_cast<linalg::LinalgOp>(use.getOwner());
  if (!op || !isProduct(op))
    return std::nullopt;
  std::optional<Product> product = chooseProduct(op);
  if (!product || product->rhs != &use || product->isPacked ||
      product->columns.size() != 1 || product->count(product->columns) == 1)
    return std::nullopt;
  AffineExpr column =
      getAffineDimExpr(product->columns.front(), op.getContext());
  std::optional<AffineMap> map = getPackedMap(*product);
  if (!map || op.getMatchingIndexingMap(&use).getResults().back() != column)
    return std::nullopt;

  Value init =
      emptyTensor(getPackedType(*product), sizeOf(*product, product->batch));
  return Destination{init, *map, result, *map};
}
