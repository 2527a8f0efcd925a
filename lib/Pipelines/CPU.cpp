//===- CPU.cpp - The way from a vit module to CPU code -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Pipelines/CPU.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "vitc/Conversion/Passes.h"
#include "vitc/Kernel/Passes.h"
#include "vitc/Transforms/Passes.h"

using namespace mlir;

void vitc::addRaisePasses(OpPassManager &passes) {
  auto clean = [&] {
    passes.addPass(createCanonicalizerPass());
    passes.addPass(createCSEPass());
  };
  // Dumps show what the bias is; the kernel phase computes it.
  vit::FoldConstantsPassOptions fold;
  fold.foldPositionBias = false;
  clean();
  OpPassManager &elements = passes.nest<func::FuncOp>();
  elements.addPass(vit::createRaiseRelativePositionBiasPass());
  elements.addPass(vit::createFoldConstantsPass(fold));
  elements.addPass(vit::createRaiseGeluPass());
  elements.addPass(vit::createRaiseLayerNormPass());
  elements.addPass(vit::createRaiseRmsNormPass());
  elements.addPass(vit::createRaisePatchEmbedPass());
  elements.addPass(vit::createRaiseLinearPass());
  // Weights that were transposed for a linear layer are constants again.
  elements.addPass(vit::createFoldConstantsPass(fold));
  clean();
  OpPassManager &maps = passes.nest<func::FuncOp>();
  maps.addPass(vit::createRaisePatchMergingPass());
  maps.addPass(vit::createRaiseWindowsPass());
  maps.addPass(vit::createRaiseCyclicShiftPass());
  maps.addPass(vit::createRaisePatchLinearPass());
  maps.addPass(vit::createRaiseRecurrentCellsPass());
  clean();
  OpPassManager &heads = passes.nest<func::FuncOp>();
  heads.addPass(vit::createRaisePatchTokensPass());
  heads.addPass(vit::createRaiseAttentionPass());
  heads.addPass(vit::createRaiseSoftmaxMatmulPass());
  heads.addPass(vit::createRaiseAdditiveAttentionPass());
  heads.addPass(vit::createRaiseHeadsPass());
  heads.addPass(vit::createMergeAttentionHeadsPass());
  heads.addPass(vit::createRaiseMeanTokensPass());
  heads.addPass(vit::createFoldConstantsPass(fold));
  heads.addPass(vit::createMoveBatchFirstPass());
  // Find the masks of attention, which are constants now.
  heads.addPass(vit::createRaiseShiftMaskPass());
  heads.addPass(vit::createRaiseCausalMaskPass());
  clean();
  // Layers that have one mask share it now.
  passes.addNestedPass<func::FuncOp>(vit::createRaiseKeyLengthPass());
  clean();
}

void vitc::addFusePasses(OpPassManager &passes, StringRef attentionLayers) {
  OpPassManager &weights = passes.nest<func::FuncOp>();
  weights.addPass(vit::createFoldBatchNormPass());
  weights.addPass(vit::createFoldLayerScalePass());
  // Maps need all queries: they are added before tokens are dropped.
  vit::AddAttentionEntryPassOptions attention;
  attention.layers = attentionLayers.str();
  passes.addPass(vit::createAddAttentionEntryPass(attention));
  OpPassManager &functions = passes.nest<func::FuncOp>();
  functions.addPass(vit::createNarrowTokensPass());
  functions.addPass(createCSEPass());
  functions.addPass(vit::createReassociateProjectionPass());
  functions.addPass(vit::createFuseQkvPass());
  functions.addPass(vit::createFoldNormAffinePass());
  functions.addPass(vit::createFuseNormPass());
  functions.addPass(vit::createFuseLinearGeluPass());
  functions.addPass(vit::createFuseActivationPass());
  functions.addPass(vit::createFuseLinearResidualPass());
  passes.addPass(createCanonicalizerPass());
  passes.addPass(createCSEPass());
}

void vitc::addKernelPasses(OpPassManager &passes, StringRef backend,
                           StringRef precision, bool fewerProducts) {
  OpPassManager &functions = passes.nest<func::FuncOp>();
  // Kernels read position biases as constants.
  functions.addPass(vit::createFoldConstantsPass());
  if (fewerProducts)
    functions.addPass(vit::createDecomposeConvolutionPass());
  functions.addPass(createConvertElementwiseToLinalgPass());
  // Before the fusion, which joins them with what follows.
  functions.addPass(createConvertGroupNormToLinalgPass());
  passes.addPass(createLinalgElementwiseOpFusionPass());
  // Behind the fusion, which would take computed weights into a product's body.
  ConvertVitToLinalgPassOptions left;
  left.withoutKernel = true;
  passes.nest<func::FuncOp>().addPass(createConvertVitToLinalgPass(left));
  passes.addPass(createConvertVitToKernelPass());
  passes.nest<func::FuncOp>().addPass(kernel::createFuseCastsPass());
  if (precision != "f32") {
    kernel::LowerPrecisionPassOptions lower;
    lower.type = precision.str();
    passes.nest<func::FuncOp>().addPass(
        kernel::createLowerPrecisionPass(lower));
  }
  if (backend == "onednn")
    passes.nest<func::FuncOp>().addPass(kernel::createDecomposeGemmPass());
  passes.addPass(createCanonicalizerPass());

  bufferization::OneShotBufferizePassOptions bufferize;
  bufferize.bufferizeFunctionBoundaries = true;
  bufferize.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  bufferize.unknownTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  passes.addPass(bufferization::createOneShotBufferizePass(bufferize));
  passes.addPass(createCanonicalizerPass());
  passes.addPass(kernel::createPlanArenaPass());
  passes.addPass(createCanonicalizerPass());
}

void vitc::addCpuSchedulePasses(OpPassManager &passes, StringRef isa,
                                StringRef backend) {
  kernel::ScheduleCPUPassOptions schedule;
  schedule.isa = isa.str();
  schedule.backend = backend.str();
  passes.addPass(kernel::createScheduleCPUPass(schedule));
}

void vitc::addCpuLaunchPasses(OpPassManager &passes) {
  passes.addPass(createConvertKernelToVectorPass());
  // Less to lower: the same addresses are computed for many vectors.
  passes.addPass(createCSEPass());
  passes.addPass(createConvertKernelToLLVMPass());
}

void vitc::addCpuCodePasses(OpPassManager &passes, StringRef isa,
                            StringRef backend) {
  addCpuSchedulePasses(passes, isa, backend);
  addCpuLaunchPasses(passes);
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createConvertVectorToLLVMPass());
  passes.addPass(createConvertToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  passes.addPass(createCSEPass());
}

namespace {
struct CpuPipelineOptions : PassPipelineOptions<CpuPipelineOptions> {
  Option<std::string> isa{*this, "isa",
                          llvm::cl::desc("x86-64-v2, -v3, -v4 or armv8-a"),
                          llvm::cl::init("x86-64-v4")};
  Option<std::string> backend{*this, "backend",
                              llvm::cl::desc("llvm, onednn or auto"),
                              llvm::cl::init("llvm")};
};
} // namespace

void vitc::registerPipelines() {
  PassPipelineRegistration<>("vitc-raise", "the raise phase", addRaisePasses);
  PassPipelineRegistration<>(
      "vitc-fuse", "the fuse phase",
      [](OpPassManager &passes) { addFusePasses(passes); });
  PassPipelineRegistration<>(
      "vitc-kernel", "the kernel phase",
      [](OpPassManager &passes) { addKernelPasses(passes); });
  PassPipelineRegistration<CpuPipelineOptions>(
      "vitc-cpu", "the llvm phase for one level",
      [](OpPassManager &passes, const CpuPipelineOptions &options) {
        addCpuCodePasses(passes, options.isa, options.backend);
      });
}
