//===- ReferenceLowering.cpp - From vit to plain loops --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ReferenceLowering.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "vitc/Conversion/Passes.h"

using namespace mlir;
using namespace vitc;

/// Makes everything linalg.generic that bufferisation or the loops do not know.
static LogicalResult generalize(ModuleOp module) {
  IRRewriter rewriter(module.getContext());
  SmallVector<linalg::SoftmaxOp> softmaxes;
  module.walk([&](linalg::SoftmaxOp op) { softmaxes.push_back(op); });
  for (linalg::SoftmaxOp op : softmaxes) {
    rewriter.setInsertionPoint(op);
    FailureOr<SmallVector<Value>> results = op.decomposeOperation(rewriter);
    if (failed(results))
      return op.emitOpError("cannot be decomposed");
    rewriter.replaceOp(op, *results);
  }
  RewritePatternSet patterns(module.getContext());
  tensor::populateDecomposeTensorConcatPatterns(patterns);
  linalg::populateLinalgNamedOpsGeneralizationPatterns(patterns);
  return applyPatternsGreedily(module, std::move(patterns));
}

/// Copies become linalg.generic, which needs no library to run.
static LogicalResult generalizeCopies(ModuleOp module) {
  IRRewriter rewriter(module.getContext());
  SmallVector<memref::CopyOp> copies;
  SmallVector<linalg::LinalgOp> named;
  module.walk([&](Operation *op) {
    if (auto copy = dyn_cast<memref::CopyOp>(op))
      copies.push_back(copy);
  });
  for (memref::CopyOp copy : copies) {
    rewriter.setInsertionPoint(copy);
    linalg::makeMemRefCopyOp(rewriter, copy.getLoc(), copy.getSource(),
                             copy.getTarget());
    rewriter.eraseOp(copy);
  }
  module.walk([&](linalg::LinalgOp op) {
    if (!isa<linalg::GenericOp>(op.getOperation()))
      named.push_back(op);
  });
  for (linalg::LinalgOp op : named) {
    rewriter.setInsertionPoint(op);
    if (failed(linalg::generalizeNamedOp(rewriter, op)))
      return op->emitOpError("has no form as loops");
  }
  return success();
}

static void addTensorPasses(OpPassManager &passes) {
  passes.nest<func::FuncOp>().addPass(createConvertVitToLinalgPass());
  passes.addPass(createConvertElementwiseToLinalgPass());
}

static void addBufferPasses(OpPassManager &passes) {
  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.bufferizeFunctionBoundaries = true;
  bufferize.allowReturnAllocsFromLoops = true;
  bufferize.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  passes.addPass(bufferization::createOneShotBufferizePass(bufferize));
  bufferization::buildBufferDeallocationPipeline(passes);
  // Of a result that is an argument or another result, moved.
  passes.addPass(createConvertBufferizationToMemRefPass());
}

static void addLLVMPasses(OpPassManager &passes) {
  passes.addPass(memref::createExpandStridedMetadataPass());
  passes.addPass(createLowerAffinePass());
  passes.addPass(createSCFToControlFlowPass());
  arith::ArithExpandOpsPassOptions expand;
  expand.includeBf16 = true;
  passes.addPass(arith::createArithExpandOpsPass(expand));
  passes.addPass(createConvertMathToLLVMPass());
  passes.addPass(createConvertMathToLibmPass());
  passes.addPass(createArithToLLVMConversionPass());
  passes.addPass(createFinalizeMemRefToLLVMConversionPass());
  passes.addPass(createConvertFuncToLLVMPass());
  passes.addPass(createConvertControlFlowToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
}

static LogicalResult runPasses(ModuleOp module, TimingScope &timing,
                               void (*addPasses)(OpPassManager &)) {
  PassManager passes(module.getContext());
  passes.enableTiming(timing);
  // It has said what is wrong with the options.
  if (failed(applyPassManagerCLOptions(passes)))
    return failure();
  addPasses(passes);
  return passes.run(module);
}

LogicalResult vitc::lowerReference(ModuleOp module, TimingScope &timing) {
  auto forward = module.lookupSymbol<func::FuncOp>("forward");
  forward->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                   UnitAttr::get(module.getContext()));
  skipOptimisations(forward);
  // The kernels run on the same inputs.
  for (unsigned i = 0; i < forward.getNumArguments(); ++i)
    forward.setArgAttr(i,
                       bufferization::BufferizationDialect::kWritableAttrName,
                       BoolAttr::get(module.getContext(), false));
  return success(succeeded(runPasses(module, timing, addTensorPasses)) &&
                 succeeded(generalize(module)) &&
                 succeeded(runPasses(module, timing, addBufferPasses)) &&
                 succeeded(generalizeCopies(module)) &&
                 succeeded(convertLinalgToSharedLoops(module)) &&
                 succeeded(runPasses(module, timing, addLLVMPasses)));
}
