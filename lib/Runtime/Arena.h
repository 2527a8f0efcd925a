//===- Arena.h - One block of zeroed, aligned memory ------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_ARENA_H
#define VITC_LIB_RUNTIME_ARENA_H

#include <cstdint>
#include <utility>

namespace vitc::rt {

/// Memory of a session or of a thread: mapped from the system, page-aligned
/// (hence kBufferAlignment-aligned), zero at first, in huge pages where the
/// system grants them. Pages take memory once they are touched.
class Arena {
public:
  Arena() = default;
  /// Throws Failure(VITC_OUT_OF_MEMORY) when the system has no room. `what`
  /// names the arena's purpose in the message.
  Arena(int64_t bytes, const char *what);
  ~Arena();
  Arena(Arena &&other) noexcept
      : base(std::exchange(other.base, nullptr)),
        bytes(std::exchange(other.bytes, 0)) {}
  Arena &operator=(Arena &&other) noexcept {
    std::swap(base, other.base);
    std::swap(bytes, other.bytes);
    return *this;
  }

  uint8_t *data() const { return base; }
  int64_t size() const { return bytes; }

private:
  uint8_t *base = nullptr;
  int64_t bytes = 0;
};

/// base + perBatch * batch, in bytes. Throws Failure(VITC_OUT_OF_MEMORY) when
/// it does not fit an address space.
int64_t arenaBytes(int64_t base, int64_t perBatch, int64_t batch);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_ARENA_H
