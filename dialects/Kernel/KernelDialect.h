//===- KernelDialect.h - The kernel dialect ------------------ -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef KERNEL_KERNELDIALECT_H
#define KERNEL_KERNELDIALECT_H

#include "Vit/VitDialect.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "Kernel/KernelDialect.h.inc"
#include "Kernel/KernelEnums.h.inc"
#define GET_TYPEDEF_CLASSES
#include "Kernel/KernelTypes.h.inc"
#define GET_ATTRDEF_CLASSES
#include "Kernel/KernelAttrs.h.inc"
#define GET_OP_CLASSES
#include "Kernel/KernelOps.h.inc"

namespace vitc::kernel {

/// Lets one-shot bufferisation handle the kernel ops and kernel.constant.
void registerBufferizableOpInterfaceModels(mlir::DialectRegistry &registry);

} // namespace vitc::kernel

#endif // KERNEL_KERNELDIALECT_H
