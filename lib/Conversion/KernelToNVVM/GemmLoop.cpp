//===- GemmLoop.cpp - A block of a gemm -----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GemmEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

static int64_t countColumnBlocks(GemmOp op, const GemmTileShape &shape) {
  return llvm::divideCeil(op.getN(), shape.columns);
}

DeviceGemmEmitter::DeviceGemmEmitter(GemmOp op, DeviceBuilder &builder)
    : op(op), b(builder), product(DeviceTileProduct::create(op, b)),
      shape(product->getShape()),
      rowBlock(b.div(b.getBlock(), countColumnBlocks(op, shape))),
      firstColumn(b.mul(b.rem(b.getBlock(), countColumnBlocks(op, shape)),
                        shape.columns)),
      rows(op, b, rowBlock), lhs(op, b, shape),
      weights(op, b, shape, firstColumn, rows.getItem()),
      epilogue(op, b, {product->getFragment().width, shape.columns}) {}

void DeviceGemmEmitter::emit() {
  if (op.getStatistics())
    return emitChunk();
  SmallVector<Value> sums = emitProduct(rows.getBegin());
  emitResults(rows.getBegin(), product->getVectors(sums));
}

SmallVector<Value> DeviceGemmEmitter::emitProduct(Value begin) {
  int64_t numSteps = llvm::divideCeil(op.getK(), shape.getTerms());
  int64_t ahead = shape.stages - 1;
  lhs.start(rows, begin);
  auto load = [&](Value step, Value stage) {
    weights.copy(step, stage);
    return lhs.load(b.mul(step, shape.getTerms()), stage);
  };
  auto store = [&](ValueRange loaded, Value step, Value stage) {
    lhs.store(loaded, b.mul(step, shape.getTerms()), stage);
  };
  for (int64_t i = 0; i < ahead; ++i) {
    Value step = b.index(i);
    if (i < numSteps)
      store(load(step, step), step, step);
    b.commitCopies();
  }

  SmallVector<Type> types = lhs.getLoadedTypes();
  SmallVector<Value> inits = {b.index(0)};
  llvm::append_range(inits, product->getZeros());
  SmallVector<Value> results = b.forLoop(
      b.index(0), b.index(numSteps), 1, inits,
      [&](Value step, ValueRange carried) {
        Value stage = carried.front();
        // The stage of this step is there, and nobody reads that of the last
        // one any more: it is filled next.
        b.waitForCopies(ahead - 1);
        b.barrier();
        Value next = b.add(step, ahead);
        Value nextStage = b.select(b.equal(stage, 0), b.index(ahead),
                                   b.sub(stage, b.index(1)));
        Value hasNext = b.less(next, b.index(numSteps));
        SmallVector<Value> loaded;
        if (types.empty())
          b.ifElse(hasNext, [&] { load(next, nextStage); }, nullptr);
        else
          loaded = b.ifElse(
              hasNext, types, [&] { return load(next, nextStage); },
              [&] {
                return llvm::map_to_vector(types, [&](Type type) -> Value {
                  return arith::ConstantOp::create(b, b.getZeroAttr(type));
                });
              });
        b.commitCopies();
        SmallVector<Value> sums = product->multiply(
            lhs.getWords(), weights.getWords(), stage, carried.drop_front());
        if (!types.empty())
          b.ifElse(hasNext, [&] { store(loaded, next, nextStage); }, nullptr);
        Value following =
            b.select(b.equal(stage, ahead), b.index(0), b.add(stage, 1));
        sums.insert(sums.begin(), following);
        return sums;
      });
  results.erase(results.begin());
  return results;
}

SmallVector<Value> DeviceGemmEmitter::emitResults(Value begin,
                                                  ValueRange vectors) {
  const DeviceFragment &fragment = product->getFragment();
  SmallVector<DeviceGemmEpilogue::Column> columns;
  for (Value column : fragment.columns)
    columns.push_back(epilogue.startColumn(b.add(firstColumn, column)));
  SmallVector<Value> results;
  for (Value r : fragment.rows) {
    Value m = b.add(begin, r);
    DeviceGemmEpilogue::Row row = epilogue.startRow(rows.at(m));
    SmallVector<Value> values;
    for (const DeviceGemmEpilogue::Column &column : columns)
      values.push_back(epilogue.finish(vectors[results.size() + values.size()],
                                       row, column));
    b.ifElse(
        b.less(m, rows.getEnd()),
        [&] {
          for (auto [value, column] : llvm::zip(values, columns))
            epilogue.store(value, row, column);
        },
        nullptr);
    llvm::append_range(results, values);
  }
  return results;
}

void DeviceGemmEmitter::emitChunk() {
  DeviceGemmStatistics statistics(op, b, product->getFragment(), shape.columns);
  SmallVector<Value> sums = b.forLoop(
      rows.getBegin(), rows.getEnd(), shape.rows, statistics.getZeros(),
      [&](Value begin, ValueRange sums) {
        // Nobody reads tiles of the rows before any more.
        b.barrier();
        SmallVector<Value> vectors = product->getVectors(emitProduct(begin));
        return statistics.add(rows, begin, emitResults(begin, vectors), sums);
      });
  statistics.store(rowBlock, firstColumn, sums);
}
