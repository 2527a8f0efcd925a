//===- KernelToNVVM.cpp - A GPU's kernels ---------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Replaces each kernel by a launch of a function that one thread of a grid
// runs:
//   kernel.norm batch(%b) rows(%c197) ... input(%x ...) init(%y ...)
// becomes
//   kernel.grid_launch %context @kernels::@norm_c768 blocks(%n) args(%b, %x,
//   %y : ...)
// with the function in gpu.module @kernels. A number that an entry function
// loads for a kernel is loaded there, where it is of an input; one that it
// decides on becomes a kernel.read. Kernels that differ in nothing but the
// operands they are passed share one function.
//
//===----------------------------------------------------------------------===//

#include "vitc/Conversion/Passes.h"

#include "../KernelToVector/BooleanBytes.h"
#include "../KernelToVector/GenericBody.h"
#include "../KernelToVector/SharedKernels.h"
#include "Kernels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Iterators.h"
#include "vitc/Analysis/KernelCost.h"
#include "llvm/ADT/TypeSwitch.h"

namespace vitc {
#define GEN_PASS_DEF_CONVERTKERNELTONVVMPASS
#include "vitc/Conversion/Passes.h.inc"
} // namespace vitc

using namespace mlir;
using namespace vitc::kernel;

/// Of the gpu.module, where no function has it.
static constexpr StringLiteral kKernels = "kernels";

static bool isDeviceKernel(Operation *op) {
  return isThreadKernel(op) ||
         isa<GemmOp, AttentionOp, AttentionMapOp, NormOp>(op);
}

static FailureOr<DeviceKernel> buildKernel(Operation *op,
                                           DeviceContext &context) {
  if (isThreadKernel(op))
    return buildThreadKernel(op, context);
  using Result = FailureOr<DeviceKernel>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](GemmOp op) { return buildDeviceGemm(op, context); })
      .Case([&](AttentionOp op) { return buildDeviceAttention(op, context); })
      .Case([&](AttentionMapOp op) {
        return buildDeviceAttentionMap(op, context);
      })
      .Case([&](NormOp op) { return buildDeviceNorm(op, context); });
}

static Value countBlocks(Operation *op, VectorBuilder &builder) {
  if (isThreadKernel(op))
    return countThreadKernelBlocks(op, builder);
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](GemmOp op) { return countDeviceGemmBlocks(op, builder); })
      .Case([&](AttentionOp op) {
        return countDeviceAttentionBlocks(op, builder);
      })
      .Case([&](AttentionMapOp op) {
        return countDeviceAttentionMapBlocks(op, builder);
      })
      .Case([&](NormOp op) { return countDeviceNormBlocks(op, builder); });
}

/// What every kernel needs before code is generated for it.
static LogicalResult checkKernel(Operation *op) {
  if (!op->getInherentAttr("tiling").value_or(Attribute()))
    return op->emitOpError("has no tiling; needs kernel-schedule-nvptx to have "
                           "run");
  for (Type type : op->getOperandTypes()) {
    if (isThreadKernel(op) && !isComputable(getElementTypeOrSelf(type)))
      return op->emitOpError()
             << "has an operand of type " << type << "; needs " << kComputable;
    auto memref = dyn_cast<MemRefType>(type);
    if (!type.isIndex() && (!memref || !memref.getLayout().isIdentity() ||
                            !memref.getElementType().isIntOrFloat()))
      return op->emitOpError() << "has an operand of type " << type
                               << "; a GPU's kernels need memrefs of numbers "
                                  "with identity layout";
  }
  auto function = op->getParentOfType<func::FuncOp>();
  if (!function || function.getNumArguments() != 1 ||
      !isa<ContextType>(function.getArgumentTypes()[0]))
    return op->emitOpError("is in a function without a !kernel.context; needs "
                           "kernel-plan-arena to have run");
  return success();
}

/// States.
static InputSet findWrittenInputs(ArrayRef<Operation *> kernels) {
  InputSet written;
  for (Operation *op : kernels)
    for (Value init : cast<DestinationStyleOpInterface>(op).getDpsInits())
      if (auto buffer = init.getDefiningOp<BufferOp>();
          buffer && buffer.getSpace() == Space::Input)
        written.insert({op->getParentOfType<func::FuncOp>(),
                        static_cast<int64_t>(buffer.getOffset())});
  return written;
}

/// Entry functions run on the host: they read what lies on the GPU, where
/// anything uses it.
static void readFromDevice(func::FuncOp function) {
  SmallVector<memref::LoadOp> loads;
  function.walk<WalkOrder::PostOrder, ReverseIterator>([&](Operation *op) {
    if (isOpTriviallyDead(op))
      op->erase();
    else if (auto load = dyn_cast<memref::LoadOp>(op);
             load && load.getMemRef().getDefiningOp<BufferOp>())
      loads.push_back(load);
  });
  for (memref::LoadOp load : loads) {
    OpBuilder builder(load);
    auto read = ReadOp::create(builder, load.getLoc(), load.getType(),
                               function.getArgument(0), load.getMemRef(),
                               load.getIndices());
    load.replaceAllUsesWith(read.getResult());
    load.erase();
  }
}

/// An access that is left on the host would take a GPU's address for its own.
static LogicalResult checkHost(func::FuncOp function) {
  WalkResult result = function.walk([](Operation *op) {
    if (!isa<memref::LoadOp, memref::StoreOp, memref::CopyOp>(op))
      return WalkResult::advance();
    op->emitOpError("touches memory of a GPU on the host; needs to be a load "
                    "from a kernel.buffer");
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

namespace {
struct ConvertKernelToNVVMPass final
    : vitc::impl::ConvertKernelToNVVMPassBase<ConvertKernelToNVVMPass> {
  using Base::Base;
  void runOnOperation() override {
    SmallVector<Operation *> kernels;
    getOperation().walk([&](Operation *op) {
      if (isDeviceKernel(op))
        kernels.push_back(op);
    });
    auto gpu = getOperation()->getAttrOfType<GpuAttr>(KernelDialect::kGpuAttr);
    if (!gpu) {
      getOperation().emitError() << "has no " << KernelDialect::kGpuAttr
                                 << "; needs kernel-schedule-nvptx to have run";
      return signalPassFailure();
    }
    storeBooleansAsBytes(getOperation());
    OpBuilder builder(&getContext());
    auto module =
        gpu::GPUModuleOp::create(builder, getOperation().getLoc(), kKernels);
    SymbolTable(getOperation()).insert(module);
    DeviceContext context(gpu, module);
    SharedFunctions<DeviceKernel> functions;
    for (Operation *op : kernels) {
      if (failed(checkKernel(op)))
        return signalPassFailure();
      FailureOr<DeviceKernel> kernel =
          functions.get(op, [&] { return buildKernel(op, context); });
      if (failed(kernel))
        return signalPassFailure();
      launch(op, *kernel, context);
    }
    InputSet writtenInputs = findWrittenInputs(kernels);
    for (Operation *op : kernels)
      op->erase();
    loadNumbersInKernels(getOperation(), module, writtenInputs);
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      readFromDevice(function);
      if (failed(checkHost(function)))
        return signalPassFailure();
    }
  }

  static void launch(Operation *op, const DeviceKernel &kernel,
                     DeviceContext &context) {
    VectorBuilder builder(op->getLoc(), op, context.thread);
    LLVM::LLVMFuncOp function = kernel.function;
    auto callee =
        SymbolRefAttr::get(context.module.getSymNameAttr(),
                           FlatSymbolRefAttr::get(function.getSymNameAttr()));
    GridLaunchOp::create(
        builder, op->getParentOfType<func::FuncOp>().getArgument(0), callee,
        countBlocks(op, builder), getLaunchArguments(op), vitc::getWork(op));
  }
};
} // namespace
