//===- ThreadKernel.cpp - Kernels of one task a thread --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What has no use for threads that work together is the CPU's code for a
// machine of one lane: a task is as small as that allows, an element of a box,
// and a thread computes one. Neighbouring tasks are neighbouring elements, so
// that a warp's accesses lie side by side:
//   kernel.generic batch(%b) sizes [8] ... tiling <rows = 1, columns = 1>
// becomes
//   llvm.func @generic_8(...): task = block * 256 + thread;
//     if task < tasks: call @generic_8_task(task, ...)
//
//===----------------------------------------------------------------------===//

#include "../KernelToVector/Kernels.h"
#include "Kernels.h"
#include "Remainder.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace vitc::kernel;

/// Enough to hide the latency of memory, few enough for small grids.
static constexpr int64_t kThreads = 256;
/// Of a thread's own memory, which is a part of L1. A convolution keeps the
/// sums there that its activation is applied to.
static constexpr int64_t kMaxScratchBytes = 1024;

bool vitc::kernel::isThreadKernel(Operation *op) {
  return isa<GenericOp, GatherOp, MeanOp, GroupedConvOp>(op);
}

static FailureOr<KernelFunction> buildTask(Operation *op,
                                           KernelContext &context) {
  using Result = FailureOr<KernelFunction>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](GenericOp op) { return buildGeneric(op, context); })
      .Case([&](GatherOp op) { return buildGather(op, context); })
      .Case([&](MeanOp op) { return buildMean(op, context); })
      .Case([&](GroupedConvOp op) { return buildGroupedConv(op, context); });
}

static Value countTasks(Operation *op, VectorBuilder &builder) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](GenericOp op) { return countGenericTasks(op, builder); })
      .Case([&](GatherOp op) { return countGatherTasks(op, builder); })
      .Case([&](MeanOp op) { return countMeanTasks(op, builder); })
      .Case(
          [&](GroupedConvOp op) { return countGroupedConvTasks(op, builder); });
}

/// A memref of `type` over a pointer of LLVM's. Tasks use no size of it that
/// the type leaves open.
static Value buildMemRef(VectorBuilder &b, MemRefType type, Value pointer) {
  LLVMTypeConverter types(b.getContext());
  auto descriptor =
      MemRefDescriptor::poison(b, b.getLoc(), types.convertType(type));
  descriptor.setAllocatedPtr(b, b.getLoc(), pointer);
  descriptor.setAlignedPtr(b, b.getLoc(), pointer);
  descriptor.setConstantOffset(b, b.getLoc(), 0);
  int64_t stride = 1;
  for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
    int64_t size = type.isDynamicDim(dim) ? 1 : type.getDimSize(dim);
    descriptor.setConstantStride(b, b.getLoc(), dim, stride);
    descriptor.setConstantSize(b, b.getLoc(), dim, size);
    stride *= size;
  }
  return UnrealizedConversionCastOp::create(b, type, Value(descriptor))
      .getResult(0);
}

/// The number of tasks of a launch, from the kernel's own arguments.
static Value countTasksInside(Operation *op, DeviceBuilder &b) {
  IRMapping mapping;
  for (Value operand : op->getOperands())
    if (operand.getType().isIndex())
      mapping.map(operand, b.get(operand));
  Operation *inside = op->clone(mapping);
  Value tasks = countTasks(inside, b);
  inside->destroy();
  return tasks;
}

static LLVM::LLVMPointerType getGenericType(MLIRContext *context) {
  return LLVM::LLVMPointerType::get(context);
}

/// The address of a memref operand, in no space: LLVM finds out which it is.
static Value getGeneric(DeviceBuilder &b, Value operand) {
  return LLVM::AddrSpaceCastOp::create(b, getGenericType(b.getContext()),
                                       b.getPointer(operand).address);
}

/// A thread's own memory.
static Value getScratch(DeviceBuilder &b, int64_t bytes) {
  Type type = getGenericType(b.getContext());
  if (bytes == 0)
    return LLVM::ZeroOp::create(b, type);
  return LLVM::AllocaOp::create(b, type, b.getI8Type(), b.integer(bytes, 64),
                                kVectorBytes);
}

/// Whether LLVM makes a call of libm of an op, once f32 is polynomials.
static bool isOfLibm(Operation *op) {
  return isa<func::CallOp, math::CosOp, math::ExpOp, math::Exp2Op, math::LogOp,
             math::Log2Op, math::Log10Op, math::PowFOp, math::SinOp>(op);
}

/// `op` computes what its task does.
static LogicalResult checkMath(Operation *op, func::FuncOp task) {
  WalkResult result = task.walk([&](Operation *inner) {
    if (isa<arith::RemFOp>(inner)) {
      // What LLVM makes of it rounds the quotient.
      op->emitOpError() << "computes 'remf' of " << inner->getResultTypes()
                        << ", which a GPU has no exact instruction for; needs "
                           "f32";
      return WalkResult::interrupt();
    }
    if (!isOfLibm(inner))
      return WalkResult::advance();
    auto call = dyn_cast<func::CallOp>(inner);
    op->emitOpError() << "computes '"
                      << (call ? call.getCallee()
                               : inner->getName().stripDialect())
                      << "' of " << inner->getResultTypes()
                      << ", which a GPU has no instruction for; needs f32";
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

FailureOr<DeviceKernel>
vitc::kernel::buildThreadKernel(Operation *op, DeviceContext &context) {
  KernelContext tasks{context.thread, SymbolTable(context.module)};
  FailureOr<KernelFunction> task = buildTask(op, tasks);
  if (failed(task))
    return failure();
  if (task->scratchBytes > kMaxScratchBytes)
    return op->emitOpError() << "needs " << task->scratchBytes
                             << " bytes of scratch memory; a GPU's thread has "
                             << kMaxScratchBytes;
  func::FuncOp function = task->function;
  expandRemainders(function);
  if (failed(checkMath(op, function)))
    return failure();
  std::string name = function.getSymName().str();
  // Calls are internal: the kernel keeps the name.
  function.setSymName(name + "_task");
  context.symbols.insert(function);

  DeviceBuilder b(op, name, kThreads, context);
  Value number = b.add(b.mul(b.getBlock(), kThreads), b.getThread());
  Value numTasks = countTasksInside(op, b);
  auto scratchType = cast<MemRefType>(function.getArgumentTypes()[2]);
  SmallVector<Value> arguments = {
      number, number,
      buildMemRef(b, scratchType, getScratch(b, task->scratchBytes))};
  for (Value argument : getLaunchArguments(op)) {
    auto type = dyn_cast<MemRefType>(argument.getType());
    arguments.push_back(type ? buildMemRef(b, type, getGeneric(b, argument))
                             : b.get(argument));
  }
  if (task->takesNumTasks)
    arguments.push_back(numTasks);
  b.ifElse(
      b.less(number, numTasks),
      [&] { func::CallOp::create(b, function, arguments); }, nullptr);
  return b.finish();
}

Value vitc::kernel::countThreadKernelBlocks(Operation *op,
                                            VectorBuilder &builder) {
  return builder.ceilDiv(countTasks(op, builder), kThreads);
}
