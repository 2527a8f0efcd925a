//===- FakeGenerator.cpp - A generating model written by hand -------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeGenerator.h"

#include <cmath>
#include <cstring>

using namespace vitc::rt;
using namespace vitc::rt::test;

static constexpr int64_t kVocabulary = FakeGenerator::kVocabulary,
                         kMaxLength = FakeGenerator::kMaxLength;

static const int64_t kBatch[] = {-1}, kToken[] = {-1, 1}, kOne[] = {1},
                     kCache[] = {-1, kMaxLength, 1},
                     kLogits[] = {-1, kVocabulary};
static const TensorDescriptor kEncodeInputs[] = {
    {"seeds", kBatch, 1, VITC_I64}};
static const TensorDescriptor kEncodeOutputs[] = {
    {"seed", kBatch, 1, VITC_I64}};
static const TensorDescriptor kStepInputs[] = {{"token", kToken, 2, VITC_I64},
                                               {"position", kOne, 1, VITC_I64},
                                               {"seed", kBatch, 1, VITC_I64},
                                               {"tokens", kCache, 3, VITC_I64},
                                               {"hash", kBatch, 1, VITC_I64}};
static const TensorDescriptor kStepOutputs[] = {
    {"logits", kLogits, 2, VITC_F32}, {"hash", kBatch, 1, VITC_I64}};
static const StateDescriptor kStates[] = {{3, -1, -1}, {4, 1, -1}};
static const MemoryDescriptor kMemories[] = {{2, 0, -1}};
static const int64_t kStart[] = {5}, kEnd[] = {1};

static void encode(Context *context) {
  std::memcpy(context->outputs[0], context->inputs[0],
              context->batch * sizeof(int64_t));
}

static void step(Context *context) {
  auto input = [&](int32_t index) {
    return static_cast<const int64_t *>(context->inputs[index]);
  };
  int64_t position = *input(1);
  for (int64_t row = 0; row < context->batch; ++row) {
    int64_t token = input(0)[row], seed = input(2)[row];
    int64_t *tokens = const_cast<int64_t *>(input(3)) + row * kMaxLength;
    tokens[position] = token;
    int64_t hash = (input(4)[row] * 31 + token + 1) % 1000003, expected = 0;
    for (int64_t i = 0; i <= position; ++i)
      expected = (expected * 31 + tokens[i] + 1) % 1000003;
    static_cast<int64_t *>(context->outputs[1])[row] = hash;
    auto *logits =
        static_cast<float *>(context->outputs[0]) + row * kVocabulary;
    for (int64_t next = 0; next < kVocabulary; ++next) {
      int64_t number =
          seed * 15485863 + position * 1299709 + token * 7919 + next * 104729;
      logits[next] = hash == expected && token != FakeGenerator::kNoScores
                         ? static_cast<float>(number % 1009 / 100.0)
                         : std::nanf("");
    }
  }
}

FakeGenerator::FakeGenerator() {
  for (const char *isa : FakeModel::isaLevels()) {
    encodeCodes.push_back({isa, encode, 0, nullptr, 0, 0});
    stepCodes.push_back({isa, step, 0, nullptr, 0, 0});
  }
  auto numCodes = static_cast<int32_t>(stepCodes.size());
  entries[0] = {"encode", kEncodeInputs,      kEncodeOutputs, 1, 1, 0,
                0,        encodeCodes.data(), numCodes,       0};
  entries[1] = {"step", kStepInputs, kStepOutputs,     5,        2,
                0,      0,           stepCodes.data(), numCodes, 0};
  descriptor = fake.descriptor;
  descriptor.task = static_cast<int32_t>(Task::Generation);
  descriptor.entries = entries;
  descriptor.numEntries = 2;
  descriptor.attention = {};
  GenerationDescriptor &generation = descriptor.generation;
  generation.states = kStates;
  generation.memories = kMemories;
  generation.numStates = 2;
  generation.numMemories = 1;
  generation.position = 1;
  generation.attention = -1;
  generation.start = {kStart, 1};
  generation.end = {kEnd, 1};
  generation.maxLength = kMaxLength;
  generation.forcedFirst = generation.forcedLast = -1;
  generation.beams = 1;
  generation.lengthPenalty = generation.repetitionPenalty = 1;
}
