//===- TokenRows.h - Where the tokens of an item lie ---------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A window's tokens lie at offsets full of divisions. Attention needs these for
// queries, keys, values and results of each head, and ahead of time to prefetch
// them: a table of an item's tokens, shared by the operands where these differ
// by a constant, is computed once for all heads.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_TOKENROWS_H
#define VITC_CONVERSION_KERNELTOVECTOR_TOKENROWS_H

#include "Access.h"
#include "Kernels.h"

namespace vitc::kernel {

/// Tokens [begin, begin + size).
struct TokenRange {
  mlir::Value begin;
  mlir::Value size;
};

/// An operand's rows of elements, one for each (batch, head, token).
class TokenRows {
public:
  /// Rows of `size` elements of the flat memref `memory`, whose offsets are
  /// computed from the map (batch, head, token, element) each time.
  TokenRows(mlir::Value memory, const Access &access, int64_t size)
      : memory(memory), size(size), expr(access.getOffsetWithout(3)) {}

  mlir::Value getMemory() const { return memory; }
  mlir::Value getOffset(VectorBuilder &builder, mlir::Value batch,
                        mlir::Value head, mlir::Value token) const;
  /// Asks for the rows of `tokens`, into L2.
  void prefetch(VectorBuilder &builder, mlir::Value batch, mlir::Value head,
                TokenRange tokens) const;

private:
  friend class TokenTables;

  mlir::Value memory;
  int64_t size;
  mlir::AffineExpr
      expr;          // what is added to the table's element, if there is one
  mlir::Value table; // [2, numTokens], or null
  int64_t numTokens = 0;
};

/// What a row's offset is the sum of.
struct TokenOffset {
  mlir::AffineExpr ofToken; // no function of the head
  mlir::AffineExpr rest;    // no function of the token
};

/// Splits the offset of a row in (batch, head, token, -) where a table of
/// tokens pays: where it takes more than a multiplication, and tokens are few.
std::optional<TokenOffset> splitTokenOffset(const Access &access,
                                            mlir::Value tokens);

/// The tables of a kernel. They hold two items, the even and the odd one of a
/// task's and the next, in the thread's scratch.
class TokenTables {
public:
  explicit TokenTables(KernelBuilder &builder) : b(builder) {}

  /// Lets `rows` of `tokens` tokens an item use a table where that pays. Carves
  /// the scratch, so it is called outside of loops.
  TokenRows add(TokenRows rows, const Access &access, mlir::Value tokens);
  bool isEmpty() const { return tables.empty(); }
  /// Computes the tables' part of item `batch`.
  void fill(mlir::Value batch);

private:
  struct Table {
    mlir::AffineExpr expr; // of (batch, -, token)
    int64_t tokens;
    mlir::Value memory;
  };

  KernelBuilder &b;
  llvm::SmallVector<Table> tables;
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_TOKENROWS_H
