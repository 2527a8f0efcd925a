//===- GemmPrologue.cpp - The rows that a product reads -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Rows that are contiguous in lhs are normalised from there. Others, such as
// the pixels of a patch or the four parts of a merged one, are copied run by
// run, as kernel.gather does, and normalised in place.
//
//===----------------------------------------------------------------------===//

#include "GemmPrologue.h"

#include "ElementLoop.h"
#include "RowNorm.h"
#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace vitc::kernel;

/// The dim of lhsMap that a product sums along.
static constexpr unsigned kDepth = 2;
/// Vectors of a run that become straight code: a row of a patch.
static constexpr int64_t kUnrolledVectors = 4;

Access GemmPrologue::getAccess(GemmOp op) {
  return Access(op.getLhsMap(), cast<MemRefType>(op.getLhs().getType()));
}

bool GemmPrologue::isNeeded(GemmOp op) {
  return op.getNorm() || getAccess(op).getStride(kDepth) != 1;
}

GemmPrologue::GemmPrologue(GemmOp op, KernelBuilder &builder)
    : op(op), b(builder), k(op.getK()), access(getAccess(op)),
      lhs(b.getFlat(op.getLhs())),
      copy(b.getScratch(op.getTiling()->getRowBlock() * k)) {}

MatrixRows GemmPrologue::getRows() const { return MatrixRows(b, copy, k); }

void GemmPrologue::emit(Value begin, Value end) {
  Value rows = b.get(op.getRows());
  b.forLoop(begin, end, 1, [&](Value m) {
    SmallVector<Value> dims = {b.div(m, rows), b.rem(m, rows), b.index(0)};
    Value target = b.mul(b.sub(m, begin), k);
    Value source = lhs, sourceBegin;
    if (access.getStride(kDepth) == 1) {
      sourceBegin = b.apply(access.getOffsetWithout(kDepth), dims);
    } else {
      emitCopy(dims, target);
      source = copy;
      sourceBegin = target;
    }
    vitc::vit::NormAttr norm = op.getNormAttr();
    if (!norm)
      return;
    RowNorm(b, k, norm.getRms(), norm.getEpsilon().getValueAsDouble())
        .emit(source, sourceBegin, [&](Value element, Value l, int64_t count) {
          b.store(element, copy, b.add(target, l), count);
        });
  });
}

void GemmPrologue::emitCopy(SmallVector<Value> dims, Value target) {
  Run run = getRun(access.getOffset(), kDepth, k);
  b.forLoop(b.index(0), b.index(k), run.size, [&](Value l) {
    dims[kDepth] = l;
    Value from = b.apply(access.getOffset(), dims);
    Value to = b.add(target, l);
    auto copyElements = [&](Value position, int64_t count) {
      Value elements = loadElements(
          b, lhs, b.add(from, b.mul(position, run.stride)), run.stride, count);
      storeElements(b, broadcastElements(b, elements, count), copy,
                    b.add(to, position), /*stride=*/1, count);
    };
    int64_t position = 0, numVectors = run.size / b.lanes();
    if (numVectors > kUnrolledVectors) {
      position = numVectors * b.lanes();
      b.forLoop(b.index(0), b.index(position), b.lanes(),
                [&](Value at) { copyElements(at, b.lanes()); });
    }
    while (position < run.size) {
      auto rest = static_cast<uint64_t>(run.size - position);
      int64_t count = std::min<int64_t>(b.lanes(), llvm::bit_floor(rest));
      copyElements(b.index(position), count);
      position += count;
    }
  });
}
