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

/// How far the offsets of `op` move an access.
static Value getShift(GatherOp op, const Access &access, KernelBuilder &b) {
  Value shift = b.index(0);
  unsigned dim = 1 + op.getSizes().size();
  for (Value offset : op.getOffsets())
    shift = b.add(shift, b.mul(b.get(offset), *access.getStride(dim++)));
  return shift;
}

FailureOr<KernelFunction> vitc::kernel::buildGather(GatherOp op,
                                                    KernelContext &context) {
  KernelBuilder b(op, getBoxName("gather", op.getSizes()), context);
  Value input = b.getFlat(op.getInput());
  Value init = b.getFlat(op.getInit());
  ElementLoop loop = getLoop(op, b);
  Value inputShift = getShift(op, loop.accesses[0], b);
  Value initShift = getShift(op, loop.accesses[1], b);
  loop.emit(b, [&](const Elements &elements) {
    Value value = loadElements(b, input, b.add(elements.offsets[0], inputShift),
                               elements.strides[0], elements.count);
    storeElements(b, broadcastElements(b, value, elements.count), init,
                  b.add(elements.offsets[1], initShift), elements.strides[1],
                  elements.count);
  });
  return b.finish();
}

Value vitc::kernel::countGatherTasks(GatherOp op, VectorBuilder &builder) {
  return getLoop(op, builder).countTasks(builder);
}
