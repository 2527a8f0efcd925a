//===- Codegen.cpp - LLVM IR to machine code -----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Codegen.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "vitc/Pipelines/CPU.h"
#include "vitc/Pipelines/GPU.h"
#include "vitc/Target/LLVMPasses.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace vitc;
using vitc::kernel::KernelDialect;

/// Runs passes on a copy of a module; null where they fail.
static OwningOpRef<ModuleOp>
lower(ModuleOp module, llvm::function_ref<void(OpPassManager &)> addPasses) {
  OwningOpRef<ModuleOp> lowered(module.clone());
  PassManager passes(module.getContext());
  // It has said what is wrong with the options.
  if (failed(applyPassManagerCLOptions(passes)))
    return nullptr;
  addPasses(passes);
  if (failed(passes.run(*lowered)))
    return nullptr;
  return lowered;
}

/// Translates the functions of a lowered module, which get names of level.isa's
/// own, and notes the entries among them.
static LogicalResult translate(ModuleOp lowered, LevelCode &level) {
  // The translation takes LLVM ops only.
  for (Operation &op : llvm::make_early_inc_range(*lowered.getBody())) {
    auto function = dyn_cast<LLVM::LLVMFuncOp>(op);
    if (!function) {
      op.erase();
      continue;
    }
    if (auto code = function->getAttrOfType<kernel::CodeAttr>(
            KernelDialect::kCodeAttr)) {
      std::string symbol =
          ("vitc_" + function.getName() + "_" + level.isa).str();
      std::replace(symbol.begin(), symbol.end(), '-', '_');
      level.entries.push_back({function.getName().str(), symbol, code});
      function.setSymName(symbol);
      function.setVisibility_(LLVM::Visibility::Hidden);
    } else if (!function.isExternal()) {
      function.setLinkage(LLVM::Linkage::Internal);
    }
    for (NamedAttribute attribute :
         llvm::to_vector(function->getDiscardableAttrs()))
      function->removeDiscardableAttr(attribute.getName());
    function.setNoUnwind(true);
  }
  for (NamedAttribute attribute :
       llvm::to_vector(lowered->getDiscardableAttrs()))
    lowered->removeDiscardableAttr(attribute.getName());

  level.context = std::make_unique<llvm::LLVMContext>();
  level.module = translateModuleToLLVMIR(lowered, *level.context, level.isa);
  if (!level.module)
    return lowered.emitError()
           << "cannot be translated to LLVM IR for " << level.isa;
  return success();
}

FailureOr<LevelCode> vitc::lowerToLLVM(ModuleOp module, StringRef isa,
                                       StringRef backend) {
  OwningOpRef<ModuleOp> lowered = lower(module, [&](OpPassManager &passes) {
    addCpuCodePasses(passes, isa, backend);
  });
  if (!lowered)
    return failure();
  LevelCode level;
  auto cpu = lowered->getOperation()->getAttrOfType<kernel::CpuAttr>(
      KernelDialect::kCpuAttr);
  level.isa = isa;
  level.cpu = cpu.getCpu().str();
  level.features = cpu.getFeatures().str();
  if (failed(translate(*lowered, level)))
    return failure();
  return level;
}

FailureOr<LevelCode> vitc::lowerToLLVM(ModuleOp module, const GpuTarget &gpu,
                                       const CpuTarget &host,
                                       unsigned optLevel) {
  OwningOpRef<ModuleOp> lowered = lower(module, [&](OpPassManager &passes) {
    addGpuCodePasses(passes, gpu.name);
  });
  if (!lowered)
    return failure();
  LevelCode level;
  level.isa = gpu.name;
  level.cpu = host.baseCpu;
  for (auto kernels : lowered->getOps<gpu::GPUModuleOp>()) {
    FailureOr<DeviceCode> device = generateDeviceCode(kernels, gpu, optLevel);
    if (failed(device))
      return failure();
    level.device = std::move(*device);
  }
  if (failed(translate(*lowered, level)))
    return failure();
  return level;
}

bool vitc::generateCode(llvm::Module &module, const CodegenOptions &options,
                        SmallVectorImpl<char> &bytes, std::string &error) {
  llvm::Triple triple(options.target->triple);
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return false;
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, options.cpu, options.features, llvm::TargetOptions(),
      llvm::Reloc::PIC_, std::nullopt,
      static_cast<llvm::CodeGenOptLevel>(options.optLevel)));
  module.setTargetTriple(triple);
  module.setDataLayout(machine->createDataLayout());
  if (options.optLevel > 0) {
    llvm::ModulePassManager passes;
    addCleanUpPasses(passes);
    runPasses(passes, module, *machine);
  }
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr,
                                   options.assembly
                                       ? llvm::CodeGenFileType::AssemblyFile
                                       : llvm::CodeGenFileType::ObjectFile)) {
    error = "LLVM cannot emit this kind of file";
    return false;
  }
  passes.run(module);
  return true;
}
