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
static Expected<size_t> placeShared(Module &module) {
  const DataLayout &layout = module.getDataLayout();
  std::vector<GlobalVariable *> sized, dynamic;
  for (GlobalVariable &global : module.globals()) {
    if (global.getAddressSpace() != kSharedSpace)
      continue;
    uint64_t bytes = layout.getTypeAllocSize(global.getValueType());
    if (Error error = checkShared(global, bytes))
      return std::move(error);
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
  return end;
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

/// The numbers of an attribute of a kernel, 1 for those that it leaves out.
static std::optional<Dim3> getDim3(const Function &kernel, StringRef name) {
  Attribute attribute = kernel.getFnAttribute(name);
  if (!attribute.isValid())
    return std::nullopt;
  SmallVector<StringRef> texts;
  attribute.getValueAsString().split(texts, ',');
  Dim3 size;
  uint32_t *axes[] = {&size.x, &size.y, &size.z};
  for (auto [axis, text] : zip(axes, texts))
    if (text.trim().getAsInteger(10, *axis))
      *axis = 1;
  return size;
}

/// What nvvm.reqntid and maxntid say of a block's threads; 1024 without both.
static void readBlock(const Function &kernel, KernelShape &shape) {
  shape.block = getDim3(kernel, "nvvm.reqntid");
  std::optional<Dim3> most = getDim3(kernel, "nvvm.maxntid");
  shape.maxThreads = shape.block ? shape.block->getSize()
                     : most      ? most->getSize()
                                 : 1024;
}

/// Adds a function that loads the arguments of `kernel` and calls it.
static void addEntry(Function &kernel, size_t staticSharedBytes,
                     HostModule &host) {
  Module &module = *kernel.getParent();
  KernelInfo info;
  info.name = kernel.getName().str();
  info.entry = "vitc.launch." + info.name;
  info.shape.staticSharedBytes = staticSharedBytes;
  readBlock(kernel, info.shape);
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
    Type *type = byval ? argument.getParamByValType() : argument.getType();
    info.shape.parameters.push_back(
        {module.getDataLayout().getTypeAllocSize(type).getFixedValue(),
         argument.getParamAlign().valueOrOne().value(), byval});
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
  Expected<size_t> staticSharedBytes = placeShared(module);
  if (!staticSharedBytes)
    return staticSharedBytes.takeError();
  listGlobals(module, host);
  for (Function *kernel : kernels)
    addEntry(*kernel, *staticSharedBytes, host);
  forgetTarget(module);
  StripDebugInfo(module);
  std::string broken;
  raw_string_ostream os(broken);
  if (verifyModule(module, &os))
    return createStringError(
        "internal error: the rewritten module is broken: " + broken);
  return Error::success();
}
