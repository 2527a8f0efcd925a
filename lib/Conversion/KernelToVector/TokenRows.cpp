//===- TokenRows.cpp - Where the tokens of an item lie --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TokenRows.h"

using namespace mlir;
using namespace vitc::kernel;

static constexpr unsigned kHead = 1, kToken = 2;

/// Windows are smaller; a table of more would push keys out of the cache.
static constexpr int64_t kMaxTableTokens = 1024;

/// Elements of a cache line.
static constexpr int64_t kLineElements = 16;

static Value getHalf(VectorBuilder &b, Value batch, int64_t tokens) {
  return b.mul(b.rem(batch, 2), tokens);
}

Value TokenRows::getOffset(VectorBuilder &b, Value batch, Value head,
                           Value token) const {
  if (!table)
    return b.apply(expr, {batch, head, token, b.index(0)});
  Value index = b.add(getHalf(b, batch, numTokens), token);
  return b.add(b.loadScalar(table, index),
               b.apply(expr, {batch, head, b.index(0), b.index(0)}));
}

void TokenRows::prefetch(VectorBuilder &b, Value batch, Value head,
                         TokenRange tokens) const {
  b.forLoop(b.index(0), tokens.size, 1, [&](Value i) {
    Value row = getOffset(b, batch, head, b.add(tokens.begin, i));
    for (int64_t element = 0; element < size; element += kLineElements)
      b.prefetch(memory, b.add(row, element), /*intoL1=*/false);
  });
}

/// The terms of a sum.
static void collectTerms(AffineExpr expr, SmallVectorImpl<AffineExpr> &terms) {
  if (expr.getKind() != AffineExprKind::Add) {
    terms.push_back(expr);
    return;
  }
  auto sum = cast<AffineBinaryOpExpr>(expr);
  collectTerms(sum.getLHS(), terms);
  collectTerms(sum.getRHS(), terms);
}

std::optional<TokenOffset> vitc::kernel::splitTokenOffset(const Access &access,
                                                          Value tokens) {
  std::optional<int64_t> count = getConstant(tokens);
  if (access.getStride(kToken) || !count || *count > kMaxTableTokens)
    return std::nullopt;
  AffineExpr expr = access.getOffsetWithout(3);
  AffineExpr zero = getAffineConstantExpr(0, expr.getContext());
  TokenOffset offset = {zero, zero};
  SmallVector<AffineExpr> terms;
  collectTerms(expr, terms);
  for (AffineExpr term : terms) {
    if (!term.isFunctionOfDim(kToken))
      offset.rest = offset.rest + term;
    else if (!term.isFunctionOfDim(kHead))
      offset.ofToken = offset.ofToken + term;
    else
      return std::nullopt;
  }
  return offset;
}

TokenRows TokenTables::add(TokenRows rows, const Access &access, Value tokens) {
  std::optional<TokenOffset> offset = splitTokenOffset(access, tokens);
  if (!offset)
    return rows;
  int64_t count = *getConstant(tokens);
  auto *table = llvm::find_if(tables, [&](const Table &table) {
    return table.expr == offset->ofToken && table.tokens == count;
  });
  if (table == tables.end()) {
    tables.push_back(
        {offset->ofToken, count, b.getScratch(2 * count, b.getIndexType())});
    table = &tables.back();
  }
  rows.expr = offset->rest;
  rows.table = table->memory;
  rows.numTokens = count;
  return rows;
}

void TokenTables::fill(Value batch) {
  for (const Table &table : tables) {
    Value half = getHalf(b, batch, table.tokens);
    b.forLoop(b.index(0), b.index(table.tokens), 1, [&](Value token) {
      Value offset =
          b.apply(table.expr, {batch, b.index(0), token, b.index(0)});
      b.storeScalar(offset, table.memory, b.add(half, token));
    });
  }
}
