//===- peak.cpp - What this machine can do at most ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Measures the limits that a model's time is compared with, on all threads at
// once, each the sum over threads of the median of short repetitions:
//   peak fma THREADS SECONDS    f32 fused multiply-adds held in registers
//   peak read THREADS SECONDS   reading memory that no cache holds
// and prints {"isa": ..., "threads": ..., "gflops" or "gb_per_s": ...}.
// Operands are random: multiplying zeros draws less power, and the clock would
// be higher than any model sees. Uses AVX-512, or AVX2 and FMA, by what the CPU
// has.
//
//===----------------------------------------------------------------------===//

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <immintrin.h>
#include <random>
#include <thread>
#include <vector>

using Clock = std::chrono::steady_clock;

/// Steps of one repetition, which takes less than a millisecond: the scheduler
/// disturbs few of them.
static constexpr int64_t kStepsPerRepetition = 20'000;
/// Operand pairs that every accumulator goes through in turn, and accumulators:
/// sixteen hide the latency of four cycles on two units, and with the operands
/// fill 24 of the 32 registers of AVX-512.
static constexpr int kPairs = 4;
static constexpr int kWideAccumulators = 16;
/// As many as the 16 registers of AVX2 hold.
static constexpr int kNarrowPairs = 3;
static constexpr int kNarrowAccumulators = 10;
/// Read by all threads together; far more than the caches of one socket.
static constexpr size_t kReadBytes = size_t(1) << 29;
static constexpr int kMaxThreads = 4096;

/// Keeps the compiler from dropping a computation whose result nobody reads; a
/// part of the result that does not come here would be dropped.
static std::atomic<uint64_t> sink;

static void keep(const void *data, size_t bytes) {
  for (size_t offset = 0; offset < bytes; offset += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, static_cast<const char *>(data) + offset, sizeof(word));
    sink.fetch_xor(word, std::memory_order_relaxed);
  }
}

namespace {
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
} // namespace

static Operands makeOperands(unsigned seed) {
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

__attribute__((target("avx512f"))) static void
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

__attribute__((target("avx2,fma"))) static void
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

static FmaLoop chooseFmaLoop() {
  if (__builtin_cpu_supports("avx512f"))
    return {"avx512f", 2 * 16 * kPairs * kWideAccumulators, runAvx512};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {"avx2", 2 * 8 * kNarrowPairs * kNarrowAccumulators, runAvx2};
  std::fprintf(stderr, "peak: error: this CPU has neither AVX-512 nor AVX2 and "
                       "FMA; one of them is needed\n");
  std::exit(1);
}

static double medianOf(std::vector<double> values) {
  auto middle = values.begin() + values.size() / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Amount of work a second over all threads. `prepare(thread)` makes a thread's
/// repetition, a function of nothing, which does `amount` of work.
template <typename Prepare>
static double measure(int threads, double seconds, double amount,
                      Prepare prepare) {
  std::atomic<int> waiting{threads};
  std::vector<double> rates(threads);
  std::vector<std::thread> workers;
  for (int thread = 0; thread < threads; ++thread)
    workers.emplace_back([&, thread] {
      auto repeat = prepare(thread);
      repeat();
      --waiting;
      while (waiting.load() > 0)
        std::this_thread::yield();
      std::vector<double> times;
      Clock::time_point start = Clock::now(), end = start;
      do {
        Clock::time_point begin = end;
        repeat();
        end = Clock::now();
        times.push_back(std::chrono::duration<double>(end - begin).count());
      } while (std::chrono::duration<double>(end - start).count() < seconds);
      rates[thread] = amount / medianOf(std::move(times));
    });
  double total = 0;
  for (int thread = 0; thread < threads; ++thread) {
    workers[thread].join();
    total += rates[thread];
  }
  return total;
}

static void printFmaPeak(int threads, double seconds) {
  FmaLoop loop = chooseFmaLoop();
  double flops = double(loop.flopsPerStep) * kStepsPerRepetition;
  double rate = measure(threads, seconds, flops, [&](int thread) {
    return [&loop, operands = makeOperands(thread)] { loop.run(operands); };
  });
  std::printf("{\"isa\": \"%s\", \"threads\": %d, \"gflops\": %.3f}\n",
              loop.isa, threads, rate / 1e9);
}

static void printReadPeak(int threads, double seconds) {
  size_t words = kReadBytes / sizeof(uint64_t) / threads;
  double bytes = double(words) * sizeof(uint64_t);
  double rate = measure(threads, seconds, bytes, [&](int thread) {
    return [data = std::vector<uint64_t>(words, thread + 1)] {
      uint64_t sum = 0;
      for (uint64_t word : data)
        sum += word;
      keep(&sum, sizeof(sum));
    };
  });
  std::printf("{\"threads\": %d, \"gb_per_s\": %.3f}\n", threads, rate / 1e9);
}

int main(int argc, char **argv) {
  int threads = argc == 4 ? std::atoi(argv[2]) : 0;
  double seconds = argc == 4 ? std::atof(argv[3]) : 0;
  if (threads >= 1 && threads <= kMaxThreads && seconds > 0) {
    if (!std::strcmp(argv[1], "fma")) {
      printFmaPeak(threads, seconds);
      return 0;
    }
    if (!std::strcmp(argv[1], "read")) {
      printReadPeak(threads, seconds);
      return 0;
    }
  }
  std::fprintf(stderr, "usage: peak fma|read THREADS SECONDS\n");
  return 2;
}
