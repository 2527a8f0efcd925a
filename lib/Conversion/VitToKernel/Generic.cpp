//===- Generic.cpp - linalg.generic to kernel.generic ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One kernel a result. Its dims are the batch, then the parallel loops as they
// lie in the result's memory, then the reduced ones; loops of one iteration are
// left out. Operands are read through whatever moved them.
//
//===----------------------------------------------------------------------===//

#include "IndexSimplify.h"
#include "KernelEmitter.h"
#include "ReaderLayout.h"
#include "ScalarBody.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace vitc;

namespace {
/// A tensor that the body reads an element of at every iteration.
struct Input {
  BlockArgument argument;
  ValueAccess access; // from loops to indices of the base
};

/// The iteration space of a kernel for an op.
struct Space {
  /// Loops, in the order of the kernel's dims.
  std::optional<unsigned> batch;
  SmallVector<unsigned> parallel, reduced;
  SmallVector<int64_t> sizes, reduce;
  /// From dims to loops, and from a loop to its dim if it has one.
  AffineMap map;
  SmallVector<std::optional<unsigned>> dims;

  /// What bounds the dims, for simplification.
  SmallVector<int64_t> getBounds(int64_t batchSize) const {
    SmallVector<int64_t> bounds = {batchSize};
    llvm::append_range(bounds, sizes);
    llvm::append_range(bounds, reduce);
    return bounds;
  }
};
} // namespace

static ArrayRef<int64_t> getShape(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getShape();
}

/// Steps in memory along each of `loops`; none unless all are known, and no
/// two elements are one.
static std::optional<SmallVector<int64_t>>
getStrides(const ValueAccess &access, ArrayRef<unsigned> loops) {
  SmallVector<int64_t> strides;
  for (unsigned loop : loops) {
    std::optional<int64_t> stride =
        getMemoryStride(access.map, getShape(access.base), loop);
    if (!stride || *stride == 0)
      return std::nullopt;
    strides.push_back(std::abs(*stride));
  }
  return strides;
}

/// `loops` as they lie in memory, the widest steps first.
static void sortLoops(SmallVectorImpl<unsigned> &loops,
                      ArrayRef<int64_t> strides) {
  SmallVector<unsigned> order =
      llvm::to_vector(llvm::seq<unsigned>(0, loops.size()));
  llvm::sort(order, [&](unsigned a, unsigned b) {
    return std::make_pair(-strides[a], a) < std::make_pair(-strides[b], b);
  });
  loops = llvm::map_to_vector(order, [&](unsigned i) { return loops[i]; });
}

/// The layout that a result takes over from the first input that has all its
/// elements, as a permutation of its dims; else the identity.
static AffineMap getLayout(AffineMap resultMap, ArrayRef<int64_t> extents,
                           ArrayRef<Input> inputs) {
  MLIRContext *context = resultMap.getContext();
  unsigned rank = resultMap.getNumResults();
  AffineMap identity = AffineMap::getMultiDimIdentityMap(rank, context);
  SmallVector<unsigned> loops, places; // of more than one iteration
  for (auto [place, expr] : llvm::enumerate(resultMap.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (!dim)
      return identity;
    if (extents[dim.getPosition()] != 1) {
      loops.push_back(dim.getPosition());
      places.push_back(place);
    }
  }
  for (const Input &input : inputs) {
    auto strides = getStrides(input.access, loops);
    if (!strides)
      continue;
    SmallVector<unsigned> order = places;
    sortLoops(order, *strides);
    SmallVector<AffineExpr> results(identity.getResults());
    for (auto [place, dim] : llvm::zip(places, order))
      results[place] = getAffineDimExpr(dim, context);
    return AffineMap::get(rank, 0, results, context);
  }
  return identity;
}

/// The space in which `destination`, from loops to memory, is written in order.
static FailureOr<Space> getSpace(linalg::GenericOp op,
                                 ArrayRef<int64_t> extents,
                                 const ValueAccess &destination,
                                 ArrayRef<Input> inputs) {
  Space space;
  for (auto [loop, extent] : llvm::enumerate(extents)) {
    bool isParallel =
        op.getIteratorTypesArray()[loop] == utils::IteratorType::parallel;
    if (ShapedType::isDynamic(extent)) {
      if (!isParallel)
        return op.emitOpError(
            "reduces over a dynamic size; needs a static batch");
      space.batch = loop;
    } else if (extent != 1) {
      (isParallel ? space.parallel : space.reduced).push_back(loop);
    }
  }
  if (space.reduced.empty() && op.getNumReductionLoops() > 0) {
    SmallVector<unsigned> loops;
    op.getReductionDims(loops);
    space.reduced.push_back(loops.back());
  }
  if (auto strides = getStrides(destination, space.parallel))
    sortLoops(space.parallel, *strides);
  for (const Input &input : inputs)
    if (auto strides = getStrides(input.access, space.reduced)) {
      sortLoops(space.reduced, *strides);
      break;
    }
  // A row is the last of the sizes: one loop alone is none of the batch.
  if (!space.batch && space.parallel.size() > 1) {
    space.batch = space.parallel.front();
    space.parallel.erase(space.parallel.begin());
  }

  MLIRContext *context = op.getContext();
  SmallVector<AffineExpr> exprs(extents.size(),
                                getAffineConstantExpr(0, context));
  space.dims.resize(extents.size());
  unsigned numDims = 0;
  auto addDim = [&](std::optional<unsigned> loop) {
    if (loop) {
      exprs[*loop] = getAffineDimExpr(numDims, context);
      space.dims[*loop] = numDims;
    }
    ++numDims;
  };
  addDim(space.batch);
  for (unsigned loop : space.parallel) {
    addDim(loop);
    space.sizes.push_back(extents[loop]);
  }
  if (space.sizes.empty()) {
    addDim(std::nullopt);
    space.sizes.push_back(1);
  }
  for (unsigned loop : space.reduced) {
    addDim(loop);
    space.reduce.push_back(extents[loop]);
  }
  space.map = AffineMap::get(numDims, 0, exprs, context);
  return space;
}

/// The one value of all elements of a tensor, or a constant scalar; zero for
/// memory that nobody wrote.
static TypedAttr getUniformValue(Value value) {
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    value = fill.getInputs().front();
  if (auto empty = value.getDefiningOp<tensor::EmptyOp>())
    return Builder(empty.getContext())
        .getZeroAttr(empty.getType().getElementType());
  TypedAttr constant;
  if (!matchPattern(value, m_Constant(&constant)))
    return {};
  auto elements = dyn_cast<DenseElementsAttr>(constant);
  if (!elements)
    return isa<ShapedType>(constant.getType()) ? TypedAttr() : constant;
  return elements.isSplat() ? elements.getSplatValue<TypedAttr>() : TypedAttr();
}

LogicalResult KernelEmitter::convert(linalg::GenericOp op) {
  for (unsigned number = 0; number < op.getNumResults(); ++number)
    if (failed(convertResult(op, number)))
      return failure();
  return success();
}

LogicalResult KernelEmitter::convertResult(linalg::GenericOp op,
                                           unsigned number) {
  FailureOr<ScalarBody> body = ScalarBody::find(op, number);
  if (failed(body))
    return failure();
  OpOperand *init = op.getDpsInitOperand(number);
  BlockArgument initArgument = op.getMatchingBlockArgument(init);
  bool reduces = op.getNumReductionLoops() > 0;

  SmallVector<Input> inputs;
  IRMapping mapping;
  SmallVector<std::pair<BlockArgument, TypedAttr>> constants;
  for (OpOperand &operand : op->getOpOperands()) {
    BlockArgument argument = op.getMatchingBlockArgument(&operand);
    if (!body->uses(argument) || (reduces && argument == initArgument))
      continue;
    if (TypedAttr constant = getUniformValue(operand.get())) {
      constants.emplace_back(argument, constant);
    } else if (isa<RankedTensorType>(operand.get().getType())) {
      ValueAccess access = read(operand.get());
      access.map = access.map.compose(op.getMatchingIndexingMap(&operand));
      inputs.push_back({argument, access});
    }
  }
  SmallVector<ValueAccess> tables = llvm::map_to_vector(
      body->getTables(), [&](Value table) { return read(table); });

  Value result = op.getResult(number);
  AffineMap resultMap = op.getMatchingIndexingMap(init);
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  // What reads the result decides; else it is written as it comes.
  std::optional<unsigned> rowDim =
      reduces ? std::nullopt : getReaderRowDim(result);
  Destination destination =
      write(result, rowDim ? getLayoutWithRows(resultMap.getNumResults(),
                                               *rowDim, builder.getContext())
                           : getLayout(resultMap, extents, inputs));
  TypedAttr identity;
  if (reduces && !(identity = getUniformValue(init->get())))
    destination.init = gather(init->get(), read(init->get()), destination.init,
                              destination.map);
  resultMap = destination.map.compose(resultMap);
  FailureOr<Space> space =
      getSpace(op, extents, {destination.init, resultMap}, inputs);
  if (failed(space))
    return failure();

  bool hasDynamicBatch =
      space->batch && ShapedType::isDynamic(extents[*space->batch]);
  Value batchSize = hasDynamicBatch
                        ? batchOf(result)
                        : index(space->batch ? extents[*space->batch] : 1);
  SmallVector<int64_t> bounds =
      space->getBounds(space->batch ? extents[*space->batch] : int64_t(1));
  auto onDims = [&](AffineMap map) {
    return simplifyIndices(map.compose(space->map), bounds);
  };
  SmallVector<Value> inputBases, tableBases;
  SmallVector<AffineMap> inputMaps, tableMaps;
  for (const Input &input : inputs) {
    inputBases.push_back(input.access.base);
    inputMaps.push_back(onDims(input.access.map));
  }
  for (const ValueAccess &table : tables) {
    tableBases.push_back(table.base);
    tableMaps.push_back(table.map);
  }
  auto generic = kernel::GenericOp::create(
      builder, TypeRange(destination.init.getType()), batchSize,
      builder.getDenseI64ArrayAttr(space->sizes),
      builder.getDenseI64ArrayAttr(space->reduce), identity, inputBases,
      builder.getAffineMapArrayAttr(inputMaps), tableBases,
      builder.getAffineMapArrayAttr(tableMaps), destination.init,
      AffineMapAttr::get(onDims(resultMap)), kernel::RowTilingAttr());
  {
    OpBuilder::InsertionGuard guard(builder);
    Block *block = builder.createBlock(&generic.getBody());
    auto addArgument = [&](BlockArgument argument) {
      mapping.map(argument,
                  block->addArgument(argument.getType(), op.getLoc()));
    };
    for (const Input &input : inputs)
      addArgument(input.argument);
    if (reduces)
      addArgument(initArgument);
    for (auto [argument, value] : constants)
      mapping.map(argument, arith::ConstantOp::create(builder, value));
    body->clone(builder, mapping, space->dims);
  }
  finish(destination, generic.getResult(0));
  return success();
}
