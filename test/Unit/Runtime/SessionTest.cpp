//===- SessionTest.cpp - The C ABI on a model written by hand -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"
#include "FakeModel.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <thread>

using namespace vitc::rt;
using vitc::rt::test::FakeModel;

namespace {
/// A runtime, a model and a session, and the tensors of a run.
class SessionTest : public ::testing::Test {
protected:
  void TearDown() override {
    vitc_session_destroy(session);
    vitc_model_destroy(model);
    vitc_runtime_destroy(runtime);
  }

  void start(int32_t threads, int64_t maxBatch) {
    ASSERT_EQ(vitc_runtime_create(threads, &runtime, &error), VITC_OK);
    ASSERT_EQ(
        vitc_model_create(runtime, &fake.descriptor, nullptr, &model, &error),
        VITC_OK)
        << error.message;
    ASSERT_EQ(vitc_session_create(model, maxBatch, &session, &error), VITC_OK)
        << error.message;
  }

  void makeTensors(int64_t batch) {
    pixels.resize(batch * FakeModel::kPixels);
    std::iota(pixels.begin(), pixels.end(), 0.0f);
    logits.assign(batch * FakeModel::kClasses, -1.0f);
    selections[0] = {0, 0};
    selections[1] = {1, 2};
    maps.assign(batch * FakeModel::kHeads * 2 * FakeModel::kKeys, -1.0f);
    input = {pixels.data(), VITC_F32, 4, {batch, 3, 8, 8}};
    output = {logits.data(), VITC_F32, 2, {batch, 4}};
    mapTensors[1] = {maps.data(), VITC_F32, 5, {batch, 1, 3, 2, 5}};
  }

  vitc_status_t runAttention() {
    return vitc_session_run_attention(session, &input, &output, selections,
                                      mapTensors, &error);
  }

  void expectAttentionError(const char *message) {
    EXPECT_EQ(runAttention(), VITC_INVALID_ARGUMENT);
    EXPECT_STREQ(error.message, message);
  }

  void expectRunError(vitc_status_t status, const char *message) {
    EXPECT_EQ(vitc_session_run(session, &input, &output, &error), status);
    EXPECT_STREQ(error.message, message);
  }

  FakeModel fake;
  vitc_error_t error = {};
  vitc_runtime_t *runtime = nullptr;
  vitc_model_t *model = nullptr;
  vitc_session_t *session = nullptr;
  std::vector<float> pixels, logits, maps;
  vitc_tensor_t input = {}, output = {}, mapTensors[2] = {};
  vitc_selection_t selections[2] = {};
};
} // namespace

TEST_F(SessionTest, EntriesHaveNames) {
  start(1, 1);
  ASSERT_EQ(vitc_model_num_entries(model), 1);
  EXPECT_STREQ(vitc_model_entry(model, 0), "forward");
  EXPECT_EQ(vitc_model_entry(model, 1), nullptr);
  EXPECT_EQ(vitc_model_entry_num_inputs(model, "forward"),
            vitc_model_num_inputs(model));
  EXPECT_EQ(vitc_model_entry_num_outputs(model, "forward"),
            vitc_model_num_outputs(model));
  EXPECT_EQ(vitc_model_entry_num_inputs(model, "attention"), -1);
  vitc_tensor_info_t first, same;
  ASSERT_EQ(vitc_model_output(model, 0, &first, &error), VITC_OK);
  ASSERT_EQ(vitc_model_entry_output(model, "forward", 0, &same, &error),
            VITC_OK);
  EXPECT_STREQ(first.name, same.name);
  EXPECT_EQ(vitc_model_entry_input(model, "text", 0, &same, &error),
            VITC_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "entry is 'text'; the model has forward");
  makeTensors(1);
  ASSERT_EQ(vitc_session_run(session, &input, &output, &error), VITC_OK);
  std::vector<float> expected = logits;
  makeTensors(1);
  ASSERT_EQ(vitc_session_run_entry(session, "forward", &input, &output, &error),
            VITC_OK);
  EXPECT_EQ(logits, expected);
  EXPECT_EQ(vitc_session_run_entry(session, "text", &input, &output, &error),
            VITC_INVALID_ARGUMENT);
}

TEST_F(SessionTest, RunsWithTheSameBitsAtAnyThreadCount) {
  std::vector<float> first;
  for (int32_t threads : {1, 2, 3}) {
    start(threads, 5);
    EXPECT_EQ(vitc_runtime_threads(runtime), threads);
    makeTensors(5);
    ASSERT_EQ(vitc_session_run(session, &input, &output, &error), VITC_OK)
        << error.message;
    // Channel 0 of picture 0 holds 0 to 63, channel 1 64 to 127.
    EXPECT_EQ(logits[0], 31.5f);
    EXPECT_EQ(logits[1], 95.5f + 1.0f);
    EXPECT_EQ(logits[3], 31.5f + 3.0f);
    if (first.empty())
      first = logits;
    EXPECT_EQ(first, logits);
    TearDown();
    session = nullptr, model = nullptr, runtime = nullptr;
  }
}

// Two pictures at 512 KiB each fit into a thread's cache: five on two threads
// are four and one, in memory for four.
TEST_F(SessionTest, RunsIndependentItemsInParts) {
  start(2, 5);
  makeTensors(5);
  ASSERT_EQ(vitc_session_run(session, &input, &output, &error), VITC_OK);
  std::vector<float> whole = logits;
  TearDown();
  session = nullptr, model = nullptr, runtime = nullptr;

  EntryDescriptor &forward = fake.entries[0];
  forward.arenaPerBatch = 512 << 10;
  forward.independentItems = 1;
  fake.descriptor.numEntries = 1;
  fake.descriptor.attention = {};
  start(2, 5);
  makeTensors(5);
  std::vector<SiteTime> times;
  session->recordTimes(&times);
  ASSERT_EQ(vitc_session_run(session, &input, &output, &error), VITC_OK);
  EXPECT_EQ(logits, whole);
  ASSERT_EQ(times.size(), 4u);
  EXPECT_EQ(times[1].batch, 4);
  EXPECT_EQ(times[2].batch, 1);
  EXPECT_EQ(session->getArenaBytes(), 4 * forward.arenaPerBatch);
}

// Layer 0 is skipped: its tensor has no memory.
TEST_F(SessionTest, AttentionGivesTheSameOutputsAndTheMaps) {
  start(2, 2);
  makeTensors(2);
  ASSERT_EQ(vitc_session_run(session, &input, &output, &error), VITC_OK);
  std::vector<float> plain = logits;
  ASSERT_EQ(runAttention(), VITC_OK) << error.message;
  EXPECT_EQ(plain, logits);
  for (size_t row = 0; row < maps.size(); row += 5)
    EXPECT_FLOAT_EQ(std::accumulate(&maps[row], &maps[row] + 5, 0.0f), 1.0f);
  EXPECT_FLOAT_EQ(maps[0], 2.0f / FakeModel::kSum);
  EXPECT_FLOAT_EQ(maps[5], 3.0f / FakeModel::kSum);
}

TEST_F(SessionTest, ChecksWhatIsAskedOfAttention) {
  start(1, 2);
  makeTensors(1);
  selections[1] = {4, 2};
  expectAttentionError(
      "attention layer 1 is asked for 2 queries from 4 on; it has 5");
  selections[1] = {-1, 2};
  expectAttentionError(
      "attention layer 1 is asked for 2 queries from -1 on; it has 5");
  selections[1] = {0, -1};
  expectAttentionError(
      "attention layer 1 is asked for -1 queries from 0 on; it has 5");
  selections[1] = {0, 1};
  expectAttentionError("map 'encoder.1' has shape [1, 1, 3, 2, 5]; needs "
                       "[1, 1, 3, 1, 5]");
}

TEST_F(SessionTest, DescribesTheAttentionLayers) {
  start(1, 1);
  EXPECT_EQ(vitc_model_num_attention_layers(model), 2);
  EXPECT_EQ(vitc_model_num_attention_projections(model), 0);
  vitc_attention_layer_t layer;
  ASSERT_EQ(vitc_model_attention_layer(model, 1, &layer, &error), VITC_OK);
  EXPECT_STREQ(layer.name, "encoder.1");
  EXPECT_EQ(layer.number, 1);
  EXPECT_EQ(layer.heads, 3);
  EXPECT_EQ(layer.projection, -1);
  EXPECT_EQ(vitc_model_attention_layer(model, 2, &layer, &error),
            VITC_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "attention layer index is 2; the model has 2");
}

TEST_F(SessionTest, RefusesAnAttentionEntryWithoutMaps) {
  fake.entries[1].numOutputs = 1;
  ASSERT_EQ(vitc_runtime_create(1, &runtime, &error), VITC_OK);
  EXPECT_EQ(
      vitc_model_create(runtime, &fake.descriptor, nullptr, &model, &error),
      VITC_UNSUPPORTED);
  EXPECT_STREQ(error.message, "entry 'attention' has 2 inputs and 1 outputs; "
                              "needs 2 and 3");
}

TEST_F(SessionTest, DescribesTheModel) {
  start(1, 1);
  EXPECT_STREQ(vitc_version(), "0.1.0");
  EXPECT_EQ(vitc_model_num_inputs(model), 1);
  EXPECT_EQ(vitc_model_num_outputs(model), 1);
  EXPECT_EQ(vitc_model_num_labels(model), 4);
  EXPECT_STREQ(vitc_model_label(model, 1), "goldfish");
  EXPECT_EQ(vitc_model_label(model, 4), nullptr);
  EXPECT_EQ(vitc_model_label(model, -1), nullptr);
  vitc_tensor_info_t info;
  ASSERT_EQ(vitc_model_input(model, 0, &info, &error), VITC_OK);
  EXPECT_STREQ(info.name, "pixel_values");
  EXPECT_EQ(info.dims[0], -1);
  EXPECT_EQ(info.dims[3], 8);
  EXPECT_EQ(vitc_model_output(model, 1, &info, &error), VITC_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "output index is 1; the model has 1 outputs");
}

TEST_F(SessionTest, NamesTheTensorThatIsWrong) {
  start(1, 2);
  makeTensors(1);
  input.dtype = VITC_F64;
  expectRunError(VITC_INVALID_ARGUMENT,
                 "input 'pixel_values' is f64; needs f32");
  makeTensors(1);
  int unknown = 99;
  std::memcpy(&input.dtype, &unknown, sizeof(input.dtype));
  expectRunError(VITC_INVALID_ARGUMENT,
                 "input 'pixel_values' is type 99; needs f32");
  makeTensors(1);
  input.rank = 3;
  expectRunError(VITC_INVALID_ARGUMENT, "input 'pixel_values' has shape [1, 3, "
                                        "8]; needs [batch, 3, 8, 8]");
  makeTensors(1);
  input.rank = 1 << 30;
  expectRunError(VITC_INVALID_ARGUMENT,
                 "input 'pixel_values' has rank 1073741824; needs rank 4");
  makeTensors(1);
  output.dims[1] = 5;
  expectRunError(VITC_INVALID_ARGUMENT,
                 "output 'logits' has shape [1, 5]; needs [batch, 4]");
  makeTensors(1);
  input.dims[0] = 0;
  expectRunError(VITC_INVALID_ARGUMENT,
                 "input 'pixel_values' has shape [0, 3, 8, 8]; needs [batch, "
                 "3, 8, 8]");
  makeTensors(3);
  expectRunError(VITC_INVALID_ARGUMENT,
                 "input 'pixel_values' has batch 3; the session was created "
                 "for at most 2");
  makeTensors(2);
  output.dims[0] = 1;
  expectRunError(VITC_INVALID_ARGUMENT,
                 "output 'logits' has batch 1; 'pixel_values' has 2, and all "
                 "must agree");
  makeTensors(1);
  input.data = nullptr;
  expectRunError(VITC_INVALID_ARGUMENT,
                 "input 'pixel_values' has data NULL; needs 192 elements");
  makeTensors(1);
  input.data = reinterpret_cast<char *>(pixels.data()) + 1;
  EXPECT_EQ(vitc_session_run(session, &input, &output, nullptr),
            VITC_INVALID_ARGUMENT);
}

TEST_F(SessionTest, NullArgumentsAreErrors) {
  EXPECT_EQ(vitc_runtime_create(1, nullptr, &error), VITC_INVALID_ARGUMENT);
  EXPECT_EQ(vitc_runtime_create(-2, &runtime, &error), VITC_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "threads is -2; needs 0 (one a core) to 1024");
  EXPECT_EQ(runtime, nullptr);
  start(1, 1);
  vitc_session_t *other = nullptr;
  EXPECT_EQ(vitc_session_create(model, 0, &other, &error),
            VITC_INVALID_ARGUMENT);
  EXPECT_EQ(vitc_session_create(model, INT64_MAX, &other, &error),
            VITC_OUT_OF_MEMORY);
  EXPECT_EQ(vitc_session_create(nullptr, 1, &other, &error),
            VITC_INVALID_ARGUMENT);
  EXPECT_EQ(vitc_session_run(session, nullptr, &output, &error),
            VITC_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "inputs is NULL; needs a value");
  EXPECT_EQ(vitc_session_run(nullptr, &input, &output, &error),
            VITC_INVALID_ARGUMENT);
  vitc_session_destroy(nullptr);
  vitc_model_destroy(nullptr);
  vitc_runtime_destroy(nullptr);
}

TEST_F(SessionTest, RefusesOtherDescriptors) {
  ASSERT_EQ(vitc_runtime_create(1, &runtime, &error), VITC_OK);
  fake.descriptor.version = 99;
  EXPECT_EQ(
      vitc_model_create(runtime, &fake.descriptor, nullptr, &model, &error),
      VITC_UNSUPPORTED);
  EXPECT_STREQ(error.message,
               "the model has descriptor version 99; this runtime needs 7");
  fake.descriptor.version = kDescriptorVersion;
  fake.entries[0].name = "backward";
  EXPECT_EQ(
      vitc_model_create(runtime, &fake.descriptor, nullptr, &model, &error),
      VITC_UNSUPPORTED);
  fake.entries[0].name = "forward";
  EXPECT_EQ(
      vitc_model_create(runtime, &fake.descriptor, "x86-64-v9", &model, &error),
      VITC_UNSUPPORTED);
  EXPECT_EQ(model, nullptr);
}

TEST_F(SessionTest, RefusesCountsThatAreNoNumber) {
  ASSERT_EQ(vitc_runtime_create(1, &runtime, &error), VITC_OK);
  fake.outputs[0].countOutput = 0;
  EXPECT_EQ(
      vitc_model_create(runtime, &fake.descriptor, nullptr, &model, &error),
      VITC_UNSUPPORTED);
  EXPECT_STREQ(error.message,
               "output 'logits' of rank 2 has positions of dimension 0 counted "
               "by output 0 of 1; needs one i64 and a dimension of its own");
  fake.outputs[0].countOutput = 1;
  EXPECT_EQ(
      vitc_model_create(runtime, &fake.descriptor, nullptr, &model, &error),
      VITC_UNSUPPORTED);
}

TEST_F(SessionTest, RefusesMapsOfAModelWithoutAny) {
  fake.descriptor.attention = {};
  start(1, 1);
  makeTensors(1);
  EXPECT_EQ(runAttention(), VITC_UNSUPPORTED);
  EXPECT_EQ(vitc_model_num_attention_layers(model), 0);
}

// A callback of generated code has no status; the session keeps the failure.
TEST_F(SessionTest, ALaunchFromWithinATaskFailsTheRun) {
  EntryFn nested = [](Context *context) {
    auto task = [](const void *args, int64_t, int64_t, void *) {
      auto *context = static_cast<Context *>(const_cast<void *>(args));
      context->parallel(context, 1, nullptr, nullptr, 4);
    };
    context->parallel(context, 0, task, context, 2);
  };
  for (CodeDescriptor &code : fake.forwardCodes)
    code.function = nested;
  start(2, 1);
  makeTensors(1);
  expectRunError(VITC_INTERNAL,
                 "kernel launch 1 was made from within a task; needs to come "
                 "from the entry function");
  // The session can be used again.
  ASSERT_EQ(runAttention(), VITC_OK);
}

TEST_F(SessionTest, SessionsOfOneRuntimeRunAtTheSameTime) {
  start(2, 1);
  auto work = [this](float value) {
    vitc_session_t *own = nullptr;
    ASSERT_EQ(vitc_session_create(model, 1, &own, nullptr), VITC_OK);
    std::vector<float> ownPixels(FakeModel::kPixels, value), ownLogits(4);
    vitc_tensor_t in = {ownPixels.data(), VITC_F32, 4, {1, 3, 8, 8}};
    vitc_tensor_t out = {ownLogits.data(), VITC_F32, 2, {1, 4}};
    for (int i = 0; i < 300; ++i) {
      ASSERT_EQ(vitc_session_run(own, &in, &out, nullptr), VITC_OK);
      ASSERT_EQ(ownLogits[0], value);
    }
    vitc_session_destroy(own);
  };
  std::thread other(work, 2.0f);
  work(5.0f);
  other.join();
}
