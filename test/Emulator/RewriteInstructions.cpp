//===- RewriteInstructions.cpp - From NVPTX's instructions to calls -------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "HostModule.h"

#include "Block.h"
#include "PtxStatement.h"

#include "llvm/Analysis/Loads.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/ModuleSlotTracker.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;
using namespace vitc::emulator;

// What NVPTX numbers so.
static constexpr unsigned kGenericSpace = 0, kGlobalSpace = 1, kSharedSpace = 3,
                          kConstantSpace = 4, kLocalSpace = 5;

namespace {
class Rewriter {
public:
  Rewriter(Module &module, HostModule &host);
  Error rewrite(Function &function);

private:
  /// What a model is given and gives.
  struct Words {
    Value *predicate = nullptr;
    SmallVector<Value *> operands;
    /// Of each result of the call, its place among the model's.
    SmallVector<unsigned> results;
    unsigned numResults = 0;
  };

  Error rewriteCall(CallInst &call);
  Expected<Words> getPtxWords(CallInst &call, const PtxStatement &statement,
                              const Model &model);
  Error callModel(CallInst &call, Site &site, const Words &words);
  Error announce(Instruction &instruction);
  Value *isUnknown(IRBuilder<> &builder, const Site &site, Value *address);
  void announce(Instruction &before, Value *pointer, Value *bytes,
                Access access, Align alignment);

  Expected<Value *> toWord(IRBuilder<> &builder, Value *value);
  Value *fromWord(IRBuilder<> &builder, Value *word, Type *type);
  /// Memory of the current function for words.
  Value *getWords(AllocaInst *&words, unsigned count);
  /// Prints what the current function has before it is rewritten: later each
  /// would have all of it numbered again.
  void printInstructions();
  Site &addSite(const Instruction &instruction);
  Value *getPointer(const void *address);

  Module &module;
  HostModule &host;
  IntegerType *word;
  PointerType *pointer;
  FunctionCallee callHook, accessHook;
  Function *function = nullptr;
  ModuleSlotTracker slots;
  DenseMap<const Instruction *, std::string> texts;
  AllocaInst *inWords = nullptr, *outWords = nullptr;
};
} // namespace

Rewriter::Rewriter(Module &module, HostModule &host)
    : module(module), host(host), word(Type::getInt64Ty(module.getContext())),
      pointer(PointerType::get(module.getContext(), 0)),
      slots(&module, /*ShouldInitializeAllMetadata=*/false) {
  Type *none = Type::getVoidTy(module.getContext());
  callHook =
      module.getOrInsertFunction(kCallHook, none, pointer, pointer, pointer);
  accessHook =
      module.getOrInsertFunction(kAccessHook, none, pointer, word, word);
}

/// A printed instruction as one line, without metadata, not long.
static std::string shorten(StringRef text) {
  StringRef line = text.trim();
  line = line.take_front(line.find(", !"));
  line = line.take_front(line.rfind(" #"));
  constexpr size_t kMaxLength = 160;
  return line.size() <= kMaxLength
             ? line.str()
             : (line.take_front(kMaxLength - 3) + "...").str();
}

std::string vitc::emulator::printShort(const Instruction &instruction) {
  std::string text;
  raw_string_ostream(text) << instruction;
  return shorten(text);
}

void Rewriter::printInstructions() {
  texts.clear();
  slots.incorporateFunction(*function);
  for (const Instruction &instruction : instructions(*function))
    if (instruction.mayReadOrWriteMemory() || isa<CallInst>(instruction)) {
      std::string text;
      raw_string_ostream os(text);
      instruction.print(os, slots);
      texts[&instruction] = shorten(text);
    }
}

Site &Rewriter::addSite(const Instruction &instruction) {
  Site &site = host.sites.emplace_back();
  site.text = texts.at(&instruction);
  return site;
}

Value *Rewriter::getPointer(const void *address) {
  return ConstantExpr::getIntToPtr(
      ConstantInt::get(word, reinterpret_cast<uintptr_t>(address)), pointer);
}

Value *Rewriter::getWords(AllocaInst *&words, unsigned count) {
  if (!words) {
    BasicBlock &entry = function->getEntryBlock();
    words = IRBuilder<>(&entry, entry.begin()).CreateAlloca(word);
  }
  auto *size = cast<ConstantInt>(words->getArraySize());
  if (size->getZExtValue() < count)
    words->setOperand(0, ConstantInt::get(size->getType(), count));
  return words;
}

Expected<Value *> Rewriter::toWord(IRBuilder<> &builder, Value *value) {
  Type *type = value->getType();
  if (type->isPointerTy())
    return builder.CreatePtrToInt(value, word);
  unsigned bits = type->getPrimitiveSizeInBits().getKnownMinValue();
  if (bits == 0 || bits > 64)
    return createStringError("has an operand of more than 64 bits");
  return builder.CreateZExt(
      builder.CreateBitCast(value, builder.getIntNTy(bits)), word);
}

Value *Rewriter::fromWord(IRBuilder<> &builder, Value *value, Type *type) {
  if (type->isPointerTy())
    return builder.CreateIntToPtr(value, type);
  unsigned bits = type->getPrimitiveSizeInBits().getKnownMinValue();
  return builder.CreateBitCast(
      builder.CreateTrunc(value, builder.getIntNTy(bits)), type);
}

/// The types of what a call returns.
static SmallVector<Type *> getResultTypes(const CallInst &call) {
  if (auto *type = dyn_cast<StructType>(call.getType()))
    return SmallVector<Type *>(type->elements());
  if (call.getType()->isVoidTy())
    return {};
  return {call.getType()};
}

Error Rewriter::callModel(CallInst &call, Site &site, const Words &words) {
  IRBuilder<> builder(&call);
  SmallVector<Value *> in;
  if (words.predicate)
    in.push_back(words.predicate);
  in.append(words.operands);
  Value *inMemory = getWords(inWords, in.size());
  Value *outMemory = getWords(outWords, words.numResults);
  for (auto [i, operand] : enumerate(in)) {
    Expected<Value *> value = toWord(builder, operand);
    if (!value)
      return createStringError("'" + printShort(call) + "' " +
                               toString(value.takeError()));
    builder.CreateStore(*value, builder.CreateConstGEP1_32(word, inMemory, i));
  }
  site.numOperands = words.operands.size();
  builder.CreateCall(callHook, {getPointer(&site), inMemory, outMemory});
  SmallVector<Type *> types = getResultTypes(call);
  Value *result = nullptr;
  for (auto [i, type] : enumerate(types)) {
    Value *loaded = builder.CreateLoad(
        word, builder.CreateConstGEP1_32(word, outMemory, words.results[i]));
    Value *element = fromWord(builder, loaded, type);
    if (!call.getType()->isStructTy()) {
      result = element;
      break;
    }
    if (!result)
      result = PoisonValue::get(call.getType());
    result = builder.CreateInsertValue(result, element, i);
  }
  if (result) {
    call.replaceAllUsesWith(result);
    result->takeName(&call);
  }
  call.eraseFromParent();
  return Error::success();
}

/// Brings the operands of inline assembly in the order of its text. An operand
/// that is written and read has a number as a result, and its value among the
/// arguments.
Expected<Rewriter::Words> Rewriter::getPtxWords(CallInst &call,
                                                const PtxStatement &statement,
                                                const Model &model) {
  auto *assembly = cast<InlineAsm>(call.getCalledOperand());
  unsigned numResults = getResultTypes(call).size();
  SmallVector<unsigned> tied(numResults, ~0u);
  unsigned numOperands = 0;
  for (const InlineAsm::ConstraintInfo &constraint :
       assembly->ParseConstraints()) {
    if (constraint.Type == InlineAsm::isClobber)
      continue;
    if (constraint.hasMatchingInput() && numOperands < numResults)
      tied[numOperands] = constraint.MatchingInput;
    ++numOperands;
  }
  auto getValue = [&](const PtxStatement::Word &operand) -> Expected<Value *> {
    if (operand.isLiteral)
      return ConstantInt::get(word, operand.value);
    unsigned number = operand.value;
    if (number < numResults)
      number = tied[number];
    if (number >= numOperands)
      return createStringError("'" + printShort(call) + "' reads $" +
                               Twine(operand.value) + ", which has no value");
    return call.getArgOperand(number - numResults);
  };

  Words words;
  words.results.assign(numResults, ~0u);
  if (statement.predicate) {
    Expected<Value *> value = getValue({false, *statement.predicate});
    if (!value)
      return value.takeError();
    words.predicate = *value;
  }
  for (auto [i, operand] : enumerate(statement.operands)) {
    for (const PtxStatement::Word &part : operand) {
      if (i == 0 && model.hasResult) {
        if (part.isLiteral || part.value >= numResults)
          return createStringError("'" + printShort(call) +
                                   "' does not write a result");
        words.results[part.value] = words.numResults++;
        if (!model.readsResult)
          continue;
        if (tied[part.value] == ~0u) {
          words.operands.push_back(
              ConstantInt::get(word, 0xffffffff)); // a NaN: of no value
          continue;
        }
      }
      Expected<Value *> value = getValue(part);
      if (!value)
        return value.takeError();
      words.operands.push_back(*value);
    }
  }
  if (is_contained(words.results, ~0u))
    return createStringError("'" + printShort(call) +
                             "' leaves a result unwritten");
  auto refuseCount = [&](StringRef what, size_t count, unsigned least,
                         unsigned most) {
    return createStringError(
        "'" + printShort(call) + "' has " + Twine(count) + " " + what + "; " +
        (least == most ? Twine(least) : Twine(least) + " to " + Twine(most)) +
        " are needed");
  };
  if (words.numResults != model.numResults)
    return refuseCount("results", words.numResults, model.numResults,
                       model.numResults);
  size_t count = words.operands.size();
  if (count < model.minOperands || count > model.maxOperands)
    return refuseCount("operands", count, model.minOperands, model.maxOperands);
  if (words.predicate && numResults != 0)
    return createStringError("'" + printShort(call) +
                             "' writes its result under a predicate");
  return words;
}

/// Whether an intrinsic that has no model touches memory in a way of which the
/// emulator would not know: masked loads, gathers and the like.
static bool touchesMemoryUnseen(const IntrinsicInst &call) {
  return !isa<MemIntrinsic>(call) && !call.isAssumeLikeIntrinsic() &&
         !call.doesNotAccessMemory() && !call.onlyAccessesInaccessibleMemory();
}

Error Rewriter::rewriteCall(CallInst &call) {
  if (auto *assembly = dyn_cast<InlineAsm>(call.getCalledOperand())) {
    Expected<PtxStatement> statement =
        PtxStatement::parse(assembly->getAsmString());
    if (!statement)
      return statement.takeError();
    const Model *model = findModel(statement->opcode);
    if (!model || model->minOperands == Model::kNoPtx)
      return createStringError(
          "inline assembly '" + StringRef(assembly->getAsmString()).trim() +
          "': the emulator has no model of '" + statement->opcode + "'");
    Expected<Words> words = getPtxWords(call, *statement, *model);
    if (!words)
      return words.takeError();
    Site &site = addSite(call);
    site.model = model;
    site.predicated = words->predicate;
    site.negated = statement->negated;
    return callModel(call, site, *words);
  }
  Function *callee = call.getCalledFunction();
  if (!callee)
    return createStringError("'" + printShort(call) +
                             "' calls through a pointer");
  if (!callee->isIntrinsic())
    return callee->isDeclaration()
               ? createStringError("'" + printShort(call) + "' calls '" +
                                   callee->getName() +
                                   "', which the module does not define")
               : Error::success();
  const Model *model = findModel(callee->getName());
  if (!model)
    model = findModel(Intrinsic::getBaseName(callee->getIntrinsicID()));
  if (!model)
    return Intrinsic::isTargetIntrinsic(callee->getIntrinsicID()) ||
                   touchesMemoryUnseen(cast<IntrinsicInst>(call))
               ? createStringError("the emulator has no model of '" +
                                   callee->getName() + "'")
               : announce(call);
  Words words;
  words.operands.assign(call.arg_begin(), call.arg_end());
  words.numResults = getResultTypes(call).size();
  for (unsigned i = 0; i < words.numResults; ++i)
    words.results.push_back(i);
  Site &site = addSite(call);
  site.model = model;
  return callModel(call, site, words);
}

/// Whether the emulator must be asked about an access to global memory: not
/// while it lies in what is known to be right, is aligned, and the thread may
/// run on.
Value *Rewriter::isUnknown(IRBuilder<> &builder, const Site &site,
                           Value *address) {
  auto load = [&](const void *from) -> Value * {
    return builder.CreateLoad(word, getPointer(from));
  };
  Value *left =
      builder.CreateSub(load(&Block::callsLeft), ConstantInt::get(word, 1));
  builder.CreateStore(left, getPointer(&Block::callsLeft));
  Value *outside = builder.CreateICmpUGE(
      builder.CreateSub(address, load(&site.begin)), load(&site.span));
  Value *misaligned = builder.CreateIsNotNull(
      builder.CreateAnd(address, ConstantInt::get(word, site.alignment - 1)));
  Value *late = builder.CreateICmpSLT(left, ConstantInt::get(word, 0));
  return builder.CreateOr({outside, misaligned, late});
}

void Rewriter::announce(Instruction &before, Value *address, Value *bytes,
                        Access access, Align alignment) {
  // Of a generic address, what it was cast from; NVPTX finds out, too.
  const Value *object = getUnderlyingObject(address);
  unsigned space = address->getType()->getPointerAddressSpace();
  if (space == kGenericSpace)
    space = object->getType()->getPointerAddressSpace();
  bool isLocal = space == kLocalSpace || isa<AllocaInst>(object);
  // Else it is only known to be on its thread's stack, or not.
  auto *size = dyn_cast<ConstantInt>(bytes);
  if (isLocal && size &&
      isDereferenceableAndAlignedPointer(address, Align(1), size->getValue(),
                                         module.getDataLayout()))
    return;
  Site &site = addSite(before);
  site.access = access;
  site.toShared = space == kSharedSpace;
  site.toGlobal = space == kGlobalSpace || space == kConstantSpace;
  site.alignment = alignment.value();
  IRBuilder<> builder(&before);
  Value *number = builder.CreatePtrToInt(address, word);
  if (site.toGlobal && size) {
    Instruction *unknown = SplitBlockAndInsertIfThen(
        isUnknown(builder, site, number), &before, /*Unreachable=*/false,
        MDBuilder(module.getContext()).createUnlikelyBranchWeights());
    builder.SetInsertPoint(unknown);
  }
  builder.CreateCall(accessHook, {getPointer(&site), number,
                                  builder.CreateZExtOrTrunc(bytes, word)});
}

Error Rewriter::announce(Instruction &instruction) {
  const DataLayout &layout = module.getDataLayout();
  auto getSize = [&](Type *type) {
    return ConstantInt::get(word, layout.getTypeStoreSize(type));
  };
  if (auto *load = dyn_cast<LoadInst>(&instruction))
    announce(instruction, load->getPointerOperand(), getSize(load->getType()),
             load->isAtomic() ? Access::Atomic : Access::Read,
             load->getAlign());
  else if (auto *store = dyn_cast<StoreInst>(&instruction))
    announce(instruction, store->getPointerOperand(),
             getSize(store->getValueOperand()->getType()),
             store->isAtomic() ? Access::Atomic : Access::Write,
             store->getAlign());
  else if (auto *update = dyn_cast<AtomicRMWInst>(&instruction))
    announce(instruction, update->getPointerOperand(),
             getSize(update->getType()), Access::Atomic, update->getAlign());
  else if (auto *exchange = dyn_cast<AtomicCmpXchgInst>(&instruction))
    announce(instruction, exchange->getPointerOperand(),
             getSize(exchange->getNewValOperand()->getType()), Access::Atomic,
             exchange->getAlign());
  else if (auto *memory = dyn_cast<MemIntrinsic>(&instruction)) {
    announce(instruction, memory->getRawDest(), memory->getLength(),
             Access::Write, memory->getDestAlign().valueOrOne());
    if (auto *copy = dyn_cast<MemTransferInst>(memory))
      announce(instruction, copy->getRawSource(), memory->getLength(),
               Access::Read, copy->getSourceAlign().valueOrOne());
  }
  return Error::success();
}

Error Rewriter::rewrite(Function &newFunction) {
  if (Error error = checkProducts(newFunction))
    return error;
  function = &newFunction;
  inWords = outWords = nullptr;
  printInstructions();
  SmallVector<Instruction *> all;
  for (Instruction &instruction : instructions(newFunction))
    all.push_back(&instruction);
  for (Instruction *instruction : all) {
    auto *call = dyn_cast<CallInst>(instruction);
    if (Error error = call ? rewriteCall(*call) : announce(*instruction))
      return createStringError("function '" + newFunction.getName() +
                               "': " + toString(std::move(error)));
  }
  return Error::success();
}

Error vitc::emulator::rewriteInstructions(Module &module, HostModule &host) {
  Rewriter rewriter(module, host);
  for (Function &function : module)
    if (!function.isDeclaration())
      if (Error error = rewriter.rewrite(function))
        return error;
  for (Function &function : make_early_inc_range(module))
    if (function.isDeclaration() && function.use_empty())
      function.eraseFromParent();
  return Error::success();
}
