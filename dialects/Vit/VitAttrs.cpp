//===- VitAttrs.cpp - Attributes of the vit dialect -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc::vit;

#include "Vit/VitEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "Vit/VitAttrs.cpp.inc"

void VitDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Vit/VitAttrs.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// WeightExprAttr
//===----------------------------------------------------------------------===//

int64_t WeightExprAttr::packedSize(int64_t n, int64_t k) {
  constexpr uint64_t limit = std::numeric_limits<int64_t>::max();
  uint64_t tail = llvm::alignTo(n % kPanelColumns, kPackGranule);
  uint64_t columns = n / kPanelColumns * kPanelColumns + tail;
  return std::min(limit, llvm::SaturatingMultiply<uint64_t>(
                             columns, llvm::alignTo(k, kPackGranule)));
}

std::optional<int64_t> WeightExprAttr::getStoredBytes(RankedTensorType type) {
  constexpr uint64_t limit = uint64_t(1) << 62;
  uint64_t bytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8);
  for (int64_t dim : type.getShape()) {
    if (dim < 1) // kDynamic is negative.
      return std::nullopt;
    bytes = llvm::SaturatingMultiply<uint64_t>(bytes, dim);
  }
  return bytes < limit ? std::optional<int64_t>(bytes) : std::nullopt;
}

WeightExprAttr WeightExprAttr::getExprOperand(unsigned index) {
  return cast<WeightExprAttr>(getOperands()[index]);
}

static LogicalResult
verifyConcat(llvm::function_ref<InFlightDiagnostic()> emitError,
             ArrayRef<Attribute> operands, RankedTensorType type) {
  uint64_t rows = 0;
  for (Attribute operand : operands) {
    RankedTensorType piece = cast<WeightExprAttr>(operand).getType();
    if (piece.getRank() != type.getRank() ||
        piece.getShape().drop_front() != type.getShape().drop_front() ||
        piece.getElementType() != type.getElementType())
      return emitError() << "#vit.expr<concat> of type " << type
                         << " has an operand of type " << piece
                         << "; all but dim 0 must agree";
    rows = llvm::SaturatingAdd<uint64_t>(rows, piece.getDimSize(0));
  }
  if (rows != static_cast<uint64_t>(type.getDimSize(0)))
    return emitError() << "#vit.expr<concat> of type " << type << " has "
                       << rows << " rows in its operands";
  return success();
}

LogicalResult
WeightExprAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                       WeightExprKind kind, ArrayRef<Attribute> operands,
                       ArrayRef<int64_t> params, RankedTensorType type) {
  StringRef name = stringifyWeightExprKind(kind);
  if (!type || !type.hasStaticShape() || type.getRank() == 0)
    return emitError() << "#vit.expr<" << name
                       << "> needs a static ranked tensor type of rank 1 or "
                          "more";
  if (!isa<FloatType>(type.getElementType()) || !getStoredBytes(type))
    return emitError() << "#vit.expr<" << name << "> has type " << type
                       << "; needs floats, dims of 1 or more and less than "
                          "2^62 bytes";
  if (kind != WeightExprKind::Slice && !params.empty())
    return emitError() << "#vit.expr<" << name << "> has " << params.size()
                       << " params; only slice takes them";
  if (kind == WeightExprKind::Ref) {
    if (operands.size() != 1)
      return emitError() << "#vit.expr<ref> has " << operands.size()
                         << " operands; needs one symbol";
    if (!isa<FlatSymbolRefAttr>(operands[0]))
      return emitError() << "#vit.expr<ref> has operand " << operands[0]
                         << "; needs one symbol";
    return success();
  }
  for (Attribute operand : operands)
    if (!isa<WeightExprAttr>(operand))
      return emitError() << "#vit.expr<" << name << "> has operand " << operand
                         << "; needs #vit.expr operands";
  size_t wanted = kind == WeightExprKind::Add ? 2 : 1;
  if (kind == WeightExprKind::Concat ? operands.empty()
                                     : operands.size() != wanted)
    return emitError() << "#vit.expr<" << name << "> has " << operands.size()
                       << " operands; needs " << wanted
                       << (kind == WeightExprKind::Concat ? " or more" : "");
  RankedTensorType first = cast<WeightExprAttr>(operands[0]).getType();
  bool ok = true;
  switch (kind) {
  case WeightExprKind::Ref:
    break;
  case WeightExprKind::Cast:
    ok = first.getShape() == type.getShape();
    break;
  case WeightExprKind::Reshape:
    ok = first.getNumElements() == type.getNumElements() &&
         first.getElementType() == type.getElementType();
    break;
  case WeightExprKind::Slice:
    if (params.size() != 1)
      return emitError() << "#vit.expr<slice> has " << params.size()
                         << " params; needs 1, the first row";
    if (params[0] < 0 || params[0] > first.getDimSize(0) - type.getDimSize(0))
      return emitError() << "#vit.expr<slice> takes " << type.getDimSize(0)
                         << " rows from row " << params[0] << " of "
                         << first.getDimSize(0);
    ok = first.getRank() == type.getRank() &&
         first.getShape().drop_front() == type.getShape().drop_front() &&
         first.getElementType() == type.getElementType();
    break;
  case WeightExprKind::Concat:
    return verifyConcat(emitError, operands, type);
  case WeightExprKind::Add: {
    RankedTensorType second = cast<WeightExprAttr>(operands[1]).getType();
    if (first != type || second != type)
      return emitError() << "#vit.expr<add> cannot make " << type << " of "
                         << first << " and " << second;
    break;
  }
  case WeightExprKind::Pack:
    ok = first.getRank() == 2 && type.getRank() == 1 &&
         first.getElementType() == type.getElementType() &&
         type.getDimSize(0) ==
             packedSize(first.getDimSize(0), first.getDimSize(1));
    break;
  }
  if (!ok)
    return emitError() << "#vit.expr<" << name << "> cannot make " << type
                       << " of " << first;
  return success();
}

WeightExprAttr WeightExprAttr::ref(FlatSymbolRefAttr name,
                                   RankedTensorType type) {
  return get(type.getContext(), WeightExprKind::Ref, {name}, {}, type);
}

WeightExprAttr WeightExprAttr::castTo(WeightExprAttr operand,
                                      Type elementType) {
  RankedTensorType type = operand.getType();
  if (type.getElementType() == elementType)
    return operand;
  return get(operand.getContext(), WeightExprKind::Cast, {operand}, {},
             type.clone(elementType));
}

WeightExprAttr WeightExprAttr::reshape(WeightExprAttr operand,
                                       ArrayRef<int64_t> shape) {
  RankedTensorType type = operand.getType();
  if (type.getShape() == shape)
    return operand;
  if (operand.getKind() == WeightExprKind::Reshape)
    return reshape(operand.getExprOperand(0), shape);
  return get(operand.getContext(), WeightExprKind::Reshape, {operand}, {},
             type.clone(shape));
}

WeightExprAttr WeightExprAttr::slice(WeightExprAttr operand, int64_t begin,
                                     int64_t size) {
  RankedTensorType type = operand.getType();
  if (begin == 0 && size == type.getDimSize(0))
    return operand;
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = size;
  return get(operand.getContext(), WeightExprKind::Slice, {operand}, {begin},
             type.clone(shape));
}

WeightExprAttr WeightExprAttr::concat(ArrayRef<WeightExprAttr> operands) {
  if (operands.size() == 1)
    return operands[0];
  RankedTensorType type = operands[0].getType();
  SmallVector<int64_t> shape(type.getShape());
  shape[0] = 0;
  for (WeightExprAttr operand : operands)
    shape[0] += operand.getType().getDimSize(0);
  return get(type.getContext(), WeightExprKind::Concat,
             SmallVector<Attribute>(operands.begin(), operands.end()), {},
             type.clone(shape));
}

WeightExprAttr WeightExprAttr::add(WeightExprAttr lhs, WeightExprAttr rhs) {
  return get(lhs.getContext(), WeightExprKind::Add, {lhs, rhs}, {},
             lhs.getType());
}

WeightExprAttr WeightExprAttr::pack(WeightExprAttr matrix) {
  RankedTensorType type = matrix.getType();
  int64_t size = packedSize(type.getDimSize(0), type.getDimSize(1));
  return get(matrix.getContext(), WeightExprKind::Pack, {matrix}, {},
             type.clone(ArrayRef<int64_t>(size)));
}
