//===- VitDialect.h - The vit dialect ------------------------ -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VIT_VITDIALECT_H
#define VIT_VITDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "Vit/VitDialect.h.inc"
#include "Vit/VitEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "Vit/VitAttrs.h.inc"
#define GET_OP_CLASSES
#include "Vit/VitOps.h.inc"

#endif // VIT_VITDIALECT_H
