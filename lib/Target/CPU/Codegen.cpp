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
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"

using namespace mlir;
using namespace vitc;
using vitc::kernel::KernelDialect;

FailureOr<LevelCode> vitc::lowerToLLVM(ModuleOp module, StringRef isa,
                                       StringRef backend) {
  OwningOpRef<ModuleOp> lowered(module.clone());
  PassManager passes(module.getContext());
  // It has said what is wrong with the options.
  if (failed(applyPassManagerCLOptions(passes)))
    return failure();
  addCpuCodePasses(passes, isa, backend);
  if (failed(passes.run(*lowered)))
    return failure();

  LevelCode level;
  auto cpu = lowered->getOperation()->getAttrOfType<kernel::CpuAttr>(
      KernelDialect::kCpuAttr);
  level.isa = isa;
  level.cpu = cpu.getCpu().str();
  level.features = cpu.getFeatures().str();
  // The translation takes LLVM ops only.
  for (Operation &op : llvm::make_early_inc_range(*lowered->getBody())) {
    auto function = dyn_cast<LLVM::LLVMFuncOp>(op);
    if (!function) {
      op.erase();
      continue;
    }
    if (auto code = function->getAttrOfType<kernel::CodeAttr>(
            KernelDialect::kCodeAttr)) {
      std::string symbol = ("vitc_" + function.getName() + "_" + isa).str();
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
       llvm::to_vector(lowered->getOperation()->getDiscardableAttrs()))
    lowered->getOperation()->removeDiscardableAttr(attribute.getName());

  level.context = std::make_unique<llvm::LLVMContext>();
  level.module = translateModuleToLLVMIR(*lowered, *level.context, isa);
  if (!level.module)
    return module.emitError() << "cannot be translated to LLVM IR for " << isa;
  return level;
}

/// Local clean-up only: licm and unrolling would hoist addresses into the
/// registers that the kernels' accumulators need.
static void optimise(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::FunctionPassManager passes;
  passes.addPass(llvm::InstCombinePass());
  passes.addPass(llvm::EarlyCSEPass());
  llvm::ModulePassManager modulePasses;
  modulePasses.addPass(
      llvm::createModuleToFunctionPassAdaptor(std::move(passes)));
  modulePasses.run(module, modules);
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
  if (options.optLevel > 0)
    optimise(module, *machine);
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
