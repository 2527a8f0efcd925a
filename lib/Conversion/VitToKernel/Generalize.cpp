//===- Generalize.cpp - linalg ops without a kernel to linalg.generic -----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// linalg.softmax becomes a maximum, exponentials, their sum and a division;
// every other op the loops that it stands for.
//
//===----------------------------------------------------------------------===//

#include "KernelEmitter.h"

#include "Product.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace vitc;

/// Ops that KernelEmitter knows by name.
static bool hasKernel(Operation *op) {
  if (auto contract = dyn_cast<linalg::ContractOp>(op))
    return isProduct(contract);
  if (auto fill = dyn_cast<linalg::FillOp>(op))
    return matchPattern(fill.getInputs().front(), m_Constant());
  return isa<linalg::GenericOp, linalg::TransposeOp, linalg::BroadcastOp>(op);
}

LogicalResult vitc::generalizeOps(func::FuncOp function) {
  IRRewriter rewriter(function.getContext());
  SmallVector<linalg::SoftmaxOp> softmaxes;
  function.walk([&](linalg::SoftmaxOp op) { softmaxes.push_back(op); });
  for (linalg::SoftmaxOp op : softmaxes) {
    rewriter.setInsertionPoint(op);
    FailureOr<SmallVector<Value>> results = op.decomposeOperation(rewriter);
    if (failed(results))
      return op.emitOpError("cannot be decomposed");
    rewriter.replaceOp(op, *results);
  }
  SmallVector<linalg::LinalgOp> named;
  function.walk([&](linalg::LinalgOp op) {
    if (!hasKernel(op))
      named.push_back(op);
  });
  for (linalg::LinalgOp op : named) {
    rewriter.setInsertionPoint(op);
    if (failed(linalg::generalizeNamedOp(rewriter, op)))
      return op->emitOpError("has no form as loops");
  }
  return success();
}
