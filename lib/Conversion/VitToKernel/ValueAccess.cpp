//===- ValueAccess.cpp - Composing index maps -----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// How kernels read and write values: through slices, head splits and
// insertions, whose index maps compose, or by a copy where no map will do.
//
//===----------------------------------------------------------------------===//

#include "KernelEmitter.h"

using namespace mlir;
using namespace vitc;

AffineMap vitc::getRowMap(RankedTensorType type) {
  MLIRContext *context = type.getContext();
  AffineExpr b, i, l;
  bindDims(context, b, i, l);
  SmallVector<AffineExpr> results(type.getRank());
  results.front() = b;
  results.back() = l;
  AffineExpr rest = i;
  for (int64_t dim = type.getRank() - 2; dim > 0; --dim) {
    results[dim] = dim == 1 ? rest : rest % type.getDimSize(dim);
    rest = rest.floorDiv(type.getDimSize(dim));
  }
  return AffineMap::get(3, 0, results, context);
}

int64_t vitc::getNumRows(RankedTensorType type) {
  int64_t rows = 1;
  for (int64_t size : type.getShape().drop_front().drop_back())
    rows *= size;
  return rows;
}

/// (b, h, n, d) -> (b, n, h * D + d).
static AffineMap getHeadMap(MLIRContext *context, int64_t headDim) {
  AffineExpr b, h, n, d;
  bindDims(context, b, h, n, d);
  return AffineMap::get(4, 0, {b, n, h * headDim + d}, context);
}

/// Element x of a unit-stride slice is element x + offset, dims of size 1 that
/// the slice drops being 0 + offset.
static AffineMap getSliceMap(ArrayRef<int64_t> offsets,
                             const llvm::SmallBitVector &dropped,
                             MLIRContext *context) {
  SmallVector<AffineExpr> results;
  unsigned numDims = 0;
  for (auto [dim, offset] : llvm::enumerate(offsets)) {
    AffineExpr expr = getAffineConstantExpr(offset, context);
    if (!dropped.test(dim))
      expr = getAffineDimExpr(numDims++, context) + offset;
    results.push_back(expr);
  }
  return AffineMap::get(numDims, 0, results, context);
}

static bool isStaticUnitSlice(ArrayRef<int64_t> offsets,
                              ArrayRef<int64_t> strides) {
  return llvm::all_of(strides, [](int64_t s) { return s == 1; }) &&
         !llvm::is_contained(offsets, ShapedType::kDynamic);
}

/// Whether the last dim of the map's domain runs along the last dim of its
/// range, element by element, and no other dim of the range depends on it.
static bool isRowContiguous(AffineMap map) {
  unsigned last = map.getNumDims() - 1;
  for (AffineExpr expr : map.getResults().drop_back())
    if (expr.isFunctionOfDim(last))
      return false;
  AffineExpr rest =
      map.getResults().back() - getAffineDimExpr(last, map.getContext());
  rest = simplifyAffineExpr(rest, map.getNumDims(), 0);
  return !rest.isFunctionOfDim(last);
}

Value KernelEmitter::index(int64_t value) {
  return arith::ConstantIndexOp::create(builder, value);
}

Value KernelEmitter::batchOf(RankedTensorType type) {
  return type.isDynamicDim(0) ? batch : index(type.getDimSize(0));
}

Box KernelEmitter::getBox(ArrayRef<int64_t> shape) {
  Value size = ShapedType::isDynamic(shape[0]) ? batch : index(shape[0]);
  if (shape.size() > 1)
    return {size, builder.getDenseI64ArrayAttr(shape.drop_front()),
            builder.getMultiDimIdentityMap(shape.size())};
  return {size, builder.getDenseI64ArrayAttr({1}),
          AffineMap::get(2, 0, builder.getAffineDimExpr(0))};
}

Value KernelEmitter::constant(vit::WeightExprAttr value) {
  return kernel::ConstantOp::create(builder, value.getType(), value);
}

Value KernelEmitter::emptyTensor(RankedTensorType type) {
  SmallVector<Value> sizes;
  if (type.isDynamicDim(0))
    sizes.push_back(batch);
  return tensor::EmptyOp::create(builder, type, sizes);
}

ValueAccess KernelEmitter::read(Value value) {
  MLIRContext *context = builder.getContext();
  auto type = cast<RankedTensorType>(value.getType());
  if (Value base = converted.lookup(value))
    return {base, AffineMap::getMultiDimIdentityMap(type.getRank(), context)};

  Operation *op = value.getDefiningOp();
  auto through = [&](Value source, AffineMap map) {
    ValueAccess access = read(source);
    return ValueAccess{access.base, access.map.compose(map)};
  };
  if (auto constantOp = dyn_cast<vit::ConstantOp>(op))
    return {constant(constantOp.getValue()),
            AffineMap::getMultiDimIdentityMap(type.getRank(), context)};
  if (auto split = dyn_cast<vit::SplitHeadsOp>(op))
    return through(split.getInput(), getHeadMap(context, type.getDimSize(3)));
  if (auto merge = dyn_cast<vit::MergeHeadsOp>(op)) {
    int64_t headDim = merge.getInput().getType().getDimSize(3);
    AffineExpr b, n, e;
    bindDims(context, b, n, e);
    return through(merge.getInput(),
                   AffineMap::get(3, 0,
                                  {b, e.floorDiv(headDim), n, e % headDim},
                                  context));
  }
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return through(
        slice.getSource(),
        getSliceMap(slice.getStaticOffsets(), slice.getDroppedDims(), context));
  if (auto constantOp = dyn_cast<arith::ConstantOp>(op))
    converted[value] = splat(cast<SplatElementsAttr>(constantOp.getValue()));
  else
    converted[value] = emptyTensor(cast<tensor::EmptyOp>(op).getType());
  return read(value);
}

Value KernelEmitter::splat(SplatElementsAttr value) {
  auto type = cast<RankedTensorType>(value.getType());
  Box box = getBox(type.getShape());
  auto generic = kernel::GenericOp::create(
      builder, TypeRange(type), box.batch, box.sizes, ValueRange(),
      builder.getAffineMapArrayAttr({}), emptyTensor(type),
      AffineMapAttr::get(box.map), kernel::RowTilingAttr());
  OpBuilder::InsertionGuard guard(builder);
  builder.createBlock(&generic.getBody());
  kernel::YieldOp::create(
      builder,
      arith::ConstantOp::create(builder, value.getSplatValue<TypedAttr>()));
  return generic.getResult(0);
}

Value KernelEmitter::gather(RankedTensorType type, const ValueAccess &source,
                            Value init, AffineMap map) {
  Box box = getBox(type.getShape());
  auto gather = kernel::GatherOp::create(
      builder, TypeRange(init.getType()), box.batch, box.sizes, source.base,
      AffineMapAttr::get(source.map.compose(box.map)), init,
      AffineMapAttr::get(map.compose(box.map)), kernel::RowTilingAttr());
  return gather.getResult(0);
}

Value KernelEmitter::materialize(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  ValueAccess source = read(value);
  return gather(type, source, emptyTensor(type),
                builder.getMultiDimIdentityMap(type.getRank()));
}

ValueAccess KernelEmitter::readRows(Value value) {
  ValueAccess access = read(value);
  if (isRowContiguous(access.map))
    return access;
  Value copy = materialize(value);
  converted[value] = copy;
  return {copy, builder.getMultiDimIdentityMap(
                    cast<RankedTensorType>(value.getType()).getRank())};
}

Value KernelEmitter::readVector(Value value) {
  ValueAccess access = read(value);
  return access.map.isIdentity() ? access.base : materialize(value);
}

Value KernelEmitter::writeInto(Value dest) {
  // What others read too, or the caller owns, must keep its elements.
  if (Value init = converted.lookup(dest))
    return dest.hasOneUse() && init.getDefiningOp() ? init : Value();
  if (!dest.getDefiningOp<tensor::EmptyOp>())
    return {};
  // A chain of insertions starts here; its end may be an output.
  auto type = cast<RankedTensorType>(dest.getType());
  while (dest.hasOneUse()) {
    OpOperand &use = *dest.getUses().begin();
    if (isa<func::ReturnOp>(use.getOwner()))
      return outputs[use.getOperandNumber()];
    auto insert = dyn_cast<tensor::InsertSliceOp>(use.getOwner());
    if (!insert || use.get() != insert.getDest())
      break;
    dest = insert.getResult();
  }
  return emptyTensor(type);
}

Destination KernelEmitter::write(Value result) {
  auto type = cast<RankedTensorType>(result.getType());
  AffineMap map = builder.getMultiDimIdentityMap(type.getRank());
  while (result.hasOneUse()) {
    OpOperand &use = *result.getUses().begin();
    Operation *user = use.getOwner();
    if (auto merge = dyn_cast<vit::MergeHeadsOp>(user)) {
      int64_t headDim = merge.getInput().getType().getDimSize(3);
      map = getHeadMap(builder.getContext(), headDim).compose(map);
      result = merge.getResult();
      continue;
    }
    if (isa<func::ReturnOp>(user))
      return {outputs[use.getOperandNumber()], map, result};
    auto insert = dyn_cast<tensor::InsertSliceOp>(user);
    if (insert && use.get() == insert.getSource() &&
        isStaticUnitSlice(insert.getStaticOffsets(),
                          insert.getStaticStrides())) {
      AffineMap place =
          getSliceMap(insert.getStaticOffsets(), insert.getDroppedDims(),
                      builder.getContext())
              .compose(map);
      if (isRowContiguous(place))
        if (Value init = writeInto(insert.getDest()))
          return {init, place, insert.getResult()};
    }
    break;
  }
  return {emptyTensor(cast<RankedTensorType>(result.getType())), map, result};
}

void KernelEmitter::finish(const Destination &destination, Value result) {
  converted[destination.target] = result;
}

bool KernelEmitter::isDataMovement(Operation *op) {
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return isStaticUnitSlice(slice.getStaticOffsets(),
                             slice.getStaticStrides());
  return isa<vit::ConstantOp, vit::SplitHeadsOp, vit::MergeHeadsOp,
             tensor::EmptyOp, tensor::DimOp>(op);
}

LogicalResult KernelEmitter::convert(tensor::InsertSliceOp op) {
  // What computes the source may have written it in place.
  if (converted.contains(op.getResult()))
    return success();
  RankedTensorType source = op.getSourceType();
  if (source.getRank() == 0)
    return op.emitOpError("inserts a tensor of rank 0; needs rank 1 or more");
  if (!isStaticUnitSlice(op.getStaticOffsets(), op.getStaticStrides()))
    return op.emitOpError("has a dynamic offset or a stride; needs static "
                          "offsets and strides of 1");
  ValueAccess access = read(op.getSource());
  AffineMap place = getSliceMap(op.getStaticOffsets(), op.getDroppedDims(),
                                builder.getContext());
  Value init = op.getDest().getDefiningOp<tensor::EmptyOp>()
                   ? emptyTensor(op.getType())
                   : materialize(op.getDest());
  converted[op.getResult()] = gather(source, access, init, place);
  return success();
}
