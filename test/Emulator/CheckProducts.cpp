//===- CheckProducts.cpp - Accumulators that nobody waited for ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// A GPU writes a wgmma's accumulators until wgmma.wait_group, while here they
// are there at once. So what uses them is looked for before a kernel runs:
// along every way from a wgmma to such an instruction there must be a wait in
// the same function. One that leaves groups under way counts as a wait for all
// of them.
#include "HostModule.h"

#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;
using namespace vitc::emulator;

static bool isProduct(const Instruction &instruction) {
  auto *call = dyn_cast<CallInst>(&instruction);
  auto *assembly =
      call ? dyn_cast<InlineAsm>(call->getCalledOperand()) : nullptr;
  return assembly &&
         StringRef(assembly->getAsmString()).contains("wgmma.mma_async");
}

static bool isWait(const Instruction &instruction) {
  auto *call = dyn_cast<CallInst>(&instruction);
  Function *callee = call ? call->getCalledFunction() : nullptr;
  return callee &&
         callee->getName() == "llvm.nvvm.wgmma.wait_group.sync.aligned";
}

/// What may run after `product` before any wait.
static SmallPtrSet<const Instruction *, 32>
findUnwaited(const Instruction &product) {
  SmallPtrSet<const Instruction *, 32> found;
  SmallVector<const Instruction *> begins = {product.getNextNode()};
  while (!begins.empty()) {
    const Instruction *next = begins.pop_back_val();
    const BasicBlock *block = next->getParent();
    while (next && !isWait(*next) && found.insert(next).second)
      next = next->getNextNode();
    if (!next)
      for (const BasicBlock *successor : successors(block))
        begins.push_back(&successor->front());
  }
  return found;
}

/// The first instruction that reads the accumulators of `product` too early.
static const Instruction *findEarlyUse(const Instruction &product) {
  SmallPtrSet<const Instruction *, 32> unwaited = findUnwaited(product), seen;
  SmallVector<const Instruction *> values = {&product};
  while (!values.empty())
    for (const User *user : values.pop_back_val()->users()) {
      auto *use = cast<Instruction>(user);
      if (isa<PHINode, ExtractValueInst>(use)) {
        if (seen.insert(use).second)
          values.push_back(use);
      } else if (!isProduct(*use) && unwaited.contains(use)) {
        return use;
      }
    }
  return nullptr;
}

Error vitc::emulator::checkProducts(const Function &function) {
  for (const Instruction &instruction : instructions(function))
    if (isProduct(instruction))
      if (const Instruction *use = findEarlyUse(instruction))
        return createStringError(
            "function '" + function.getName() + "': '" + printShort(*use) +
            "' uses what a wgmma computes with no wgmma.wait_group between");
  return Error::success();
}
