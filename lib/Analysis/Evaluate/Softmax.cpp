//===- Softmax.cpp - Evaluation of linalg.softmax -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"
#include "Ops.h"

#include <cmath>

using namespace mlir;
using namespace vitc;

/// Over `count` elements that lie `stride` apart.
static void applySoftmax(double *values, int64_t count, int64_t stride) {
  double highest = values[0], sum = 0;
  for (int64_t i = 1; i < count; ++i)
    highest = std::fmax(highest, values[i * stride]);
  for (int64_t i = 0; i < count; ++i) {
    double &value = values[i * stride];
    value = std::exp(value - highest);
    sum += value;
  }
  for (int64_t i = 0; i < count; ++i)
    values[i * stride] /= sum;
}

FailureOr<ConstantTensor> vitc::evaluateSoftmaxOp(linalg::SoftmaxOp op,
                                                  ValueLookup lookup) {
  const ConstantTensor *input = lookup(op.getInput());
  if (!input || !isa<FloatType>(input->getElementType()))
    return failure();
  ConstantTensor result(input->getType());
  if (result.size() == 0)
    return result;
  Lanes lanes;
  loadLanes(*input, 0, input->size(), lanes);
  ArrayRef<int64_t> shape = input->getShape();
  int64_t dim = op.getDimension();
  int64_t inner = ShapedType::getNumElements(shape.drop_front(dim + 1));
  int64_t outer = ShapedType::getNumElements(shape.take_front(dim));
  for (int64_t i = 0; i < outer; ++i)
    for (int64_t j = 0; j < inner; ++j)
      applySoftmax(lanes.floats.data() + i * shape[dim] * inner + j, shape[dim],
                   inner);
  storeLanes(lanes, 0, result.size(), result);
  return result;
}
