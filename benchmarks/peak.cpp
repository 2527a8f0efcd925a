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

#include "FmaLoop.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

using Clock = std::chrono::steady_clock;

/// Read by all threads together; far more than the caches of one socket.
static constexpr size_t kReadBytes = size_t(1) << 29;
static constexpr int kMaxThreads = 4096;

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
  if (!loop.isa) {
    std::fprintf(stderr, "peak: error: this CPU has neither AVX-512 nor AVX2 "
                         "and FMA; one of them is needed\n");
    std::exit(1);
  }
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
