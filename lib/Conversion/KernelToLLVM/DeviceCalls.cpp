//===- DeviceCalls.cpp - What entries have a GPU do -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   kernel.grid_launch %ctx @kernels::@f blocks(%n) args(%a, %b)
// becomes
//   store the values of a and b, and their addresses, in the entry's frame
//   context->launch(context, site, number of @f in @kernels, n, addresses)
// and
//   %v = kernel.read %ctx %a[%i]
// a load of what context->read has copied; where it has not, the entry returns,
// as a loop that waits for a value might never end.
//
//===----------------------------------------------------------------------===//

#include "DeviceCalls.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::kernel;

/// Which of its module's kernels a function is, as the program's descriptor
/// counts them.
static int32_t getKernelNumber(LLVM::LLVMFuncOp kernel) {
  int32_t number = 0;
  for (auto function : kernel->getBlock()->getOps<LLVM::LLVMFuncOp>()) {
    if (function == kernel)
      break;
    number += function->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName());
  }
  return number;
}

void vitc::convertGridLaunch(GridLaunchOp launch, ContextBuilder &builder,
                             int32_t site) {
  Type pointer = builder.pointerType(), integer = builder.integerType(64);
  SmallVector<Value> values =
      llvm::map_to_vector(launch.getArgs(), [&](Value argument) -> Value {
        return argument.getType().isIndex() ? builder.toInteger(argument)
                                            : builder.elementPointer(argument);
      });
  SmallVector<Type> fields = llvm::to_vector(ValueRange(values).getTypes());
  auto block = LLVM::LLVMStructType::getLiteral(builder.getContext(), fields);
  auto table = LLVM::LLVMArrayType::get(pointer, values.size());
  Value arguments = builder.frameSlot(block);
  Value addresses = builder.frameSlot(table);
  for (auto [i, value] : llvm::enumerate(values)) {
    builder.storeField(block, arguments, i, value);
    Value address =
        LLVM::GEPOp::create(builder, pointer, block, arguments,
                            ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
    builder.storeField(table, addresses, i, address);
  }
  auto callee = SymbolTable::lookupNearestSymbolFrom<LLVM::LLVMFuncOp>(
      launch, launch.getCalleeAttr());
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()),
                                  {pointer, builder.integerType(32),
                                   builder.integerType(32), integer, pointer});
  LLVM::CallOp::create(builder, type,
                       ValueRange{builder.load(ContextField::Launch),
                                  builder.context, builder.integer(site, 32),
                                  builder.integer(getKernelNumber(callee), 32),
                                  builder.toInteger(launch.getBlocks()),
                                  addresses});
  launch.erase();
}

void vitc::convertRead(ReadOp read, ContextBuilder &builder) {
  auto type = cast<MemRefType>(read.getSource().getType());
  Type element = type.getElementType();
  Value offset = builder.integer(0);
  for (auto [size, index] : llvm::zip(type.getShape(), read.getIndices())) {
    // The first size may be the batch: nothing is multiplied by it.
    Value scaled = LLVM::MulOp::create(
        builder, offset,
        builder.integer(ShapedType::isDynamic(size) ? 0 : size));
    offset = LLVM::AddOp::create(builder, scaled, builder.toInteger(index));
  }
  int64_t bytes = element.getIntOrFloatBitWidth() / 8;
  Value source = builder.advance(
      builder.elementPointer(read.getSource()),
      LLVM::MulOp::create(builder, offset, builder.integer(bytes)));
  Value slot = builder.frameSlot(element);
  Type pointer = builder.pointerType();
  auto callee = LLVM::LLVMFunctionType::get(
      builder.integerType(32),
      {pointer, pointer, pointer, builder.integerType(64)});
  auto call = LLVM::CallOp::create(builder, callee,
                                   ValueRange{builder.load(ContextField::Read),
                                              builder.context, slot, source,
                                              builder.integer(bytes)});
  Value isRead = LLVM::ICmpOp::create(builder, LLVM::ICmpPredicate::ne,
                                      call.getResult(), builder.integer(0, 32));
  Block *before = read->getBlock();
  Block *after = before->splitBlock(read);
  Block *end =
      builder.createBlock(before->getParent(), before->getParent()->end());
  func::ReturnOp::create(builder);
  builder.setInsertionPointToEnd(before);
  cf::CondBranchOp::create(builder, isRead, after, end);
  builder.setInsertionPointToStart(after);
  read.replaceAllUsesWith(
      LLVM::LoadOp::create(builder, element, slot).getResult());
  read.erase();
}
