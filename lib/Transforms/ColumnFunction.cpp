//===- ColumnFunction.cpp - Columns computed from columns -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ColumnFunction.h"

#include "Match.h"
#include "SliceMatch.h"

#include <random>

using namespace mlir;
using namespace vitc::vit;

/// The most tensors of an expression.
static constexpr size_t kMaxTensors = 96;

/// Numbers between -3 and 3, where no gate is flat: others for each seed.
static Samples getRandomSamples(unsigned seed) {
  std::mt19937 generator(seed);
  Samples samples;
  for (size_t point = 0; point < getSamplePoints().size(); ++point)
    samples.push_back(6.0 * generator() / std::mt19937::max() - 3);
  return samples;
}

ColumnFunction::ColumnFunction(Value state) : state(getRandomSamples(1)) {
  values.try_emplace({state, 0}, this->state);
}

Samples ColumnFunction::addColumns(Value tensor, int64_t offset) {
  columns.push_back({tensor, offset, getRandomSamples(columns.size() + 2)});
  return columns.back().samples;
}

std::optional<Samples> ColumnFunction::evaluate(Value tensor, int64_t offset) {
  auto known = values.find({tensor, offset});
  if (known != values.end())
    return known->second;
  if (values.size() > kMaxTensors)
    return std::nullopt;
  // Counted before its operands are: that also limits the depth.
  values[{tensor, offset}] = std::nullopt;
  std::optional<Samples> result = compute(tensor, offset);
  values[{tensor, offset}] = result;
  return result;
}

std::optional<Samples> ColumnFunction::compute(Value tensor, int64_t offset) {
  if (std::optional<double> number = getScalar(tensor))
    return Samples(state.size(), *number);
  auto type = dyn_cast<RankedTensorType>(tensor.getType());
  if (!type || type.getRank() == 0)
    return std::nullopt;
  std::optional<Slice> slice = matchSlice(tensor);
  if (slice && slice->source != tensor && slice->isRangeOf(type.getRank() - 1))
    return evaluate(slice->source, slice->offsets.back() + offset);
  if (!isElementwise(tensor))
    return addColumns(tensor, offset);
  return computeElementwise(
      tensor, [&](Value operand) { return evaluate(operand, offset); });
}
