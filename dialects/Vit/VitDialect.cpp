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

Operation *VitDialect::materializeConstant(OpBuilder &builder, Attribute value,
                                           Type type, Location loc) {
  auto expr = dyn_cast<WeightExprAttr>(value);
  if (!expr || expr.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, loc, expr);
}
