//===- VitDialect.cpp - The vit dialect -----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Vit/VitDialect.h"
#include "Vit/Keyword.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

using namespace mlir;
using namespace vitc::vit;

#include "Vit/VitDialect.cpp.inc"
#define GET_OP_CLASSES
#include "Vit/VitOps.cpp.inc"

void VitDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "Vit/VitOps.cpp.inc"
      >();
}

/// Checks kCountedAttr of a result of this type, or of the argument that it is
/// written to.
static LogicalResult verifyCounted(FunctionOpInterface function, Type type,
                                   Attribute value) {
  auto pair = dyn_cast<DenseI64ArrayAttr>(value);
  auto shaped = dyn_cast<ShapedType>(type);
  auto emitError = [&] {
    return function->emitOpError()
           << "has " << VitDialect::kCountedAttr << " = " << value << " on a "
           << type << "; needs array<i64: dim, result>, ";
  };
  if (!pair || pair.size() != 2 || !shaped || !shaped.hasRank() ||
      pair[0] < 0 || pair[0] >= shaped.getRank())
    return emitError() << "the dim of a shaped type";
  int64_t numResults = function.getNumResults();
  if (pair[1] < 0 || pair[1] >= numResults)
    return emitError() << "the result one of " << numResults;
  auto counter = dyn_cast<ShapedType>(function.getResultTypes()[pair[1]]);
  // Where tensors are written to, a scalar is of one element.
  if (!counter || !counter.hasStaticShape() || counter.getNumElements() != 1 ||
      !counter.getElementType().isInteger(64))
    return emitError() << "the result one i64 and no "
                       << function.getResultTypes()[pair[1]];
  return success();
}

LogicalResult VitDialect::verifyRegionArgAttribute(Operation *op,
                                                   unsigned /*regionIndex*/,
                                                   unsigned argIndex,
                                                   NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function || attribute.getName() != kCountedAttr)
    return success();
  return verifyCounted(function, function.getArgumentTypes()[argIndex],
                       attribute.getValue());
}

LogicalResult
VitDialect::verifyRegionResultAttribute(Operation *op, unsigned /*regionIndex*/,
                                        unsigned resultIndex,
                                        NamedAttribute attribute) {
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function || attribute.getName() != kCountedAttr)
    return success();
  return verifyCounted(function, function.getResultTypes()[resultIndex],
                       attribute.getValue());
}

Operation *VitDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                           Type type, Location loc) {
  auto expr = dyn_cast<WeightExprAttr>(value);
  if (!expr || expr.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, loc, expr);
}
