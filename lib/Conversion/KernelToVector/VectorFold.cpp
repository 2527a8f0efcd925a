//===- VectorFold.cpp - Reductions over rows of vectors -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VectorFold.h"

using namespace mlir;

/// A vector addition takes 3 or 4 cycles on the machines we know.
static constexpr int64_t kAccumulators = 4;

Value vitc::kernel::foldVectors(VectorBuilder &b, Value count, double init,
                                function_ref<Value(Value, Value)> step,
                                function_ref<Value(Value, Value)> combine) {
  auto element = [&](Value vector, int64_t next) {
    return b.mul(b.add(vector, next), b.lanes());
  };
  SmallVector<Value> accumulators(kAccumulators, b.splat(init));
  Value unrolled = b.mul(b.div(count, kAccumulators), kAccumulators);
  accumulators = b.forLoop(b.index(0), unrolled, kAccumulators, accumulators,
                           [&](Value vector, ValueRange args) {
                             SmallVector<Value> next;
                             for (auto [i, arg] : llvm::enumerate(args))
                               next.push_back(step(element(vector, i), arg));
                             return next;
                           });
  accumulators[0] = b.forLoop(
      unrolled, count, 1, accumulators[0], [&](Value vector, ValueRange args) {
        return SmallVector<Value>{step(element(vector, 0), args[0])};
      })[0];
  for (int64_t half = kAccumulators / 2; half > 0; half /= 2)
    for (int64_t i = 0; i < half; ++i)
      accumulators[i] = combine(accumulators[i], accumulators[i + half]);
  return accumulators[0];
}
