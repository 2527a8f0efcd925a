//===- FmaLoop.h - Multiply-adds held in registers ----------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a core can do at most in f32. Operands are random: multiplying zeros
// draws less power, and the clock would be higher than any model sees.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_BENCHMARKS_FMALOOP_H
#define VITC_BENCHMARKS_FMALOOP_H

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <immintrin.h>
#include <random>

/// Steps of one repetition, which takes less than a millisecond: the scheduler
/// disturbs few of them.
inline constexpr int64_t kStepsPerRepetition = 20'000;
/// Operand pairs that every accumulator goes through in turn, and accumulators:
/// sixteen hide the latency of four cycles on two units, and with the operands
/// fill 24 of the 32 registers of AVX-512.
inline constexpr int kPairs = 4;
inline constexpr int kWideAccumulators = 16;
/// As many as the 16 registers of AVX2 hold.
inline constexpr int kNarrowPairs = 3;
inline constexpr int kNarrowAccumulators = 10;

/// Keeps the compiler from dropping a computation whose result nobody reads; a
/// part of the result that does not come here would be dropped.
inline std::atomic<uint64_t> sink;

inline void keep(const void *data, size_t bytes) {
  for (size_t offset = 0; offset < bytes; offset += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, static_cast<const char *>(data) + offset, sizeof(word));
    sink.fetch_xor(word, std::memory_order_relaxed);
  }
}

/// x -> x * scale + shift, over and over, stays bounded and never settles while
/// the pairs differ. Accumulators take the pairs in different phases, so that
/// neighbouring instructions work on different values.
struct Operands {
  alignas(64) float scale[kPairs][16];
  alignas(64) float shift[kPairs][16];
  /// One for each accumulator; equal ones would be computed only once.
  alignas(64) float start[kWideAccumulators][16];
};

struct FmaLoop {
  const char *isa;
  int64_t flopsPerStep;
  void (*run)(const Operands &operands);
};

inline Operands makeOperands(unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> scale(0.5f, 0.9f), shift(-1.0f, 1.0f);
  Operands operands;
  for (int pair = 0; pair < kPairs; ++pair)
    for (int lane = 0; lane < 16; ++lane) {
      operands.scale[pair][lane] = scale(generator);
      operands.shift[pair][lane] = shift(generator);
    }
  for (auto &start : operands.start)
    for (float &lane : start)
      lane = shift(generator);
  return operands;
}

__attribute__((target("avx512f"))) inline void
runAvx512(const Operands &operands) {
  __m512 scale[kPairs], shift[kPairs], sums[kWideAccumulators];
  for (int pair = 0; pair < kPairs; ++pair) {
    scale[pair] = _mm512_load_ps(operands.scale[pair]);
    shift[pair] = _mm512_load_ps(operands.shift[pair]);
  }
  for (int i = 0; i < kWideAccumulators; ++i)
    sums[i] = _mm512_load_ps(operands.start[i]);
  for (int64_t step = 0; step < kStepsPerRepetition; ++step)
    for (int pair = 0; pair < kPairs; ++pair)
      for (int i = 0; i < kWideAccumulators; ++i)
        sums[i] = _mm512_fmadd_ps(sums[i], scale[(pair + i) % kPairs],
                                  shift[(pair + i) % kPairs]);
  keep(sums, sizeof(sums));
}

__attribute__((target("avx2,fma"))) inline void
runAvx2(const Operands &operands) {
  __m256 scale[kNarrowPairs], shift[kNarrowPairs], sums[kNarrowAccumulators];
  for (int pair = 0; pair < kNarrowPairs; ++pair) {
    scale[pair] = _mm256_load_ps(operands.scale[pair]);
    shift[pair] = _mm256_load_ps(operands.shift[pair]);
  }
  for (int i = 0; i < kNarrowAccumulators; ++i)
    sums[i] = _mm256_load_ps(operands.start[i]);
  for (int64_t step = 0; step < kStepsPerRepetition; ++step)
    for (int pair = 0; pair < kNarrowPairs; ++pair)
      for (int i = 0; i < kNarrowAccumulators; ++i)
        sums[i] = _mm256_fmadd_ps(sums[i], scale[(pair + i) % kNarrowPairs],
                                  shift[(pair + i) % kNarrowPairs]);
  keep(sums, sizeof(sums));
}

/// None, with isa null, where the CPU has neither.
inline FmaLoop chooseFmaLoop() {
  if (__builtin_cpu_supports("avx512f"))
    return {"avx512f", 2 * 16 * kPairs * kWideAccumulators, runAvx512};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {"avx2", 2 * 8 * kNarrowPairs * kNarrowAccumulators, runAvx2};
  return {nullptr, 0, nullptr};
}

#endif // VITC_BENCHMARKS_FMALOOP_H
