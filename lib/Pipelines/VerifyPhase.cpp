//===- VerifyPhase.cpp - What a module of a phase may hold ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Kernel/KernelDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "vitc/Analysis/MainEntry.h"
#include "vitc/Pipelines/CPU.h"

using namespace mlir;
using namespace vitc;

static bool isOfPhase(Operation *op, bool onKernels) {
  Dialect *dialect = op->getDialect();
  if (isa_and_nonnull<BuiltinDialect, func::FuncDialect, arith::ArithDialect,
                      math::MathDialect>(dialect))
    return true;
  if (onKernels)
    return isa_and_nonnull<kernel::KernelDialect>(dialect) ||
           isa<vit::WeightOp, vit::WeightFileOp, memref::LoadOp, scf::ForOp,
               scf::WhileOp, scf::YieldOp, scf::ConditionOp>(op);
  return isa_and_nonnull<vit::VitDialect, linalg::LinalgDialect,
                         tensor::TensorDialect, scf::SCFDialect>(dialect);
}

LogicalResult vitc::verifyPhase(ModuleOp module, Phase phase) {
  bool onKernels = phase >= Phase::Kernel;
  WalkResult result = module.walk([&](Operation *op) {
    if (isOfPhase(op, onKernels))
      return WalkResult::advance();
    op->emitOpError() << "does not belong to this phase; it needs "
                      << (onKernels ? "kernel" : "vit, linalg, tensor")
                      << ", scf, arith, math and func ops";
    return WalkResult::interrupt();
  });
  if (result.wasInterrupted())
    return failure();
  for (auto function : module.getOps<func::FuncOp>()) {
    if (function.isExternal())
      return function.emitOpError("has no body; a program needs one");
    if (onKernels && !function->getAttrOfType<kernel::EntryAttr>(
                         kernel::KernelDialect::kEntryAttr))
      return function.emitOpError()
             << "has no " << kernel::KernelDialect::kEntryAttr
             << "; the kernel phase needs entry functions";
  }
  if (!getMainEntry(module))
    return module.emitError("the module has no function @forward; needs it, or "
                            "@step of a model that generates tokens");
  return success();
}
