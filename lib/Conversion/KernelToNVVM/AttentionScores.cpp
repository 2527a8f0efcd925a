//===- AttentionScores.cpp - Scores of attention on a GPU -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionScores.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace vitc::kernel;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

DeviceScores::DeviceScores(DeviceBuilder &builder,
                           const ScoreOperands &operands)
    : b(builder), operands(operands) {
  if (operands.keyLength)
    keyLength = b.getPointer(operands.keyLength->value);
  for (const ScoreAddend &addend : operands.addends)
    addends.push_back(b.getPointer(addend.value));
}

//===----------------------------------------------------------------------===//
// Which keys there are
//===----------------------------------------------------------------------===//

void DeviceScores::setHead(Value newItem, Value newHead) {
  item = newItem;
  head = newHead;
  numKeys = b.get(operands.keys);
  if (!operands.keyLength)
    return;
  Value length =
      b.load(keyLength, b.apply(operands.keyLength->access.getOffset(), item));
  length = arith::IndexCastOp::create(b, b.getIndexType(), length);
  length = arith::MaxSIOp::create(b, length, b.index(0));
  numKeys = b.min(length, numKeys);
}

Value DeviceScores::countSeen(Value queryEnd) {
  if (!operands.causal)
    return numKeys;
  Value end = arith::AddIOp::create(b, queryEnd, b.index(*operands.causal));
  return b.min(arith::MaxSIOp::create(b, end, b.index(0)), numKeys);
}

Value DeviceScores::getGroup(Value token) {
  return b.toInteger(b.apply(*operands.groups, {item, token}), 32);
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

DeviceScores::Row DeviceScores::getRow(Value query, Value group) {
  Row row;
  row.group = group;
  row.seen = countSeen(b.add(query, 1));
  for (const ScoreAddend &addend : operands.addends)
    row.addends.push_back(b.apply(addend.access.getOffsetWithout(3),
                                  {item, head, query, b.index(0)}));
  return row;
}

/// score + log2(e) * addend, which is finite where both are: a row masked by
/// the least float is as one that is not masked.
Value DeviceScores::addTo(Value score, Value addend) {
  Value isMasked = arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, addend,
                                         b.scalar(-kInfinity));
  Value finite = b.maxf(b.scalar(kLowestAddend), addend);
  return b.fma(b.select(isMasked, b.scalar(-kInfinity), finite),
               b.scalar(kLog2E), score);
}

/// Absolute error below 2e-7, relative error near 0, too; NaN stays.
Value DeviceScores::tanh(Value x) {
  // 1 - 2 / (1 + e^(2 |x|)) loses the digits of small results.
  Value size = math::AbsFOp::create(b, x);
  Value power = b.fastExp2(b.mulf(size, b.scalar(2 * kLog2E)));
  Value large = b.subf(b.scalar(1.0),
                       b.divf(b.scalar(2.0), b.addf(b.scalar(1.0), power)));
  large = math::CopySignOp::create(b, large, x);
  // Minimax fit of tanh(x) / x in x^2, Moshier's Cephes.
  constexpr double kSmall[] = {1.0,
                               -3.33332819422e-1,
                               1.33314422036e-1,
                               -5.37397155531e-2,
                               2.06390887954e-2,
                               -5.70498872745e-3};
  Value small = b.mulf(x, b.polynomial(kSmall, b.mulf(x, x)));
  Value isSmall = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, size,
                                        b.scalar(0.625));
  return b.select(isSmall, small, large);
}

/// The product as a score, before anything is added.
Value DeviceScores::capScore(Value product) {
  if (!operands.query)
    return b.scalar(0.0);
  double scale = operands.scale;
  if (!operands.softcap)
    return b.mulf(product, b.scalar(scale * kLog2E));
  double softcap = *operands.softcap;
  return b.mulf(tanh(b.mulf(product, b.scalar(scale / softcap))),
                b.scalar(softcap * kLog2E));
}

Value DeviceScores::getScore(Value product, const Row &row, Value key,
                             Value group, bool mayBeHidden) {
  Value score = capScore(product);
  Value place = key;
  if (mayBeHidden && !addends.empty())
    place = b.min(key, b.sub(b.get(operands.keys), b.index(1)));
  for (auto [addend, begin] : llvm::zip_equal(addends, row.addends))
    score = addTo(score, b.loadFloat(addend, b.add(begin, place)));
  if (hasGroups()) {
    Value differs =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ne, row.group, group);
    double addend = std::isinf(operands.groupBias)
                        ? operands.groupBias
                        : std::max(operands.groupBias, kLowestAddend);
    // As a mask would add it.
    Value added = b.fma(b.scalar(addend), b.scalar(kLog2E), score);
    score = b.select(differs, added, score);
  }
  if (!mayBeHidden)
    return score;
  return b.select(b.less(key, row.seen), score, b.scalar(-kInfinity));
}

//===----------------------------------------------------------------------===//
// Exponentials
//===----------------------------------------------------------------------===//

Value DeviceScores::getShift(Value maximum) {
  // A maximum of -inf would give NaN in -inf - -inf. Any number gives the zeros
  // that a row without keys is to have.
  Value infinity = b.scalar(-kInfinity);
  Value isInfinite =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, maximum, infinity);
  maximum = b.select(isInfinite, b.scalar(0.0), maximum);
  return arith::NegFOp::create(b, maximum);
}

Value DeviceScores::getExponential(Value score, Value shift) {
  return b.fastExp2(b.addf(score, shift));
}

//===----------------------------------------------------------------------===//
// Maxima and sums
//===----------------------------------------------------------------------===//

Value vitc::kernel::takeMaximum(DeviceBuilder &b, Value x, Value y) {
  return arith::MaximumFOp::create(b, x, y);
}

Value vitc::kernel::invertSum(DeviceBuilder &b, Value sum) {
  // A sum is 0, or the exponential of the maximum makes it 1 or more. In this
  // order NaN stays.
  constexpr double kLeastSum = 0.5;
  return b.divf(b.scalar(1.0), b.maxf(b.scalar(kLeastSum), sum));
}
