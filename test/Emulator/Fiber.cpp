//===- Fiber.cpp - A stack to run on --------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fiber.h"

#include "llvm/Support/Compiler.h"
#include "llvm/Support/ErrorHandling.h"
#include <cstdint>
#include <sys/mman.h>
#include <unistd.h>

#if LLVM_ADDRESS_SANITIZER_BUILD
#include <sanitizer/common_interface_defs.h>
#endif

using namespace vitc::emulator;

/// The fiber that resume() starts; its entry function cannot be passed pointers
/// portably.
static thread_local Fiber *starting;

#if LLVM_ADDRESS_SANITIZER_BUILD
static void startSwitch(void **frames, const void *stack, size_t size) {
  __sanitizer_start_switch_fiber(frames, stack, size);
}
static void finishSwitch(void *frames, const void **stack, size_t *size) {
  __sanitizer_finish_switch_fiber(frames, stack, size);
}
#else
static void startSwitch(void **, const void *, size_t) {}
static void finishSwitch(void *, const void **, size_t *) {}
#endif

#if defined(__x86_64__)
// Saves the registers that a call preserves and the stack, takes the other's.
// ucontext would enter the kernel twice a switch, for the signal mask.
extern "C" void vitc_emulator_switch(void **saved, void *target);
asm(R"(
  .text
  .p2align 4
  .globl vitc_emulator_switch
  .hidden vitc_emulator_switch
  .type vitc_emulator_switch, @function
vitc_emulator_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  retq
  .size vitc_emulator_switch, .-vitc_emulator_switch
)");
#endif

void Fiber::start(char *stackBase, size_t stackSize, Entry function,
                  void *value) {
  stack = stackBase;
  size = stackSize;
  entry = function;
  argument = value;
  insideFrames = nullptr;
#if defined(__x86_64__)
  // Six registers, the address to return to, and a word for alignment.
  auto *top = reinterpret_cast<uintptr_t *>(stack + size) - 8;
  for (unsigned i = 0; i < 8; ++i)
    top[i] = 0;
  top[6] = reinterpret_cast<uintptr_t>(&Fiber::run);
  inside = top;
#else
  getcontext(&inside);
  inside.uc_stack.ss_sp = stack;
  inside.uc_stack.ss_size = size;
  inside.uc_link = nullptr;
  makecontext(&inside, &Fiber::run, 0);
#endif
}

void Fiber::run() {
  Fiber *fiber = starting;
  finishSwitch(nullptr, &fiber->callerStack, &fiber->callerSize);
  fiber->entry(fiber->argument);
  llvm_unreachable("a fiber's entry function returned");
}

void Fiber::resume() {
  starting = this;
  startSwitch(&outsideFrames, stack, size);
#if defined(__x86_64__)
  vitc_emulator_switch(&outside, inside);
#else
  swapcontext(&outside, &inside);
#endif
  finishSwitch(outsideFrames, nullptr, nullptr);
}

void Fiber::suspend() {
  startSwitch(&insideFrames, callerStack, callerSize);
#if defined(__x86_64__)
  vitc_emulator_switch(&inside, outside);
#else
  swapcontext(&inside, &outside);
#endif
  finishSwitch(insideFrames, &callerStack, &callerSize);
}

StackPool::StackPool(size_t numStacks, size_t size)
    : numStacks(numStacks), size(size) {
  size_t page = sysconf(_SC_PAGESIZE);
  stride = size + page;
  void *address = mmap(nullptr, numStacks * stride, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (address == MAP_FAILED)
    llvm::report_fatal_error("no memory for the stacks of a block");
  memory = static_cast<char *>(address);
  for (size_t i = 0; i < numStacks; ++i)
    mprotect(memory + i * stride, page, PROT_NONE);
}

StackPool::~StackPool() { munmap(memory, numStacks * stride); }

char *StackPool::getStack(size_t index) const {
  constexpr size_t kLines = 11; // Apart, which no power of two divides.
  return memory + index * stride + (stride - size) +
         index * kLines % kColours * kLineBytes;
}
