//===- CudaGeneratorTest.cpp - Generation on a GPU ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cuda/FakeGpuModel.h"
#include "Generate/Generator.h"
#include "Session.h"

#include <cstring>

using namespace vitc::rt;
using namespace vitc::rt::test;

using Tokens = std::vector<std::vector<int64_t>>;

namespace {
class CudaGeneratorTest : public FakeCudaTest {
protected:
  /// Of items with seeds from 0 on.
  Tokens generateTokens(vitc_session &session, int32_t beams, int64_t items) {
    const vitc_model &model = session.getModel();
    GenerationOptions options(model.descriptor.generation);
    options.beams = beams;
    NpyArray seeds = makeArray(model.main.descriptor->inputs[0], items);
    for (int64_t item = 0; item < items; ++item)
      std::memcpy(seeds.bytes.data() + item * sizeof(item), &item,
                  sizeof(item));
    GenerationInput input = {{seeds}, {}, items};
    runEncoder(session, input);
    Tokens tokens;
    for (const Generated &item : generate(session, input, options, nullptr))
      tokens.push_back(item.tokens);
    return tokens;
  }

  Tokens generateOnCpu(int32_t beams, int64_t items) {
    FakeGenerator onCpu;
    vitc_model model(runtime, onCpu.descriptor, nullptr);
    vitc_session session(model, beams * items);
    return generateTokens(session, beams, items);
  }

  vitc_runtime runtime{1};
  FakeGpuGenerator fake;
};
} // namespace

TEST_F(CudaGeneratorTest, GeneratesWhatTheProcessorDoes) {
  for (int32_t beams : {1, 3}) {
    vitc_model model(runtime, fake.descriptor, nullptr);
    vitc_session session(model, 6 * beams);
    EXPECT_EQ(generateTokens(session, beams, 6), generateOnCpu(beams, 6));
    // Again, in the memory of the first.
    EXPECT_EQ(generateTokens(session, beams, 6), generateOnCpu(beams, 6));
  }
}

// Token and position go there, scores come back.
TEST_F(CudaGeneratorTest, StatesStayOnTheDevice) {
  vitc_model model(runtime, fake.descriptor, nullptr);
  vitc_session session(model, 4);
  NpyArray seeds = makeArray(fake.entries[0].inputs[0], 2);
  GenerationInput input = {{seeds}, {}, 2};
  runEncoder(session, input);
  EXPECT_EQ(cuda.calls["cuMemcpyDtoHAsync_v2"], 0);
  StepRunner steps(session, input.inputs, input.outputs, 2, /*rowsPerItem=*/2);
  steps.run({1, 1, 1, 1});
  auto count = [&](const char *symbol) {
    return std::exchange(cuda.calls[symbol], 0);
  };
  count("cuMemcpyHtoDAsync_v2");
  count("cuMemcpyDtoHAsync_v2");
  count("cuMemcpyDtoDAsync_v2");
  steps.run({1, 2, 3, 4});
  EXPECT_EQ(count("cuMemcpyHtoDAsync_v2"), 2);
  EXPECT_EQ(count("cuMemcpyDtoHAsync_v2"), 1);
  EXPECT_EQ(count("cuMemcpyDtoDAsync_v2"), 0);
  steps.reorder({3, 2, 1, 0});
  EXPECT_EQ(count("cuMemcpyHtoDAsync_v2"), 0);
  EXPECT_EQ(count("cuMemcpyDtoHAsync_v2"), 0);
  EXPECT_EQ(count("cuMemcpyDtoDAsync_v2"), 2 * 4); // rows of two states
}

// A state that is returned lies now in one buffer, now in another: two graphs,
// which the next text finds.
TEST_F(CudaGeneratorTest, TextsShareGraphsAndMemory) {
  vitc_model model(runtime, fake.descriptor, nullptr);
  vitc_session session(model, 6);
  generateTokens(session, 1, 6);
  EXPECT_EQ(cuda.calls["cuGraphInstantiateWithFlags"], 3); // and "encode"
  generateTokens(session, 1, 6); // "encode", since when memory grew
  int graphs = cuda.calls["cuGraphInstantiateWithFlags"];
  int allocations = cuda.calls["cuMemAlloc_v2"];
  generateTokens(session, 1, 6);
  EXPECT_EQ(cuda.calls["cuGraphInstantiateWithFlags"], graphs);
  EXPECT_EQ(cuda.calls["cuMemAlloc_v2"], allocations);
}

// "encode" runs on the items, "step" on the beams of each: a session has memory
// for rows of "step", and more when "encode" needs it.
TEST_F(CudaGeneratorTest, TakesMemoryForRowsOfTheStep) {
  fake.entries[0].arenaPerBatch = 1000;
  fake.entries[1].arenaPerBatch = 10;
  vitc_model model(runtime, fake.descriptor, nullptr);
  vitc_session session(model, 6);
  EXPECT_EQ(session.getArenaBytes(), 6 * 10);
  EXPECT_EQ(generateTokens(session, 3, 2), generateOnCpu(3, 2));
  EXPECT_EQ(session.getArenaBytes(), 2 * 1000);
}

// What texts of another batch have left is freed where there is no room.
TEST_F(CudaGeneratorTest, FreesBuffersThatNoneUses) {
  vitc_model model(runtime, fake.descriptor, nullptr);
  vitc_session session(model, 6);
  generateTokens(session, 1, 5);
  EXPECT_GT(cuda.calls["cuMemAlloc_v2"], 0);
  cuda.memoryBytes = cuda.usedBytes + 500;
  EXPECT_EQ(generateTokens(session, 1, 6), generateOnCpu(1, 6));
  EXPECT_GT(cuda.calls["cuMemFree_v2"], 0);
}

// The states of a caller that runs "step" itself are on the host. The one that
// is updated comes back through the page-locked memory that it went through.
TEST_F(CudaGeneratorTest, StepUpdatesTheCallersStates) {
  vitc_model model(runtime, fake.descriptor, nullptr);
  vitc_session session(model, 1);
  std::vector<NpyArray> inputs, outputs;
  std::vector<vitc_tensor_t> in, out;
  for (int32_t i = 0; i < 5; ++i)
    inputs.push_back(makeArray(fake.entries[1].inputs[i], 1));
  for (int32_t i = 0; i < 2; ++i)
    outputs.push_back(makeArray(fake.entries[1].outputs[i], 1));
  inputs[0].bytes[0] = 7; // the token
  inputs[1].bytes[0] = 2; // the position
  for (NpyArray &array : inputs)
    in.push_back(array.tensor());
  for (NpyArray &array : outputs)
    out.push_back(array.tensor());
  vitc_error_t error = {};
  ASSERT_EQ(
      vitc_session_run_entry(&session, "step", in.data(), out.data(), &error),
      VITC_OK)
      << error.message;
  EXPECT_EQ(inputs[3].bytes[2 * sizeof(int64_t)], 7);
  EXPECT_EQ(outputs[1].bytes[0], 8);       // the hash
  EXPECT_EQ(cuda.lockedCopies, 5 + 1 + 2); // inputs, state, outputs
}
