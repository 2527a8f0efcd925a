//===- ValueAccess.cpp - How kernels read values --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Through ops that only move elements, whose index maps compose, or from a copy
// where no map will do.
//
//===----------------------------------------------------------------------===//

#include "IndexSimplify.h"
#include "KernelEmitter.h"
#include "Movement.h"
#include "mlir/IR/Matchers.h"
#include "vitc/Analysis/ShiftMask.h"

using namespace mlir;
using namespace vitc;

static RankedTensorType getType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

vit::WeightExprAttr vitc::getConstantExpr(Value value) {
  if (auto constant = value.getDefiningOp<vit::ConstantOp>())
    return constant.getValue();
  DenseElementsAttr elements;
  if (matchPattern(value, m_Constant(&elements)) &&
      elements.getType().getRank() > 0)
    return vit::WeightExprAttr::data(elements);
  return {};
}

AffineMapAttr vitc::getRows(AffineMap map, RankedTensorType type) {
  MLIRContext *context = type.getContext();
  AffineExpr b, i, l;
  bindDims(context, b, i, l);
  SmallVector<AffineExpr> indices = {b};
  ArrayRef<int64_t> middle = type.getShape().drop_front().drop_back();
  if (!middle.empty())
    llvm::append_range(indices, delinearizeIndex(i, middle));
  indices.push_back(l);
  AffineMap rows = map.compose(AffineMap::get(3, 0, indices, context));
  rows = simplifyIndices(
      rows, {type.getDimSize(0), getNumRows(type), type.getShape().back()});
  if (type.getShape().back() == 1)
    rows = addUnitDim(rows, 2);
  return AffineMapAttr::get(rows);
}

int64_t vitc::getNumRows(RankedTensorType type) {
  int64_t rows = 1;
  for (int64_t size : type.getShape().drop_front().drop_back())
    rows *= size;
  return rows;
}

bool vitc::isRowContiguous(AffineMap map, ArrayRef<int64_t> shape,
                           int64_t size) {
  return size == 1 || getMemoryStride(map, shape, map.getNumDims() - 1) == 1;
}

AffineMap vitc::addUnitDim(AffineMap map, unsigned dim) {
  if (map.isFunctionOfDim(dim))
    return map;
  SmallVector<AffineExpr> results(map.getResults());
  results.back() = results.back() + getAffineDimExpr(dim, map.getContext());
  return AffineMap::get(map.getNumDims(), 0, results, map.getContext());
}

//===----------------------------------------------------------------------===//
// Tensors and boxes
//===----------------------------------------------------------------------===//

Value KernelEmitter::emptyTensor(RankedTensorType type, Value size) {
  // A scalar is a tensor of one element.
  if (type.getRank() == 0)
    type = RankedTensorType::get({1}, type.getElementType());
  SmallVector<Value> sizes;
  if (type.isDynamicDim(0))
    sizes.push_back(size);
  return tensor::EmptyOp::create(builder, type, sizes);
}

Value KernelEmitter::emptyTensor(Value value) {
  return emptyTensor(getType(value), batchOf(value));
}

Box KernelEmitter::getBox(ArrayRef<int64_t> shape, Value size) {
  MLIRContext *context = builder.getContext();
  if (shape.size() > 1)
    return {size, builder.getDenseI64ArrayAttr(shape.drop_front()),
            builder.getMultiDimIdentityMap(shape.size())};
  DenseI64ArrayAttr one = builder.getDenseI64ArrayAttr({1});
  if (shape.empty())
    return {size, one, AffineMap::get(2, 0, context)};
  return {size, one, AffineMap::get(2, 0, builder.getAffineDimExpr(0))};
}

Box KernelEmitter::getBox(Value value) {
  return getBox(getType(value).getShape(), batchOf(value));
}

void KernelEmitter::store(Value value, Value tensor) {
  int64_t rank = getType(value).getRank();
  AffineMap map = rank == 0
                      ? AffineMap::get(0, 0, builder.getAffineConstantExpr(0))
                      : builder.getMultiDimIdentityMap(rank);
  converted[value] = {tensor, map};
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

bool KernelEmitter::isRead(Operation *op) {
  if (auto fill = dyn_cast<linalg::FillOp>(op))
    return matchPattern(fill.getInputs().front(), m_Constant());
  if (auto mask = dyn_cast<vit::ShiftMaskOp>(op))
    return isAttentionMask(mask);
  return isa<vit::ConstantOp, arith::ConstantOp, tensor::EmptyOp,
             tensor::DimOp>(op) ||
         getMovement(op);
}

ValueAccess KernelEmitter::read(Value value) {
  auto known = converted.find(value);
  if (known != converted.end())
    return known->second;

  Operation *op = value.getDefiningOp();
  if (std::optional<Movement> movement = getMovement(op)) {
    ValueAccess access = read(movement->source);
    return {access.base, simplifyIndices(access.map.compose(movement->map),
                                         getType(value).getShape())};
  }
  auto whole = [&](vit::WeightExprAttr expr) -> ValueAccess {
    OpBuilder::InsertionGuard guard(builder);
    leaveLoops(value);
    return {constant(expr),
            builder.getMultiDimIdentityMap(getType(value).getRank())};
  };
  if (auto constantOp = dyn_cast<vit::ConstantOp>(op))
    return whole(constantOp.getValue());
  TypedAttr splat;
  if (auto constantOp = dyn_cast<arith::ConstantOp>(op)) {
    auto elements = cast<DenseElementsAttr>(constantOp.getValue());
    if (!elements.isSplat())
      return whole(vit::WeightExprAttr::data(elements));
    splat = elements.getSplatValue<TypedAttr>();
  } else if (auto fill = dyn_cast<linalg::FillOp>(op)) {
    matchPattern(fill.getInputs().front(), m_Constant(&splat));
  }
  Value tensor = emptyTensor(value);
  store(value, tensor);
  if (splat)
    store(value, fill(getBox(value), splat, tensor, converted[value].map));
  return converted[value];
}

Value KernelEmitter::fill(const Box &box, TypedAttr value, Value init,
                          AffineMap map) {
  auto generic = kernel::GenericOp::create(
      builder, TypeRange(init.getType()), box.batch, box.sizes, ValueRange(),
      builder.getAffineMapArrayAttr({}), init,
      AffineMapAttr::get(map.compose(box.map)), kernel::RowTilingAttr());
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&generic.getBody());
  kernel::YieldOp::create(builder, arith::ConstantOp::create(builder, value));
  return generic.getResult(0);
}

Value KernelEmitter::gather(Value size, ArrayRef<int64_t> sizes,
                            const ValueAccess &source, Value init,
                            AffineMap map) {
  SmallVector<int64_t> bounds = {ShapedType::kDynamic};
  llvm::append_range(bounds, sizes);
  auto gather = kernel::GatherOp::create(
      builder, TypeRange(init.getType()), size,
      builder.getDenseI64ArrayAttr(sizes), source.base,
      AffineMapAttr::get(simplifyIndices(source.map, bounds)), init,
      AffineMapAttr::get(simplifyIndices(map, bounds)),
      kernel::RowTilingAttr());
  return gather.getResult(0);
}

Value KernelEmitter::gather(Value value, const ValueAccess &source, Value init,
                            AffineMap map) {
  Box box = getBox(value);
  return gather(box.batch, box.sizes,
                {source.base, source.map.compose(box.map)}, init,
                map.compose(box.map));
}

Value KernelEmitter::materialize(Value value) {
  ValueAccess source = read(value);
  Value copy = emptyTensor(value);
  int64_t rank = getType(value).getRank();
  AffineMap map = rank == 0
                      ? AffineMap::get(0, 0, builder.getAffineConstantExpr(0))
                      : builder.getMultiDimIdentityMap(rank);
  return gather(value, source, copy, map);
}

ValueAccess KernelEmitter::readRows(Value value) {
  ValueAccess access = read(value);
  int64_t size = getType(value).getShape().back();
  if (!isRowContiguous(access.map, getType(access.base).getShape(), size)) {
    OpBuilder::InsertionGuard guard(builder);
    leaveLoops(value);
    store(value, materialize(value));
    access = converted[value];
  }
  if (size == 1)
    access.map = addUnitDim(access.map, access.map.getNumDims() - 1);
  return access;
}

Value KernelEmitter::readVector(Value value) {
  ValueAccess access = read(value);
  if (access.map.isIdentity())
    return access.base;
  OpBuilder::InsertionGuard guard(builder);
  leaveLoops(value);
  return materialize(value);
}
