//===- LoopBuilder.cpp - Loops that carry tensors -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LoopBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::onnx;

static Value makeIndex(TensorBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

/// Starts the body of a loop that goes on while iterations are left, and the
/// first of what it carries holds.
static scf::WhileOp startWhile(TensorBuilder &b, int64_t trips,
                               ArrayRef<Value> inits) {
  SmallVector<Value> all = {makeIndex(b, 0)};
  llvm::append_range(all, inits);
  Value limit = makeIndex(b, trips);
  auto types = llvm::to_vector(ValueRange(all).getTypes());
  SmallVector<Location> locs(types.size(), b.getLoc());
  auto loop = scf::WhileOp::create(b, types, all);
  Block *before = b.createBlock(&loop.getBefore(), {}, types, locs);
  Value holds = tensor::ExtractOp::create(b, before->getArgument(1));
  Value isLeft = arith::CmpIOp::create(b, arith::CmpIPredicate::ult,
                                       before->getArgument(0), limit);
  Value goesOn = arith::AndIOp::create(b, holds, isLeft);
  scf::ConditionOp::create(b, goesOn, before->getArguments());
  b.createBlock(&loop.getAfter(), {}, types, locs);
  return loop;
}

LoopBuilder::LoopBuilder(TensorBuilder &b, int64_t trips, ValueRange initial,
                         bool isComputed)
    : b(b), trips(trips), inits(initial) {
  if (isComputed) {
    auto whileLoop = startWhile(b, trips, inits);
    index = whileLoop.getAfterArguments().front();
    llvm::append_range(carried, whileLoop.getAfterArguments().drop_front());
    loop = whileLoop;
  } else {
    auto forLoop = scf::ForOp::create(b, makeIndex(b, 0), makeIndex(b, trips),
                                      makeIndex(b, 1), inits);
    index = forLoop.getInductionVar();
    llvm::append_range(carried, forLoop.getRegionIterArgs());
    loop = forLoop;
    b.setInsertionPointToStart(forLoop.getBody());
  }
  for (auto [init, argument] : llvm::zip(inits, carried))
    b.setShape(argument, b.getShape(init));
}

Value LoopBuilder::getReversedIndex() {
  return arith::SubIOp::create(b, makeIndex(b, trips - 1), index);
}

SmallVector<Value> LoopBuilder::finish(ValueRange next) {
  ResultRange results = loop->getResults();
  if (isa<scf::WhileOp>(loop)) {
    SmallVector<Value> all = {arith::AddIOp::create(b, index, makeIndex(b, 1))};
    llvm::append_range(all, next);
    scf::YieldOp::create(b, all);
    results = results.drop_front();
  } else {
    scf::YieldOp::create(b, next);
  }
  b.setInsertionPointAfter(loop);
  moveLoopInvariantCode(loop);
  SmallVector<Value> last;
  for (auto [init, result] : llvm::zip(inits, results))
    last.push_back(b.setShape(result, b.getShape(init)));
  return last;
}

namespace {
/// Some positions of a dim.
struct Slice {
  Shape shape;
  SmallVector<OpFoldResult> offsets, sizes, strides;
};
} // namespace

static Slice getSlice(TensorBuilder &b, Value tensor, int64_t dim, Value at,
                      int64_t count) {
  Slice slice;
  slice.shape = b.getShape(tensor);
  slice.shape[dim] = count;
  slice.offsets.assign(slice.shape.size(), b.getIndexAttr(0));
  slice.offsets[dim] = at;
  slice.sizes = b.getSizes(slice.shape);
  slice.strides.assign(slice.shape.size(), b.getIndexAttr(1));
  return slice;
}

Value onnx::takeAt(TensorBuilder &b, Value tensor, int64_t dim, Value at,
                   int64_t count) {
  Slice slice = getSlice(b, tensor, dim, at, count);
  auto type = b.getType(slice.shape, TensorBuilder::getElementType(tensor));
  return b.setShape(tensor::ExtractSliceOp::create(b, type, tensor,
                                                   slice.offsets, slice.sizes,
                                                   slice.strides),
                    slice.shape);
}

Value onnx::putAt(TensorBuilder &b, Value tensor, Value row, int64_t dim,
                  Value at) {
  Slice slice = getSlice(b, tensor, dim, at, 1);
  return b.setShape(tensor::InsertSliceOp::create(b, row, tensor, slice.offsets,
                                                  slice.sizes, slice.strides),
                    b.getShape(tensor));
}
