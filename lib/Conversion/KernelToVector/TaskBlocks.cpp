//===- TaskBlocks.cpp - Equal shares for all threads ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thread that has whole blocks of rows to itself prepares no row that another
// one prepares too, and finds in its own cache what it wrote a kernel before.
//
//===----------------------------------------------------------------------===//

#include "TaskBlocks.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace vitc::kernel;

/// Items a thread from which on one more or less makes little difference.
static constexpr int64_t kManyItems = 8;

Value vitc::kernel::getThreads(Operation *op, VectorBuilder &b) {
  return ThreadsOp::create(b,
                           op->getParentOfType<func::FuncOp>().getArgument(0));
}

Value vitc::kernel::shareThreads(VectorBuilder &b, Value items, Value threads) {
  Value areEven = b.equal(b.rem(items, threads), 0);
  Value areMany = b.less(b.mul(threads, kManyItems - 1), items);
  return b.select(arith::OrIOp::create(b, areEven, areMany), b.index(1),
                  threads);
}

Value vitc::kernel::countBlocks(VectorBuilder &b, Value size, BlockRows rows,
                                Value threads) {
  Value least = b.ceilDiv(size, rows.most);
  Value even = b.mul(b.ceilDiv(least, threads), threads);
  return b.max(least, b.min(even, b.div(size, rows.least)));
}

Value vitc::kernel::getBlockBegin(VectorBuilder &b, Value block,
                                  Value numBlocks, Value size) {
  return b.div(b.mul(block, size), numBlocks);
}
