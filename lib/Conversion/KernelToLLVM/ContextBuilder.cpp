//===- ContextBuilder.cpp - Access to the run's context in generated code -===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ContextBuilder.h"

#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "vitc/Runtime/Descriptor.h"
#include <cstddef>

using namespace mlir;
using namespace vitc;

// Every field is 8 bytes wide: its index is its offset / 8.
static constexpr size_t getOffset(ContextField field) {
  return 8 * static_cast<size_t>(field);
}
static_assert(
    offsetof(rt::Context, weights) == getOffset(ContextField::Weights) &&
    offsetof(rt::Context, arena) == getOffset(ContextField::Arena) &&
    offsetof(rt::Context, batch) == getOffset(ContextField::Batch) &&
    offsetof(rt::Context, inputs) == getOffset(ContextField::Inputs) &&
    offsetof(rt::Context, outputs) == getOffset(ContextField::Outputs) &&
    offsetof(rt::Context, parallel) == getOffset(ContextField::Parallel) &&
    offsetof(rt::Context, oneDnnGemm) == getOffset(ContextField::OneDnnGemm) &&
    offsetof(rt::Context, threads) == getOffset(ContextField::Threads) &&
    offsetof(rt::Context, launch) == getOffset(ContextField::Launch) &&
    offsetof(rt::Context, read) == getOffset(ContextField::Read));

Type ContextBuilder::pointerType() {
  return LLVM::LLVMPointerType::get(getContext());
}

Type ContextBuilder::integerType(unsigned width) {
  return getIntegerType(width);
}

Value ContextBuilder::integer(int64_t value, unsigned width) {
  return LLVM::ConstantOp::create(*this, integerType(width),
                                  getIntegerAttr(integerType(width), value));
}

Value ContextBuilder::null() {
  return LLVM::ZeroOp::create(*this, pointerType());
}

Value ContextBuilder::load(ContextField field) {
  Value address = LLVM::GEPOp::create(
      *this, pointerType(), getI8Type(), context,
      ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(getOffset(field))});
  bool isNumber =
      field == ContextField::Batch || field == ContextField::Threads;
  Type type = isNumber ? integerType(64) : pointerType();
  return LLVM::LoadOp::create(*this, type, address);
}

Value ContextBuilder::advance(Value base, Value offset) {
  return LLVM::GEPOp::create(*this, pointerType(), getI8Type(), base,
                             ArrayRef<LLVM::GEPArg>{offset});
}

Value ContextBuilder::frameSlot(Type type) {
  OpBuilder::InsertionGuard guard(*this);
  auto function =
      getInsertionBlock()->getParentOp()->getParentOfType<func::FuncOp>();
  if (!function)
    function = cast<func::FuncOp>(getInsertionBlock()->getParentOp());
  setInsertionPointToStart(&function.getBody().front());
  return LLVM::AllocaOp::create(*this, pointerType(), type, integer(1),
                                /*alignment=*/8);
}

void ContextBuilder::storeField(Type structType, Value base, unsigned index,
                                Value value) {
  Value address = LLVM::GEPOp::create(
      *this, pointerType(), structType, base,
      ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(index)});
  LLVM::StoreOp::create(*this, value, address);
}

Value ContextBuilder::lower(Value value) {
  Type type = types.convertType(value.getType());
  if (type == value.getType())
    return value;
  return UnrealizedConversionCastOp::create(*this, type, value).getResult(0);
}

Value ContextBuilder::raise(Type type, Value value) {
  if (type == value.getType())
    return value;
  return UnrealizedConversionCastOp::create(*this, type, value).getResult(0);
}

Value ContextBuilder::toInteger(Value index) { return lower(index); }

Value ContextBuilder::elementPointer(Value memref) {
  return MemRefDescriptor(lower(memref)).alignedPtr(*this, getLoc());
}

Value ContextBuilder::memref(MemRefType type, Value pointer, Value batch) {
  auto descriptor =
      MemRefDescriptor::poison(*this, getLoc(), types.convertType(type));
  descriptor.setAllocatedPtr(*this, getLoc(), pointer);
  descriptor.setAlignedPtr(*this, getLoc(), pointer);
  descriptor.setConstantOffset(*this, getLoc(), 0);
  int64_t stride = 1;
  for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
    descriptor.setConstantStride(*this, getLoc(), dim, stride);
    if (type.isDynamicDim(dim)) {
      descriptor.setSize(*this, getLoc(), dim, batch);
      continue;
    }
    descriptor.setConstantSize(*this, getLoc(), dim, type.getDimSize(dim));
    stride *= type.getDimSize(dim);
  }
  return raise(type, descriptor);
}
