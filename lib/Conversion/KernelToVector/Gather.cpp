//===- Gather.cpp - Vector code for kernel.gather -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementLoop.h"

using namespace mlir;
using namespace vitc::kernel;

static ElementLoop getLoop(GatherOp op, const VectorBuilder &b) {
  ElementLoop loop;
  loop.batch = op.getBatch();
  loop.sizes = SmallVector<int64_t>(op.getSizes());
  loop.rowsPerTask = op.getTilingAttr().getRows();
  loop.columnsPerTask = op.getTilingAttr().getColumns();
  loop.accesses = {
      Access(op.getInputMap(), cast<MemRefType>(op.getInput().getType())),
      Access(op.getResultMap(), cast<MemRefType>(op.getInit().getType()))};
  loop.lanes = getTypeLanes(op.getInit().getType(), b);
  loop.joinShortRows();
  return loop;
}

FailureOr<KernelFunction> vitc::kernel::buildGather(GatherOp op,
                                                    KernelContext &context) {
  KernelBuilder b(op, getBoxName("gather", op.getSizes()), context);
  Value input = b.getFlat(op.getInput());
  Value init = b.getFlat(op.getInit());
  getLoop(op, b).emit(b, [&](const Elements &elements) {
    Value value = loadElements(b, input, elements.offsets[0],
                               elements.strides[0], elements.count);
    storeElements(b, broadcastElements(b, value, elements.count), init,
                  elements.offsets[1], elements.strides[1], elements.count);
  });
  return b.finish();
}

Value vitc::kernel::countGatherTasks(GatherOp op, VectorBuilder &builder) {
  return getLoop(op, builder).countTasks(builder);
}
