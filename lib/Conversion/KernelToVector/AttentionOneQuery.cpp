//===- AttentionOneQuery.cpp - Scores of a decoder's token ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A head's single query reads each key once, so that transposing keys would
// cost more than multiplying them: as many keys as there are lanes are
// multiplied along their elements, and the vectors of sums are transposed.
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"

using namespace mlir;
using namespace vitc::kernel;

bool AttentionTile::hasOneQuery() const {
  return operands.query && getConstant(operands.queries) == 1;
}

/// Scores beyond the keys repeat the last one: they are masked.
void AttentionTile::multiplyOneQuery() {
  int64_t lanes = b.lanes(), headDim = operands.headDim;
  int64_t whole = headDim / lanes * lanes;
  Value last = b.sub(visible, b.index(1)), memory = keyRows->getMemory();
  b.forLoop(b.index(0), getVectors(), 1, [&](Value vector) {
    Value first = b.mul(vector, lanes);
    SmallVector<Value> rows;
    for (int64_t i = 0; i < lanes; ++i) {
      Value j = b.add(keys.begin, b.min(b.add(first, i), last));
      rows.push_back(keyRows->getOffset(b, batch, head, j));
    }
    auto multiplyAdd = [&](Value d, int64_t count, ValueRange sums) {
      Value query = b.load(queryTile, d, lanes, count);
      SmallVector<Value> results;
      for (auto [row, sum] : llvm::zip_equal(rows, sums)) {
        Value key = b.load(memory, b.add(row, d), lanes, count);
        results.push_back(b.fma(query, key, sum));
      }
      return results;
    };
    SmallVector<Value> sums(lanes, b.splat(0.0));
    sums = b.forLoop(b.index(0), b.index(whole), lanes, sums,
                     [&](Value d, ValueRange current) {
                       return multiplyAdd(d, lanes, current);
                     });
    if (whole != headDim)
      sums = multiplyAdd(b.index(whole), headDim - whole, sums);
    transpose(b, sums);
    Value score = sums.front();
    for (Value sum : ArrayRef<Value>(sums).drop_front())
      score = b.addf(score, sum);
    b.store(score, scores, first);
  });
}
