//===- DeviceCode.cpp - Kernels for one architecture of GPUs --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// gpu.module in the LLVM dialect -> LLVM IR, cleaned up -> its text -> PTX.
//
//===----------------------------------------------------------------------===//

#include "vitc/Target/DeviceCode.h"

#include "Kernel/KernelDialect.h"
#include "Machine.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/GPU/GPUToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "vitc/Target/LLVMPasses.h"
#include "vitc/Target/Ptx.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/IPO/AlwaysInliner.h"

using namespace mlir;
using namespace vitc;
using vitc::kernel::KernelDialect;

void vitc::registerDeviceTranslations(MLIRContext &context) {
  registerBuiltinDialectTranslation(context);
  registerGPUDialectTranslation(context);
  registerLLVMDialectTranslation(context);
  registerNVVMDialectTranslation(context);
}

/// The kernels of a module in their order, which is that of their numbers.
static FailureOr<SmallVector<DeviceKernel>>
listKernels(gpu::GPUModuleOp module) {
  SmallVector<DeviceKernel> kernels;
  for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
    if (!function->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName()))
      continue;
    auto threads = function->getAttrOfType<DenseI32ArrayAttr>(
        NVVM::NVVMDialect::getReqntidAttrName());
    auto sharedBytes =
        function->getAttrOfType<IntegerAttr>(KernelDialect::kSharedBytesAttr);
    if (!threads || threads.size() != 1 || !sharedBytes)
      return function.emitOpError()
             << "is a kernel without " << KernelDialect::kSharedBytesAttr
             << " or one number as " << NVVM::NVVMDialect::getReqntidAttrName()
             << "; needs both";
    kernels.push_back({function.getName().str(), threads[0],
                       static_cast<int32_t>(sharedBytes.getInt())});
  }
  return kernels;
}

/// What NVPTX would leave to a linker that there is none of.
static LogicalResult verifyDefined(const llvm::Module &module, Location loc) {
  for (const llvm::Function &function : module)
    if (function.isDeclaration() && !function.isIntrinsic() &&
        !function.use_empty())
      return emitError(loc) << "kernels call '" << function.getName()
                            << "', which no code is there for";
  return success();
}

/// Calls cost a thread its registers: kernels have none.
static void markInlined(llvm::Module &module) {
  for (llvm::Function &function : module)
    if (!function.isDeclaration() &&
        function.getCallingConv() != llvm::CallingConv::PTX_Kernel) {
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
      function.removeFnAttr(llvm::Attribute::NoInline);
      function.addFnAttr(llvm::Attribute::AlwaysInline);
    }
}

/// PTX text may be a barrier: it must run where it stands, by the threads that
/// come there together. Clang says so of all of it in CUDA too.
static void markConvergent(llvm::Module &module) {
  for (llvm::Function &function : module)
    for (llvm::Instruction &instruction : llvm::instructions(function))
      if (auto *call = dyn_cast<llvm::CallInst>(&instruction);
          call && call->isInlineAsm())
        call->setConvergent();
}

/// The LLVM IR that NVPTX is to compile, as text.
static FailureOr<std::string> printLLVMIR(gpu::GPUModuleOp kernels,
                                          llvm::TargetMachine &machine,
                                          unsigned optLevel) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module =
      translateModuleToLLVMIR(kernels, context, kernels.getName());
  if (!module)
    return kernels.emitOpError("cannot be translated to LLVM IR");
  module->setTargetTriple(machine.getTargetTriple());
  module->setDataLayout(machine.createDataLayout());
  markInlined(*module);
  markConvergent(*module);
  llvm::ModulePassManager passes;
  passes.addPass(llvm::AlwaysInlinerPass());
  if (optLevel > 0)
    addCleanUpPasses(passes);
  runPasses(passes, *module, machine);
  if (failed(verifyDefined(*module, kernels.getLoc())))
    return failure();
  std::string text;
  llvm::raw_string_ostream os(text);
  module->print(os, nullptr);
  return text;
}

FailureOr<DeviceCode> vitc::generateDeviceCode(gpu::GPUModuleOp kernels,
                                               const GpuTarget &target,
                                               unsigned optLevel) {
  auto report = [&](llvm::Error error) {
    return kernels.emitError("cannot generate code for ")
           << target.name << ": " << llvm::toString(std::move(error));
  };
  auto list = listKernels(kernels);
  if (failed(list))
    return failure();
  auto machine = createMachine(target);
  if (!machine)
    return report(machine.takeError());
  auto llvmIR = printLLVMIR(kernels, **machine, optLevel);
  if (failed(llvmIR))
    return failure();
  auto ptx = generatePtx(*llvmIR, target);
  if (!ptx)
    return report(ptx.takeError());
  return DeviceCode{
      &target, std::move(*list), std::move(*llvmIR), std::move(*ptx), {}};
}
