//===- RowNorm.cpp - Normalising a row of values --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowNorm.h"

#include "VectorFold.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace vitc::kernel;

/// The sum of term(element) over the channels of a row.
Value RowNorm::sum(Value flat, Value begin, function_ref<Value(Value)> term) {
  auto add = [&](Value x, Value y) { return b.addf(x, y); };
  int64_t vectors = channels / b.lanes(), tail = channels % b.lanes();
  Value total = foldVectors(
      b, b.index(vectors), 0.0,
      [&](Value c, Value sum) {
        return add(sum, term(b.load(flat, b.add(begin, c))));
      },
      add);
  if (tail) {
    Value elements =
        b.load(flat, b.add(begin, vectors * b.lanes()), b.lanes(), tail);
    total = add(total, b.keepLanes(term(elements), tail, 0.0));
  }
  return b.reduceAdd(total);
}

void RowNorm::emit(Value flat, Value begin, Store store) {
  Value perChannel = b.scalar(1.0 / channels);
  Value mean = b.splat(0.0);
  if (!rms)
    mean = b.broadcast(b.mulf(
        sum(flat, begin, [](Value element) { return element; }), perChannel));
  Value variance = b.mulf(sum(flat, begin,
                              [&](Value element) {
                                Value difference = centre(element, mean);
                                return b.mulf(difference, difference);
                              }),
                          perChannel);
  Value deviation =
      math::SqrtOp::create(b, b.addf(variance, b.scalar(epsilon)));
  Value factor = b.broadcast(b.divf(b.scalar(1.0), deviation));

  auto write = [&](Value c, int64_t count) {
    Value element = b.load(flat, b.add(begin, c), b.lanes(), count);
    store(b.mulf(centre(element, mean), factor), c, count);
  };
  int64_t whole = channels / b.lanes() * b.lanes();
  b.forLoop(b.index(0), b.index(whole), b.lanes(),
            [&](Value c) { write(c, b.lanes()); });
  if (whole != channels)
    write(b.index(whole), channels - whole);
}
