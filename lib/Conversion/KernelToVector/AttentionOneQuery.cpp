//===- AttentionOneQuery.cpp - Scores of a decoder's token ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A head's single query reads each key once, so that transposing keys would
// cost more than multiplying them: keys are multiplied along their elements,
// and the vectors of sums of as many keys as there are lanes are transposed.
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"

using namespace mlir;
using namespace vitc::kernel;

/// Each has an address in a register and a chain of multiply-adds. Vectors have
/// as many lanes, or some times as many. Eight are not faster with AVX2.
static constexpr int64_t kKeysAtOnce = 4;

bool AttentionTile::hasOneQuery() const {
  return operands.query && getConstant(operands.queries) == 1;
}

/// Scores beyond the keys repeat the last one: they are masked.
void AttentionTile::multiplyOneQuery() {
  int64_t lanes = b.lanes();
  Value last = b.sub(visible, b.index(1));
  b.forLoop(b.index(0), getVectors(), 1, [&](Value vector) {
    Value first = b.mul(vector, lanes);
    b.forLoop(b.index(0), b.index(lanes), kKeysAtOnce, [&](Value lane) {
      SmallVector<Value> keyNumbers;
      for (int64_t i = 0; i < kKeysAtOnce; ++i) {
        Value key = b.add(first, b.add(lane, i));
        keyNumbers.push_back(b.add(keys.begin, b.min(key, last)));
      }
      for (auto [i, sum] : llvm::enumerate(multiplyKeys(keyNumbers)))
        b.store(sum, keyPanels, b.mul(b.add(lane, i), lanes));
    });
    SmallVector<Value> sums;
    for (int64_t i = 0; i < lanes; ++i)
      sums.push_back(b.load(keyPanels, b.index(i * lanes)));
    transpose(b, sums);
    Value score = sums.front();
    for (Value sum : ArrayRef<Value>(sums).drop_front())
      score = b.addf(score, sum);
    b.store(score, scores, first);
  });
}

/// The query's products with some keys, each a vector whose elements are to be
/// summed.
SmallVector<Value> AttentionTile::multiplyKeys(ValueRange keyNumbers) {
  int64_t lanes = b.lanes(), headDim = operands.headDim;
  int64_t whole = headDim / lanes * lanes;
  Value memory = keyRows->getMemory();
  SmallVector<Value> rows;
  for (Value key : keyNumbers)
    rows.push_back(keyRows->getOffset(b, batch, head, key));
  auto multiplyAdd = [&](Value d, int64_t count, ValueRange sums) {
    Value query = b.load(queryTile, d, lanes, count);
    SmallVector<Value> results;
    for (auto [row, sum] : llvm::zip_equal(rows, sums)) {
      Value key = b.load(memory, b.add(row, d), lanes, count);
      results.push_back(b.fma(query, key, sum));
    }
    return results;
  };
  SmallVector<Value> sums(rows.size(), b.splat(0.0));
  sums = b.forLoop(b.index(0), b.index(whole), lanes, sums,
                   [&](Value d, ValueRange current) {
                     return multiplyAdd(d, lanes, current);
                   });
  return whole == headDim ? sums
                          : multiplyAdd(b.index(whole), headDim - whole, sums);
}
