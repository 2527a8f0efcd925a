//===- Norm.cpp - A GPU's kernel.norm -------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A warp normalises a row, tiling.rows of them a block. It reads the row three
// times, for the mean, the variance and the result: the second and third time
// from L1. Memory bounds it: two rows of traffic a row.
//
//===----------------------------------------------------------------------===//

#include "../KernelToVector/Access.h"
#include "Kernels.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace vitc::kernel;

namespace {

class DeviceNorm {
public:
  DeviceNorm(NormOp op, DeviceContext &context)
      : op(op),
        b(op,
          ((op.getRms() ? "rms_norm_c" : "norm_c") + Twine(op.getChannels()))
              .str(),
          op.getTilingAttr().getRows() * kWarpThreads, context),
        inputAccess(op.getInputMap(),
                    cast<MemRefType>(op.getInput().getType())),
        resultAccess(op.getResultMap(),
                     cast<MemRefType>(op.getInit().getType())),
        input(b.getPointer(op.getInput())), scale(b.getPointer(op.getScale())),
        shift(b.getPointer(op.getShift())), init(b.getPointer(op.getInit())) {}

  DeviceKernel build();

private:
  void emitRow(Value row);
  Value loadInput(Value channel);
  /// The sum of term(element) over the channels of the row.
  Value sum(function_ref<Value(Value)> term);

  NormOp op;
  DeviceBuilder b;
  Access inputAccess, resultAccess;
  DevicePointer input, scale, shift, init;
  SmallVector<Value> dims; // of the row's first channel
};

} // namespace

Value DeviceNorm::loadInput(Value channel) {
  SmallVector<Value> position = {dims[0], dims[1], channel};
  return b.loadFloat(input, b.apply(inputAccess.getOffset(), position));
}

Value DeviceNorm::sum(function_ref<Value(Value)> term) {
  // In every lane alike: a lane's channels in their order, then the lanes.
  SmallVector<Value> total = b.forLoop(
      b.getLane(), b.index(op.getChannels()), kWarpThreads, b.scalar(0.0),
      [&](Value channel, ValueRange carried) -> SmallVector<Value> {
        return {b.addf(carried[0], term(loadInput(channel)))};
      });
  return b.sumOverLanes(total[0]);
}

void DeviceNorm::emitRow(Value row) {
  Value rows = b.get(op.getRows());
  dims = {b.div(row, rows), b.rem(row, rows)};
  Value perChannel = b.scalar(1.0 / op.getChannels());
  Value mean;
  if (!op.getRms())
    mean = b.mulf(sum([](Value element) { return element; }), perChannel);
  auto centre = [&](Value element) {
    return mean ? b.subf(element, mean) : element;
  };
  Value variance = b.mulf(sum([&](Value element) {
                            Value difference = centre(element);
                            return b.mulf(difference, difference);
                          }),
                          perChannel);
  Value deviation = math::SqrtOp::create(
      b, b.addf(variance, b.scalar(op.getEpsilon().convertToDouble())));
  Value factor = b.divf(b.scalar(1.0), deviation);
  b.forLoop(b.getLane(), b.index(op.getChannels()), kWarpThreads,
            [&](Value channel) {
              Value element = b.mulf(centre(loadInput(channel)), factor);
              if (scale)
                element = b.mulf(element, b.loadFloat(scale, channel));
              if (shift)
                element = b.addf(element, b.loadFloat(shift, channel));
              SmallVector<Value> position = {dims[0], dims[1], channel};
              b.storeFloat(element, init,
                           b.apply(resultAccess.getOffset(), position));
            });
}

DeviceKernel DeviceNorm::build() {
  Value row = b.add(b.mul(b.getBlock(), b.getNumWarps()), b.getWarp());
  Value numRows = b.mul(b.get(op.getBatch()), b.get(op.getRows()));
  b.ifElse(b.less(row, numRows), [&] { emitRow(row); }, nullptr);
  return b.finish();
}

FailureOr<DeviceKernel> vitc::kernel::buildDeviceNorm(NormOp op,
                                                      DeviceContext &context) {
  constexpr int64_t kMaxRows = kMaxBlockThreads / kWarpThreads;
  int64_t rows = op.getTilingAttr().getRows();
  if (rows < 1 || rows > kMaxRows)
    return op.emitOpError()
           << "has a tiling of " << rows << " rows; a block has 1 to "
           << kMaxRows << " warps, one a row";
  return DeviceNorm(op, context).build();
}

Value vitc::kernel::countDeviceNormBlocks(NormOp op, VectorBuilder &b) {
  return b.ceilDiv(b.mul(op.getBatch(), op.getRows()),
                   op.getTilingAttr().getRows());
}
