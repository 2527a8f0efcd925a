//===- Product.cpp - Contractions to gemms --------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A contraction's loops are those of a batch, of rows, of columns and of the
// sum; each group is one loop of kernel.gemm, its maps take that apart again.
// The operand that has the columns is the packed one: when it is constant by
// the object writer, else by kernel.gather, for each item of the batch, unless
// what computes it writes it so (PackedOperand.cpp).
//
//===----------------------------------------------------------------------===//

#include "Product.h"
#include "IndexSimplify.h"
#include "KernelEmitter.h"
#include "mlir/IR/Matchers.h"
#include "vitc/Analysis/BatchMultiple.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;

static RankedTensorType getType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Loop numbers of an indexing map's results.
static SmallVector<unsigned> getLoops(AffineMap map) {
  return llvm::map_to_vector(map.getResults(), [](AffineExpr expr) {
    return cast<AffineDimExpr>(expr).getPosition();
  });
}

bool vitc::isProduct(linalg::LinalgOp op) {
  auto isF32 = [](Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    return type && type.getElementType().isF32();
  };
  // A single number is a sum.
  return linalg::isaContractionOpInterface(op) &&
         op.getNumParallelLoops() > 0 &&
         llvm::all_of(op->getOperands(), isF32) &&
         llvm::range_size(*op.getBlock()) == 3;
}

//===----------------------------------------------------------------------===//
// Roles of the loops
//===----------------------------------------------------------------------===//

/// The trailing dims of the result that are among `loops`, in their order.
static SmallVector<unsigned> getTrailing(ArrayRef<unsigned> result,
                                         ArrayRef<unsigned> loops) {
  auto isOther = [&](unsigned loop) {
    return !llvm::is_contained(loops, loop);
  };
  auto begin = std::find_if(result.rbegin(), result.rend(), isOther).base();
  return SmallVector<unsigned>(begin, result.end());
}

/// The product with the rows in `lhs` and the columns in `rhs`; none where
/// columns or the sum have a dynamic size.
static std::optional<Product> getProduct(linalg::LinalgOp op, unsigned lhs,
                                         ArrayRef<unsigned> batch,
                                         ArrayRef<unsigned> rows,
                                         ArrayRef<unsigned> columns) {
  Product product;
  product.lhs = op.getDpsInputOperand(lhs);
  product.rhs = op.getDpsInputOperand(1 - lhs);
  product.sizes = op.getStaticLoopRanges();
  SmallVector<unsigned> result =
      getLoops(op.getMatchingIndexingMap(op.getDpsInitOperand(0)));
  SmallVector<unsigned> left = getLoops(op.getMatchingIndexingMap(product.lhs));

  // Columns that are not the result's last dims count as items of the batch,
  // which the rows do not depend on.
  SmallVector<unsigned> staticColumns =
      llvm::filter_to_vector(columns, [&](unsigned loop) {
        return !ShapedType::isDynamic(product.sizes[loop]);
      });
  product.columns = getTrailing(result, staticColumns);
  product.isInOrder = !product.columns.empty();
  product.isPacked = getConstantExpr(product.rhs->get()) && batch.empty();
  if (!product.isInOrder || product.isPacked) {
    product.isInOrder &= product.columns.size() == columns.size();
    product.columns = llvm::filter_to_vector(result, [&](unsigned loop) {
      return llvm::is_contained(columns, loop);
    });
  }
  for (unsigned loop : result) {
    if (llvm::is_contained(product.columns, loop))
      continue;
    bool isRow = llvm::is_contained(rows, loop);
    (isRow ? product.rows : product.batch).push_back(loop);
  }
  for (unsigned loop : left)
    if (!llvm::is_contained(result, loop))
      product.sum.push_back(loop);
  // All share the weights: one of the row loops stands for the batch.
  product.hasWeightsPerItem = !product.batch.empty();
  if (product.batch.empty() && !product.rows.empty()) {
    product.batch.push_back(product.rows.front());
    product.rows.erase(product.rows.begin());
  }
  if (product.isDynamic(product.columns) || product.isDynamic(product.sum))
    return std::nullopt;
  return product;
}

bool Product::isDynamic(ArrayRef<unsigned> loops) const {
  return llvm::any_of(
      loops, [&](unsigned loop) { return ShapedType::isDynamic(sizes[loop]); });
}

int64_t Product::count(ArrayRef<unsigned> loops) const {
  int64_t product = 1;
  for (unsigned loop : loops)
    if (!ShapedType::isDynamic(sizes[loop]))
      product *= sizes[loop];
  return product;
}

int64_t Product::getExtent(ArrayRef<unsigned> loops) const {
  return isDynamic(loops) ? ShapedType::kDynamic : count(loops);
}

/// The better of both ways: columns that are the result's last dims need no
/// copy behind the product, constant ones none before it.
std::optional<Product> vitc::chooseProduct(linalg::LinalgOp op) {
  FailureOr<linalg::ContractionDimensions> dims =
      linalg::inferContractionDims(op);
  if (failed(dims))
    return std::nullopt;
  auto getScore = [](const std::optional<Product> &product) {
    return product ? 8 + 4 * product->isInOrder + 2 * product->isPacked +
                         (product->count(product->columns) > 1)
                   : 0;
  };
  std::optional<Product> plain =
      getProduct(op, /*lhs=*/0, dims->batch, dims->m, dims->n);
  std::optional<Product> swapped =
      getProduct(op, /*lhs=*/1, dims->batch, dims->n, dims->m);
  std::optional<Product> &best =
      getScore(swapped) > getScore(plain) ? swapped : plain;
  Value result = op->getResult(0);
  if (best && !getType(result).hasStaticShape())
    best->batchMultiple = *getBatchMultiple(result);
  return best;
}

AffineMap Product::getLoopMap(ArrayRef<unsigned> first,
                              ArrayRef<unsigned> second,
                              ArrayRef<unsigned> third,
                              MLIRContext *context) const {
  SmallVector<AffineExpr> exprs(sizes.size(),
                                getAffineConstantExpr(0, context));
  for (auto [dim, loops] : llvm::enumerate(ArrayRef({first, second, third}))) {
    SmallVector<int64_t> shape =
        llvm::map_to_vector(loops, [&](unsigned loop) { return sizes[loop]; });
    SmallVector<AffineExpr> indices =
        delinearizeIndex(getAffineDimExpr(dim, context), shape);
    for (auto [loop, index] : llvm::zip(loops, indices))
      exprs[loop] = index;
  }
  return AffineMap::get(3, 0, exprs, context);
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// The dims of an operand in the order of `loops`, which are all it has.
static SmallVector<int64_t> getOrder(AffineMap indexing,
                                     ArrayRef<unsigned> loops) {
  SmallVector<unsigned> dims = getLoops(indexing);
  return llvm::map_to_vector(loops, [&](unsigned loop) -> int64_t {
    return std::distance(dims.begin(), llvm::find(dims, loop));
  });
}

/// The layout of the result with the columns last.
static AffineMap getPermutation(const Product &product, AffineMap indexing,
                                int64_t rank, MLIRContext *context) {
  SmallVector<unsigned> order =
      llvm::filter_to_vector(getLoops(indexing), [&](unsigned loop) {
        return !llvm::is_contained(product.columns, loop);
      });
  llvm::append_range(order, product.columns);
  SmallVector<AffineExpr> dims =
      llvm::map_to_vector(getOrder(indexing, order), [&](int64_t dim) {
        return getAffineDimExpr(dim, context);
      });
  return AffineMap::get(rank, 0, dims, context);
}

Value KernelEmitter::packConstant(const Product &product, AffineMap indexing) {
  SmallVector<unsigned> order(product.columns);
  llvm::append_range(order, product.sum);
  auto matrix = vit::WeightExprAttr::transpose(
      getConstantExpr(product.rhs->get()), getOrder(indexing, order));
  return constant(vit::WeightExprAttr::pack(vit::WeightExprAttr::reshape(
      matrix, {product.count(product.columns), product.count(product.sum)})));
}

Value KernelEmitter::packComputed(const Product &product, AffineMap indexing) {
  // Once, also where a loop reads it.
  OpBuilder::InsertionGuard guard(builder);
  leaveLoops(product.rhs->get());
  Value items = sizeOf(product, product.batch);
  ValueAccess access = read(product.rhs->get());
  RankedTensorType type = getPackedType(product);
  if (getType(access.base) == type && access.map == getPackedMap(product))
    return access.base;
  MLIRContext *context = builder.getContext();
  constexpr int64_t width = vit::WeightExprAttr::kPanelColumns;
  int64_t n = product.count(product.columns), k = product.count(product.sum);
  AffineMap loops = access.map.compose(indexing).compose(
      product.getLoopMap(product.batch, product.columns, product.sum, context));
  // Nor a second time where another product reads the same, as the steps of a
  // decoder read keys.
  auto [known, isNew] = packs.try_emplace({access.base, loops, type, n, k});
  Value &packed = known->second;
  Region *here = builder.getInsertionBlock()->getParent();
  if (!isNew && packed.getParentRegion()->isAncestor(here))
    return packed;
  int64_t packedK = llvm::alignTo(k, vit::WeightExprAttr::kPackGranule);
  int64_t panels = n / width, tail = n % width;
  packed = emptyTensor(type, items);
  if (!product.hasWeightsPerItem)
    items = index(1);

  // Column and step of the sum as functions of the box (item, panel, l, j).
  AffineExpr item, panel, l, j;
  bindDims(context, item, panel, l, j);
  auto copy = [&](ArrayRef<int64_t> sizes, AffineExpr column,
                  AffineExpr place) {
    SmallVector<AffineExpr> target = {place};
    if (product.hasWeightsPerItem)
      target.insert(target.begin(), item);
    AffineMap source =
        loops.compose(AffineMap::get(4, 0, {item, column, l}, context));
    packed = gather(items, sizes, {access.base, source}, packed,
                    AffineMap::get(4, 0, target, context));
  };
  if (panels > 0)
    copy({panels, k, width}, panel * width + j,
         panel * (width * packedK) + l * width + j);
  if (tail > 0)
    copy({1, k, tail}, panel + (panels * width) + j,
         l * static_cast<int64_t>(
                 llvm::alignTo(tail, vit::WeightExprAttr::kPackGranule)) +
             panels * width * packedK + j);
  return packed;
}

ValueAccess KernelEmitter::readRows(const Product &product,
                                    AffineMap indexing) {
  MLIRContext *context = builder.getContext();
  Value value = product.lhs->get();
  AffineMap loops =
      product.getLoopMap(product.batch, product.rows, product.sum, context);
  int64_t k = product.count(product.sum);
  SmallVector<int64_t> sizes = {product.getExtent(product.batch),
                                product.getExtent(product.rows), k};
  ValueAccess access = read(value);
  access.map =
      simplifyIndices(access.map.compose(indexing).compose(loops), sizes);
  if (isRowContiguous(access.map, getType(access.base).getShape(), k))
    return k == 1 ? ValueAccess{access.base, addUnitDim(access.map, 2)}
                  : access;
  if (vit::WeightExprAttr values = getConstantExpr(value)) {
    // The same values with the sum's dims last.
    SmallVector<unsigned> order =
        llvm::filter_to_vector(getLoops(indexing), [&](unsigned loop) {
          return !llvm::is_contained(product.sum, loop);
        });
    llvm::append_range(order, product.sum);
    SmallVector<AffineExpr> results = llvm::map_to_vector(
        order, [&](unsigned loop) { return loops.getResult(loop); });
    auto rows =
        vit::WeightExprAttr::transpose(values, getOrder(indexing, order));
    return {constant(rows),
            simplifyIndices(AffineMap::get(3, 0, results, context), sizes)};
  }
  // A copy with the dynamic size, of the items or of the rows, in front.
  unsigned first = product.isDynamic(product.rows) ? 1 : 0, second = 1 - first;
  SmallVector<AffineExpr> dims = {getAffineDimExpr(first, context),
                                  getAffineDimExpr(second, context),
                                  getAffineDimExpr(2, context)};
  AffineMap order = AffineMap::get(3, 0, dims, context);
  auto type = RankedTensorType::get({sizes[first], sizes[second], k},
                                    getType(value).getElementType());
  Value size = sizeOf(product, first == 0 ? product.batch : product.rows);
  Value copy =
      gather(size, {sizes[second], k}, {access.base, access.map.compose(order)},
             emptyTensor(type, size), builder.getMultiDimIdentityMap(3));
  return {copy, order};
}

//===----------------------------------------------------------------------===//
// The product
//===----------------------------------------------------------------------===//

Value KernelEmitter::sizeOf(const Product &product, ArrayRef<unsigned> loops) {
  int64_t size = product.count(loops);
  return product.isDynamic(loops) ? batchTimes(size * product.batchMultiple)
                                  : index(size);
}

/// Whether all elements of `value` are zeros.
static bool isZero(Value value) {
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    value = fill.getInputs().front();
  return matchPattern(value, m_AnyZeroFloat());
}

LogicalResult KernelEmitter::convertProduct(linalg::LinalgOp op) {
  std::optional<Product> found = chooseProduct(op);
  if (!found)
    return op.emitOpError("sums over the batch; needs a static size there");
  Product &product = *found;
  Value result = op->getResult(0);
  RankedTensorType type = getType(result);
  MLIRContext *context = builder.getContext();
  AffineMap lhsIndexing = op.getMatchingIndexingMap(product.lhs);
  AffineMap rhsIndexing = op.getMatchingIndexingMap(product.rhs);
  AffineMap resultIndexing = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  int64_t n = product.count(product.columns), k = product.count(product.sum);
  Value items = sizeOf(product, product.batch);

  ValueAccess lhs = readRows(product, lhsIndexing);
  Value weights = product.isPacked ? packConstant(product, rhsIndexing)
                                   : packComputed(product, rhsIndexing);

  // Elements of the result, or of what it is added to, by (b, i, j).
  AffineMap element = resultIndexing.compose(product.getLoopMap(
      product.batch, product.rows, product.columns, context));
  SmallVector<int64_t> sizes = {product.getExtent(product.batch),
                                product.getExtent(product.rows), n};
  auto getRowsOf = [&](AffineMap map) {
    map = simplifyIndices(map.compose(element), sizes);
    return n == 1 ? addUnitDim(map, 2) : map;
  };
  auto isRead = [&](Value base, AffineMap map) {
    return isRowContiguous(map, getType(base).getShape(), n);
  };
  Value residual;
  AffineMapAttr residualMap;
  AffineMap storage =
      getPermutation(product, resultIndexing, type.getRank(), context);
  Value init = op.getDpsInits().front();
  if (!isZero(init)) {
    ValueAccess access = read(init);
    AffineMap map = getRowsOf(access.map);
    if (!isRead(access.base, map)) {
      Destination copy = writeStored(init, storage);
      access = {gather(init, access, copy.init, copy.map), storage};
      map = getRowsOf(access.map);
    }
    residual = access.base;
    residualMap = AffineMapAttr::get(map);
  }
  Destination destination =
      product.isInOrder ? write(result) : writeStored(result, storage);
  AffineMap resultMap = getRowsOf(destination.map);
  if (!isRead(destination.init, resultMap)) {
    destination = writeStored(result, storage);
    resultMap = getRowsOf(destination.map);
  }
  auto gemm = kernel::GemmOp::create(
      builder, TypeRange(destination.init.getType()), items,
      sizeOf(product, product.rows), builder.getI64IntegerAttr(n),
      builder.getI64IntegerAttr(k), lhs.base, AffineMapAttr::get(lhs.map),
      weights, /*bias=*/Value(), residual, residualMap, destination.init,
      AffineMapAttr::get(resultMap),
      vit::ActivationAttr::get(context, vit::Activation::None), vit::NormAttr(),
      kernel::GemmTilingAttr());
  finish(destination, gemm.getResult(0));
  return success();
}
