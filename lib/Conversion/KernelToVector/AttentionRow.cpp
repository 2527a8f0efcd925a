//===- AttentionRow.cpp - What is added to the scores of a query ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bias, mask and groups are added in one sweep over a row of scores; what lies
// beyond the keys that the query sees becomes -inf.
//
//===----------------------------------------------------------------------===//

#include "AttentionTile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;
using namespace vitc::kernel;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A vector of i32 with this element in all lanes.
static Value broadcastInteger(VectorBuilder &b, Value index) {
  Value integer = arith::IndexCastOp::create(b, b.getI32Type(), index);
  return vector::BroadcastOp::create(
      b, VectorType::get(b.lanes(), b.getI32Type()), integer);
}

/// 0, 1, 2, ...
static Value getLaneNumbers(VectorBuilder &b) {
  auto numbers = llvm::to_vector(llvm::seq<int32_t>(0, b.lanes()));
  return arith::ConstantOp::create(
      b, DenseIntElementsAttr::get(VectorType::get(b.lanes(), b.getI32Type()),
                                   numbers));
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

/// Value of `expr` of (b, i) for a vector of tokens i, in i32.
static Value applyToTokens(VectorBuilder &b, AffineExpr expr, Value batch,
                           Value tokens) {
  AffineExpr token = getAffineDimExpr(1, expr.getContext());
  if (expr == token)
    return tokens;
  // Divisors that are seen to be constant become multiplications.
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return arith::ConstantOp::create(
        b, DenseIntElementsAttr::get(cast<VectorType>(tokens.getType()),
                                     int32_t(constant.getValue())));
  if (!expr.isFunctionOfDim(1))
    return broadcastInteger(b, b.apply(expr, {batch, b.index(0)}));
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Value lhs = applyToTokens(b, binary.getLHS(), batch, tokens);
  Value rhs = applyToTokens(b, binary.getRHS(), batch, tokens);
  if (expr.getKind() == AffineExprKind::Add)
    return arith::AddIOp::create(b, lhs, rhs);
  if (expr.getKind() == AffineExprKind::Mul)
    return arith::MulIOp::create(b, lhs, rhs);
  if (expr.getKind() == AffineExprKind::Mod)
    return arith::RemUIOp::create(b, lhs, rhs);
  if (expr.getKind() == AffineExprKind::CeilDiv)
    return arith::CeilDivUIOp::create(b, lhs, rhs);
  return arith::DivUIOp::create(b, lhs, rhs);
}

/// The groups of tokens, as floats. What a last vector holds beyond is the last
/// token's.
void AttentionTile::computeGroups(TokenRange tokens, Value groups) {
  AffineExpr expr =
      simplifyAffineExpr(*operands.groups, /*numDims=*/2, /*numSymbols=*/0);
  Value lanes = getLaneNumbers(b);
  Value last =
      broadcastInteger(b, b.sub(b.add(tokens.begin, tokens.size), b.index(1)));
  b.forLoop(b.index(0), tokens.size, b.lanes(), [&](Value i) {
    Value numbers = arith::AddIOp::create(
        b, lanes, broadcastInteger(b, b.add(tokens.begin, i)));
    numbers = arith::MinSIOp::create(b, numbers, last);
    Value group = applyToTokens(b, expr, batch, numbers);
    b.store(arith::SIToFPOp::create(b, b.vectorType(), group), groups, i);
  });
}

/// Sets hasGroups: most windows of a shifted map are of one group.
void AttentionTile::compareGroups() {
  Value first = b.broadcast(b.loadScalar(queryGroups, b.index(0)));
  Value largest = b.splat(0.0);
  for (auto [groups, count] :
       {std::pair(queryGroups, queries.size), std::pair(keyGroups, keys.size)})
    largest = b.forLoop(b.index(0), count, b.lanes(), largest,
                        [&, groups = groups](Value i, ValueRange args) {
                          Value distance = math::AbsFOp::create(
                              b, b.subf(b.load(groups, i), first));
                          return SmallVector<Value>{b.maxf(args[0], distance)};
                        })[0];
  hasGroups = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT,
                                    b.reduceMax(largest), b.scalar(0.0));
}

/// The vector of scores of `query` with the keys from `key` of the block on,
/// plus groupBias, as a mask would add it, where their groups differ.
Value AttentionTile::addBetweenGroups(Value score, Value query, Value key) {
  Value group =
      b.broadcast(b.loadScalar(queryGroups, b.sub(query, queries.begin)));
  Value differs = arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, group,
                                        b.load(keyGroups, key));
  double addend = std::isinf(operands.groupBias)
                      ? operands.groupBias
                      : std::max(operands.groupBias, kLowestAddend);
  return b.select(differs, b.fma(b.splat(addend), b.splat(kLog2E), score),
                  score);
}

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// score + log2(e) * addend, vectors or scalars. It is finite where both are:
/// a row masked by the least float is as one that is not masked.
Value AttentionTile::addTo(Value score, Value addend) {
  Value infinity = b.constantLike(-kInfinity, addend);
  Value isMasked =
      arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, addend, infinity);
  Value finite = b.maxf(b.constantLike(kLowestAddend, addend), addend);
  addend = b.select(isMasked, infinity, finite);
  return b.fma(addend, b.constantLike(kLog2E, addend), score);
}

/// log2(e) * softcap * tanh(score) for rows of score / softcap.
void AttentionTile::capScores(Value rows) {
  Value limit = b.splat(*operands.softcap * kLog2E);
  b.forLoop(b.index(0), rows, 1, [&](Value row) {
    Value scoreRow = b.mul(row, getScoreStride());
    b.forLoop(b.index(0), getVectors(), 1, [&](Value vector) {
      Value index = b.add(scoreRow, b.mul(vector, b.lanes()));
      Value tanh = math::TanhOp::create(b, b.load(scores, index));
      b.store(b.mulf(tanh, limit), scores, index);
    });
  });
}

SmallVector<Value> AttentionTile::getAddendRows(Value queryIndex) {
  SmallVector<Value> rows;
  for (const ScoreAddend &addend : operands.addends) {
    Value row = b.apply(addend.access.getOffsetWithout(3),
                        {batch, head, queryIndex, b.index(0)});
    rows.push_back(b.add(row, keys.begin));
  }
  return rows;
}

Value AttentionTile::addAddends(Value score, ArrayRef<Value> rows,
                                Value queryIndex, Value j, int64_t count,
                                bool betweenGroups) {
  for (auto [addend, row] : llvm::zip_equal(addends, rows))
    score = addTo(score, b.load(addend, b.add(row, j), b.lanes(), count));
  return betweenGroups ? addBetweenGroups(score, queryIndex, j) : score;
}

void AttentionTile::addAddendsToRow(Value row, Value queryIndex,
                                    bool betweenGroups) {
  Value scoreRow = b.mul(row, getScoreStride());
  SmallVector<Value> sources = getAddendRows(queryIndex);
  Value whole = b.mul(b.div(visible, b.lanes()), b.lanes());
  auto addVector = [&](Value j, int64_t count) {
    Value index = b.add(scoreRow, j);
    Value score = operands.query ? b.load(scores, index) : b.splat(0.0);
    score = addAddends(score, sources, queryIndex, j, count, betweenGroups);
    b.store(score, scores, index);
  };
  b.forLoop(b.index(0), whole, b.lanes(),
            [&](Value j) { addVector(j, b.lanes()); });
  // Of the last keys, which fill no vector, the addends are read one by one
  // where their number is not known.
  if (std::optional<int64_t> constant = getConstant(visible)) {
    if (int64_t rest = *constant % b.lanes())
      addVector(whole, rest);
    return;
  }
  b.forLoop(whole, visible, 1, [&](Value j) {
    Value index = b.add(scoreRow, j);
    Value score = operands.query ? b.loadScalar(scores, index) : b.scalar(0.0);
    for (auto [addend, source] : llvm::zip_equal(addends, sources))
      score = addTo(score, b.loadScalar(addend, b.add(source, j)));
    b.storeScalar(score, scores, index);
  });
  if (!betweenGroups)
    return;
  b.ifElse(
      b.less(whole, visible),
      [&] {
        Value index = b.add(scoreRow, whole);
        b.store(addBetweenGroups(b.load(scores, index), queryIndex, whole),
                scores, index);
      },
      nullptr);
}

/// Sets the scores of `row` from key `limit` on, up to whole vectors, to -inf.
void AttentionTile::maskFrom(Value row, Value limit) {
  Value scoreRow = b.mul(row, getScoreStride());
  b.forLoop(b.div(limit, b.lanes()), getVectors(), 1, [&](Value vector) {
    Value j = b.mul(vector, b.lanes());
    // Negative for the vectors behind the first.
    Value seen = arith::SubIOp::create(b, limit, j);
    Value isSeen =
        arith::CmpIOp::create(b, arith::CmpIPredicate::slt, getLaneNumbers(b),
                              broadcastInteger(b, seen));
    Value index = b.add(scoreRow, j);
    b.store(b.select(isSeen, b.load(scores, index), b.splat(-kInfinity)),
            scores, index);
  });
}

void AttentionTile::finishRow(Value row, Value queryIndex) {
  auto add = [&](bool betweenGroups) {
    if (!addends.empty() || betweenGroups)
      addAddendsToRow(row, queryIndex, betweenGroups);
  };
  if (operands.groups)
    b.ifElse(hasGroups, [&] { add(true); }, [&] { add(false); });
  else
    add(false);
  maskFrom(row, countSeen(b.add(queryIndex, 1), {keys.begin, visible}));
}
