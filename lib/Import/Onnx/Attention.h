//===- Attention.h - Attention of both domains -----------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_ATTENTION_H
#define VITC_LIB_IMPORT_ONNX_ATTENTION_H

#include "Node.h"

namespace vitc::onnx {

/// Query [B, H, Nq, D], key [B, Hk, Nk, D] and value [B, Hk, Nk, Dv], and up to
/// two addends [1 or B, 1 or H, Nq, Nk] of the scores, which may be null; the
/// rest as in vit.attention.
struct AttentionOperands {
  mlir::Value query, key, value, bias, mask, keyLength;
  double scale;
  std::optional<int64_t> causal;
  std::optional<double> softcap;
};

/// Errors unless the shapes of query, key and value fit each other.
mlir::LogicalResult verifyAttention(Node &node,
                                    const AttentionOperands &operands);

/// vit.attention.
mlir::Value buildAttention(TensorBuilder &b, const AttentionOperands &operands);

/// Input `index`, [B, N, H * D], as [B, H, N, D].
mlir::FailureOr<mlir::Value> splitHeads(Node &node, mlir::Value tokens,
                                        int64_t heads);
/// [B, H, N, D] as [B, N, H * D].
mlir::Value mergeHeads(TensorBuilder &b, mlir::Value tensor);

/// An addend of the scores, of up to four dims, as [.., .., Nq, Nk]; true in a
/// bool mask means attend. Keys that it does not cover are masked. Null where
/// it is known to change nothing.
mlir::FailureOr<mlir::Value> getScoreAddend(Node &node, unsigned index,
                                            const AttentionOperands &operands);

/// Which keys each query sees.
struct KeyWindow {
  bool causal = false;
  /// Keys before and behind its own that a query sees; -1: all.
  int64_t left = -1, right = -1;
  /// Query i stands at key i + offset.
  int64_t offset = 0;
  /// Or at key i + lengths[b] - Nq, where keys from lengths[b] on are masked;
  /// null or [B].
  mlir::Value lengths;

  bool isAll() const { return !causal && left < 0 && right < 0 && !lengths; }
};

/// Gives `operands` the window: as causal form or key lengths where these say
/// it, else as a mask.
void setKeyWindow(TensorBuilder &b, const KeyWindow &window,
                  AttentionOperands &operands);

/// 0 where a query sees a key, -inf elsewhere; [1 or B, 1, Nq, Nk].
mlir::Value buildKeyWindow(TensorBuilder &b, const KeyWindow &window,
                           const AttentionOperands &operands);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_ATTENTION_H
