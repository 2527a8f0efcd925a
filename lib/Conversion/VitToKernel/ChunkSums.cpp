//===- ChunkSums.cpp - Statistics of what a product writes ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// convert-group-norm-to-linalg sums chunks of a feature map, their first pixel
// subtracted. Where a product writes the map, and a chunk is a part of its
// rows, the sums are kernel.gemm's statistics: the map is not read for them.
//
//===----------------------------------------------------------------------===//

#include "ChunkSums.h"

#include "IndexSimplify.h"
#include "KernelEmitter.h"
#include "Movement.h"

using namespace mlir;
using namespace vitc;

/// The tensor [B, C, chunks, ...] that `op` sums over all but its first three
/// dims, both the differences to the first element and their squares; null if
/// it computes anything else.
static Value getSummed(linalg::GenericOp op) {
  if (op.getNumResults() != 2 || op.getNumDpsInputs() != 2 ||
      op.getNumParallelLoops() != 3 || op.getNumReductionLoops() == 0)
    return {};
  MLIRContext *context = op.getContext();
  unsigned loops = op.getNumLoops();
  AffineMap sums =
      AffineMap::getMultiDimIdentityMap(loops, context).getMajorSubMap(3);
  SmallVector<AffineExpr> first(sums.getResults());
  first.resize(loops, getAffineConstantExpr(0, context));
  SmallVector<AffineMap> maps = {
      AffineMap::getMultiDimIdentityMap(loops, context),
      AffineMap::get(loops, 0, first, context), sums, sums};
  Value tensor = op.getDpsInputs()[0];
  if (!getElementTypeOrSelf(tensor).isF32() || op.getDpsInputs()[1] != tensor ||
      op.getIndexingMapsArray() != maps ||
      !llvm::all_of(op.getDpsInits(), [](Value init) {
        auto fill = init.getDefiningOp<linalg::FillOp>();
        return fill && matchPattern(fill.getInputs().front(), m_AnyZeroFloat());
      }))
    return {};
  Block::BlockArgListType args = op.getBody()->getArguments();
  Operation *yield = op.getBody()->getTerminator();
  auto sum = yield->getOperand(0).getDefiningOp<arith::AddFOp>();
  auto squares = yield->getOperand(1).getDefiningOp<arith::AddFOp>();
  auto square =
      squares ? squares.getRhs().getDefiningOp<arith::MulFOp>() : nullptr;
  auto difference = sum ? sum.getRhs().getDefiningOp<arith::SubFOp>() : nullptr;
  bool isSum = difference && difference.getLhs() == args[0] &&
               difference.getRhs() == args[1] && sum.getLhs() == args[2];
  bool isSquares = isSum && square && squares.getLhs() == args[3] &&
                   square.getLhs() == difference.getResult() &&
                   square.getRhs() == difference.getResult();
  return isSquares ? tensor : Value();
}

/// The sums of `op` as those of a product's columns: element x of the tensor
/// that it reads is that of map(x) = (b, i, j).
static std::optional<ChunkSums> getChunkSums(linalg::GenericOp op,
                                             AffineMap map) {
  MLIRContext *context = op.getContext();
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  map = simplifyIndices(map, sizes);
  auto isAlways = [&](AffineExpr expr, AffineExpr expected) {
    AffineMap wanted = simplifyIndices(
        AffineMap::get(map.getNumDims(), 0, expected, context), sizes);
    return simplifyAffineExpr(expr - wanted.getResult(0), map.getNumDims(),
                              /*numSymbols=*/0) == 0;
  };
  AffineExpr row = getAffineConstantExpr(0, context);
  for (unsigned dim = 2; dim < sizes.size(); ++dim)
    row = row * sizes[dim] + getAffineDimExpr(dim, context);
  AffineExpr item = getAffineDimExpr(0, context);
  AffineExpr channel = getAffineDimExpr(1, context);
  auto column = dyn_cast<AffineConstantExpr>(
      simplifyAffineExpr(map.getResult(2) - channel, map.getNumDims(),
                         /*numSymbols=*/0));
  if (!column || !isAlways(map.getResult(0), item) ||
      !isAlways(map.getResult(1), row))
    return std::nullopt;
  return ChunkSums{op, sizes[2], column.getValue()};
}

/// Adds the sums that are read from `value`, moved or not.
static void collectChunkSums(Value value, AffineMap map,
                             SmallVectorImpl<ChunkSums> &found) {
  for (Operation *reader :
       llvm::SetVector<Operation *>(value.user_begin(), value.user_end())) {
    auto generic = dyn_cast<linalg::GenericOp>(reader);
    if (generic && getSummed(generic) == value) {
      std::optional<ChunkSums> sums = getChunkSums(generic, map);
      if (sums && (found.empty() || found.front().chunks == sums->chunks))
        found.push_back(*sums);
      continue;
    }
    std::optional<Movement> movement = getMovement(reader);
    if (movement && movement->source == value)
      collectChunkSums(reader->getResult(0), map.compose(movement->map), found);
  }
}

SmallVector<ChunkSums> vitc::findChunkSums(Value result, AffineMap toRows) {
  SmallVector<ChunkSums> found;
  collectChunkSums(result, toRows, found);
  return found;
}

Value KernelEmitter::emptyStatistics(ArrayRef<ChunkSums> sums, Value result,
                                     int64_t columns) {
  if (sums.empty())
    return {};
  auto type = cast<RankedTensorType>(result.getType());
  return emptyTensor(
      type.clone({type.getDimSize(0), sums.front().chunks, 2, columns}),
      batchOf(result));
}

void KernelEmitter::finishStatistics(kernel::GemmOp gemm,
                                     ArrayRef<ChunkSums> sums,
                                     Value statistics) {
  if (!statistics)
    return;
  gemm.getStatisticsMutable().assign(statistics);
  AffineExpr b, c, chunk;
  bindDims(builder.getContext(), b, c, chunk);
  for (const ChunkSums &part : sums)
    for (unsigned kind : {0, 1})
      converted[linalg::GenericOp(part.op).getResult(kind)] = {
          gemm.getResult(1),
          AffineMap::get(
              3, 0,
              {b, chunk, builder.getAffineConstantExpr(kind), c + part.column},
              builder.getContext())};
}
