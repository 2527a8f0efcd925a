//===- Generic.cpp - Vector code for kernel.generic -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ElementLoop.h"
#include "GenericBody.h"
#include "GenericReduce.h"
#include "MathApproximation.h"

using namespace mlir;
using namespace vitc::kernel;

/// Vectors of results that accumulate at once: their loads share offsets, and
/// the latency of one hides behind the others.
static constexpr int64_t kResultVectors = 4;

static ElementLoop getLoop(GenericOp op, const VectorBuilder &b) {
  ElementLoop loop;
  loop.batch = op.getBatch();
  loop.sizes = SmallVector<int64_t>(op.getSizes());
  loop.rowsPerTask = op.getTilingAttr().getRows();
  loop.columnsPerTask = op.getTilingAttr().getColumns();
  for (auto [input, map] : llvm::zip(
           op.getInputs(), op.getInputMaps().getAsValueRange<AffineMapAttr>()))
    loop.accesses.emplace_back(map, cast<MemRefType>(input.getType()));
  loop.accesses.emplace_back(op.getResultMap(),
                             cast<MemRefType>(op.getInit().getType()));
  loop.gathersLanes = true;
  bool isAlongReduced = !op.getReduce().empty() &&
                        GenericReduce::isAlongReduced(op, loop.accesses);
  unsigned lane = isAlongReduced ? op.getNumDims() - 1 : op.getSizes().size();
  loop.lanes = GenericBody::getLanes(op, lane, b);
  loop.hasScalarRows = isAlongReduced;
  if (isAlongReduced)
    return loop;
  if (!op.getReduce().empty()) {
    // Threads that accumulate one result each read what lies side by side.
    loop.vectors = b.lanes() == 1 ? 1 : kResultVectors;
    // Tiling counts results as rows.
    loop.columnsPerTask = loop.rowsPerTask;
    loop.rowsPerTask =
        std::max<int64_t>(1, loop.rowsPerTask / loop.sizes.back());
  }
  if (op.getBody().front().getOps<IndexOp>().empty())
    loop.joinShortRows();
  return loop;
}

static void emitElementwise(GenericOp op, const ElementLoop &loop,
                            KernelBuilder &b) {
  GenericBody body(op, b);
  SmallVector<Value> inputs;
  for (Value input : op.getInputs())
    inputs.push_back(b.getFlat(input));
  Value init = b.getFlat(op.getInit());
  unsigned lane = op.getSizes().size();
  loop.emit(b, [&](const Elements &elements) {
    SmallVector<Value> arguments;
    for (auto [i, input] : llvm::enumerate(inputs))
      arguments.push_back(loadElements(b, input, elements.offsets[i],
                                       elements.strides[i], elements.count));
    Value value = body.emit({elements.dims, lane, elements.count}, arguments);
    storeElements(b, writeElement(b, value, init), init,
                  elements.offsets.back(), elements.strides.back(),
                  elements.count);
  });
}

FailureOr<KernelFunction> vitc::kernel::buildGeneric(GenericOp op,
                                                     KernelContext &context) {
  if (failed(GenericBody::verify(op)))
    return failure();
  bool reduces = !op.getReduce().empty();
  KernelBuilder b(op, getBoxName(reduces ? "reduce" : "generic", op.getSizes()),
                  context);
  ElementLoop loop = getLoop(op, b);
  if (reduces) {
    GenericReduce reduce(op, loop.accesses, loop.lanes, b);
    loop.emit(b, [&](const Elements &elements) {
      if (loop.hasScalarRows)
        reduce.emitFolded(elements);
      else
        reduce.emitResults(elements);
    });
  } else {
    emitElementwise(op, loop, b);
  }
  KernelFunction kernel = b.finish();
  if (failed(approximateMath(kernel.function, context.cpu)))
    return failure();
  return kernel;
}

Value vitc::kernel::countGenericTasks(GenericOp op, VectorBuilder &builder) {
  return getLoop(op, builder).countTasks(builder);
}
