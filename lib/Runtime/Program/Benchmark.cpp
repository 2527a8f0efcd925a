//===- Benchmark.cpp - Time a model ---------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Commands.h"

#include "Json.h"
#include "Program/EntryTensors.h"
#include "Program/GenerationRun.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>

using namespace vitc::rt;

using Clock = std::chrono::steady_clock;

static double millisecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin)
      .count();
}

static std::vector<double> measure(const std::function<void()> &run,
                                   const Options &options) {
  for (int64_t i = 0; i < options.warmup; ++i)
    run();
  std::vector<double> times;
  Clock::time_point start = Clock::now();
  do {
    Clock::time_point begin = Clock::now();
    run();
    times.push_back(millisecondsSince(begin));
  } while (millisecondsSince(start) < options.minTime * 1000);
  std::sort(times.begin(), times.end());
  return times;
}

static double medianOf(const std::vector<double> &sorted) {
  size_t middle = sorted.size() / 2;
  return sorted.size() % 2 ? sorted[middle]
                           : (sorted[middle - 1] + sorted[middle]) / 2;
}

namespace {
/// The times of runs, sorted, and what they were of.
struct Measurement {
  std::vector<double> times;
  int64_t batch, arenaBytes;
  int64_t tokens = 0; // that a run generates for an item
};
} // namespace

static Measurement measureEntry(const vitc_model &model,
                                const vitc_model::Entry &entry,
                                const Options &options) {
  int64_t batch = chooseBatch(*entry.descriptor, options.batch);
  vitc_session session(model, batch);
  EntryTensors tensors(*entry.descriptor, batch);
  tensors.fillSynthetic();
  return {measure([&] { tensors.run(session, entry); }, options), batch,
          session.getArenaBytes()};
}

/// Of generating as many tokens as there may be.
static Measurement measureGeneration(const vitc_model &model,
                                     const Options &options) {
  Options longest = options;
  if (longest.maxLength == 0)
    longest.maxLength = model.descriptor.generation.maxLength;
  longest.minLength = longest.maxLength;
  int64_t batch = chooseBatch(*model.main.descriptor, options.batch);
  GenerationRun generation(model, longest, batch);
  std::vector<NpyArray> inputs = generation.makeSynthetic(batch);
  int64_t tokens = 0;
  std::vector<double> times = measure(
      [&] {
        tokens = static_cast<int64_t>(
            generation.run(inputs, batch).front().tokens.size());
      },
      options);
  return {times, batch, generation.getArenaBytes(), tokens};
}

void vitc::rt::runBenchmark(const vitc_model &model, const Options &options,
                            Output &output) {
  bool generates = model.step.descriptor && options.entry.empty();
  const vitc_model::Entry &entry =
      generates ? model.main : requireEntry(model, options.entry);
  Measurement measured = generates ? measureGeneration(model, options)
                                   : measureEntry(model, entry, options);
  const std::vector<double> &times = measured.times;
  int64_t batch = measured.batch;
  double median = medianOf(times);
  // Nearest rank: the least time that 90 % of the runs do not exceed.
  double p90 = times[static_cast<size_t>(std::ceil(0.9 * times.size())) - 1];
  double imagesPerSecond = 1000.0 * batch / median;
  int32_t threads = model.runtime.pool.getNumThreads();

  if (!options.json) {
    output.print(fmt::format(
        "{}: median {:.3f} ms, min {:.3f} ms, p90 {:.3f} ms, {:.1f} images/s "
        "({} runs, batch {}, {} threads, {}, {})\n",
        model.descriptor.modelName, median, times.front(), p90, imagesPerSecond,
        times.size(), batch, threads, model.descriptor.precision,
        entry.code->isa));
    return;
  }
  JsonWriter json;
  json.beginObject();
  json.key("model").value(model.descriptor.modelName);
  json.key("median_ms").value(median);
  json.key("min_ms").value(times.front());
  json.key("p90_ms").value(p90);
  json.key("runs").value(static_cast<int64_t>(times.size()));
  json.key("batch").value(batch);
  json.key("images_per_second").value(imagesPerSecond);
  json.key("threads").value(threads);
  json.key("precision").value(model.descriptor.precision);
  json.key("isa").value(entry.code->isa);
  json.key("backend").value(model.descriptor.backend);
  json.key("arena_bytes").value(measured.arenaBytes);
  if (generates)
    json.key("tokens").value(measured.tokens);
  json.endObject();
  if (options.outputFile == "-")
    output.print(json.text());
  else
    output.addFile(options.outputFile, json.text());
}
