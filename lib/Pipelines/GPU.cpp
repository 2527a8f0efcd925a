//===- GPU.cpp - The way from kernels to a GPU's code ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Pipelines/GPU.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "vitc/Conversion/Passes.h"
#include "vitc/Kernel/Passes.h"

using namespace mlir;

void vitc::addGpuSchedulePasses(OpPassManager &passes, StringRef arch) {
  kernel::ScheduleNVPTXPassOptions schedule;
  schedule.arch = arch.str();
  passes.addPass(kernel::createScheduleNVPTXPass(schedule));
}

void vitc::addGpuLaunchPasses(OpPassManager &passes) {
  passes.addPass(createConvertKernelToNVVMPass());
  // Less to lower: the same addresses are computed for many elements.
  passes.addPass(createCSEPass());
  // While launches still name kernels by symbols.
  passes.addPass(createConvertKernelToLLVMPass());
}

/// What is left in functions, of the host or of a thread.
static void addToLLVMPasses(OpPassManager &passes) {
  passes.addPass(createSCFToControlFlowPass());
  passes.addPass(createConvertVectorToLLVMPass());
  passes.addPass(createConvertToLLVMPass());
  passes.addPass(createReconcileUnrealizedCastsPass());
  passes.addPass(createCSEPass());
}

void vitc::addGpuCodePasses(OpPassManager &passes, StringRef arch) {
  addGpuSchedulePasses(passes, arch);
  addGpuLaunchPasses(passes);
  addToLLVMPasses(passes.nest<gpu::GPUModuleOp>());
  addToLLVMPasses(passes);
}

namespace {
struct GpuPipelineOptions : PassPipelineOptions<GpuPipelineOptions> {
  Option<std::string> arch{*this, "arch", llvm::cl::desc("sm_80, sm_90a, ..."),
                           llvm::cl::init("sm_80")};
};
} // namespace

void vitc::registerGpuPipelines() {
  PassPipelineRegistration<GpuPipelineOptions>(
      "vitc-gpu", "the llvm phase for one architecture of GPUs",
      [](OpPassManager &passes, const GpuPipelineOptions &options) {
        addGpuCodePasses(passes, options.arch);
      });
}
