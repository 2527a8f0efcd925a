//===- Placement.cpp - Where kernels write values -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A result that has one user is written where that user would move it: through
// reshapes, heads and windows, into a slice of a larger tensor, into its part
// of a concatenation, inside a border, into an output of the function.
//
//===----------------------------------------------------------------------===//

#include "IndexSimplify.h"
#include "KernelEmitter.h"
#include "Movement.h"

using namespace mlir;
using namespace vitc;

static RankedTensorType getType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Whether a tensor of this type can be a buffer.
static bool isStorable(RankedTensorType type) {
  return type.getRank() > 0 && !llvm::is_contained(type.getShape().drop_front(),
                                                   ShapedType::kDynamic);
}

/// From indices of operand `part` of a concatenation to those of its result.
static AffineMap getConcatMap(tensor::ConcatOp op, unsigned part) {
  int64_t offset = 0;
  for (Value operand : op.getInputs().take_front(part))
    offset += getType(operand).getDimSize(op.getDim());
  MLIRContext *context = op.getContext();
  SmallVector<AffineExpr> results;
  for (int64_t dim = 0; dim < op.getResultType().getRank(); ++dim)
    results.push_back(getAffineDimExpr(dim, context));
  results[op.getDim()] = results[op.getDim()] + offset;
  return AffineMap::get(results.size(), 0, results, context);
}

/// Whether a map from the elements of a value to those of a tensor leads from
/// one to the next in memory along `dim`, if there is a next.
static bool isContiguous(AffineMap map, RankedTensorType type, unsigned dim) {
  return !map.isFunctionOfDim(dim) ||
         getMemoryStride(map, type.getShape(), dim) == 1;
}

static AffineMap getInsertionMap(tensor::InsertSliceOp op) {
  return getSliceMap(op.getStaticOffsets(), op.getStaticStrides(),
                     op.getDroppedDims(), op.getContext());
}

//===----------------------------------------------------------------------===//
// Finding the place
//===----------------------------------------------------------------------===//

/// Whether the one op that uses `value` may write to `tensor`, which holds it:
/// a kernel made it for that op, or a loop carries it.
static bool isWritable(Value value, Value tensor) {
  if (!value.hasOneUse() ||
      value.getParentBlock() != (*value.user_begin())->getBlock())
    return false;
  return tensor.getDefiningOp() ||
         isa<LoopLikeOpInterface>(value.getParentBlock()->getParentOp());
}

Value KernelEmitter::writeInto(Value dest) {
  // What others read too, or the caller owns, must keep its elements.
  auto known = converted.find(dest);
  if (known != converted.end()) {
    auto [init, map] = known->second;
    bool owned = isWritable(dest, init) && map.isIdentity();
    return owned ? init : Value();
  }
  if (!dest.getDefiningOp<tensor::EmptyOp>())
    return {};
  // A chain of insertions starts here; its end may be an output.
  Value start = dest;
  while (dest.hasOneUse()) {
    OpOperand &use = *dest.getUses().begin();
    if (isa<func::ReturnOp>(use.getOwner()))
      return outputs[use.getOperandNumber()];
    auto insert = dyn_cast<tensor::InsertSliceOp>(use.getOwner());
    if (!insert || use.get() != insert.getDest())
      break;
    dest = insert.getResult();
  }
  return emptyTensor(start);
}

bool KernelEmitter::placeIntoSlice(tensor::InsertSliceOp insert,
                                   Destination &place, unsigned rowDim) {
  if (!isStaticSlice(insert.getStaticOffsets(), insert.getStaticStrides()))
    return false;
  AffineMap map = getInsertionMap(insert).compose(place.map);
  if (!isContiguous(map, insert.getType(), rowDim))
    return false;
  Value init = writeInto(insert.getDest());
  if (!init)
    return false;
  place = {init, map, insert.getResult(),
           builder.getMultiDimIdentityMap(insert.getType().getRank())};
  return true;
}

bool KernelEmitter::placeIntoConcat(OpOperand &use, Destination &place,
                                    unsigned rowDim) {
  auto concat = cast<tensor::ConcatOp>(use.getOwner());
  RankedTensorType type = concat.getResultType();
  if (!isStorable(type) || type.isDynamicDim(concat.getDim()))
    return false;
  auto known = concats.find(concat);
  if (known == concats.end()) {
    PartialConcat partial = {
        write(concat.getResult(),
              builder.getMultiDimIdentityMap(type.getRank()),
              /*intoConcat=*/false),
        llvm::SmallBitVector(concat.getNumOperands())};
    known = concats.try_emplace(concat, partial).first;
  }
  const Destination &whole = known->second.destination;
  unsigned part = use.getOperandNumber();
  AffineMap map =
      whole.map.compose(getConcatMap(concat, part)).compose(place.map);
  if (!isContiguous(map, getType(whole.init), rowDim))
    return false;
  place = {whole.init, map, Value(), AffineMap(), concat, part};
  return true;
}

bool KernelEmitter::findPlace(Destination &place, unsigned rowDim,
                              bool intoConcat) {
  ArrayRef<int64_t> sizes = getType(place.target).getShape();
  Destination next = place;
  while (next.target.hasOneUse()) {
    OpOperand &use = *next.target.getUses().begin();
    Operation *user = use.getOwner();
    // In a loop it would be written once, and what it is part of often.
    if (user->getBlock() != next.target.getParentBlock())
      return false;
    RankedTensorType type = getType(next.target);
    if (isa<func::ReturnOp>(user)) {
      if (!isContiguous(next.map, type, rowDim))
        return false;
      next.init = outputs[use.getOperandNumber()];
      next.storage = builder.getMultiDimIdentityMap(type.getRank());
      if (type.getRank() == 0) {
        AffineExpr first = builder.getAffineConstantExpr(0);
        next.map = AffineMap::get(next.map.getNumDims(), 0, first);
        next.storage = AffineMap::get(0, 0, first);
      }
      place = next;
      return true;
    }
    auto insert = dyn_cast<tensor::InsertSliceOp>(user);
    if ((insert && &use == &insert.getSourceMutable() &&
         placeIntoSlice(insert, next, rowDim)) ||
        (isa<tensor::ConcatOp>(user) && intoConcat &&
         placeIntoConcat(use, next, rowDim)) ||
        placeIntoPadding(use, next, rowDim) ||
        placeIntoMap(use, next, rowDim)) {
      place = next;
      return true;
    }
    std::optional<AffineMap> placement = getPlacement(user);
    if (!placement || use.getOperandNumber() != 0)
      return false;
    next.map = simplifyIndices(placement->compose(next.map), sizes);
    next.target = user->getResult(0);
    type = getType(next.target);
    if (isStorable(type) && isContiguous(next.map, type, rowDim))
      place = next;
  }
  return false;
}

//===----------------------------------------------------------------------===//
// Destinations
//===----------------------------------------------------------------------===//

/// The shape of a value of this type that is stored with its dims permuted.
static RankedTensorType getStoredType(RankedTensorType type,
                                      AffineMap storage) {
  SmallVector<int64_t> shape;
  for (AffineExpr dim : storage.getResults())
    shape.push_back(type.getDimSize(cast<AffineDimExpr>(dim).getPosition()));
  return type.clone(shape);
}

Destination KernelEmitter::write(Value result, AffineMap storage,
                                 bool intoConcat) {
  RankedTensorType type = getType(result);
  if (type.getRank() == 0) {
    AffineMap first = AffineMap::get(0, 0, builder.getAffineConstantExpr(0));
    return {emptyTensor(result), first, result, first};
  }
  if (!isStorable(getStoredType(type, storage)))
    storage = builder.getMultiDimIdentityMap(type.getRank());
  unsigned rowDim =
      cast<AffineDimExpr>(storage.getResults().back()).getPosition();
  Destination place;
  place.target = result;
  place.map = builder.getMultiDimIdentityMap(type.getRank());
  if (!findPlace(place, rowDim, intoConcat)) {
    if (place.target == result)
      place = writeStored(result, storage);
    else
      place = {emptyTensor(place.target), place.map, place.target,
               builder.getMultiDimIdentityMap(getType(place.target).getRank())};
  }
  if (type.getDimSize(rowDim) == 1)
    place.map = addUnitDim(place.map, rowDim);
  return place;
}

Destination KernelEmitter::writeStored(Value result, AffineMap storage) {
  return {emptyTensor(getStoredType(getType(result), storage), batchOf(result)),
          storage, result, storage};
}

Destination KernelEmitter::write(Value result) {
  return write(result,
               builder.getMultiDimIdentityMap(getType(result).getRank()));
}

void KernelEmitter::finish(const Destination &destination, Value result) {
  if (!destination.concat) {
    converted[destination.target] = {result, destination.storage};
    return;
  }
  PartialConcat &partial = concats.find(destination.concat)->second;
  partial.destination.init = result;
  partial.written.set(destination.part);
}

//===----------------------------------------------------------------------===//
// Ops that place
//===----------------------------------------------------------------------===//

LogicalResult KernelEmitter::convert(tensor::InsertSliceOp op) {
  // What computes the source may have written it in place.
  if (converted.contains(op.getResult()))
    return success();
  if (op.getSourceType().getRank() == 0)
    return op.emitOpError("inserts a tensor of rank 0; needs rank 1 or more");
  if (!isStaticSlice(op.getStaticOffsets(), op.getStaticStrides()))
    return convertComputed(op);
  ValueAccess source = read(op.getSource());
  Value init = op.getDest().getDefiningOp<tensor::EmptyOp>()
                   ? emptyTensor(op.getResult())
                   : materialize(op.getDest());
  store(op.getResult(),
        gather(op.getSource(), source, init, getInsertionMap(op)));
  return success();
}

LogicalResult KernelEmitter::convert(tensor::ConcatOp op) {
  if (!isStorable(op.getResultType()) ||
      op.getResultType().isDynamicDim(op.getDim()))
    return op.emitOpError() << "has result " << op.getResultType()
                            << " along dim " << op.getDim()
                            << "; needs static sizes but for the batch, and "
                               "another dim";
  auto [known, isNew] = concats.try_emplace(op);
  if (isNew)
    known->second.written.resize(op.getNumOperands());
  Destination whole = isNew ? write(op.getResult()) : known->second.destination;
  llvm::SmallBitVector written = concats.find(op)->second.written;
  for (auto [part, operand] : llvm::enumerate(op.getInputs())) {
    if (written.test(part))
      continue;
    whole.init = gather(operand, read(operand), whole.init,
                        whole.map.compose(getConcatMap(op, part)));
  }
  finish(whole, whole.init);
  return success();
}
