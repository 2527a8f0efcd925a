//===- Fiber.h - A stack to run on ---------------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_EMULATOR_FIBER_H
#define VITC_TEST_EMULATOR_FIBER_H

#include <cstddef>
#include <ucontext.h>

namespace vitc::emulator {

/// A function that is left in its middle and resumed later. Nobody unwinds what
/// lies on its stack when it is dropped before its end. AddressSanitizer is
/// told of each switch.
class Fiber {
public:
  using Entry = void (*)(void *argument);

  /// Starts over: the next resume() calls `entry`, which must not return but
  /// suspend when it is done.
  void start(char *stack, size_t size, Entry entry, void *argument);
  /// Runs until the next suspend(). Called from outside.
  void resume();
  /// Goes back to resume()'s caller. Called on the fiber's own stack.
  void suspend();

  /// Whether `bytes` at `address` lie on its stack.
  bool contains(const void *address, size_t bytes) const {
    auto offset = static_cast<size_t>(static_cast<const char *>(address) -
                                      static_cast<const char *>(stack));
    return offset <= size && bytes <= size - offset;
  }

private:
  static void run();

  char *stack = nullptr;
  size_t size = 0;
  Entry entry = nullptr;
  void *argument = nullptr;
#if defined(__x86_64__)
  void *inside = nullptr, *outside = nullptr;
#else
  ucontext_t inside, outside;
#endif
  // AddressSanitizer's frames of both sides, and the caller's stack.
  void *insideFrames = nullptr, *outsideFrames = nullptr;
  const void *callerStack = nullptr;
  size_t callerSize = 0;
};

/// Stacks of equal size, each with a page below that must not be touched.
class StackPool {
public:
  StackPool(size_t numStacks, size_t size);
  ~StackPool();
  StackPool(const StackPool &) = delete;
  StackPool &operator=(const StackPool &) = delete;

  char *getStack(size_t index) const;
  size_t getSize() const { return size - kColours * kLineBytes; }
  size_t getCount() const { return numStacks; }

private:
  // Stacks begin at different lines of a page, or all would share a few sets
  // of the cache.
  static constexpr size_t kLineBytes = 64, kColours = 64;

  char *memory;
  size_t numStacks, size, stride;
};

} // namespace vitc::emulator

#endif // VITC_TEST_EMULATOR_FIBER_H
