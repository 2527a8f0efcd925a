//===- Buffers.cpp - Weights, buffers and launches ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace vitc::kernel;

LogicalResult ConstantOp::verify() {
  // C1
  RankedTensorType value = getValue().getType();
  auto result = cast<ShapedType>(getResult().getType());
  if (result.getShape() != value.getShape() ||
      result.getElementType() != value.getElementType())
    return emitOpError() << "has result " << result << " for a value of type "
                         << value;
  return success();
}

LogicalResult WeightOp::verify() {
  // C1
  constexpr int64_t alignment = 64, limit = int64_t(1) << 62;
  auto offset = static_cast<int64_t>(getOffset());
  if (offset < 0 || offset >= limit || offset % alignment != 0)
    return emitOpError() << "'" << getSymName() << "' lies at byte " << offset
                         << "; needs a multiple of " << alignment
                         << ", 0 or more and less than 2^62";
  return success();
}

LogicalResult BufferOp::verify() {
  // C1
  bool isWeights = getSpace() == Space::Weights;
  if (isWeights != getWeight().has_value())
    return emitOpError() << (isWeights ? "in weights names no kernel.weight"
                                       : "outside of weights names one");
  // C2
  if (getPerBatch() != 0 && getSpace() != Space::Arena)
    return emitOpError() << "has per_batch " << getPerBatch()
                         << ", which only the arena has";
  // C3
  auto type = cast<MemRefType>(getType());
  if (!type.getLayout().isIdentity() ||
      llvm::is_contained(type.getShape().drop_front(type.getRank() ? 1 : 0),
                         ShapedType::kDynamic))
    return emitOpError() << "has type " << type
                         << "; needs an identity layout and static sizes but "
                            "for dim 0";
  return success();
}

LogicalResult BufferOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  // C4
  if (getWeightAttr() &&
      !symbolTable.lookupNearestSymbolFrom<WeightOp>(*this, getWeightAttr()))
    return emitOpError() << "names @" << *getWeight()
                         << ", which no kernel.weight defines";
  return success();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  // C1
  auto callee = symbolTable.lookupNearestSymbolFrom<FunctionOpInterface>(
      *this, getCalleeAttr());
  if (!callee)
    return emitOpError() << "calls @" << getCallee()
                         << ", which no function defines";
  if (callee.getNumResults() != 0)
    return emitOpError() << "calls @" << getCallee() << ", which has results";
  ArrayRef<Type> types = callee.getArgumentTypes();
  auto scratch = MemRefType::get({ShapedType::kDynamic},
                                 IntegerType::get(getContext(), 8));
  if (types.size() != getArgs().size() + 3 || !types[0].isIndex() ||
      !types[1].isIndex() || types[2] != scratch ||
      TypeRange(types.drop_front(3)) != getArgs().getTypes())
    return emitOpError()
           << "calls @" << getCallee() << ", which takes "
           << callee.getFunctionType()
           << "; needs (index, index, memref<?xi8>, types of args)";
  return success();
}

LogicalResult GridLaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  // C1
  auto callee =
      symbols.lookupNearestSymbolFrom<LLVM::LLVMFuncOp>(*this, getCalleeAttr());
  StringRef sharedBytes = KernelDialect::kSharedBytesAttr;
  if (!callee || !callee->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()) ||
      !callee->hasAttr(NVVM::NVVMDialect::getReqntidAttrName()) ||
      !callee->getAttrOfType<IntegerAttr>(sharedBytes))
    return emitOpError() << "launches " << getCallee()
                         << ", which is no kernel; needs an llvm.func with "
                            "nvvm.kernel, nvvm.reqntid and "
                         << sharedBytes;
  bool fits =
      callee.getNumArguments() == getArgs().size() &&
      llvm::all_of_zip(callee.getArgumentTypes(), getArgs().getTypes(),
                       [](Type parameter, Type argument) {
                         return argument.isIndex()
                                    ? parameter.isInteger(64)
                                    : isa<LLVM::LLVMPointerType>(parameter);
                       });
  if (!fits)
    return emitOpError() << "launches " << getCallee() << ", which takes "
                         << callee.getFunctionType() << "; has arguments of "
                         << getArgs().getTypes();
  return success();
}

LogicalResult ReadOp::verify() {
  // C1
  auto type = cast<MemRefType>(getSource().getType());
  if (type.getRank() != static_cast<int64_t>(getIndices().size()) ||
      type.getElementType() != getResult().getType())
    return emitOpError() << "has " << getIndices().size()
                         << " indices and a result of type "
                         << getResult().getType() << "; " << type << " needs "
                         << type.getRank() << " and " << type.getElementType();
  return success();
}
