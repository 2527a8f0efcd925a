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

namespace {
/// Milliseconds of runs, sorted.
struct Times {
  std::vector<double> endToEnd;
  /// What the runs took on a GPU, without the copies to it and back; empty
  /// where kernels run on the processor.
  std::vector<double> device;

  const std::vector<double> &ofKernels() const {
    return device.empty() ? endToEnd : device;
  }
};
} // namespace

static Times measure(vitc_session &session, const std::function<void()> &run,
                     const Options &options) {
  for (int64_t i = 0; i < options.warmup; ++i)
    run();
  Times times;
  bool isOnGpu = session.getModel().cuda != nullptr;
  double deviceTime = 0;
  session.getExecutor().recordDeviceTime(&deviceTime);
  Clock::time_point start = Clock::now();
  do {
    deviceTime = 0;
    Clock::time_point begin = Clock::now();
    run();
    times.endToEnd.push_back(millisecondsSince(begin));
    if (isOnGpu)
      times.device.push_back(deviceTime);
  } while (millisecondsSince(start) < options.minTime * 1000);
  session.getExecutor().recordDeviceTime(nullptr);
  std::sort(times.endToEnd.begin(), times.endToEnd.end());
  std::sort(times.device.begin(), times.device.end());
  return times;
}

static double medianOf(const std::vector<double> &sorted) {
  size_t middle = sorted.size() / 2;
  return sorted.size() % 2 ? sorted[middle]
                           : (sorted[middle - 1] + sorted[middle]) / 2;
}

namespace {
/// The times of runs and what they were of.
struct Measurement {
  Times times;
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
  return {measure(
              session, [&] { tensors.run(session, entry); }, options),
          batch, session.getArenaBytes()};
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
  Times times = measure(
      generation.getSession(),
      [&] {
        tokens = static_cast<int64_t>(
            generation.run(inputs, batch).front().tokens.size());
      },
      options);
  return {times, batch, generation.getSession().getArenaBytes(), tokens};
}

void vitc::rt::runBenchmark(const vitc_model &model, const Options &options,
                            Output &output) {
  bool generates = model.step.descriptor && options.entry.empty();
  const vitc_model::Entry &entry =
      generates ? model.main : requireEntry(model, options.entry);
  Measurement measured = generates ? measureGeneration(model, options)
                                   : measureEntry(model, entry, options);
  const std::vector<double> &times = measured.times.ofKernels();
  int64_t batch = measured.batch;
  double median = medianOf(times);
  // Nearest rank: the least time that 90 % of the runs do not exceed.
  double p90 = times[static_cast<size_t>(std::ceil(0.9 * times.size())) - 1];
  double imagesPerSecond = 1000.0 * batch / median;
  int32_t threads = model.runtime.pool.getNumThreads();

  // With the copies to the GPU and back, and all that the processor does.
  double endToEnd = medianOf(measured.times.endToEnd);
  const char *device = vitc_model_device(&model); // or null

  if (!options.json) {
    std::string with =
        device ? fmt::format(", end to end median {:.3f} ms, {:.1f} "
                             "images/s",
                             endToEnd, 1000.0 * batch / endToEnd)
               : "";
    std::string where = device ? device : fmt::format("{} threads", threads);
    output.print(fmt::format(
        "{}: median {:.3f} ms, min {:.3f} ms, p90 {:.3f} ms, {:.1f} images/s{} "
        "({} runs, batch {}, {}, {}, {})\n",
        model.descriptor.modelName, median, times.front(), p90, imagesPerSecond,
        with, times.size(), batch, where, model.descriptor.precision,
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
  if (device) {
    json.key("end_to_end_ms").value(endToEnd);
    json.key("device").value(device);
  }
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
