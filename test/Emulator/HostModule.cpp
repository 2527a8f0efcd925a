//===- HostModule.cpp - Kernels as code for this machine ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostModule.h"

#include "SharedMemory.h"

#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace vitc::emulator;

/// NVPTX's number.
static constexpr unsigned kSharedSpace = 3;

/// What ptxas and NVPTX refuse, or quietly take for something else.
static Error checkShared(const GlobalVariable &global, uint64_t bytes) {
  auto refuse = [&](const Twine &what) {
    return createStringError("shared global '" + global.getName() + "' " +
                             what);
  };
  if (bytes == 0 && global.hasLocalLinkage())
    return refuse("has no size and internal linkage: NVPTX makes one byte of "
                  "it, which other globals follow; dynamic shared memory "
                  "needs external linkage");
  if (global.hasInitializer() && !isa<UndefValue>(global.getInitializer()))
    return refuse("has an initial value; shared memory has none");
  return Error::success();
}

/// Gives shared globals their places: those with a size one after the other,
/// then those without, which all name the dynamic part.
static Error placeShared(Module &module, HostModule &host) {
  const DataLayout &layout = module.getDataLayout();
  std::vector<GlobalVariable *> sized, dynamic;
  for (GlobalVariable &global : module.globals()) {
    if (global.getAddressSpace() != kSharedSpace)
      continue;
    uint64_t bytes = layout.getTypeAllocSize(global.getValueType());
    if (Error error = checkShared(global, bytes))
      return error;
    (bytes == 0 ? dynamic : sized).push_back(&global);
  }
  // As NVPTX aligns it.
  auto getAlignment = [&](const GlobalVariable *global) {
    return global->getAlign().value_or(
        layout.getPrefTypeAlign(global->getValueType()));
  };
  auto place = [&](GlobalVariable *global, uint64_t offset) {
    auto address = reinterpret_cast<uintptr_t>(SharedMemory::getBase());
    Constant *number = ConstantInt::get(Type::getInt64Ty(module.getContext()),
                                        address + offset);
    global->replaceAllUsesWith(
        ConstantExpr::getIntToPtr(number, global->getType()));
    global->eraseFromParent();
  };
  uint64_t end = 0;
  for (GlobalVariable *global : sized) {
    uint64_t bytes = layout.getTypeAllocSize(global->getValueType());
    uint64_t offset = alignTo(end, getAlignment(global));
    place(global, offset);
    end = offset + bytes;
  }
  if (end > SharedMemory::kMaxStaticBytes)
    return createStringError("the module's shared globals take %llu bytes; "
                             "beyond %zu they must be dynamic",
                             static_cast<unsigned long long>(end),
                             SharedMemory::kMaxStaticBytes);
  for (GlobalVariable *global : dynamic)
    end = alignTo(end, getAlignment(global));
  for (GlobalVariable *global : dynamic)
    place(global, end);
  host.staticSharedBytes = end;
  return Error::success();
}

static void listGlobals(Module &module, HostModule &host) {
  for (GlobalVariable &global : module.globals()) {
    if (!global.hasInitializer() || global.getName().starts_with("llvm."))
      continue;
    global.setLinkage(GlobalValue::ExternalLinkage);
    global.setVisibility(GlobalValue::DefaultVisibility);
    host.globals.push_back(
        {global.getName().str(),
         module.getDataLayout().getTypeAllocSize(global.getValueType()),
         !global.isConstant()});
  }
}

/// The product of nvvm.reqntid's or maxntid's numbers; 1024 without either.
static size_t getMaxThreads(const Function &kernel) {
  for (const char *name : {"nvvm.reqntid", "nvvm.maxntid"}) {
    Attribute attribute = kernel.getFnAttribute(name);
    if (!attribute.isValid())
      continue;
    SmallVector<StringRef> sizes;
    attribute.getValueAsString().split(sizes, ',');
    size_t product = 1;
    for (StringRef text : sizes) {
      size_t size = 1;
      if (!text.trim().getAsInteger(10, size))
        product *= size;
    }
    return product;
  }
  return 1024;
}

/// Adds a function that loads the arguments of `kernel` and calls it.
static void addEntry(Function &kernel, HostModule &host) {
  Module &module = *kernel.getParent();
  KernelInfo info;
  info.name = kernel.getName().str();
  info.entry = "vitc.launch." + info.name;
  info.maxThreads = getMaxThreads(kernel);
  IRBuilder<> builder(module.getContext());
  auto *entry = Function::Create(
      FunctionType::get(builder.getVoidTy(), {builder.getPtrTy()}, false),
      Function::ExternalLinkage, info.entry, module);
  builder.SetInsertPoint(BasicBlock::Create(module.getContext(), "", entry));
  SmallVector<Value *> arguments;
  for (Argument &argument : kernel.args()) {
    Value *address = builder.CreateLoad(
        builder.getPtrTy(),
        builder.CreateConstGEP1_64(builder.getPtrTy(), entry->getArg(0),
                                   argument.getArgNo()));
    bool byval = argument.hasByValAttr();
    arguments.push_back(
        byval ? builder.CreateAddrSpaceCast(address, argument.getType())
              : builder.CreateLoad(argument.getType(), address));
    uint64_t bytes = byval ? module.getDataLayout()
                                 .getTypeAllocSize(argument.getParamByValType())
                                 .getFixedValue()
                           : 0;
    info.parameters.push_back(
        {bytes, argument.getParamAlign().valueOrOne().value()});
  }
  builder.CreateCall(&kernel, arguments);
  builder.CreateRetVoid();
  host.kernels.push_back(std::move(info));
}

/// Takes from functions and calls what only NVPTX understands.
static void forgetTarget(Module &module) {
  for (Function &function : module) {
    function.setCallingConv(CallingConv::C);
    function.setComdat(nullptr);
    if (function.isIntrinsic())
      continue;
    function.setAttributes(AttributeList());
    for (Instruction &instruction : instructions(function))
      if (auto *call = dyn_cast<CallInst>(&instruction)) {
        call->setCallingConv(CallingConv::C);
        if (!call->getCalledFunction()->isIntrinsic())
          call->setAttributes(AttributeList());
      }
  }
  if (NamedMDNode *annotations = module.getNamedMetadata("nvvm.annotations"))
    annotations->eraseFromParent();
}

Error vitc::emulator::prepareForHost(Module &module, HostModule &host) {
  SmallVector<Function *> kernels;
  for (Function &function : module)
    if (function.getCallingConv() == CallingConv::PTX_Kernel)
      kernels.push_back(&function);
  if (kernels.empty())
    return createStringError("the module has no ptx_kernel function");
  if (Error error = rewriteInstructions(module, host))
    return error;
  if (Error error = placeShared(module, host))
    return error;
  listGlobals(module, host);
  for (Function *kernel : kernels)
    addEntry(*kernel, host);
  forgetTarget(module);
  StripDebugInfo(module);
  std::string broken;
  raw_string_ostream os(broken);
  if (verifyModule(module, &os))
    return createStringError(
        "internal error: the rewritten module is broken: " + broken);
  return Error::success();
}
