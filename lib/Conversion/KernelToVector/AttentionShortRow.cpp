//===- AttentionShortRow.cpp - Softmax of a row in registers --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The scores of a window's query are a few vectors. They are read once: bias,
// mask, maximum, exponentials and sum follow in registers, where longer rows
// are swept for each of these.
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"

#include "llvm/Support/MathExtras.h"
#include <limits>

using namespace mlir;
using namespace vitc::kernel;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Vectors of a short row: a quarter of 32 registers, half of 16. The constants
/// of the exponential take as many.
static constexpr int64_t kShortRowVectors = 8;

/// Folds neighbours, then pairs of neighbours, ...
static Value foldTree(ArrayRef<Value> values,
                      function_ref<Value(Value, Value)> combine) {
  if (values.size() == 1)
    return values.front();
  size_t half = llvm::PowerOf2Ceil(values.size()) / 2;
  return combine(foldTree(values.take_front(half), combine),
                 foldTree(values.drop_front(half), combine));
}

bool AttentionTile::hasShortRows() const {
  std::optional<int64_t> numKeys = getConstant(operands.keys);
  return shape.hasOneKeyBlock && numKeys && *numKeys > 0 &&
         *numKeys <= kShortRowVectors * b.lanes();
}

/// The finished scores of `row`: -inf beyond the keys.
SmallVector<Value> AttentionTile::loadScores(Value row, Value queryIndex,
                                             bool betweenGroups) {
  int64_t numKeys = *getConstant(operands.keys), lanes = b.lanes();
  Value scoreRow = b.mul(row, getScoreStride());
  SmallVector<Value> sources = getAddendRows(queryIndex);
  SmallVector<Value> vectors;
  for (int64_t j = 0; j < numKeys; j += lanes) {
    int64_t count = std::min(lanes, numKeys - j);
    Value score =
        operands.query ? b.load(scores, b.add(scoreRow, j)) : b.splat(0.0);
    score = addAddends(score, sources, queryIndex, b.index(j), count,
                       betweenGroups);
    vectors.push_back(b.keepLanes(score, count, -kInfinity));
  }
  return vectors;
}

void AttentionTile::computeShortRow(Value row, Value queryIndex, Value slot) {
  SmallVector<Value> vectors;
  auto load = [&](bool betweenGroups) {
    return loadScores(row, queryIndex, betweenGroups);
  };
  if (operands.groups) {
    int64_t count = llvm::divideCeil(*getConstant(operands.keys), b.lanes());
    SmallVector<Type> types(count, b.vectorType());
    vectors = b.ifElse(
        hasGroups, types, [&] { return load(true); },
        [&] { return load(false); });
  } else {
    vectors = load(false);
  }
  Value largest =
      foldTree(vectors, [&](Value x, Value y) { return b.maxf(x, y); });
  Value maximum = replaceInfinity(b.broadcast(b.reduceMax(largest)));
  Value scoreRow = b.mul(row, getScoreStride());
  for (auto [i, vector] : llvm::enumerate(vectors)) {
    vector = b.exp2(b.subf(vector, maximum));
    b.store(vector, scores, b.add(scoreRow, i * b.lanes()));
  }
  Value sum = foldTree(vectors, [&](Value x, Value y) { return b.addf(x, y); });
  b.store(sum, sums, b.mul(slot, b.lanes()));
}
