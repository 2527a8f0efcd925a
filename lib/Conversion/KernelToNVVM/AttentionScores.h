//===- AttentionScores.h - Scores of attention on a GPU ------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What becomes of the product of a query and a key until softmax: scale and
// softcap, bias, mask and groups, and the keys that the query does not see.
// Scores carry a factor log2(e), so that softmax is a bare exp2.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_KERNELTONVVM_ATTENTIONSCORES_H
#define VITC_CONVERSION_KERNELTONVVM_ATTENTIONSCORES_H

#include "../KernelToVector/ScoreOperands.h"
#include "DeviceBuilder.h"

namespace vitc::kernel {

/// The scores of one head of an item, one at a time.
class DeviceScores {
public:
  DeviceScores(DeviceBuilder &builder, const ScoreOperands &operands);

  /// The head to work on.
  void setHead(mlir::Value item, mlir::Value head);
  mlir::Value getItem() const { return item; }
  mlir::Value getHead() const { return head; }
  /// The item's keys.
  mlir::Value getNumKeys() const { return numKeys; }
  /// How many keys, the first ones, some query before `queryEnd` sees.
  mlir::Value countSeen(mlir::Value queryEnd);

  bool hasGroups() const { return operands.groups.has_value(); }
  /// The group of a token, i32.
  mlir::Value getGroup(mlir::Value token);

  /// What the scores of a query depend on.
  struct Row {
    llvm::SmallVector<mlir::Value, 2> addends; // offsets of its first key
    mlir::Value group;                         // null without groups
    mlir::Value seen;                          // keys, the first ones
  };
  Row getRow(mlir::Value query, mlir::Value group);
  /// The score of a query and a key. With `mayBeHidden` it is -inf where the
  /// query does not see the key, of which there may be no such.
  mlir::Value getScore(mlir::Value product, const Row &row, mlir::Value key,
                       mlir::Value group, bool mayBeHidden);

  /// What is to be added to the scores of a row with this maximum.
  mlir::Value getShift(mlir::Value maximum);
  /// The exponential of a score, or of an older maximum, less the maximum.
  mlir::Value getExponential(mlir::Value score, mlir::Value shift);

private:
  mlir::Value addTo(mlir::Value score, mlir::Value addend);
  mlir::Value capScore(mlir::Value score);
  mlir::Value tanh(mlir::Value x);

  DeviceBuilder &b;
  const ScoreOperands &operands;
  DevicePointer keyLength;
  llvm::SmallVector<DevicePointer, 2> addends;
  mlir::Value item, head, numKeys;
};

/// The larger score; NaN stays.
mlir::Value takeMaximum(DeviceBuilder &builder, mlir::Value x, mlir::Value y);

/// 1 / the sum of a row's exponentials, a finite number for a row without keys;
/// NaN stays.
mlir::Value invertSum(DeviceBuilder &builder, mlir::Value sum);

} // namespace vitc::kernel

#endif // VITC_CONVERSION_KERNELTONVVM_ATTENTIONSCORES_H
