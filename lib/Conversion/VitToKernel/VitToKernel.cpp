//===- VitToKernel.cpp - Lower vit and linalg ops to kernels --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// Runs KernelEmitter over every function of the module. Scalar ops that a body
// needs stay; everything on tensors becomes a kernel.
//
//===----------------------------------------------------------------------===//

#include "KernelEmitter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "vitc/Conversion/Passes.h"

namespace vitc {
#define GEN_PASS_DEF_CONVERTVITTOKERNELPASS
#include "vitc/Conversion/Passes.h.inc"
} // namespace vitc

using namespace mlir;

namespace {
struct ConvertVitToKernelPass final
    : vitc::impl::ConvertVitToKernelPassBase<ConvertVitToKernelPass> {
  using Base::Base;
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (failed(vitc::generalizeOps(function)) ||
          failed(vitc::KernelEmitter(function).run()))
        return signalPassFailure();
  }
};
} // namespace
