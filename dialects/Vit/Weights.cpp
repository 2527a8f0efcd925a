//===- Weights.cpp - Weights of the vit dialect ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"

using namespace mlir;
using namespace vitc::vit;

LogicalResult WeightOp::verify() {
  // C1
  if (getFile().has_value() == getSeed().has_value())
    return emitOpError() << "'" << getSymName() << "' has "
                         << (getFile() ? "both a file and a seed"
                                       : "neither a file nor a seed")
                         << "; it needs exactly one";
  // C2
  auto type = cast<RankedTensorType>(getType());
  Type element = type.getElementType();
  bool stored =
      element.isF16() || element.isBF16() || element.isF32() || element.isF64();
  if (!stored || (getSeed() && !element.isF32()))
    return emitOpError() << "'" << getSymName() << "' has element type "
                         << element << "; needs "
                         << (getSeed() ? "f32" : "f16, bf16, f32 or f64");
  // C3
  if (!WeightExprAttr::getStoredBytes(type))
    return emitOpError() << "'" << getSymName() << "' has type " << type
                         << "; needs static dims of 1 or more and less than "
                            "2^62 bytes";
  // C4
  if (getFile().has_value() != getOffset().has_value())
    return emitOpError() << "'" << getSymName() << "' has "
                         << (getFile() ? "a file but no offset"
                                       : "an offset but no file")
                         << "; it needs both or neither";
  if (getOffset() && static_cast<int64_t>(*getOffset()) < 0)
    return emitOpError() << "'" << getSymName() << "' has offset "
                         << static_cast<int64_t>(*getOffset())
                         << "; needs 0 or more";
  if (getSeed().has_value() != getMean().has_value() ||
      getSeed().has_value() != getScale().has_value())
    return emitOpError() << "'" << getSymName() << "' has only a part of seed, "
                         << "mean and scale; it needs all or none";
  return success();
}

LogicalResult WeightOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  // C5
  if (!getFile())
    return success();
  if (!symbolTable.lookupNearestSymbolFrom<WeightFileOp>(*this, getFileAttr()))
    return emitOpError() << "'" << getSymName() << "' refers to file @"
                         << *getFile() << ", which no vit.weight_file defines";
  return success();
}

LogicalResult ConstantOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  SmallVector<WeightExprAttr> pending = {getValue()};
  while (!pending.empty()) {
    WeightExprAttr expr = pending.pop_back_val();
    if (expr.getKind() == WeightExprKind::Data)
      continue;
    if (expr.getKind() != WeightExprKind::Ref) {
      for (Attribute operand : expr.getOperands())
        pending.push_back(cast<WeightExprAttr>(operand));
      continue;
    }
    auto name = cast<FlatSymbolRefAttr>(expr.getOperands()[0]);
    auto weight = symbolTable.lookupNearestSymbolFrom<WeightOp>(*this, name);
    // C1
    if (!weight)
      return emitOpError() << "refers to weight " << name
                           << ", which no vit.weight defines";
    // C2
    if (weight.getType() != expr.getType())
      return emitOpError() << "refers to weight " << name << " as "
                           << expr.getType() << " but it is "
                           << weight.getType();
  }
  return success();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }
