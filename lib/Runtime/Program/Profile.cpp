//===- Profile.cpp - Trace one run ----------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The Trace Event Format that chrome://tracing and Perfetto read: one complete
// event ("X") for each kernel launch, named by the layer of the source that it
// belongs to, times in microseconds: the GPU's, where kernels run on one.
//
//===----------------------------------------------------------------------===//

#include "Program/Commands.h"

#include "Json.h"
#include "Program/EntryTensors.h"

#include <algorithm>

using namespace vitc::rt;

static void writeEvent(JsonWriter &json, const SiteDescriptor &site,
                       const SiteTime &time, int64_t origin) {
  // A GPU's clock may not have ticked.
  double nanoseconds = std::max<double>(time.end - time.begin, 1);
  int64_t flops = site.flopsBase + site.flopsPerBatch * time.batch;
  int64_t bytes = site.bytesBase + site.bytesPerBatch * time.batch;
  json.beginObject();
  json.key("name").value(site.source);
  json.key("cat").value("kernel");
  json.key("ph").value("X");
  json.key("pid").value(1);
  json.key("tid").value(1);
  json.key("ts").value(static_cast<double>(time.begin - origin) / 1000);
  json.key("dur").value(nanoseconds / 1000);
  json.key("args").beginObject();
  json.key("kernel").value(site.kernel);
  json.key("flops").value(flops);
  json.key("bytes").value(bytes);
  json.key("gflops_per_second").value(flops / nanoseconds);
  json.key("gbytes_per_second").value(bytes / nanoseconds);
  json.endObject();
  json.endObject();
}

void vitc::rt::runProfile(const vitc_model &model, const Options &options,
                          Output &output) {
  const vitc_model::Entry &entry = requireEntry(model, options.entry);
  int64_t batch = chooseBatch(*entry.descriptor, options.batch);
  vitc_session session(model, batch);
  EntryTensors tensors(*entry.descriptor, batch);
  tensors.fillSynthetic();
  for (int64_t i = 0; i < options.warmup; ++i)
    tensors.run(session, entry);
  std::vector<SiteTime> times;
  times.reserve(entry.code->numSites * batch); // a part an item at most
  session.recordTimes(&times);
  tensors.run(session, entry);

  JsonWriter json;
  json.beginObject();
  json.key("traceEvents").beginArray();
  for (const SiteTime &time : times)
    writeEvent(json, entry.code->sites[time.site], time, times.front().begin);
  json.endArray();
  json.key("displayTimeUnit").value("ms");
  json.key("otherData").beginObject();
  json.key("model").value(model.descriptor.modelName);
  json.key("precision").value(model.descriptor.precision);
  json.key("isa").value(entry.code->isa);
  if (const char *device = vitc_model_device(&model))
    json.key("device").value(device);
  json.key("threads").value(model.runtime.pool.getNumThreads());
  json.key("batch").value(batch);
  json.endObject();
  json.endObject();
  output.addFile(options.outputFile, json.text());
}
