//===- Arena.cpp - One block of zeroed, aligned memory --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arena.h"

#include "Status.h"

#include <sys/mman.h>

#include <cstddef>

using namespace vitc::rt;

/// From here on huge pages save more page faults and TLB misses than rounding
/// up to them wastes.
static constexpr int64_t kHugePageBytes = int64_t(2) << 20;
/// User addresses have 47 bits on x86-64; more is an overflow of a size.
static constexpr int64_t kMaxArenaBytes = int64_t(1) << 47;

Arena::Arena(int64_t bytes, const char *what) {
  if (bytes == 0)
    return;
  if (bytes < 0 || bytes > kMaxArenaBytes)
    throw Failure(VITC_OUT_OF_MEMORY,
                  "{} needs {} bytes; at most {} can be had", what, bytes,
                  kMaxArenaBytes);
  int64_t rounding = bytes >= kHugePageBytes ? kHugePageBytes : 4096;
  bytes = (bytes + rounding - 1) / rounding * rounding;
  void *memory = ::mmap(nullptr, static_cast<size_t>(bytes),
                        PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                        /*offset=*/0);
  if (memory == MAP_FAILED)
    throw Failure(VITC_OUT_OF_MEMORY,
                  "{} needs {} bytes; the system has too "
                  "little memory",
                  what, bytes);
  // Only advice: without huge pages the arena works all the same.
  if (bytes >= kHugePageBytes)
    (void)::madvise(memory, static_cast<size_t>(bytes), MADV_HUGEPAGE);
  base = static_cast<uint8_t *>(memory);
  this->bytes = bytes;
}

Arena::~Arena() {
  if (base)
    ::munmap(base, static_cast<size_t>(bytes));
}

int64_t vitc::rt::arenaBytes(int64_t base, int64_t perBatch, int64_t batch) {
  int64_t scaled = 0, total = 0;
  if (__builtin_mul_overflow(perBatch, batch, &scaled) ||
      __builtin_add_overflow(base, scaled, &total) || total > kMaxArenaBytes)
    throw Failure(VITC_OUT_OF_MEMORY,
                  "a batch of {} needs {} bytes an image; at most {} bytes in "
                  "all can be had",
                  batch, perBatch, kMaxArenaBytes);
  return total;
}
