//===- GemmFewRows.cpp - A block of a gemm of few rows --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thread multiplies some terms of four columns: the weights of a term, or of
// as many as lie side by side, and a block's columns are a run in memory, and
// as many such as there are threads for them follow. Sums of threads are added
// over the lanes of a warp, then over warps, in an order that does not depend
// on when they run.
//
//===----------------------------------------------------------------------===//

#include "../KernelToVector/ElementLoop.h"
#include "GemmEmitter.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

static constexpr int64_t kPanelColumns =
    vitc::vit::WeightExprAttr::kPanelColumns;
static constexpr int64_t kPackGranule = vitc::vit::WeightExprAttr::kPackGranule;
/// Columns of a thread; elements of a vector of f32.
static constexpr int64_t kVector = 4;
/// Vectors of weights that a thread asks for at once.
static constexpr int64_t kVectorsAtOnce = 8;

static int64_t countColumnBlocks(GemmOp op) {
  return llvm::divideCeil(op.getN(), op.getTiling()->getColumns());
}

DeviceFewRowsEmitter::DeviceFewRowsEmitter(GemmOp op, DeviceBuilder &builder)
    : op(op), b(builder), tiling(*op.getTiling()), n(op.getN()), k(op.getK()),
      numRows(tiling.getRows()), numColumns(tiling.getColumns()),
      slicesOfWarp(kWarpThreads / (numColumns / kVector)),
      numSlices(slicesOfWarp * b.getNumWarps()),
      firstColumn(
          b.mul(b.rem(b.getBlock(), countColumnBlocks(op)), numColumns)),
      slice(b.add(b.mul(b.getWarp(), slicesOfWarp),
                  b.rem(b.getLane(), slicesOfWarp))),
      rows(op, b, b.div(b.getBlock(), countColumnBlocks(op))), lhs(op, b),
      epilogue(op, b, {/*width=*/1, numColumns}),
      weights(b.getPointer(op.getWeights())),
      run(getPackedRun(weights.element)),
      columnDistance(run == 1 ? 1 : numColumns / kVector),
      terms(b.getShared(numRows * tiling.getKBlock(), b.getF32Type())),
      parts(
          b.getShared(b.getNumWarps() * numRows * numColumns, b.getF32Type())) {
  // Lanes read what lies side by side: four columns of one term, or a column's
  // run each.
  column = b.mul(b.div(b.getLane(), slicesOfWarp), run == 1 ? kVector : 1);
  // All columns of a block are of one panel.
  Value panel = b.div(firstColumn, kPanelColumns);
  int64_t tailColumns = llvm::alignTo(n % kPanelColumns, kPackGranule);
  weightsStride = b.index(kPanelColumns);
  if (tailColumns != 0)
    weightsStride = b.select(b.less(panel, b.index(n / kPanelColumns)),
                             weightsStride, b.index(tailColumns));
  int64_t packedRuns = llvm::alignTo(k, kPackGranule) / run;
  Value begin = b.mul(panel, kPanelColumns * packedRuns);
  if (hasWeightsPerItem(op)) {
    int64_t elements =
        cast<MemRefType>(op.getWeights().getType()).getDimSize(1);
    begin = b.add(begin, b.mul(rows.getItem(), elements / run));
  }
  Value first = b.add(b.rem(firstColumn, kPanelColumns), column);
  for (int64_t c = 0; c < (run == 1 ? 1 : kVector); ++c) {
    Value own = b.add(first, c * columnDistance);
    // Columns behind the panel read its first ones.
    if (tailColumns != 0)
      own = b.select(b.less(own, weightsStride), own, b.index(0));
    weightsBegins.push_back(b.add(begin, own));
  }
}

void DeviceFewRowsEmitter::emit() {
  SmallVector<Value> sums(numRows * kVector, b.scalar(0.0));
  int64_t kBlock = tiling.getKBlock();
  auto emitBlock = [&](Value begin, int64_t size, ValueRange init) {
    SmallVector<Value> sums(init);
    // The first weights come from memory while the rows do.
    int64_t numRuns = llvm::divideCeil(size, run);
    int64_t rounds = std::min(numRuns / numSlices, getRunsAtOnce());
    Value isThere;
    if (rounds == 0) {
      rounds = 1;
      isThere = b.less(slice, b.index(numRuns));
    }
    Batch first = loadBatch(begin, b.index(0), rounds, isThere);
    if (kBlock < k)
      b.barrier(); // nobody reads the terms before any more
    emitRows(begin, size);
    if (op.getNorm())
      emitNorm();
    b.barrier();
    multiply(first, sums);
    return emitTerms(begin, rounds * numSlices, size, sums);
  };
  int64_t whole = k / kBlock * kBlock;
  if (whole != 0)
    sums = b.forLoop(b.index(0), b.index(whole), kBlock, sums,
                     [&](Value begin, ValueRange sums) {
                       return emitBlock(begin, kBlock, sums);
                     });
  if (whole != k)
    sums = emitBlock(b.index(whole), k - whole, sums);
  emitResults(sums);
}

Value DeviceFewRowsEmitter::roundTerms(Value elements) {
  return b.extend(b.roundTo(elements, weights.element));
}

void DeviceFewRowsEmitter::emitRows(Value begin, int64_t size) {
  int64_t width = lhs.getMaxWidth(), kBlock = tiling.getKBlock();
  // What a run has behind k is multiplied, too.
  int64_t end = llvm::alignTo(size, std::max(run, width));
  for (int64_t r = 0; r < numRows; ++r) {
    DeviceGemmLhs::Row row = lhs.startRow(rows.at(b.add(rows.getBegin(), r)));
    b.forLoop(b.mul(b.getThread(), width), b.index(end), kThreads * width,
              [&](Value l) {
                Value term = b.add(begin, l);
                DeviceGemmLhs::Place place = {term, Value()};
                if (end != size)
                  place.isDeep = b.less(term, b.index(k));
                Value loaded = lhs.load(row, place, width);
                Value elements = lhs.transform(loaded, row, place, width);
                if (!op.getNorm())
                  elements = roundTerms(elements);
                b.store(elements, terms, b.add(l, r * kBlock));
              });
  }
}

Value DeviceFewRowsEmitter::sumRow(int64_t r, function_ref<Value(Value)> term) {
  // Threads read what they have written.
  int64_t width = lhs.getMaxWidth();
  Value zero = width == 1 ? b.scalar(0.0) : b.splat(0.0, width);
  Value sum =
      b.forLoop(b.mul(b.getThread(), width), b.index(k), kThreads * width, zero,
                [&](Value l, ValueRange sum) -> SmallVector<Value> {
                  Value elements =
                      b.load(terms, b.add(l, r * tiling.getKBlock()), width);
                  return {b.addf(sum[0], term(elements))};
                })[0];
  sum = b.sumOverLanes(width == 1 ? sum : b.reduceAdd(sum));
  b.barrier(); // nobody reads the parts before any more
  b.store(sum, parts, b.getWarp());
  b.barrier();
  Value total = b.load(parts, b.index(0));
  for (int64_t warp = 1; warp < b.getNumWarps(); ++warp)
    total = b.addf(total, b.load(parts, b.index(warp)));
  return total;
}

void DeviceFewRowsEmitter::emitNorm() {
  vitc::vit::NormAttr norm = op.getNormAttr();
  int64_t width = lhs.getMaxWidth();
  Value perElement = b.scalar(1.0 / double(k));
  for (int64_t r = 0; r < numRows; ++r) {
    Value mean;
    auto centre = [&](Value elements) {
      return mean ? b.subf(elements, broadcastElements(b, mean, width))
                  : elements;
    };
    if (!norm.getRms())
      mean = b.mulf(sumRow(r, [](Value elements) { return elements; }),
                    perElement);
    Value variance = b.mulf(sumRow(r,
                                   [&](Value elements) {
                                     Value difference = centre(elements);
                                     return b.mulf(difference, difference);
                                   }),
                            perElement);
    Value factor =
        broadcastElements(b, getNormFactor(b, norm, variance), width);
    b.forLoop(b.mul(b.getThread(), width), b.index(k), kThreads * width,
              [&](Value l) {
                Value place = b.add(l, r * tiling.getKBlock());
                Value elements = b.load(terms, place, width);
                b.store(roundTerms(b.mulf(centre(elements), factor)), terms,
                        place);
              });
  }
}

int64_t DeviceFewRowsEmitter::getRunsAtOnce() const {
  return kVectorsAtOnce / static_cast<int64_t>(weightsBegins.size());
}

DeviceFewRowsEmitter::Batch DeviceFewRowsEmitter::loadBatch(Value begin,
                                                            Value from,
                                                            int64_t count,
                                                            Value isThere) {
  Batch batch;
  batch.isThere = isThere;
  int64_t width = run == 1 ? kVector : run;
  for (int64_t i = 0; i < count; ++i) {
    Value number = b.add(b.add(from, slice), i * numSlices);
    if (batch.isThere)
      number = b.select(batch.isThere, number, b.index(0));
    Value depth = b.mul(b.add(b.div(begin, run), number), weightsStride);
    batch.runs.push_back(number);
    SmallVector<Value, 4> &vectors = batch.weights.emplace_back();
    for (Value own : weightsBegins)
      vectors.push_back(b.load(weights, b.mul(b.add(own, depth), run), width));
  }
  return batch;
}

void DeviceFewRowsEmitter::multiply(const Batch &batch,
                                    MutableArrayRef<Value> sums) {
  for (auto [number, loaded] : llvm::zip(batch.runs, batch.weights)) {
    SmallVector<Value, 4> weights =
        llvm::map_to_vector<4>(loaded, [&](Value vector) {
          Value weights = b.extend(vector);
          if (!batch.isThere)
            return weights;
          return b.select(batch.isThere, weights, b.constantLike(0.0, weights));
        });
    int64_t width = std::min(run, kVector);
    for (int64_t r = 0; r < numRows; ++r)
      for (int64_t part = 0; part < run; part += width) {
        Value place = b.add(b.mul(number, run), r * tiling.getKBlock() + part);
        Value elements = b.load(terms, place, width);
        for (int64_t u = 0; u < width; ++u) {
          Value element =
              width == 1 ? elements : vector::ExtractOp::create(b, elements, u);
          for (int64_t c = 0; c < kVector; ++c) {
            Value weight =
                run == 1 ? vector::ExtractOp::create(b, weights.front(), c)
                         : vector::ExtractOp::create(b, weights[c], part + u);
            Value &sum = sums[r * kVector + c];
            sum = b.fma(element, weight, sum);
          }
        }
      }
  }
}

SmallVector<Value> DeviceFewRowsEmitter::emitTerms(Value begin, int64_t from,
                                                   int64_t size,
                                                   ValueRange init) {
  SmallVector<Value> sums(init);
  int64_t numRuns = llvm::divideCeil(size, run);
  if (from >= numRuns)
    return sums;
  int64_t perStep = getRunsAtOnce() * numSlices;
  int64_t end = from + (numRuns - from) / perStep * perStep;
  if (from != end)
    sums = b.forLoop(b.index(from), b.index(end), perStep, sums,
                     [&](Value from, ValueRange carried) {
                       SmallVector<Value> sums(carried);
                       multiply(loadBatch(begin, from, getRunsAtOnce()), sums);
                       return sums;
                     });
  int64_t rest = (numRuns - end) / numSlices;
  multiply(loadBatch(begin, b.index(end), rest), sums);
  end += rest * numSlices;
  if (end == numRuns)
    return sums;
  // Not all threads have one more.
  SmallVector<Type> types(sums.size(), b.getF32Type());
  return b.ifElse(
      b.less(slice, b.index(numRuns - end)), types,
      [&] {
        SmallVector<Value> more = sums;
        multiply(loadBatch(begin, b.index(end), 1), more);
        return more;
      },
      [&] { return sums; });
}

void DeviceFewRowsEmitter::emitResults(ValueRange sums) {
  b.barrier(); // the parts of a norm are read
  int64_t blockResults = numRows * numColumns;
  Value own = b.add(b.mul(b.getWarp(), blockResults), column);
  for (int64_t r = 0; r < numRows; ++r)
    for (int64_t c = 0; c < kVector; ++c) {
      // Every lane of a column stores the same.
      Value sum = b.sumOverLanes(sums[r * kVector + c], slicesOfWarp);
      b.store(sum, parts, b.add(own, r * numColumns + c * columnDistance));
    }
  b.barrier();
  b.forLoop(b.getThread(), b.index(blockResults), kThreads, [&](Value i) {
    Value sum = b.load(parts, i);
    for (int64_t warp = 1; warp < b.getNumWarps(); ++warp)
      sum = b.addf(sum, b.load(parts, b.add(i, warp * blockResults)));
    Value m = b.add(rows.getBegin(), b.div(i, numColumns));
    DeviceGemmEpilogue::Row row = epilogue.startRow(rows.at(m));
    DeviceGemmEpilogue::Column place =
        epilogue.startColumn(b.add(firstColumn, b.rem(i, numColumns)));
    Value value = epilogue.finish(sum, row, place);
    b.ifElse(
        b.less(m, rows.getEnd()), [&] { epilogue.store(value, row, place); },
        nullptr);
  });
}
