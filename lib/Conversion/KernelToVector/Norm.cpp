//===- Norm.cpp - Vector code for kernel.norm -----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A task is tiling.rows rows. The result may be the packed weights of a
// product, where a row is contiguous within a panel.
//
//===----------------------------------------------------------------------===//

#include "Access.h"
#include "Kernels.h"
#include "RowNorm.h"

using namespace mlir;
using namespace vitc::kernel;

namespace {

class NormBuilder {
public:
  NormBuilder(NormOp op, KernelContext &context)
      : op(op), channels(op.getChannels()),
        b(op,
          ((op.getRms() ? "rms_norm_c" : "norm_c") + Twine(op.getChannels()))
              .str(),
          context),
        inputAccess(op.getInputMap(),
                    cast<MemRefType>(op.getInput().getType())),
        resultAccess(op.getResultMap(),
                     cast<MemRefType>(op.getInit().getType())),
        input(b.getFlat(op.getInput())), scale(b.getFlat(op.getScale())),
        shift(b.getFlat(op.getShift())), init(b.getFlat(op.getInit())) {}

  KernelFunction build();

private:
  /// `element`, a vector of which `count` are channels from `c` on, times their
  /// scale plus their shift.
  Value applyAffine(Value element, Value c, int64_t count);

  NormOp op;
  int64_t channels;
  KernelBuilder b;
  Access inputAccess, resultAccess;
  Value input, scale, shift, init; // flat views; scale and shift may be null
};

} // namespace

KernelFunction NormBuilder::build() {
  RowNorm norm(b, channels, op.getRms(), op.getEpsilon().convertToDouble());
  Value rows = b.get(op.getRows());
  Value begin = b.mul(b.getTask(), op.getTilingAttr().getRows());
  Value end = b.min(b.add(begin, op.getTilingAttr().getRows()),
                    b.mul(b.get(op.getBatch()), rows));
  b.forLoop(begin, end, 1, [&](Value row) {
    SmallVector<Value> dims = {b.div(row, rows), b.rem(row, rows), b.index(0)};
    Value source = b.apply(inputAccess.getOffsetWithout(2), dims);
    norm.emit(input, source, [&](Value element, Value c, int64_t count) {
      dims[2] = c;
      b.store(applyAffine(element, c, count), init,
              b.apply(resultAccess.getOffset(), dims), count);
    });
  });
  return b.finish();
}

Value NormBuilder::applyAffine(Value element, Value c, int64_t count) {
  auto load = [&](Value flat) { return b.load(flat, c, b.lanes(), count); };
  if (scale && shift)
    return b.fma(element, load(scale), load(shift));
  if (scale)
    return b.mulf(element, load(scale));
  if (shift)
    return b.addf(element, load(shift));
  return element;
}

FailureOr<KernelFunction> vitc::kernel::buildNorm(NormOp op,
                                                  KernelContext &context) {
  Access input(op.getInputMap(), cast<MemRefType>(op.getInput().getType()));
  Access result(op.getResultMap(), cast<MemRefType>(op.getInit().getType()));
  if (failed(input.requireUnitStride(op, "input", 2, "c")) ||
      failed(result.requireUnitStrideInRuns(
          op, "init", 2, "c", op.getChannels(), context.cpu.getLanes())))
    return failure();
  return NormBuilder(op, context).build();
}

Value vitc::kernel::countNormTasks(NormOp op, VectorBuilder &builder) {
  return builder.ceilDiv(builder.mul(op.getBatch(), op.getRows()),
                         op.getTilingAttr().getRows());
}
