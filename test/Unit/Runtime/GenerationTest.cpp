//===- GenerationTest.cpp - The C ABI of generation -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeGenerator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

using namespace vitc::rt;
using vitc::rt::test::FakeGenerator;
using vitc::rt::test::FakeModel;

using Tokens = std::vector<std::vector<int64_t>>;

namespace {
/// A session of a generating model, by the C ABI alone.
class GenerationTest : public ::testing::Test, protected FakeGenerator {
protected:
  void open(const vitc_model_descriptor_t &opened, int64_t maxBatch) {
    ASSERT_EQ(vitc_runtime_create(1, &runtime, &error), VITC_OK);
    ASSERT_EQ(vitc_model_create(runtime, &opened, nullptr, &model, &error),
              VITC_OK)
        << error.message;
    ASSERT_EQ(vitc_session_create(model, maxBatch, &session, &error), VITC_OK);
  }
  void TearDown() override {
    vitc_generation_destroy(generation);
    vitc_session_destroy(session);
    vitc_model_destroy(model);
    vitc_runtime_destroy(runtime);
  }

  /// Generates for the seeds 0, 1, ...
  vitc_status_t generate(int64_t items,
                         const vitc_generation_options_t *options) {
    seeds.resize(items);
    for (int64_t item = 0; item < items; ++item)
      seeds[item] = item;
    tensor = {seeds.data(), VITC_I64, 1, {items}};
    input.inputs = &tensor;
    return vitc_session_generate(session, &input, options, &generation, &error);
  }
  /// The tokens of each item.
  Tokens read() {
    Tokens tokens;
    for (int64_t i = 0; i < vitc_generation_num_items(generation); ++i) {
      vitc_generated_t item;
      EXPECT_EQ(vitc_generation_item(generation, i, &item, &error), VITC_OK);
      tokens.emplace_back(item.tokens, item.tokens + item.num_tokens);
    }
    return tokens;
  }
  void expectError(vitc_status_t status, vitc_status_t expected,
                   const char *message) {
    EXPECT_EQ(status, expected);
    EXPECT_STREQ(error.message, message);
    EXPECT_EQ(generation, nullptr);
  }

  vitc_runtime_t *runtime = nullptr;
  vitc_model_t *model = nullptr;
  vitc_session_t *session = nullptr;
  vitc_generation_t *generation = nullptr;
  vitc_generation_input_t input = {};
  vitc_generation_options_t options = {};
  vitc_tensor_t tensor = {};
  std::vector<int64_t> seeds;
  vitc_error_t error = {};
};
} // namespace

// As transformers chooses for the first cases of GenerationCases.inc.
TEST_F(GenerationTest, ModelsOwnOptions) {
  open(descriptor, 3);
  ASSERT_EQ(generate(3, nullptr), VITC_OK) << error.message;
  EXPECT_EQ(read(), (Tokens{{2, 4, 8}, {0, 0, 0}, {4, 0, 4, 6, 5, 2, 0, 2}}));
}

TEST_F(GenerationTest, Beams) {
  open(descriptor, 6);
  ASSERT_EQ(vitc_model_generation_options(model, &options, &error), VITC_OK);
  EXPECT_EQ(options.beams, 1);
  EXPECT_EQ(options.max_length, kMaxLength);
  EXPECT_EQ(options.length_penalty, 1);
  options.beams = 3;
  ASSERT_EQ(generate(2, &options), VITC_OK) << error.message;
  EXPECT_EQ(read(), (Tokens{{2, 4, 8}, {0, 5, 6, 6, 7, 2, 6, 8, 3, 7, 9}}));
}

// Each token has the log probability that the sum is made of.
TEST_F(GenerationTest, ScoresOfTokens) {
  open(descriptor, 1);
  ASSERT_EQ(vitc_model_generation_options(model, &options, &error), VITC_OK);
  options.length_penalty = 0;
  options.max_length = 4;
  ASSERT_EQ(generate(1, &options), VITC_OK) << error.message;
  vitc_generated_t item;
  ASSERT_EQ(vitc_generation_item(generation, 0, &item, &error), VITC_OK);
  ASSERT_EQ(item.num_tokens, 3);
  float sum = 0;
  for (int64_t i = 0; i < item.num_tokens; ++i) {
    EXPECT_LT(item.token_scores[i], 0);
    sum += item.token_scores[i];
  }
  EXPECT_NEAR(item.score, sum, 1e-5);
  EXPECT_EQ(item.text, nullptr);
  EXPECT_EQ(item.attention, nullptr);
}

// A prompt comes behind the start token.
TEST_F(GenerationTest, GoesOnFromAPrompt) {
  open(descriptor, 1);
  const int64_t prompt[] = {2, 4};
  input.prompt = prompt;
  input.prompt_length = 2;
  ASSERT_EQ(generate(1, nullptr), VITC_OK) << error.message;
  EXPECT_EQ(read(), (Tokens{{8}}));
}

TEST_F(GenerationTest, TellsTokens) {
  open(descriptor, 1);
  std::vector<int64_t> told;
  input.data = &told;
  input.on_token = [](void *data, int64_t token) {
    static_cast<std::vector<int64_t> *>(data)->push_back(token);
  };
  ASSERT_EQ(generate(1, nullptr), VITC_OK) << error.message;
  EXPECT_EQ(Tokens{told}, read());
}

// Between its steps, too.
TEST_F(GenerationTest, NobodyElseUsesTheSession) {
  struct Caller {
    vitc_session_t *session;
    vitc_error_t error = {};
    vitc_status_t status = VITC_OK;
  };
  open(descriptor, 1);
  Caller caller{session};
  input.data = &caller;
  input.on_token = [](void *data, int64_t) {
    Caller &caller = *static_cast<Caller *>(data);
    std::thread other([&] {
      caller.status = vitc_session_run_entry(caller.session, "step", nullptr,
                                             nullptr, &caller.error);
    });
    other.join();
  };
  ASSERT_EQ(generate(1, nullptr), VITC_OK) << error.message;
  EXPECT_EQ(caller.status, VITC_INVALID_ARGUMENT);
  EXPECT_STREQ(caller.error.message,
               "the session is in use, by another thread or the caller of "
               "on_token; needs one of its own");
}

TEST_F(GenerationTest, RejectsOptions) {
  open(descriptor, 4);
  auto reject = [&](vitc_generation_options_t wrong, const char *message) {
    expectError(generate(2, &wrong), VITC_INVALID_ARGUMENT, message);
  };
  ASSERT_EQ(vitc_model_generation_options(model, &options, &error), VITC_OK);
  vitc_generation_options_t wrong = options;
  wrong.beams = 3;
  reject(wrong, "2 items with 3 beams are 6 rows; the session was created for "
                "at most 4");
  wrong.beams = 0;
  reject(wrong, "beams are 0; needs 1 to 1024");
  wrong.beams = 1025;
  reject(wrong, "beams are 1025; needs 1 to 1024");
  wrong = options;
  wrong.max_length = 13;
  reject(wrong, "the maximum length is 13 tokens; the model needs 1 to 12");
  wrong = options;
  wrong.early_stopping = 3;
  reject(wrong, "early_stopping is 3; needs one of vitc_early_stopping");
  wrong = options;
  wrong.length_penalty = NAN;
  reject(wrong, "length_penalty is nan; needs a finite number");
}

TEST_F(GenerationTest, RejectsInputs) {
  open(descriptor, 2);
  expectError(generate(3, nullptr), VITC_INVALID_ARGUMENT,
              "input 'seeds' has batch 3; the session was created for at most "
              "2");
  input.prompt_length = -1;
  expectError(generate(1, nullptr), VITC_INVALID_ARGUMENT,
              "prompt_length is -1; needs 0 or more");
  input.prompt_length = 1;
  expectError(generate(1, nullptr), VITC_INVALID_ARGUMENT,
              "prompt is NULL; needs a value");
  input = {};
  expectError(
      vitc_session_generate(session, &input, nullptr, &generation, &error),
      VITC_INVALID_ARGUMENT, "inputs is NULL; needs a value");
  expectError(
      vitc_session_generate(session, nullptr, nullptr, &generation, &error),
      VITC_INVALID_ARGUMENT, "input is NULL; needs a value");
}

// A score is looked up for each token of the prompt.
TEST_F(GenerationTest, RejectsTokensOutsideTheVocabulary) {
  descriptor.generation.repetitionPenalty = 2;
  open(descriptor, 1);
  input.prompt_length = 1;
  int64_t token = -1;
  input.prompt = &token;
  expectError(generate(1, nullptr), VITC_INVALID_ARGUMENT,
              "the prompt has token -1; needs 0 to 10");
  token = kVocabulary;
  expectError(generate(1, nullptr), VITC_INVALID_ARGUMENT,
              "the prompt has token 11; needs 0 to 10");
}

// What cannot be done is told before the encoder's work.
TEST_F(GenerationTest, ChecksBeforeItEncodes) {
  auto neverRun = [](Context *) { FAIL() << "the encoder ran"; };
  for (CodeDescriptor &code : encodeCodes)
    code.function = neverRun;
  open(descriptor, 2);
  ASSERT_EQ(vitc_model_generation_options(model, &options, &error), VITC_OK);
  options.beams = 2;
  expectError(generate(2, &options), VITC_INVALID_ARGUMENT,
              "2 items with 2 beams are 4 rows; the session was created for "
              "at most 2");
  input.attention = 1;
  expectError(generate(1, nullptr), VITC_UNSUPPORTED,
              "the model's step attends to no source; needs one that does, "
              "compiled with its attention maps");
}

TEST_F(GenerationTest, TellsAttention) {
  descriptor.generation.attention = 0;
  open(descriptor, 1);
  input.attention = 1;
  ASSERT_EQ(generate(1, nullptr), VITC_OK) << error.message;
  vitc_generated_t item;
  ASSERT_EQ(vitc_generation_item(generation, 0, &item, &error), VITC_OK);
  EXPECT_EQ(item.num_tokens, 3);
  EXPECT_EQ(item.num_keys, kVocabulary);
  EXPECT_NE(item.attention, nullptr);
}

TEST_F(GenerationTest, MapsOfAStepAreNotOfARun) {
  open(descriptor, 1);
  vitc_selection_t selection = {};
  expectError(vitc_session_run_attention(session, nullptr, nullptr, &selection,
                                         &tensor, &error),
              VITC_UNSUPPORTED,
              "the model generates tokens; their attention needs "
              "vitc_session_generate");
}

TEST_F(GenerationTest, RejectsAnItem) {
  open(descriptor, 1);
  ASSERT_EQ(generate(1, nullptr), VITC_OK) << error.message;
  vitc_generated_t item;
  EXPECT_EQ(vitc_generation_item(generation, 1, &item, &error),
            VITC_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "item index is 1; 1 were generated");
  EXPECT_EQ(vitc_generation_num_items(nullptr), 0);
}

TEST_F(GenerationTest, NeedsAModelThatGenerates) {
  open(fake.descriptor, 1);
  expectError(vitc_model_generation_options(model, &options, &error),
              VITC_UNSUPPORTED,
              "the model generates no tokens; needs one that does");
  expectError(generate(1, nullptr), VITC_UNSUPPORTED,
              "the model generates no tokens; needs one that does");
}

TEST_F(GenerationTest, NeedsATokenizerForText) {
  open(descriptor, 1);
  vitc_text_info_t info;
  int64_t ids[1], count;
  const char *message = "the model has no tokenizer; needs one that was "
                        "compiled from a folder with it";
  expectError(vitc_model_text(model, &info, &error), VITC_UNSUPPORTED, message);
  expectError(
      vitc_model_tokenize(model, "a", ids, nullptr, nullptr, &count, &error),
      VITC_UNSUPPORTED, message);
}
