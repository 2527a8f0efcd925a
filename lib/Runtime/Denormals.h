//===- Denormals.h - Flush denormals while generated code runs --*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_DENORMALS_H
#define VITC_LIB_RUNTIME_DENORMALS_H

#include <cstdint>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace vitc::rt {

/// The calling thread reads and writes denormal numbers as zero while one of
/// these lives; its former mode comes back after.
class FlushDenormals {
public:
  FlushDenormals() : saved(read()) { write(saved | kFlush); }
  ~FlushDenormals() { write(saved); }
  FlushDenormals(const FlushDenormals &) = delete;
  FlushDenormals &operator=(const FlushDenormals &) = delete;

  /// The control register, for tests.
  static uint64_t read() {
#if defined(__x86_64__)
    return _mm_getcsr();
#elif defined(__aarch64__)
    uint64_t fpcr;
    asm volatile("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr;
#endif
  }

#if defined(__x86_64__)
  static constexpr uint64_t kFlush = 0x8040; // MXCSR: FTZ, DAZ
#elif defined(__aarch64__)
  static constexpr uint64_t kFlush = uint64_t(1) << 24; // FPCR: FZ
#else
#error "vitc programs run on x86-64 and aarch64"
#endif

private:
  static void write(uint64_t value) {
#if defined(__x86_64__)
    _mm_setcsr(static_cast<unsigned>(value));
#elif defined(__aarch64__)
    asm volatile("msr fpcr, %0" : : "r"(value));
#endif
  }

  uint64_t saved;
};

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_DENORMALS_H
