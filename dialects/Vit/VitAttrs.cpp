//===- VitAttrs.cpp - Attributes of the vit dialect -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
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
// NormAttr
//===----------------------------------------------------------------------===//

LogicalResult
NormAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                 FloatAttr epsilon, bool rms) {
  // C1
  if (!epsilon || !epsilon.getValue().isFinite() ||
      (epsilon.getValue().isNegative() && !epsilon.getValue().isZero()))
    return emitError() << "#vit.norm has epsilon " << epsilon
                       << "; needs a finite number of 0 or more";
  return success();
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

int64_t WeightExprAttr::getStoredElementBytes(Type element) {
  if (element.isTF32())
    return sizeof(float);
  return llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
}

std::optional<int64_t> WeightExprAttr::getStoredBytes(RankedTensorType type) {
  constexpr uint64_t limit = uint64_t(1) << 62;
  uint64_t bytes = getStoredElementBytes(type.getElementType());
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

static LogicalResult
verifyRef(llvm::function_ref<InFlightDiagnostic()> emitError,
          ArrayRef<Attribute> operands) {
  if (operands.size() != 1)
    return emitError() << "#vit.expr<ref> has " << operands.size()
                       << " operands; needs one symbol";
  if (!isa<FlatSymbolRefAttr>(operands[0]))
    return emitError() << "#vit.expr<ref> has operand " << operands[0]
                       << "; needs one symbol";
  return success();
}

static LogicalResult
verifyData(llvm::function_ref<InFlightDiagnostic()> emitError,
           ArrayRef<Attribute> operands, RankedTensorType type) {
  if (operands.size() != 1)
    return emitError() << "#vit.expr<data> has " << operands.size()
                       << " operands; needs one dense elements attribute";
  auto values = dyn_cast<DenseElementsAttr>(operands[0]);
  if (!values || values.getType() != type)
    return emitError() << "#vit.expr<data> has operand " << operands[0]
                       << "; needs one dense elements attribute of type "
                       << type;
  return success();
}

static LogicalResult
verifySlice(llvm::function_ref<InFlightDiagnostic()> emitError,
            RankedTensorType operand, ArrayRef<int64_t> params,
            RankedTensorType type) {
  if (params.size() != 1)
    return emitError() << "#vit.expr<slice> has " << params.size()
                       << " params; needs 1, the first row";
  if (params[0] < 0 || params[0] > operand.getDimSize(0) - type.getDimSize(0))
    return emitError() << "#vit.expr<slice> takes " << type.getDimSize(0)
                       << " rows from row " << params[0] << " of "
                       << operand.getDimSize(0);
  return success();
}

static LogicalResult
verifyTranspose(llvm::function_ref<InFlightDiagnostic()> emitError,
                RankedTensorType operand, ArrayRef<int64_t> params) {
  if (static_cast<int64_t>(params.size()) != operand.getRank() ||
      !isPermutationVector(params))
    return emitError() << "#vit.expr<transpose> has params [" << params
                       << "]; needs a permutation of " << operand.getRank()
                       << " dims";
  return success();
}

/// The vector of a scale or product.
static LogicalResult
verifyVector(llvm::function_ref<InFlightDiagnostic()> emitError,
             WeightExprKind kind, RankedTensorType first,
             RankedTensorType vector, ArrayRef<int64_t> params) {
  StringRef name = stringifyWeightExprKind(kind);
  int64_t dim = 1;
  if (kind == WeightExprKind::Scale) {
    if (params.size() != 1)
      return emitError() << "#vit.expr<scale> has " << params.size()
                         << " params; needs 1, the dim";
    dim = params[0];
  }
  if (dim < 0 || dim >= first.getRank() || vector.getRank() != 1 ||
      vector.getDimSize(0) != first.getDimSize(dim) ||
      vector.getElementType() != first.getElementType())
    return emitError() << "#vit.expr<" << name << "> has operands " << first
                       << " and " << vector << "; needs a vector along dim "
                       << dim;
  return success();
}

/// Whether `type` is what `kind` makes of operands of these types; the number
/// of operands and the params have been checked.
static bool isResultType(WeightExprKind kind, ArrayRef<Attribute> operands,
                         ArrayRef<int64_t> params, RankedTensorType type) {
  RankedTensorType first = cast<WeightExprAttr>(operands[0]).getType();
  bool sameElement = first.getElementType() == type.getElementType();
  switch (kind) {
  case WeightExprKind::Cast:
    return first.getShape() == type.getShape();
  case WeightExprKind::Reshape:
    return first.getNumElements() == type.getNumElements() && sameElement;
  case WeightExprKind::Slice:
    return first.getRank() == type.getRank() && sameElement &&
           first.getShape().drop_front() == type.getShape().drop_front();
  case WeightExprKind::Transpose:
    return sameElement &&
           type.getShape() ==
               ArrayRef<int64_t>(applyPermutation(first.getShape(), params));
  case WeightExprKind::Pack:
    return first.getRank() == 2 && type.getRank() == 1 && sameElement &&
           type.getDimSize(0) == WeightExprAttr::packedSize(
                                     first.getDimSize(0), first.getDimSize(1));
  case WeightExprKind::Scale:
    return first == type;
  case WeightExprKind::Product:
    return first.getRank() == 2 && sameElement &&
           type.getShape() == first.getShape().take_front();
  case WeightExprKind::Ref:
  case WeightExprKind::Data:
  case WeightExprKind::Concat:
  case WeightExprKind::Add:
    return true;
  }
  llvm_unreachable("all kinds are covered");
}

/// What only moves elements, and so takes integers too.
static bool isMovement(WeightExprKind kind) {
  return kind == WeightExprKind::Reshape || kind == WeightExprKind::Slice ||
         kind == WeightExprKind::Concat || kind == WeightExprKind::Transpose;
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
  bool takesIntegers = kind == WeightExprKind::Data || isMovement(kind);
  if (!(isa<FloatType>(type.getElementType()) ||
        (takesIntegers && isa<IntegerType>(type.getElementType()))) ||
      !getStoredBytes(type))
    return emitError() << "#vit.expr<" << name << "> has type " << type
                       << "; needs "
                       << (takesIntegers ? "integers or floats" : "floats")
                       << ", dims of 1 or more and less than 2^62 bytes";
  unsigned bits = type.getElementTypeBitWidth();
  bool isTF32 = type.getElementType().isTF32() && kind != WeightExprKind::Data;
  if (bits != 1 && bits != 8 && bits != 16 && bits != 32 && bits != 64 &&
      !isTF32)
    return emitError() << "#vit.expr<" << name << "> has elements of " << bits
                       << " bits; needs 1, 8, 16, 32 or 64";
  if (kind != WeightExprKind::Slice && kind != WeightExprKind::Transpose &&
      kind != WeightExprKind::Scale && !params.empty())
    return emitError() << "#vit.expr<" << name << "> has " << params.size()
                       << " params; only slice, transpose and scale take them";
  if (kind == WeightExprKind::Ref)
    return verifyRef(emitError, operands);
  if (kind == WeightExprKind::Data)
    return verifyData(emitError, operands, type);
  for (Attribute operand : operands)
    if (!isa<WeightExprAttr>(operand))
      return emitError() << "#vit.expr<" << name << "> has operand " << operand
                         << "; needs #vit.expr operands";
  bool takesVector =
      kind == WeightExprKind::Scale || kind == WeightExprKind::Product;
  size_t wanted = kind == WeightExprKind::Add || takesVector ? 2 : 1;
  if (kind == WeightExprKind::Concat ? operands.empty()
                                     : operands.size() != wanted)
    return emitError() << "#vit.expr<" << name << "> has " << operands.size()
                       << " operands; needs " << wanted
                       << (kind == WeightExprKind::Concat ? " or more" : "");
  RankedTensorType first = cast<WeightExprAttr>(operands[0]).getType();
  if (kind == WeightExprKind::Concat)
    return verifyConcat(emitError, operands, type);
  if (kind == WeightExprKind::Slice &&
      failed(verifySlice(emitError, first, params, type)))
    return failure();
  if (kind == WeightExprKind::Transpose &&
      failed(verifyTranspose(emitError, first, params)))
    return failure();
  if (takesVector &&
      failed(verifyVector(emitError, kind, first,
                          cast<WeightExprAttr>(operands[1]).getType(), params)))
    return failure();
  if (kind == WeightExprKind::Add) {
    RankedTensorType second = cast<WeightExprAttr>(operands[1]).getType();
    if (first != type || second != type)
      return emitError() << "#vit.expr<add> cannot make " << type << " of "
                         << first << " and " << second;
  }
  if (!isResultType(kind, operands, params, type))
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
  if (operand.getKind() == WeightExprKind::Data)
    return data(cast<DenseElementsAttr>(operand.getOperands()[0])
                    .reshape(type.clone(shape)));
  return get(operand.getContext(), WeightExprKind::Reshape, {operand}, {},
             type.clone(shape));
}

WeightExprAttr WeightExprAttr::slice(WeightExprAttr operand, int64_t begin,
                                     int64_t size) {
  RankedTensorType type = operand.getType();
  if (begin == 0 && size == type.getDimSize(0))
    return operand;
  if (operand.getKind() == WeightExprKind::Slice)
    return slice(operand.getExprOperand(0), operand.getParams()[0] + begin,
                 size);
  if (operand.getKind() == WeightExprKind::Concat) {
    // Query, key or value of weights that an importer has put together.
    int64_t pieceBegin = 0;
    for (Attribute attr : operand.getOperands()) {
      auto piece = cast<WeightExprAttr>(attr);
      int64_t rows = piece.getType().getDimSize(0);
      if (begin >= pieceBegin && begin + size <= pieceBegin + rows)
        return slice(piece, begin - pieceBegin, size);
      pieceBegin += rows;
    }
  }
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

WeightExprAttr WeightExprAttr::scale(WeightExprAttr operand,
                                     WeightExprAttr factors, int64_t dim) {
  return get(operand.getContext(), WeightExprKind::Scale, {operand, factors},
             {dim}, operand.getType());
}

WeightExprAttr WeightExprAttr::product(WeightExprAttr matrix,
                                       WeightExprAttr vector) {
  RankedTensorType type = matrix.getType();
  return get(matrix.getContext(), WeightExprKind::Product, {matrix, vector}, {},
             type.clone(type.getShape().take_front()));
}

WeightExprAttr WeightExprAttr::pack(WeightExprAttr matrix) {
  RankedTensorType type = matrix.getType();
  int64_t size = packedSize(type.getDimSize(0), type.getDimSize(1));
  return get(matrix.getContext(), WeightExprKind::Pack, {matrix}, {},
             type.clone(ArrayRef<int64_t>(size)));
}

/// Whether dims of more than one element keep their order: no element moves.
static bool keepsOrder(ArrayRef<int64_t> shape, ArrayRef<int64_t> permutation) {
  int64_t last = -1;
  for (int64_t dim : permutation) {
    if (shape[dim] == 1)
      continue;
    if (dim < last)
      return false;
    last = dim;
  }
  return true;
}

WeightExprAttr WeightExprAttr::transpose(WeightExprAttr operand,
                                         ArrayRef<int64_t> permutation) {
  RankedTensorType type = operand.getType();
  SmallVector<int64_t> shape = applyPermutation(type.getShape(), permutation);
  if (operand.getKind() == WeightExprKind::Transpose)
    return transpose(operand.getExprOperand(0),
                     applyPermutation(operand.getParams(), permutation));
  if (keepsOrder(type.getShape(), permutation))
    return reshape(operand, shape);
  return get(operand.getContext(), WeightExprKind::Transpose, {operand},
             permutation, type.clone(shape));
}

WeightExprAttr WeightExprAttr::data(DenseElementsAttr values) {
  return get(values.getContext(), WeightExprKind::Data, {values}, {},
             cast<RankedTensorType>(values.getType()));
}
