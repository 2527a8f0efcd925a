//===- Jit.cpp - Code in this process -------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Jit.h"

#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Support/TargetSelect.h"

using namespace mlir;
using namespace vitc;

static constexpr StringRef kPackedName = "vitc_packed";

/// Adds a function that calls `callee` with the pointers of an array.
static void addPackedCall(llvm::Function &callee) {
  llvm::Module &module = *callee.getParent();
  llvm::IRBuilder<> builder(module.getContext());
  llvm::Type *pointer = builder.getPtrTy();
  auto *packed = llvm::Function::Create(
      llvm::FunctionType::get(builder.getVoidTy(), {pointer}, false),
      llvm::Function::ExternalLinkage, kPackedName, module);
  builder.SetInsertPoint(
      llvm::BasicBlock::Create(module.getContext(), "", packed));
  SmallVector<llvm::Value *> arguments;
  for (unsigned i = 0; i < callee.arg_size(); ++i)
    arguments.push_back(builder.CreateLoad(
        pointer, builder.CreateConstGEP1_64(pointer, packed->getArg(0), i)));
  builder.CreateCall(&callee, arguments);
  builder.CreateRetVoid();
}

static llvm::Expected<std::unique_ptr<llvm::orc::LLJIT>>
compile(llvm::orc::ThreadSafeModule module,
        const llvm::StringMap<const void *> &symbols) {
  auto host = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!host)
    return host.takeError();
  auto machine = host->createTargetMachine();
  if (!machine)
    return machine.takeError();
  auto optimise = makeOptimizingTransformer(/*optLevel=*/3, /*sizeLevel=*/0,
                                            machine->get());
  llvm::Error error = module.withModuleDo([&](llvm::Module &ir) {
    ir.setDataLayout((*machine)->createDataLayout());
    ir.setTargetTriple((*machine)->getTargetTriple());
    return optimise(&ir);
  });
  if (error)
    return error;
  auto jit =
      llvm::orc::LLJITBuilder()
          .setJITTargetMachineBuilder(*host)
          .setObjectLinkingLayerCreator(
              [](llvm::orc::ExecutionSession &session) {
                return std::make_unique<llvm::orc::ObjectLinkingLayer>(session);
              })
          .create();
  if (!jit)
    return jit;
  llvm::orc::SymbolMap addresses;
  for (const auto &symbol : symbols)
    addresses[(*jit)->mangleAndIntern(symbol.getKey())] = {
        llvm::orc::ExecutorAddr::fromPtr(symbol.getValue()),
        llvm::JITSymbolFlags::Exported};
  llvm::orc::JITDylib &library = (*jit)->getMainJITDylib();
  if (llvm::Error error =
          library.define(llvm::orc::absoluteSymbols(std::move(addresses))))
    return error;
  if (llvm::Error error = (*jit)->addIRModule(std::move(module)))
    return error;
  return jit;
}

FailureOr<PackedFn>
vitc::compileInProcess(ModuleOp module, StringRef function,
                       const llvm::StringMap<const void *> &symbols,
                       std::unique_ptr<llvm::orc::LLJIT> &jit) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());
  auto context = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> ir = translateModuleToLLVMIR(module, *context);
  if (!ir)
    return module.emitError("cannot be translated to LLVM IR");
  addPackedCall(*ir->getFunction(function));
  auto report = [&](llvm::Error error) {
    return module.emitError("cannot be loaded: ")
           << llvm::toString(std::move(error));
  };
  auto compiled = compile({std::move(ir), std::move(context)}, symbols);
  if (!compiled)
    return report(compiled.takeError());
  jit = std::move(*compiled);
  auto address = jit->lookup(kPackedName);
  if (!address)
    return report(address.takeError());
  return address->toPtr<PackedFn>();
}
