//===- KernelDialect.cpp - The kernel dialect -----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernel/KernelDialect.h"
#include "Vit/Keyword.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vitc::kernel;
using vitc::vit::parseKeyword;
using vitc::vit::printKeyword;

#include "Kernel/KernelDialect.cpp.inc"
#include "Kernel/KernelEnums.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "Kernel/KernelTypes.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "Kernel/KernelAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "Kernel/KernelOps.cpp.inc"

LogicalResult
TensorAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                   StringAttr name, RankedTensorType type,
                   DenseI64ArrayAttr counted) {
  // C1
  if (counted && (counted.size() != 2 || counted[0] < 0 ||
                  counted[0] >= type.getRank() || counted[1] < 0))
    return emitError() << "#kernel.tensor " << name << " of type " << type
                       << " has counted = [" << counted.asArrayRef()
                       << "]; needs a dim of it and the number of an output";
  return success();
}

LogicalResult
EntryAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError,
                  ArrayRef<TensorAttr> inputs, ArrayRef<TensorAttr> outputs,
                  int64_t arenaBase, int64_t arenaPerBatch,
                  ArrayRef<int64_t> inPlace) {
  // C1
  auto isCounter = [&](int64_t output) {
    if (output >= int64_t(outputs.size()))
      return false;
    RankedTensorType type = outputs[output].getType();
    return type.hasStaticShape() && type.getNumElements() == 1 &&
           type.getElementType().isInteger(64);
  };
  for (TensorAttr output : outputs)
    if (DenseI64ArrayAttr counted = output.getCounted())
      if (!isCounter(counted[1]))
        return emitError() << "#kernel.entry has output " << output.getName()
                           << " counted by output " << counted[1] << " of "
                           << outputs.size() << "; needs one i64";
  // C2
  for (int64_t input : inPlace)
    if (input < 0 || input >= int64_t(inputs.size()))
      return emitError() << "#kernel.entry has in_place " << input << "; has "
                         << inputs.size() << " inputs and needs one of them";
  return success();
}

void KernelDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "Kernel/KernelTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Kernel/KernelAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "Kernel/KernelOps.cpp.inc"
      >();
}
