//===- Norm.cpp - Vector code for kernel.norm -----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A task is tiling.rows rows. A row passes three times through L1: for its
// mean, for the variance of the differences, and to be written; a row of a root
// mean square norm twice.
//
//===----------------------------------------------------------------------===//

#include "Access.h"
#include "Kernels.h"
#include "VectorFold.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace vitc::kernel;

/// Operations on an element: one addition for the mean, three operations for
/// the variance, four to write.
static constexpr int64_t kFlopsPerElement = 8;

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
  void normalise(Value source, Value target);
  Value sum(Value source, function_ref<Value(Value)> term);
  Value keepChannels(Value tail);
  Value centre(Value element, Value mean) {
    return op.getRms() ? element : b.subf(element, mean);
  }
  void write(Value source, Value target, Value mean, Value factor, Value c,
             int64_t count);

  NormOp op;
  int64_t channels;
  KernelBuilder b;
  Access inputAccess, resultAccess;
  Value input, scale, shift, init; // flat views; scale and shift may be null
};

} // namespace

KernelFunction NormBuilder::build() {
  Value rows = b.get(op.getRows());
  Value begin = b.mul(b.getTask(), op.getTilingAttr().getRows());
  Value end = b.min(b.add(begin, op.getTilingAttr().getRows()),
                    b.mul(b.get(op.getBatch()), rows));
  b.forLoop(begin, end, 1, [&](Value row) {
    SmallVector<Value> dims = {b.div(row, rows), b.rem(row, rows), b.index(0)};
    normalise(b.apply(inputAccess.getOffsetWithout(2), dims),
              b.apply(resultAccess.getOffsetWithout(2), dims));
  });
  std::optional<int64_t> flops = getConstant(op.getRows());
  if (flops)
    flops = *flops * channels * kFlopsPerElement;
  return b.finish(flops);
}

/// Lanes of the last vector that hold no channel become 0.
Value NormBuilder::keepChannels(Value tail) {
  SmallVector<bool> isChannel;
  for (int64_t lane = 0; lane < b.lanes(); ++lane)
    isChannel.push_back(lane < channels % b.lanes());
  auto type = VectorType::get(b.lanes(), b.getI1Type());
  Value mask =
      arith::ConstantOp::create(b, DenseIntElementsAttr::get(type, isChannel));
  return b.select(mask, tail, b.splat(0.0));
}

/// The sum of term(element) over the channels of a row.
Value NormBuilder::sum(Value source, function_ref<Value(Value)> term) {
  auto add = [&](Value x, Value y) { return b.addf(x, y); };
  int64_t vectors = channels / b.lanes(), tail = channels % b.lanes();
  Value total = foldVectors(
      b, b.index(vectors), 0.0,
      [&](Value c, Value sum) {
        return add(sum, term(b.load(input, b.add(source, c))));
      },
      add);
  if (tail) {
    Value elements =
        b.load(input, b.add(source, vectors * b.lanes()), b.lanes(), tail);
    total = add(total, keepChannels(term(elements)));
  }
  return b.reduceAdd(total);
}

void NormBuilder::normalise(Value source, Value target) {
  Value perChannel = b.scalar(1.0 / channels);
  Value mean = b.splat(0.0);
  if (!op.getRms())
    mean = b.broadcast(
        b.mulf(sum(source, [](Value element) { return element; }), perChannel));
  Value variance = b.mulf(sum(source,
                              [&](Value element) {
                                Value difference = centre(element, mean);
                                return b.mulf(difference, difference);
                              }),
                          perChannel);
  Value epsilon = b.scalar(op.getEpsilon().convertToDouble());
  Value deviation = math::SqrtOp::create(b, b.addf(variance, epsilon));
  Value factor = b.broadcast(b.divf(b.scalar(1.0), deviation));

  int64_t whole = channels / b.lanes() * b.lanes();
  b.forLoop(b.index(0), b.index(whole), b.lanes(), [&](Value c) {
    write(source, target, mean, factor, c, b.lanes());
  });
  if (whole != channels)
    write(source, target, mean, factor, b.index(whole), channels - whole);
}

/// Writes `count` channels, at most a vector, from `c` on.
void NormBuilder::write(Value source, Value target, Value mean, Value factor,
                        Value c, int64_t count) {
  auto load = [&](Value flat, Value index) {
    return b.load(flat, index, b.lanes(), count);
  };
  Value element = b.mulf(centre(load(input, b.add(source, c)), mean), factor);
  if (scale && shift)
    element = b.fma(element, load(scale, c), load(shift, c));
  else if (scale)
    element = b.mulf(element, load(scale, c));
  else if (shift)
    element = b.addf(element, load(shift, c));
  b.store(element, init, b.add(target, c), count);
}

FailureOr<KernelFunction> vitc::kernel::buildNorm(NormOp op,
                                                  KernelContext &context) {
  Access input(op.getInputMap(), cast<MemRefType>(op.getInput().getType()));
  Access result(op.getResultMap(), cast<MemRefType>(op.getInit().getType()));
  if (failed(input.requireUnitStride(op, "input", 2, "c")) ||
      failed(result.requireUnitStride(op, "init", 2, "c")))
    return failure();
  return NormBuilder(op, context).build();
}

Value vitc::kernel::countNormTasks(NormOp op, VectorBuilder &builder) {
  return builder.ceilDiv(builder.mul(op.getBatch(), op.getRows()),
                         op.getTilingAttr().getRows());
}
