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

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

using namespace vitc::rt;

using Clock = std::chrono::steady_clock;

static double millisecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin)
      .count();
}

static std::vector<double> measure(vitc_session &session, EntryTensors &tensors,
                                   const Options &options) {
  for (int64_t i = 0; i < options.warmup; ++i)
    tensors.run(session);
  std::vector<double> times;
  Clock::time_point start = Clock::now();
  do {
    Clock::time_point begin = Clock::now();
    tensors.run(session);
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

void vitc::rt::runBenchmark(const vitc_model &model, const Options &options,
                            Output &output) {
  const vitc_model::Entry &entry = model.forward;
  int64_t batch = chooseBatch(*entry.descriptor, options.batch);
  vitc_session session(model, batch);
  EntryTensors tensors(*entry.descriptor, batch);
  tensors.fillSynthetic();
  std::vector<double> times = measure(session, tensors, options);
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
  json.key("arena_bytes").value(session.getArenaBytes());
  json.endObject();
  if (options.outputFile == "-")
    output.print(json.text());
  else
    output.addFile(options.outputFile, json.text());
}
