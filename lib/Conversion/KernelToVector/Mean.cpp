//===- Mean.cpp - Vector code for kernel.mean -----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A task is a few vectors of channels of one image; their sums stay in
// registers over all rows.
//
//===----------------------------------------------------------------------===//

#include "Access.h"
#include "Kernels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::kernel;

/// Vectors of channels in a task: enough sums to hide the latency of an
/// addition.
static constexpr int64_t kVectors = 4;

namespace {

class MeanBuilder {
public:
  MeanBuilder(MeanOp op, KernelContext &context)
      : op(op), channels(op.getChannels()),
        b(op, ("mean_c" + Twine(op.getChannels())).str(), context),
        inputAccess(op.getInputMap(),
                    cast<MemRefType>(op.getInput().getType())),
        resultAccess(op.getResultMap(),
                     cast<MemRefType>(op.getInit().getType())),
        input(b.getFlat(op.getInput())), init(b.getFlat(op.getInit())) {}

  KernelFunction build();

private:
  void average(Value batch, Value begin, int64_t count);

  MeanOp op;
  int64_t channels;
  KernelBuilder b;
  Access inputAccess, resultAccess;
  Value input, init; // flat views
};

} // namespace

KernelFunction MeanBuilder::build() {
  int64_t chunk = kVectors * b.lanes();
  int64_t wholeChunks = channels / chunk, rest = channels % chunk;
  Value chunks = b.index(llvm::divideCeil(channels, chunk));
  Value batch = b.div(b.getTask(), chunks);
  Value index = b.rem(b.getTask(), chunks);
  Value begin = b.mul(index, chunk);
  if (rest == 0)
    average(batch, begin, chunk);
  else if (wholeChunks == 0)
    average(batch, begin, rest);
  else
    b.ifElse(
        b.less(index, b.index(wholeChunks)),
        [&] { average(batch, begin, chunk); },
        [&] { average(batch, begin, rest); });

  return b.finish();
}

/// Averages `count` channels from `begin` on.
void MeanBuilder::average(Value batch, Value begin, int64_t count) {
  SmallVector<int64_t> widths;
  for (int64_t c = 0; c < count; c += b.lanes())
    widths.push_back(std::min(b.lanes(), count - c));

  Value rows = b.get(op.getRows());
  SmallVector<Value> sums(widths.size(), b.splat(0.0));
  sums = b.forLoop(b.index(0), rows, 1, sums, [&](Value row, ValueRange sums) {
    Value source =
        b.apply(inputAccess.getOffsetWithout(2), {batch, row, b.index(0)});
    source = b.add(source, begin);
    SmallVector<Value> result;
    for (auto [i, sum] : llvm::enumerate(sums))
      result.push_back(b.addf(sum, b.load(input, b.add(source, i * b.lanes()),
                                          b.lanes(), widths[i])));
    return result;
  });

  Value numRows = arith::UIToFPOp::create(
      b, b.getF32Type(),
      arith::IndexCastUIOp::create(b, b.getI64Type(), rows).getResult());
  Value divisor = b.broadcast(numRows);
  Value target = b.add(
      b.apply(resultAccess.getOffsetWithout(1), {batch, b.index(0)}), begin);
  for (auto [i, sum] : llvm::enumerate(sums))
    b.store(b.divf(sum, divisor), init, b.add(target, i * b.lanes()),
            widths[i]);
}

FailureOr<KernelFunction> vitc::kernel::buildMean(MeanOp op,
                                                  KernelContext &context) {
  Access input(op.getInputMap(), cast<MemRefType>(op.getInput().getType()));
  Access result(op.getResultMap(), cast<MemRefType>(op.getInit().getType()));
  if (failed(input.requireUnitStride(op, "input", 2, "c")) ||
      failed(result.requireUnitStride(op, "init", 1, "c")))
    return failure();
  return MeanBuilder(op, context).build();
}

Value vitc::kernel::countMeanTasks(MeanOp op, VectorBuilder &builder) {
  int64_t chunk = kVectors * builder.lanes();
  return builder.mul(op.getBatch(), llvm::divideCeil(op.getChannels(), chunk));
}
