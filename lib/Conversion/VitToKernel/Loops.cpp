//===- Loops.cpp - Loops around kernels -----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// scf.for and scf.while stay, around the kernels of their bodies. What a loop
// carries is a tensor that its body writes again: bufferisation finds each
// yielded value in the buffer of its argument, and needs no copy. A body that
// inserts into what it carries writes there at once; every other value is
// copied when all of the body has read what was there before.
//
//===----------------------------------------------------------------------===//

#include "IndexSimplify.h"
#include "KernelEmitter.h"
#include "Movement.h"
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace vitc;

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

FailureOr<Value> KernelEmitter::readScalar(Value value) {
  llvm::DenseMap<Value, Value> computed;
  return readScalar(value, computed);
}

FailureOr<Value>
KernelEmitter::readScalar(Value value, llvm::DenseMap<Value, Value> &computed) {
  if (Value known = scalars.lookup(value))
    return known;
  if (Value known = computed.lookup(value))
    return known;
  Operation *op = value.getDefiningOp();
  if (auto extract = dyn_cast_or_null<tensor::ExtractOp>(op)) {
    ValueAccess access = read(extract.getTensor());
    SmallVector<Value> indices;
    for (Value operand : extract.getIndices()) {
      FailureOr<Value> index = readScalar(operand, computed);
      if (failed(index))
        return failure();
      indices.push_back(*index);
    }
    auto place =
        affine::expandAffineMap(builder, builder.getLoc(), access.map, indices);
    Value element = tensor::ExtractOp::create(builder, access.base, *place);
    return computed[value] = element;
  }
  bool isScalarOp =
      op && isPure(op) && op->getNumRegions() == 0 &&
      llvm::none_of(op->getOperandTypes(), llvm::IsaPred<ShapedType>);
  if (!isScalarOp) {
    emitError(value.getLoc())
        << "a number of type " << value.getType()
        << " decides where a kernel runs; needs one that is computed from a "
           "loop's index and elements of tensors";
    return failure();
  }
  IRMapping mapping;
  for (Value operand : op->getOperands()) {
    FailureOr<Value> scalar = readScalar(operand, computed);
    if (failed(scalar))
      return failure();
    mapping.map(operand, *scalar);
  }
  unsigned number = cast<OpResult>(value).getResultNumber();
  return computed[value] = builder.clone(*op, mapping)->getResult(number);
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

/// From indices of a value to those of a tensor that holds it dim by dim.
static AffineMap getWholeMap(Value value) {
  MLIRContext *context = value.getContext();
  int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
  return rank == 0 ? AffineMap::get(0, 0, getAffineConstantExpr(0, context))
                   : AffineMap::getMultiDimIdentityMap(rank, context);
}

static bool isWhole(const ValueAccess &access, Value value) {
  return access.map == getWholeMap(value);
}

void KernelEmitter::leaveLoops(Value value) {
  Operation *around = value.getParentBlock()->getParentOp();
  // A reader in a loop may have been the first to want what it is read from.
  Value source = value;
  while (!converted.contains(source))
    if (std::optional<Movement> movement = getMovement(source.getDefiningOp()))
      source = movement->source;
    else
      break;
  auto known = converted.find(source);
  Operation *aroundBase =
      known == converted.end()
          ? nullptr
          : known->second.base.getParentBlock()->getParentOp();
  for (auto [sourceLoop, loop] : loops)
    if (!sourceLoop->isAncestor(around) &&
        !(aroundBase && loop->isAncestor(aroundBase))) {
      builder.setInsertionPoint(loop);
      return;
    }
}

/// The tensor that the kernels behind `value` write, from the first on.
static Value getRoot(Value value) {
  while (auto kernel = value.getDefiningOp<DestinationStyleOpInterface>())
    value = kernel.getDpsInits().front();
  return value;
}

LogicalResult KernelEmitter::convertRegion(Block &source,
                                           ArrayRef<Value> destinations,
                                           SmallVectorImpl<Value> &results) {
  for (Operation &op : source.without_terminator())
    if (failed(convert(&op)))
      return failure();

  // What lies in a destination is read before any of them is written.
  llvm::SmallDenseSet<Value> overwritten(destinations.begin(),
                                         destinations.end());
  ValueRange yielded = source.getTerminator()->getOperands();
  SmallVector<ValueAccess> accesses;
  for (auto [value, destination] : llvm::zip(yielded, destinations)) {
    if (!isa<RankedTensorType>(value.getType())) {
      FailureOr<Value> scalar = readScalar(value);
      if (failed(scalar))
        return failure();
      accesses.push_back({*scalar, AffineMap()});
      continue;
    }
    ValueAccess access = read(value);
    Value root = getRoot(access.base);
    bool isWritten = root == destination && isWhole(access, value);
    if (!isWritten && overwritten.contains(root))
      access = {materialize(value), getWholeMap(value)};
    accesses.push_back(access);
  }
  for (auto [value, access, destination] :
       llvm::zip(yielded, accesses, destinations)) {
    // A number, or in its place.
    bool isDone = !access.map || getRoot(access.base) == destination;
    results.push_back(
        isDone ? access.base
               : gather(value, access, destination, getWholeMap(value)));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

Value KernelEmitter::own(Value value, Value result) {
  // What the function returns is computed where it belongs.
  Value output;
  if (result && result.hasOneUse() && isa<func::ReturnOp>(*result.user_begin()))
    output = outputs[result.getUses().begin()->getOperandNumber()];
  if (value.getDefiningOp<tensor::EmptyOp>())
    return output ? output : emptyTensor(value);
  ValueAccess access = read(value);
  if (output)
    return gather(value, access, output, getWholeMap(value));
  // What one kernel wrote for this use alone is not copied.
  bool isOwned = value.hasOneUse() && converted.contains(value) &&
                 value.getParentBlock() == value.user_begin()->getBlock() &&
                 access.base.getDefiningOp<DestinationStyleOpInterface>() &&
                 isWhole(access, value) &&
                 getRoot(access.base).getDefiningOp<tensor::EmptyOp>();
  return isOwned ? access.base : materialize(value);
}

LogicalResult KernelEmitter::convert(scf::ForOp op) {
  SmallVector<Value> bounds, inits;
  for (Value bound : {op.getLowerBound(), op.getUpperBound(), op.getStep()}) {
    FailureOr<Value> scalar = readScalar(bound);
    if (failed(scalar))
      return failure();
    bounds.push_back(*scalar);
  }
  for (auto [init, result] : llvm::zip(op.getInitArgs(), op.getResults())) {
    if (!isa<RankedTensorType>(init.getType()))
      return op.emitOpError() << "carries a value of type " << init.getType()
                              << "; needs tensors";
    inits.push_back(own(init, result));
  }
  auto loop =
      scf::ForOp::create(builder, bounds[0], bounds[1], bounds[2], inits);
  SmallVector<Value> results;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    // What is read in the body through copies is not there behind the loop.
    llvm::DenseMap<Value, ValueAccess> around = converted;
    loops.emplace_back(op, loop);
    scalars[op.getInductionVar()] = loop.getInductionVar();
    SmallVector<Value> destinations(loop.getRegionIterArgs());
    for (auto [before, after] : llvm::zip(op.getRegionIterArgs(), destinations))
      store(before, after);
    if (failed(convertRegion(*op.getBody(), destinations, results)))
      return failure();
    builder.setLoc(op.getLoc());
    scf::YieldOp::create(builder, results);
    loops.pop_back();
    converted = std::move(around);
  }
  for (auto [before, after] : llvm::zip(op.getResults(), loop.getResults()))
    store(before, after);
  return success();
}

void KernelEmitter::enter(Value value, Value tensorOrNumber) {
  if (isa<RankedTensorType>(value.getType()))
    store(value, tensorOrNumber);
  else
    scalars[value] = tensorOrNumber;
}

/// Everything that the loop carries goes on to its body and behind it.
LogicalResult KernelEmitter::convert(scf::WhileOp op) {
  SmallVector<unsigned> positions; // of arguments of the body, and of results
  for (Value value : op.getConditionOp().getArgs()) {
    auto *argument = llvm::find(op.getBeforeArguments(), value);
    if (argument == op.getBeforeArguments().end())
      return op.emitOpError("has a condition that hands on a value that the "
                            "loop does not carry; needs those that it does");
    positions.push_back(argument - op.getBeforeArguments().begin());
  }
  SmallVector<Value> inits;
  for (auto [number, init] : llvm::enumerate(op.getInits())) {
    auto *found = llvm::find(positions, number);
    Value result = found == positions.end()
                       ? Value()
                       : op.getResult(found - positions.begin());
    FailureOr<Value> value = isa<RankedTensorType>(init.getType())
                                 ? own(init, result)
                                 : readScalar(init);
    if (failed(value))
      return failure();
    inits.push_back(*value);
  }
  auto types = llvm::to_vector(ValueRange(inits).getTypes());
  SmallVector<Location> locs(types.size(), op.getLoc());
  auto loop = scf::WhileOp::create(builder, types, inits);
  llvm::DenseMap<Value, ValueAccess> around = converted;
  loops.emplace_back(op, loop);
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *before = builder.createBlock(&loop.getBefore(), {}, types, locs);
    for (auto [source, argument] :
         llvm::zip(op.getBeforeArguments(), before->getArguments()))
      enter(source, argument);
    FailureOr<Value> holds = readScalar(op.getConditionOp().getCondition());
    if (failed(holds))
      return failure();
    scf::ConditionOp::create(builder, *holds, before->getArguments());
    // What the condition reads through copies is not there in the body.
    converted = around;

    Block *after = builder.createBlock(&loop.getAfter(), {}, types, locs);
    for (auto [source, position] : llvm::zip(op.getAfterArguments(), positions))
      enter(source, after->getArgument(position));
    SmallVector<Value> destinations(after->getArguments()), results;
    if (failed(convertRegion(*op.getAfterBody(), destinations, results)))
      return failure();
    builder.setLoc(op.getLoc());
    scf::YieldOp::create(builder, results);
  }
  loops.pop_back();
  converted = std::move(around);
  for (auto [source, position] : llvm::zip(op.getResults(), positions))
    enter(source, loop.getResult(position));
  return success();
}

//===----------------------------------------------------------------------===//
// Slices at computed positions
//===----------------------------------------------------------------------===//

FailureOr<KernelEmitter::SliceAccess>
KernelEmitter::readSlice(OffsetSizeAndStrideOpInterface op,
                         const llvm::SmallBitVector &dropped) {
  MLIRContext *context = builder.getContext();
  SliceAccess slice;
  unsigned rank = op.getStaticOffsets().size() - dropped.count();
  SmallVector<AffineExpr> results;
  unsigned dim = 0;
  for (auto [position, offset, stride] :
       llvm::enumerate(op.getMixedOffsets(), op.getStaticStrides())) {
    if (stride < 1)
      return op->emitOpError("has a computed stride or one below 1; needs "
                             "positive static strides");
    AffineExpr expr;
    if (std::optional<int64_t> known = getConstantIntValue(offset)) {
      expr = builder.getAffineConstantExpr(*known);
    } else {
      FailureOr<Value> scalar = readScalar(cast<Value>(offset));
      if (failed(scalar))
        return failure();
      expr = getAffineDimExpr(rank + slice.offsets.size(), context);
      slice.offsets.push_back(*scalar);
    }
    if (!dropped.test(position))
      expr = getAffineDimExpr(dim++, context) * stride + expr;
    results.push_back(expr);
  }
  slice.map = AffineMap::get(rank + slice.offsets.size(), 0, results, context);
  return slice;
}

Value KernelEmitter::gatherSlice(Value value, const ValueAccess &source,
                                 Value init, AffineMap map,
                                 ArrayRef<Value> offsets) {
  // From (batch, sizes..., offsets...) to (indices of the value, offsets...).
  MLIRContext *context = builder.getContext();
  Box box = getBox(value);
  unsigned numDims = box.map.getNumDims();
  SmallVector<AffineExpr> exprs(box.map.getResults());
  for (unsigned index = 0; index < offsets.size(); ++index)
    exprs.push_back(getAffineDimExpr(numDims + index, context));
  AffineMap dims = AffineMap::get(numDims + offsets.size(), 0, exprs, context);
  SmallVector<int64_t> bounds = {ShapedType::kDynamic};
  llvm::append_range(bounds, box.sizes.asArrayRef());
  bounds.append(offsets.size(), ShapedType::kDynamic);
  auto onDims = [&](AffineMap map) {
    unsigned rank = box.map.getNumResults();
    if (map.getNumDims() == rank) // no offset in it
      map = AffineMap::get(rank + offsets.size(), 0, map.getResults(), context);
    return AffineMapAttr::get(simplifyIndices(map.compose(dims), bounds));
  };
  return kernel::GatherOp::create(builder, TypeRange(init.getType()), box.batch,
                                  box.sizes, offsets, source.base,
                                  onDims(source.map), init, onDims(map),
                                  kernel::RowTilingAttr())
      .getResult(0);
}

LogicalResult KernelEmitter::convertComputed(tensor::ExtractSliceOp op) {
  FailureOr<SliceAccess> slice = readSlice(op, op.getDroppedDims());
  if (failed(slice))
    return failure();
  // A step of an offset is a constant step of the indices of a whole tensor.
  Value tensor = op.getSource();
  ValueAccess source = read(tensor);
  if (!isWhole(source, tensor)) {
    OpBuilder::InsertionGuard guard(builder);
    leaveLoops(tensor);
    store(tensor, materialize(tensor));
    source = converted[tensor];
  }
  Destination destination = write(op.getResult());
  finish(destination,
         gatherSlice(op.getResult(), {source.base, slice->map},
                     destination.init, destination.map, slice->offsets));
  return success();
}

LogicalResult KernelEmitter::convertComputed(tensor::InsertSliceOp op) {
  FailureOr<SliceAccess> slice = readSlice(op, op.getDroppedDims());
  if (failed(slice))
    return failure();
  ValueAccess source = read(op.getSource());
  Value init = writeInto(op.getDest());
  if (!init)
    init = materialize(op.getDest());
  store(op.getResult(),
        gatherSlice(op.getSource(), source, init, slice->map, slice->offsets));
  return success();
}
