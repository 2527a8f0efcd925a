//===- AttentionTraceTest.cpp - What generated tokens attend to -----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The toy's logits stand for an output that tells attention: they say which
// seed, position and token a row is of.
//
//===----------------------------------------------------------------------===//

#include "Generate/AttentionTrace.h"

#include "FakeGenerator.h"
#include "Program/GenerationRun.h"
#include "Status.h"

#include <gtest/gtest.h>

#include <cstring>

using namespace vitc::rt;
using vitc::rt::test::FakeGenerator;

namespace {
class AttentionTraceTest : public ::testing::Test, protected FakeGenerator {
protected:
  AttentionTraceTest() { descriptor.generation.attention = 0; }

  static float getLogit(int64_t seed, int64_t position, int64_t token,
                        int64_t next) {
    int64_t number =
        seed * 15485863 + position * 1299709 + token * 7919 + next * 104729;
    return static_cast<float>(number % 1009 / 100.0);
  }

  /// Generates for the seeds 0 to items - 1, behind the prompt.
  std::vector<Generated> run(int32_t beams, int64_t items,
                             const std::vector<int64_t> &prompt,
                             std::vector<NpyArray> &traces,
                             const AttentionChoice &choice = {}) {
    vitc_model model(runtime, descriptor, nullptr);
    GenerationOptions options(descriptor.generation);
    options.beams = beams;
    vitc_session session(model, countRows(options, items));
    NpyArray seeds = makeArray(entries[0].inputs[0], items);
    for (int64_t item = 0; item < items; ++item)
      std::memcpy(seeds.bytes.data() + item * sizeof(item), &item,
                  sizeof(item));
    GenerationInput input = {{seeds}, {keep(session, seeds)}, items, prompt};
    std::vector<Generated> generated =
        generate(session, input, options, nullptr);
    traces = traceAttention(session, input, options, generated, choice);
    return generated;
  }

  vitc_runtime runtime{1};
};
} // namespace

// A token's attention is that of the step that chose it, of its own item.
TEST_F(AttentionTraceTest, EachTokenHasTheStepThatChoseIt) {
  for (int32_t beams : {1, 3})
    for (const std::vector<int64_t> &prompt :
         {std::vector<int64_t>{}, std::vector<int64_t>{7, 3}}) {
      std::vector<NpyArray> traces;
      std::vector<Generated> generated = run(beams, 4, prompt, traces);
      ASSERT_EQ(traces.size(), 4u);
      for (int64_t item = 0; item < 4; ++item) {
        const std::vector<int64_t> &tokens = generated[item].tokens;
        auto length = static_cast<int64_t>(tokens.size());
        ASSERT_EQ(traces[item].dims, (std::vector<int64_t>{length, 11}));
        const auto *values =
            reinterpret_cast<const float *>(traces[item].bytes.data());
        int64_t before = prompt.empty() ? 5 : prompt.back();
        for (int64_t i = 0; i < length; ++i) {
          auto position = static_cast<int64_t>(prompt.size()) + i;
          for (int64_t key = 0; key < 11; ++key)
            EXPECT_EQ(values[i * 11 + key],
                      getLogit(item, position, before, key));
          before = tokens[i];
        }
      }
    }
}

TEST_F(AttentionTraceTest, KeysLieInThePicture) {
  vitc_model model(runtime, descriptor, nullptr);
  EXPECT_EQ(getAttentionSource(model).keys, 11);
  EXPECT_EQ(getAttentionSource(model).grid.height, 0);
  descriptor.generation.attentionGrid = {1, 2, 5, 1};
  EXPECT_EQ(getAttentionSource(model).keys, 11);
  EXPECT_EQ(getAttentionSource(model).grid.width, 5);
  // A grid of other keys says nothing of these.
  descriptor.generation.attentionGrid = {0, 2, 2, 0};
  EXPECT_EQ(getAttentionSource(model).grid.height, 0);
}

// Layers and heads beside the keys are no patches.
TEST_F(AttentionTraceTest, GridsAreOfTheTrailingDimensions) {
  static const int64_t kMaps[] = {-1, 4, 6}, kPlanes[] = {-1, 4, 2, 3};
  static TensorDescriptor outputs[] = {{"maps", kMaps, 3, VITC_F32},
                                       entries[1].outputs[1]};
  entries[1].outputs = outputs;
  descriptor.generation.attentionGrid = {0, 2, 4, 0};
  vitc_model model(runtime, descriptor, nullptr);
  EXPECT_EQ(getAttentionSource(model).keys, 6);
  EXPECT_EQ(getAttentionSource(model).grid.height, 0);
  descriptor.generation.attentionGrid = {0, 2, 3, 0};
  outputs[0] = {"maps", kPlanes, 4, VITC_F32};
  EXPECT_EQ(getAttentionSource(model).keys, 6);
  EXPECT_EQ(getAttentionSource(model).grid.width, 3);
}

TEST_F(AttentionTraceTest, LayersAttendToTheWholeSource) {
  AttentionLayerDescriptor layer = {};
  layer.heads = layer.windows = 1;
  layer.keys = 6;
  layer.keyGrid = {1, 2, 3, 0};
  layer.projection = -1;
  descriptor.generation.attention = -1;
  vitc_model model(runtime, descriptor, nullptr);
  descriptor.attention = {&layer, 1, 0};
  EXPECT_EQ(getAttentionSource(model).grid.height, 0); // 7 places of 6 keys
  layer.keyGrid = {0, 2, 3, 0};
  EXPECT_EQ(getAttentionSource(model).grid.height, 2);
  auto expectRefusal = [&](const char *message) {
    try {
      getAttentionSource(model);
      FAIL() << "needed: " << message;
    } catch (const Failure &failure) {
      EXPECT_STREQ(failure.what(), message);
    }
  };
  layer.windows = 4;
  expectRefusal("attention layer 0 has projected keys or 4 windows; needs one "
                "that attends to the whole source");
  layer.windows = 1;
  layer.projection = 0;
  expectRefusal("attention layer 0 has projected keys or 1 windows; needs one "
                "that attends to the whole source");
}

TEST_F(AttentionTraceTest, LayersHaveTheSameKeys) {
  AttentionLayerDescriptor layers[2] = {};
  for (AttentionLayerDescriptor &layer : layers) {
    layer.heads = layer.windows = 1;
    layer.projection = -1;
    layer.number = &layer - layers;
    layer.keys = 6 + layer.number;
  }
  descriptor.generation.attention = -1;
  vitc_model model(runtime, descriptor, nullptr);
  descriptor.attention = {layers, 2, 0};
  auto messageOf = [&](const AttentionChoice &choice) {
    try {
      getAttentionSource(model, choice);
    } catch (const Failure &failure) {
      return std::string(failure.what());
    }
    return std::string();
  };
  EXPECT_EQ(messageOf({}), "attention layer 1 has 7 keys and layer 0 has 6; "
                           "needs layers with the same");
  EXPECT_EQ(messageOf({[](int64_t number) { return number == 1; }, {}}), "");
  EXPECT_EQ(messageOf({[](int64_t number) { return number == 2; }, {}}),
            "none of the 2 attention layers was chosen; needs one");
}

// All beams of an item would go the same way.
TEST_F(AttentionTraceTest, BeamsNeedARowAnItem) {
  static int64_t rows;
  for (CodeDescriptor &code : stepCodes)
    code.function = [](Context *context) {
      rows = context->batch;
      std::memset(context->outputs[0], 0, rows * kVocabulary * sizeof(float));
    };
  std::vector<TensorDescriptor> inputs(
      entries[1].inputs, entries[1].inputs + entries[1].numInputs);
  entries[1].inputs = inputs.data();
  static const int64_t kSixRows[] = {6, 1};
  for (const int64_t *dims : {inputs[0].dims, kSixRows}) {
    inputs[0].dims = dims;
    vitc_model model(runtime, descriptor, nullptr);
    GenerationOptions options(descriptor.generation);
    options.beams = 3;
    vitc_session session(model, countRows(options, 2));
    NpyArray seeds = makeArray(entries[0].inputs[0], 2);
    traceAttention(session, {{seeds}, {keep(session, seeds)}, 2}, options,
                   {{{1}}, {{2}}});
    EXPECT_EQ(rows, dims == kSixRows ? 6 : 2);
  }
}

// Of a decoder alone each item goes on from its own prompt.
TEST_F(AttentionTraceTest, PromptsHaveTheirOwn) {
  static const StateDescriptor kStates[] = {
      {2, -1, -1}, {3, -1, -1}, {4, 1, -1}}; // the seed is 0
  descriptor.entries = entries + 1;
  descriptor.numEntries = 1;
  descriptor.generation.states = kStates;
  descriptor.generation.numStates = 3;
  descriptor.generation.numMemories = 0;
  descriptor.generation.minLength = 4;
  vitc_model model(runtime, descriptor, nullptr);
  GenerationRun generation(model, Options(), /*batch=*/2);
  NpyArray prompts = {VITC_I64, {2, 1}, {}};
  prompts.bytes.resize(2 * sizeof(int64_t));
  const int64_t tokens[] = {7, 3};
  std::memcpy(prompts.bytes.data(), tokens, sizeof(tokens));
  std::vector<Generated> generated = generation.run({prompts}, 2);
  std::vector<NpyArray> traces = generation.traceAttention(generated, {});
  ASSERT_EQ(traces.size(), 2u);
  for (size_t item = 0; item < 2; ++item) {
    ASSERT_FALSE(generated[item].tokens.empty());
    ASSERT_EQ(traces[item].dims[0],
              static_cast<int64_t>(generated[item].tokens.size()));
    const auto *values =
        reinterpret_cast<const float *>(traces[item].bytes.data());
    for (int64_t key = 0; key < kVocabulary; ++key)
      EXPECT_EQ(values[key], getLogit(0, 1, tokens[item], key));
  }
}

TEST_F(AttentionTraceTest, EachItemHasItsText) {
  vitc_model model(runtime, descriptor, nullptr);
  vitc_session session(model, 1);
  NpyArray seeds = makeArray(entries[0].inputs[0], 1);
  GenerationInput input = {{seeds}, {keep(session, seeds)}, 1};
  try {
    traceAttention(session, input, GenerationOptions(descriptor.generation),
                   {Generated(), Generated()});
    FAIL() << "two texts of one item";
  } catch (const Failure &failure) {
    EXPECT_STREQ(failure.what(),
                 "2 texts were generated for 1 items; needs one for each");
  }
}

TEST_F(AttentionTraceTest, NeedsAttention) {
  auto messageOf = [&](const AttentionChoice &choice) {
    try {
      std::vector<NpyArray> traces;
      run(1, 1, {}, traces, choice);
    } catch (const Failure &failure) {
      return std::string(failure.what());
    }
    return std::string();
  };
  EXPECT_EQ(messageOf({{}, [](int64_t) { return false; }}),
            "none of the attention heads was chosen; needs one");
  descriptor.generation.attention = -1;
  EXPECT_EQ(messageOf({}),
            "the model's step attends to no source; needs one that does, "
            "compiled with its attention maps");
}
