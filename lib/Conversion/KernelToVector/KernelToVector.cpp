//===- KernelToVector.cpp - Vector code for kernels -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Replaces each kernel by a launch of a function that computes one task of it:
//   kernel.norm batch(%b) rows(%c197) ... input(%x ...) init(%y ...)
// becomes
//   kernel.launch %context @norm_c768 tasks(%t) args(%b, %x, %y : ...) scratch
//   0
// Kernels that differ in nothing but the operands they are passed share one
// function. Gemms that oneDNN provides are left to convert-kernel-to-onednn.
//===----------------------------------------------------------------------===//

#include "vitc/Conversion/Passes.h"

#include "BooleanBytes.h"
#include "GenericBody.h"
#include "Kernels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "vitc/Analysis/KernelCost.h"
#include "llvm/ADT/TypeSwitch.h"

namespace vitc {
#define GEN_PASS_DEF_CONVERTKERNELTOVECTORPASS
#include "vitc/Conversion/Passes.h.inc"
} // namespace vitc

using namespace mlir;
using namespace vitc::kernel;

static FailureOr<KernelFunction> buildFunction(Operation *op,
                                               KernelContext &context) {
  using Result = FailureOr<KernelFunction>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](GemmOp op) { return buildGemm(op, context); })
      .Case([&](AttentionOp op) { return buildAttention(op, context); })
      .Case([&](AttentionMapOp op) { return buildAttentionMap(op, context); })
      .Case([&](GroupedConvOp op) { return buildGroupedConv(op, context); })
      .Case([&](NormOp op) { return buildNorm(op, context); })
      .Case([&](MeanOp op) { return buildMean(op, context); })
      .Case([&](GatherOp op) { return buildGather(op, context); })
      .Case([&](GenericOp op) { return buildGeneric(op, context); })
      .Default([](Operation *op) {
        op->emitOpError() << "has no vector lowering";
        return failure();
      });
}

static Value countTasks(Operation *op, VectorBuilder &builder) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](GemmOp op) { return countGemmTasks(op, builder); })
      .Case([&](AttentionOp op) { return countAttentionTasks(op, builder); })
      .Case([&](AttentionMapOp op) {
        return countAttentionMapTasks(op, builder);
      })
      .Case(
          [&](GroupedConvOp op) { return countGroupedConvTasks(op, builder); })
      .Case([&](NormOp op) { return countNormTasks(op, builder); })
      .Case([&](MeanOp op) { return countMeanTasks(op, builder); })
      .Case([&](GatherOp op) { return countGatherTasks(op, builder); })
      .Case([&](GenericOp op) { return countGenericTasks(op, builder); });
}

/// Whether vector code takes elements of this type there, and what it takes.
static std::pair<bool, StringRef> checkElement(OpOperand &operand,
                                               Type element) {
  Operation *op = operand.getOwner();
  if (isa<GatherOp, GenericOp>(op))
    return {isComputable(element), kComputable};
  auto gemm = dyn_cast<GemmOp>(op);
  if (gemm &&
      (&operand == &gemm.getLhsMutable() || &operand == &gemm.getInitMutable()))
    return {element.isF32() || element.isF16() || element.isBF16(),
            "f32, f16 or bf16"};
  // Lengths and selections are integers, as the ops' verifiers say.
  bool takesIntegers = isa<AttentionOp, AttentionMapOp>(op);
  return {element.isF32() || (takesIntegers && element.isInteger()), "f32"};
}

/// What every kernel needs before code is generated for it.
static LogicalResult checkKernel(Operation *op) {
  if (!op->getInherentAttr("tiling").value_or(Attribute()))
    return op->emitOpError("has no tiling; needs kernel-schedule-cpu to have "
                           "run");
  for (OpOperand &operand : op->getOpOperands()) {
    Type type = operand.get().getType();
    if (type.isIndex())
      continue;
    auto [isTaken, taken] = checkElement(operand, getElementTypeOrSelf(type));
    auto memref = dyn_cast<MemRefType>(type);
    if (!memref || !memref.getLayout().isIdentity() || !isTaken)
      return op->emitOpError() << "has an operand of type " << type
                               << "; vector code needs memrefs of " << taken
                               << " with identity layout";
  }
  auto function = op->getParentOfType<func::FuncOp>();
  if (!function || function.getNumArguments() != 1 ||
      !isa<ContextType>(function.getArgumentTypes()[0]))
    return op->emitOpError("is in a function without a !kernel.context; needs "
                           "kernel-plan-arena to have run");
  return success();
}

static bool isVectorKernel(Operation *op) {
  if (auto gemm = dyn_cast<GemmOp>(op))
    return !gemm.getTiling() ||
           gemm.getTiling()->getProvider() == Provider::Vector;
  return isa<AttentionOp, AttentionMapOp, GroupedConvOp, NormOp, MeanOp,
             GatherOp, GenericOp>(op);
}

namespace {
struct ConvertKernelToVectorPass final
    : vitc::impl::ConvertKernelToVectorPassBase<ConvertKernelToVectorPass> {
  using Base::Base;
  void runOnOperation() override {
    SmallVector<Operation *> kernels;
    getOperation().walk([&](Operation *op) {
      if (isVectorKernel(op))
        kernels.push_back(op);
    });
    if (kernels.empty())
      return;
    auto cpu = getOperation()->getAttrOfType<CpuAttr>(KernelDialect::kCpuAttr);
    if (!cpu) {
      kernels.front()->emitOpError()
          << "is in a module without " << KernelDialect::kCpuAttr
          << "; needs kernel-schedule-cpu to have "
             "run";
      return signalPassFailure();
    }

    storeBooleansAsBytes(getOperation());
    KernelContext context{cpu, SymbolTable(getOperation())};
    SharedFunctions<KernelFunction> functions;
    for (Operation *op : kernels) {
      if (failed(checkKernel(op)))
        return signalPassFailure();
      FailureOr<KernelFunction> function =
          functions.get(op, [&] { return buildFunction(op, context); });
      if (failed(function))
        return signalPassFailure();
      launch(op, *function, cpu);
    }
    for (Operation *op : kernels)
      op->erase();
  }

  void launch(Operation *op, const KernelFunction &kernel, CpuAttr cpu) {
    VectorBuilder builder(op->getLoc(), op, cpu);
    Value kernelContext = op->getParentOfType<func::FuncOp>().getArgument(0);
    func::FuncOp function = kernel.function;
    Value numTasks = countTasks(op, builder);
    SmallVector<Value> arguments = getLaunchArguments(op);
    if (kernel.takesNumTasks)
      arguments.push_back(numTasks);
    LaunchOp::create(builder, kernelContext, function.getSymName(), numTasks,
                     arguments, kernel.scratchBytes, vitc::getWork(op));
  }
};
} // namespace
