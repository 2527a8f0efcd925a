//===- FakeModel.cpp - A model written by hand ----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeModel.h"

#include <numeric>

using namespace vitc::rt;
using namespace vitc::rt::test;

alignas(64) static const
    float kWeights[FakeModel::kClasses] = {0.0f, 1.0f, 2.0f, 3.0f};
static const int64_t kInputDims[] = {-1, FakeModel::kChannels,
                                     FakeModel::kHeight, FakeModel::kWidth};
static const int64_t kLogitsDims[] = {-1, FakeModel::kClasses};
static const int64_t kSelectionDims[] = {FakeModel::kLayers, 2};
static const int64_t kMapDims[] = {-1, 1, FakeModel::kHeads, FakeModel::kKeys,
                                   FakeModel::kKeys};
static const char *const kLayerNames[] = {"encoder.0", "encoder.1"};
static const char *const kLabels[] = {"tench", "goldfish", "white \"shark\"",
                                      "hammerhead"};
static const SiteDescriptor kSites[] = {
    {"encoder.embed", "mean_8x8", 0, 192, 0, 768},
    {"classifier", "add_4", 0, 4, 16, 16}};

static Context &contextOf(const void *args) {
  return *static_cast<Context *>(const_cast<void *>(args));
}

/// Task b * 3 + c: the mean of channel c of picture b, into the arena.
static void meanTasks(const void *args, int64_t begin, int64_t end, void *) {
  Context &context = contextOf(args);
  constexpr int64_t area = FakeModel::kHeight * FakeModel::kWidth;
  auto *pixels = static_cast<const float *>(context.inputs[0]);
  auto *means = reinterpret_cast<float *>(context.arena);
  for (int64_t task = begin; task < end; ++task) {
    const float *channel = pixels + task * area;
    means[task] = std::accumulate(channel, channel + area, 0.0f) / area;
  }
}

/// Task b: the logits of picture b, through the scratch buffer.
static void logitsTasks(const void *args, int64_t begin, int64_t end,
                        void *scratch) {
  Context &context = contextOf(args);
  auto *weights = reinterpret_cast<const float *>(context.weights);
  auto *means = reinterpret_cast<const float *>(context.arena);
  auto *row = static_cast<float *>(scratch);
  for (int64_t b = begin; b < end; ++b) {
    for (int64_t c = 0; c < FakeModel::kClasses; ++c)
      row[c] = weights[c] +
               means[b * FakeModel::kChannels + c % FakeModel::kChannels];
    auto *logits = static_cast<float *>(context.outputs[0]);
    std::copy(row, row + FakeModel::kClasses, logits + b * FakeModel::kClasses);
  }
}

/// Task l: the map of layer l, of all pictures.
static void mapsTasks(const void *args, int64_t begin, int64_t end, void *) {
  Context &context = contextOf(args);
  auto *selections = static_cast<const vitc_selection_t *>(context.inputs[1]);
  constexpr int64_t keys = FakeModel::kKeys;
  for (int64_t layer = begin; layer < end; ++layer) {
    auto [first, count] = selections[layer];
    auto *map = static_cast<float *>(context.outputs[1 + layer]);
    for (int64_t matrix = 0; matrix < context.batch * FakeModel::kHeads;
         ++matrix)
      for (int64_t i = 0; i < count; ++i)
        for (int64_t k = 0; k < keys; ++k) {
          int64_t shift = first + i + matrix % FakeModel::kHeads;
          *map++ = first < 0 ? 1.0f / keys
                             : static_cast<float>((shift + k) % keys + 1) /
                                   FakeModel::kSum;
        }
  }
}

static void forward(Context *context) {
  context->parallel(context, 0, meanTasks, context,
                    context->batch * FakeModel::kChannels);
  context->parallel(context, 1, logitsTasks, context, context->batch);
}

static void attention(Context *context) {
  forward(context);
  context->parallel(context, 0, mapsTasks, context, FakeModel::kLayers);
}

std::vector<const char *> FakeModel::isaLevels() {
#if defined(__x86_64__)
  return {"x86-64-v4", "x86-64-v3", "x86-64-v2"};
#else
  return {"armv8-a"};
#endif
}

FakeModel::FakeModel() {
  for (const char *isa : isaLevels()) {
    int64_t scratch = kClasses * sizeof(float);
    forwardCodes.push_back({isa, forward, scratch, kSites, 2, 0});
    attentionCodes.push_back({isa, attention, scratch, kSites, 2, 0});
  }
  inputs[0] = {"pixel_values", kInputDims, 4, VITC_F32};
  outputs[0] = {"logits", kLogitsDims, 2, VITC_F32};
  inputs[1] = {"attention_queries", kSelectionDims, 2, VITC_I64};
  for (int32_t layer = 0; layer < kLayers; ++layer) {
    outputs[1 + layer] = {"attentions", kMapDims, 5, VITC_F32};
    TokenGrid grid = {1, 2, 2, 1};
    layers[layer] = {kLayerNames[layer],
                     layer,
                     1,
                     kHeads,
                     kKeys,
                     kKeys,
                     -1,
                     kKeys,
                     grid,
                     grid,
                     {},
                     {},
                     {}};
  }
  auto numCodes = static_cast<int32_t>(forwardCodes.size());
  entries[0] = {"forward",
                inputs,
                outputs,
                1,
                1,
                0,
                kChannels * int64_t(sizeof(float)),
                forwardCodes.data(),
                numCodes,
                0};
  entries[1] = entries[0];
  entries[1].name = "attention";
  entries[1].numInputs = 2;
  entries[1].numOutputs = 1 + kLayers;
  entries[1].codes = attentionCodes.data();

  descriptor.version = kDescriptorVersion;
  descriptor.task = static_cast<int32_t>(Task::Classification);
  descriptor.weights = reinterpret_cast<const uint8_t *>(kWeights);
  descriptor.weightBytes = sizeof(kWeights);
  descriptor.entries = entries;
  descriptor.numEntries = 2;
  descriptor.numLabels = kClasses;
  descriptor.labels = kLabels;
  PreprocessDescriptor &preprocess = descriptor.preprocess;
  preprocess.maskIndex = preprocess.noiseIndex = -1;
  preprocess.channels = kChannels;
  preprocess.height = kHeight;
  preprocess.width = kWidth;
  preprocess.doResize = 1;
  preprocess.resizeHeight = kHeight;
  preprocess.resizeWidth = kWidth;
  preprocess.interpolation = static_cast<int32_t>(Interpolation::Bilinear);
  preprocess.antialias = 1;
  preprocess.doRescale = 1;
  preprocess.rescaleFactor = 1.0 / 255;
  descriptor.attention = {layers, kLayers, 0};
  descriptor.parameters = kClasses;
  descriptor.modelName = "FakeForImageClassification";
  descriptor.sourceHash = "0123";
  descriptor.licence = "";
  descriptor.precision = "f32";
  descriptor.target = "x86_64-linux-gnu";
  descriptor.backend = "llvm";
  descriptor.oneDnnLibrary = "";
  descriptor.compilerVersion = "0.1.0";
}
