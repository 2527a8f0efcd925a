//===- GeneratorTest.cpp - Generation with states and memory --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generate/Generator.h"

#include "FakeGenerator.h"
#include "Status.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace vitc::rt;
using vitc::rt::test::FakeGenerator;

namespace {
/// Runs a model and its searches.
class GeneratorTest : public ::testing::Test, protected FakeGenerator {
protected:
  std::vector<std::vector<int64_t>>
  generateTokens(int32_t beams, const TokenFn &onToken, int64_t items) {
    vitc_model model(runtime, descriptor, nullptr);
    GenerationOptions options(descriptor.generation);
    options.beams = beams;
    vitc_session session(model, countRows(options, items));
    NpyArray seeds = makeArray(entries[0].inputs[0], items);
    for (int64_t item = 0; item < items; ++item)
      std::memcpy(seeds.bytes.data() + item * sizeof(item), &item,
                  sizeof(item));
    GenerationInput input = {{seeds}, {}, items};
    runEncoder(session, input);
    std::vector<std::vector<int64_t>> tokens;
    for (const Generated &item : generate(session, input, options, onToken))
      tokens.push_back(item.tokens);
    return tokens;
  }

  vitc_runtime runtime{1};
};
} // namespace

using Tokens = std::vector<std::vector<int64_t>>;

// As transformers chooses for the first cases of GenerationCases.inc.
TEST_F(GeneratorTest, GreedyItemsOfABatch) {
  EXPECT_EQ(generateTokens(1, nullptr, 6),
            (Tokens{{2, 4, 8},
                    {0, 0, 0},
                    {4, 0, 4, 6, 5, 2, 0, 2},
                    {3, 0, 7, 3, 6, 0, 0, 5, 2, 0, 2},
                    {},
                    {0, 4, 2, 4, 3, 4, 4, 0, 3, 2, 3}}));
}

TEST_F(GeneratorTest, BeamsReorderStates) {
  EXPECT_EQ(generateTokens(3, nullptr, 6),
            (Tokens{{2, 4, 8},
                    {0, 5, 6, 6, 7, 2, 6, 8, 3, 7, 9},
                    {9, 6, 4, 6, 5, 2, 0, 7, 2, 6, 4},
                    {3, 0, 7, 8, 3, 2, 3, 3, 4, 8},
                    {},
                    {0, 9, 3, 3, 4, 8}}));
}

TEST_F(GeneratorTest, StreamsTokens) {
  for (int32_t beams : {1, 3}) {
    std::vector<int64_t> streamed;
    Tokens tokens = generateTokens(
        beams, [&](int64_t token) { streamed.push_back(token); }, 1);
    EXPECT_EQ(streamed, tokens.front());
  }
}

// The padding behind a text that ended may score what it likes.
TEST_F(GeneratorTest, ScoresBehindTheEndDoNotCount) {
  descriptor.generation.pad = FakeGenerator::kNoScores;
  EXPECT_EQ(generateTokens(1, nullptr, 3),
            (Tokens{{2, 4, 8}, {0, 0, 0}, {4, 0, 4, 6, 5, 2, 0, 2}}));
}

TEST_F(GeneratorTest, RepeatsEachItemsMemory) {
  vitc_model model(runtime, descriptor, nullptr);
  vitc_session session(model, 4);
  auto messageOf = [&](int64_t found, int64_t items) {
    NpyArray memory = makeArray(entries[0].outputs[0], found);
    try {
      StepRunner steps(session, {memory}, {keep(session, memory)}, items,
                       /*rowsPerItem=*/2);
    } catch (const Failure &failure) {
      return std::string(failure.what());
    }
    return std::string();
  };
  EXPECT_EQ(messageOf(2, 2), "");
  EXPECT_EQ(messageOf(1, 2), ""); // one for all
  EXPECT_EQ(messageOf(4, 2), "'seed' has 4 items; the batch has 2, needs as "
                             "many, or 1 for all");
}

TEST_F(GeneratorTest, StepsOfFixedRows) {
  std::vector<TensorDescriptor> inputs(
      entries[1].inputs, entries[1].inputs + entries[1].numInputs);
  static const int64_t kFourRows[] = {4, 1};
  inputs[0].dims = kFourRows;
  entries[1].inputs = inputs.data();
  vitc_model model(runtime, descriptor, nullptr);
  vitc_session session(model, 6);
  NpyArray seeds = makeArray(entries[0].inputs[0], 2);
  std::vector<KeptTensor> kept = {keep(session, seeds)};
  EXPECT_NO_THROW(StepRunner(session, {seeds}, kept, 2, 2));
  try {
    StepRunner(session, {seeds}, kept, 2, 3);
    FAIL() << "6 rows of 4";
  } catch (const Failure &failure) {
    EXPECT_STREQ(failure.what(), "2 items with 3 beams are 6 rows; the model "
                                 "was compiled for a batch of 4");
  }
}

// A memory without rows is taken as it is.
TEST_F(GeneratorTest, MemoryOfAnotherSize) {
  std::vector<TensorDescriptor> inputs(
      entries[1].inputs, entries[1].inputs + entries[1].numInputs);
  static const int64_t kThree[] = {3};
  inputs[2].dims = kThree;
  entries[1].inputs = inputs.data();
  vitc_model model(runtime, descriptor, nullptr);
  vitc_session session(model, 2);
  NpyArray seeds = makeArray(entries[0].inputs[0], 2);
  try {
    StepRunner(session, {seeds}, {keep(session, seeds)}, 2, 1);
    FAIL() << "two numbers for three";
  } catch (const Failure &failure) {
    EXPECT_STREQ(failure.what(), "'seed' is made with 16 bytes; the model's "
                                 "step needs 24");
  }
}

TEST_F(GeneratorTest, RejectsScores) {
  static float score;
  auto messageOf = [&](float value) {
    score = value;
    for (CodeDescriptor &code : stepCodes)
      code.function = [](Context *context) {
        auto *logits = static_cast<float *>(context->outputs[0]);
        std::fill(logits, logits + kVocabulary, -HUGE_VALF);
        logits[4] = score;
      };
    try {
      generateTokens(1, nullptr, 1);
    } catch (const Failure &failure) {
      return std::string(failure.what());
    }
    return std::string();
  };
  EXPECT_EQ(messageOf(1), "");
  EXPECT_EQ(messageOf(std::nanf("")), "the model's score of token 4 is nan; "
                                      "needs a finite number, or -inf");
  EXPECT_EQ(messageOf(HUGE_VALF), "the model's score of token 4 is inf; needs "
                                  "a finite number, or -inf");
  EXPECT_EQ(messageOf(-HUGE_VALF), "the model's score of every token is -inf; "
                                   "needs one that is finite");
}

// A cache may be filled otherwise than token by token: all of it is copied.
TEST_F(GeneratorTest, ReorderedStatesAreWhole) {
  static const int64_t kTables[] = {-1, FakeGenerator::kMaxLength, 1};
  static const TensorDescriptor kOutputs[] = {entries[0].outputs[0],
                                              {"table", kTables, 3, VITC_I64}};
  static const StateDescriptor kStates[] = {{3, -1, 1}, {4, 1, -1}};
  entries[0].outputs = kOutputs;
  entries[0].numOutputs = 2;
  descriptor.generation.states = kStates;
  for (CodeDescriptor &code : stepCodes) // tells the end of each table
    code.function = [](Context *context) {
      for (int64_t row = 0; row < context->batch; ++row)
        static_cast<float *>(context->outputs[0])[row * kVocabulary] =
            static_cast<float>(static_cast<const int64_t *>(
                context->inputs[3])[(row + 1) * kMaxLength - 1]);
    };
  vitc_model model(runtime, descriptor, nullptr);
  vitc_session session(model, 2);
  NpyArray seeds = makeArray(kOutputs[0], 2), table = makeArray(kOutputs[1], 2);
  int64_t last = 42;
  std::memcpy(table.bytes.data() + table.bytes.size() - sizeof(last), &last,
              sizeof(last));
  StepRunner steps(session, {seeds},
                   {keep(session, seeds), keep(session, table)}, 2,
                   /*rowsPerItem=*/1);
  const float *logits = steps.run({1, 2});
  EXPECT_EQ(logits[0], 0);
  EXPECT_EQ(logits[kVocabulary], 42);
  steps.reorder({1, 0});
  logits = steps.run({1, 2});
  EXPECT_EQ(logits[0], 42);
  EXPECT_EQ(logits[kVocabulary], 0);
}

TEST_F(GeneratorTest, RejectsLengths) {
  GenerationOptions options(descriptor.generation);
  EXPECT_NO_THROW(checkGeneration(descriptor.generation, options, {}));
  auto messageOf = [&](const std::vector<int64_t> &prompt) {
    try {
      checkGeneration(descriptor.generation, options, prompt);
    } catch (const Failure &failure) {
      return std::string(failure.what());
    }
    return std::string();
  };
  EXPECT_EQ(messageOf(std::vector<int64_t>(11, 2)),
            "generation starts with 12 tokens; needs less than 12, the maximum "
            "length");
  options.maxLength = 13;
  EXPECT_EQ(messageOf({}),
            "the maximum length is 13 tokens; the model needs 1 to 12");
  options.maxLength = 4;
  options.minLength = 5;
  EXPECT_EQ(messageOf({}),
            "the minimum length is 5 tokens; needs 0 to 4, the maximum");
}
