//===- KernelBuilder.cpp - The function around a kernel's body ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernels.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace vitc::kernel;

/// Bytes; what the runtime aligns a thread's scratch to.
static constexpr int64_t kCacheLineBytes = 64;

KernelBuilder::KernelBuilder(Operation *op, StringRef name,
                             KernelContext &context)
    : VectorBuilder(op->getLoc(), op->getContext(), context.cpu) {
  SmallVector<Value> passed = getLaunchArguments(op);
  SmallVector<Type> types = {
      getIndexType(), getIndexType(),
      MemRefType::get(ShapedType::kDynamic, getI8Type())};
  llvm::append_range(types, ValueRange(passed).getTypes());

  function = func::FuncOp::create(*this, name, getFunctionType(types, {}));
  function.setPrivate();
  context.symbols.insert(function); // makes the name unique
  Block *body = function.addEntryBlock();
  setInsertionPointToStart(body);
  mapping.map(passed, body->getArguments().drop_front(3));
  for (OpOperand &operand : op->getOpOperands())
    if (std::optional<int64_t> constant = getSharedConstant(operand))
      mapping.map(operand.get(), index(*constant));
}

Value KernelBuilder::getTask() { return function.getArgument(0); }

Value KernelBuilder::getFirstTask() { return function.getArgument(1); }

Value KernelBuilder::getNumTasks() {
  if (!numTasks) {
    unsigned last = function.getNumArguments();
    FunctionType type = function.getFunctionType();
    function.setType(
        type.getWithArgsAndResults({last}, getIndexType(), {}, {}));
    numTasks = function.getBody().front().addArgument(getIndexType(), getLoc());
  }
  return numTasks;
}

Value KernelBuilder::get(Value operand) {
  return operand ? mapping.lookup(operand) : Value();
}

Value KernelBuilder::getFlat(Value operand) {
  return operand ? flatten(mapping.lookup(operand)) : Value();
}

Value KernelBuilder::getScratch(int64_t elements, Type type) {
  type = type ? type : getF32Type();
  int64_t elementBytes =
      type.isIndex() ? sizeof(int64_t) : type.getIntOrFloatBitWidth() / 8;
  Value view = memref::ViewOp::create(*this, MemRefType::get(elements, type),
                                      function.getArgument(2),
                                      index(scratchBytes), ValueRange());
  scratchBytes += llvm::alignTo(elements * elementBytes, kCacheLineBytes);
  return view;
}

KernelFunction KernelBuilder::finish() {
  setInsertionPointToEnd(&function.getBody().back());
  func::ReturnOp::create(*this);
  return {function, scratchBytes, static_cast<bool>(numTasks)};
}
