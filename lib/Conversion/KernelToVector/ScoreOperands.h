//===- ScoreOperands.h - What attention's scores are made of -- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTOVECTOR_SCOREOPERANDS_H
#define VITC_CONVERSION_KERNELTOVECTOR_SCOREOPERANDS_H

#include "Access.h"
#include "Kernel/KernelDialect.h"

namespace vitc::kernel {

/// Turns exponents of e into exponents of 2.
inline constexpr double kLog2E = 1.4426950408889634;

/// The smallest addend, but for -inf: times log2(e) it is a float still, and a
/// score added to it does not change that.
inline constexpr double kLowestAddend = -2.3e38;

/// A factor of the product that scores begin as: queries or keys.
struct ScoreFactor {
  mlir::Value value;
  Access access;
};

/// What is added to the scores: the bias or the mask.
struct ScoreAddend {
  llvm::StringRef name;
  mlir::Value value;
  Access access;
};

/// The operands that scores are computed from, of kernel.attention or
/// kernel.attention_map.
struct ScoreOperands {
  /// Both or none: without them the scores begin as 0.
  std::optional<ScoreFactor> query, key;
  llvm::SmallVector<ScoreAddend, 2> addends;
  mlir::Value queries, keys;
  int64_t headDim;
  double scale;
  std::optional<double> softcap;
  /// Query i sees keys j <= i + causal.
  std::optional<int64_t> causal;
  /// The group of token i of item b; groupBias is added between two of them.
  std::optional<mlir::AffineExpr> groups;
  double groupBias = 0;
  /// How many keys each item has, where these are not `keys`.
  std::optional<ScoreFactor> keyLength;
  AttentionTilingAttr tiling;

  /// Emits an error where an operand or the tiling does not fit.
  template <typename OpTy>
  static mlir::FailureOr<ScoreOperands> get(OpTy op, CpuAttr cpu) {
    ScoreOperands operands;
    operands.query = getFactor(op.getQuery(), op.getQueryMap());
    operands.key = getFactor(op.getKey(), op.getKeyMap());
    operands.add("bias", op.getBias(), op.getBiasMap());
    operands.add("mask", op.getMask(), op.getMaskMap());
    operands.queries = op.getQueries();
    operands.keys = op.getKeys();
    operands.headDim = op.getHeadDim();
    operands.scale = op.getScale().convertToDouble();
    if (op.getSoftcap())
      operands.softcap = op.getSoftcap()->convertToDouble();
    operands.causal = op.getCausal();
    if (op.getGroups()) {
      operands.groups = op.getGroups()->getResult(0);
      operands.groupBias = op.getGroupBias()->convertToDouble();
    }
    operands.keyLength = getFactor(op.getKeyLength(), op.getKeyLengthMap());
    operands.tiling = op.getTilingAttr();
    if (failed(operands.verify(op, cpu)))
      return mlir::failure();
    return operands;
  }

  /// Whether a query may see less than all keys of a block.
  bool hasLimit() const { return causal || keyLength; }

private:
  static std::optional<ScoreFactor>
  getFactor(mlir::Value value, std::optional<mlir::AffineMap> map);
  void add(llvm::StringRef name, mlir::Value addend,
           std::optional<mlir::AffineMap> map);
  mlir::LogicalResult verify(mlir::Operation *op, CpuAttr cpu) const;
};

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTOVECTOR_SCOREOPERANDS_H
