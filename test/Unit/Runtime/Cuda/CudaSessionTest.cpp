//===- CudaSessionTest.cpp - The C ABI on a GPU ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cuda/FakeGpuModel.h"
#include "Session.h"
#include "Status.h"

#include <cstring>
#include <numeric>

using namespace vitc::rt;
using namespace vitc::rt::cuda;
using namespace vitc::rt::test;

namespace {
/// A session and the tensors of a run, of FakeModel on the processor or of
/// FakeGpuModel.
class CudaSessionTest : public FakeCudaTest {
protected:
  void TearDown() override {
    stop();
    FakeCudaTest::TearDown();
  }

  void stop() {
    vitc_session_destroy(session);
    vitc_model_destroy(model);
    vitc_runtime_destroy(runtime);
    session = nullptr, model = nullptr, runtime = nullptr;
  }

  vitc_status_t create(const FakeModel &fake, int64_t maxBatch) {
    EXPECT_EQ(vitc_runtime_create(1, &runtime, &error), VITC_OK);
    EXPECT_EQ(
        vitc_model_create(runtime, &fake.descriptor, nullptr, &model, &error),
        VITC_OK)
        << error.message;
    return vitc_session_create(model, maxBatch, &session, &error);
  }
  void start(const FakeModel &fake, int64_t maxBatch) {
    ASSERT_EQ(create(fake, maxBatch), VITC_OK) << error.message;
  }

  void makeTensors(int64_t batch) {
    pixels.resize(batch * FakeModel::kPixels);
    std::iota(pixels.begin(), pixels.end(), 0.0f);
    logits.assign(batch * FakeModel::kClasses, -1.0f);
    maps.assign(batch * FakeModel::kHeads * 2 * FakeModel::kKeys, -1.0f);
    input = {pixels.data(), VITC_F32, 4, {batch, 3, 8, 8}};
    output = {logits.data(), VITC_F32, 2, {batch, 4}};
    mapTensors[1] = {maps.data(), VITC_F32, 5, {batch, 1, 3, 2, 5}};
  }

  void run(int64_t batch) {
    makeTensors(batch);
    ASSERT_EQ(vitc_session_run(session, &input, &output, &error), VITC_OK)
        << error.message;
  }

  std::vector<float> runOnCpu(int64_t batch) {
    FakeModel onCpu;
    start(onCpu, batch);
    run(batch);
    stop();
    return logits;
  }

  void expectRunError(vitc_status_t status, const char *message) {
    makeTensors(1);
    EXPECT_EQ(vitc_session_run(session, &input, &output, &error), status);
    EXPECT_STREQ(error.message, message);
  }

  FakeGpuModel fake;
  vitc_error_t error = {};
  vitc_runtime_t *runtime = nullptr;
  vitc_model_t *model = nullptr;
  vitc_session_t *session = nullptr;
  std::vector<float> pixels, logits, maps;
  vitc_tensor_t input = {}, output = {}, mapTensors[2] = {};
  // Layer 0 is skipped: its tensor has no memory.
  vitc_selection_t selections[2] = {{0, 0}, {1, 2}};
};
} // namespace

TEST_F(CudaSessionTest, ComputesWhatTheProcessorDoes) {
  std::vector<float> expected = runOnCpu(3);
  start(fake, 3);
  run(3);
  EXPECT_EQ(logits, expected);
  EXPECT_EQ(cuda.launches,
            (std::vector<FakeLaunch>{{"mean", 9, 64, 0},
                                     {"logits", 3, 128, 64 << 10}}));
}

TEST_F(CudaSessionTest, LaunchesAGraphForEachBatch) {
  start(fake, 3);
  for (int64_t batch : {3, 2, 3, 3, 2}) {
    run(batch);
    EXPECT_EQ(logits[4 * batch - 1], logits[3] + 192.0f * (batch - 1));
  }
  EXPECT_EQ(cuda.calls["cuGraphInstantiateWithFlags"], 2);
  EXPECT_EQ(cuda.calls["cuGraphLaunch"], 5);
  EXPECT_EQ(cuda.calls["cuLaunchKernel"], 4); // while capturing
  EXPECT_EQ(cuda.launches.size(), 10u);
}

// Graphs of so many batches are forgotten, not kept for ever.
TEST_F(CudaSessionTest, ForgetsGraphsOfManyBatches) {
  constexpr int64_t kGraphs = 64;
  start(fake, kGraphs + 1);
  for (int64_t batch = 1; batch <= kGraphs; ++batch)
    run(batch);
  EXPECT_EQ(cuda.alive["executable graph"], kGraphs);
  run(kGraphs + 1);
  EXPECT_EQ(cuda.alive["executable graph"], 1);
  run(1);
  EXPECT_EQ(cuda.calls["cuGraphInstantiateWithFlags"], kGraphs + 2);
  EXPECT_EQ(cuda.alive["executable graph"], 2);
}

TEST_F(CudaSessionTest, SessionsShareCodeAndWeights) {
  start(fake, 2);
  int uploads = cuda.calls["cuMemcpyHtoDAsync_v2"];
  EXPECT_EQ(uploads, 1);
  vitc_session_t *other = nullptr;
  ASSERT_EQ(vitc_session_create(model, 1, &other, &error), VITC_OK);
  EXPECT_EQ(cuda.calls["cuMemcpyHtoDAsync_v2"], uploads);
  EXPECT_EQ(cuda.calls["cuModuleLoadDataEx"], 1);
  makeTensors(1);
  ASSERT_EQ(vitc_session_run(other, &input, &output, &error), VITC_OK);
  std::vector<float> expected = logits;
  run(1);
  EXPECT_EQ(logits, expected);
  vitc_session_destroy(other);
}

// The caller's context, if it has one, is again behind each call.
TEST_F(CudaSessionTest, LeavesTheThreadsContext) {
  start(fake, 1);
  run(1);
  EXPECT_EQ(cuda.calls["cuCtxPushCurrent_v2"],
            cuda.calls["cuCtxPopCurrent_v2"]);
}

TEST_F(CudaSessionTest, TakesItsMemoryAtFirst) {
  start(fake, 4);
  int allocations = cuda.calls["cuMemAlloc_v2"];
  EXPECT_EQ(session->getArenaBytes(), 4 * 3 * 4);
  EXPECT_EQ(session->getArenaData(), nullptr);
  for (int64_t batch : {1, 4, 2})
    run(batch);
  EXPECT_EQ(cuda.calls["cuMemAlloc_v2"], allocations);
}

// 2,304,000 bytes of pixels: two pieces of 1 MiB and the rest.
TEST_F(CudaSessionTest, CopiesInPiecesOfLockedMemory) {
  constexpr int64_t batch = 3000;
  start(fake, batch);
  EXPECT_EQ(cuda.calls["cuMemHostAlloc"], 1);
  for (int i = 0; i < 2; ++i) {
    int copies = cuda.calls["cuMemcpyHtoDAsync_v2"];
    run(batch);
    EXPECT_EQ(cuda.calls["cuMemcpyHtoDAsync_v2"], copies + 3);
    EXPECT_FLOAT_EQ(logits[4 * batch - 1], logits[3] + 192.0f * (batch - 1));
  }
  EXPECT_EQ(cuda.calls["cuMemHostAlloc"], 1);
  EXPECT_EQ(cuda.alive["locked memory"], 1);
  stop();
  EXPECT_EQ(cuda.alive["locked memory"], 0);
}

// The driver copies then, which takes longer, and is not asked at each run.
TEST_F(CudaSessionTest, NoLockedMemory) {
  std::vector<float> expected = runOnCpu(2);
  cuda.results["cuMemHostAlloc"] = CUDA_ERROR_OUT_OF_MEMORY;
  start(fake, 2);
  for (int i = 0; i < 3; ++i) {
    run(2);
    EXPECT_EQ(logits, expected);
  }
  EXPECT_EQ(cuda.calls["cuMemHostAlloc"], 1);
  EXPECT_EQ(cuda.lockedCopies, 0);
}

// What there is serves on where more is refused, as maps need it, once.
TEST_F(CudaSessionTest, NoMoreLockedMemory) {
  start(fake, 2);
  cuda.results["cuMemHostAlloc"] = CUDA_ERROR_OUT_OF_MEMORY;
  makeTensors(2);
  for (int i = 0; i < 2; ++i)
    ASSERT_EQ(vitc_session_run_attention(session, &input, &output, selections,
                                         mapTensors, &error),
              VITC_OK)
        << error.message;
  EXPECT_EQ(cuda.calls["cuMemHostAlloc"], 2);
  cuda.lockedCopies = 0;
  run(2);
  EXPECT_EQ(cuda.lockedCopies, 2);
}

// A tensor that is larger than all memory that may be locked, 256 MiB, goes
// beside it.
TEST_F(CudaSessionTest, MoreThanMayBeLocked) {
  constexpr int64_t batch = 350000;
  start(fake, batch);
  int copies = cuda.calls["cuMemcpyHtoDAsync_v2"];
  run(batch);
  EXPECT_EQ(cuda.calls["cuMemcpyHtoDAsync_v2"], copies + 1);
  EXPECT_EQ(logits[4], logits[0] + 192.0f);
}

// The locked memory of a run that failed may still be read by the GPU.
TEST_F(CudaSessionTest, WaitsForARunThatFailed) {
  start(fake, 1);
  makeTensors(1);
  int waits = cuda.calls["cuStreamSynchronize"];
  cuda.results["cuGraphLaunch"] = CUDA_ERROR_UNKNOWN;
  EXPECT_NE(vitc_session_run(session, &input, &output, &error), VITC_OK);
  EXPECT_EQ(cuda.calls["cuStreamSynchronize"], waits + 1);
  cuda.results.clear();
  run(1);
  EXPECT_EQ(cuda.calls["cuStreamSynchronize"], waits + 2);
}

TEST_F(CudaSessionTest, AttentionGivesTheSameOutputsAndTheMaps) {
  start(fake, 2);
  run(2);
  std::vector<float> expected = logits;
  makeTensors(2);
  ASSERT_EQ(vitc_session_run_attention(session, &input, &output, selections,
                                       mapTensors, &error),
            VITC_OK)
      << error.message;
  EXPECT_EQ(logits, expected);
  // Query 1 of head 0, then query 2 of head 2 of the last picture.
  EXPECT_FLOAT_EQ(maps[0], 2 / FakeModel::kSum);
  EXPECT_FLOAT_EQ(maps.back(), 4 / FakeModel::kSum);
}

TEST_F(CudaSessionTest, DevicesHaveNumbersAndNames) {
  cuda.devices.push_back({"Second GPU", 8, 0, 160 << 10});
  start(fake, 1);
  EXPECT_STREQ(vitc_model_device(model), "Fake GPU");
  EXPECT_STREQ(vitc_model_isa(model), "sm_90a");
  vitc_model_t *other = nullptr;
  ASSERT_EQ(vitc_model_create_on_device(runtime, &fake.descriptor, nullptr, 1,
                                        &other, &error),
            VITC_OK)
      << error.message;
  EXPECT_STREQ(vitc_model_device(other), "Second GPU");
  EXPECT_STREQ(vitc_model_isa(other), "sm_80");
  vitc_model_destroy(other);
}

TEST_F(CudaSessionTest, AModelForACpuHasNoDevice) {
  FakeModel onCpu;
  start(onCpu, 1);
  EXPECT_EQ(vitc_model_device(model), nullptr);
  EXPECT_EQ(vitc_model_device(nullptr), nullptr);
  vitc_model_t *other = nullptr;
  EXPECT_EQ(vitc_model_create_on_device(runtime, &onCpu.descriptor, nullptr, 1,
                                        &other, &error),
            VITC_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message,
               "GPU 1 was asked for; the model was compiled for a CPU");
  EXPECT_EQ(other, nullptr);
  EXPECT_EQ(cuda.calls["cuInit"], 0);
}

//===----------------------------------------------------------------------===//
// Times
//===----------------------------------------------------------------------===//

TEST_F(CudaSessionTest, TimesEachLaunchWithoutAGraph) {
  start(fake, 2);
  std::vector<SiteTime> times;
  session->recordTimes(&times);
  run(2);
  EXPECT_EQ(cuda.calls["cuGraphLaunch"], 0);
  ASSERT_EQ(times.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(times[i].site, i);
    EXPECT_EQ(times[i].batch, 2);
    EXPECT_EQ(times[i].begin, 2000 * i); // of FakeCuda's clock
    EXPECT_EQ(times[i].end, 2000 * (i + 1));
  }
  session->recordTimes(nullptr);
  run(2);
  EXPECT_EQ(times.size(), 2u);
  EXPECT_EQ(cuda.calls["cuGraphLaunch"], 1);
}

TEST_F(CudaSessionTest, TimesARunWithoutTheCopies) {
  start(fake, 2);
  double milliseconds = 0;
  session->getExecutor().recordDeviceTime(&milliseconds);
  run(2);
  run(2);
  EXPECT_FLOAT_EQ(milliseconds, 2 * 2 * 0.002);
}

//===----------------------------------------------------------------------===//
// Entries of all kinds
//===----------------------------------------------------------------------===//

TEST_F(CudaSessionTest, LaunchesWhatDependsOnTheDeviceWithoutAGraph) {
  for (CodeDescriptor &code : fake.forwardCodes) {
    code.readsDevice = 1;
    code.function = [](Context *context) {
      const void *arguments[] = {&context->inputs[0], &context->arena};
      float mean = -1;
      context->launch(context, 0, 0, 1, arguments);
      context->read(context, &mean, context->arena, sizeof(mean));
      // As often as the first channel's mean says.
      for (float i = 0; i < mean; ++i)
        context->launch(context, 0, 0, 1, arguments);
    };
  }
  start(fake, 1);
  run(1);
  EXPECT_EQ(cuda.launches.size(), 33u); // 31.5 more
  EXPECT_EQ(cuda.calls["cuGraphLaunch"], 0);
}

// It says so, as no value ends every loop.
TEST_F(CudaSessionTest, AReadThatFailsEndsTheRun) {
  for (CodeDescriptor &code : fake.forwardCodes) {
    code.readsDevice = 1;
    code.function = [](Context *context) {
      float mean = 0;
      const void *arguments[] = {&context->inputs[0], &context->arena};
      context->launch(context, 0, 0, 1, arguments);
      EXPECT_EQ(context->read(context, &mean, context->arena, sizeof(mean)), 1);
      EXPECT_EQ(context->read(context, &mean, nullptr, sizeof(mean)), 0);
      EXPECT_EQ(context->read(context, &mean, context->arena, sizeof(mean)), 0);
    };
  }
  start(fake, 1);
  expectRunError(VITC_INTERNAL, "the NVIDIA driver returns error 1 from "
                                "cuMemcpyDtoHAsync; needs success");
}

TEST_F(CudaSessionTest, AnEmptyGridIsNotLaunched) {
  for (CodeDescriptor &code : fake.forwardCodes)
    code.function = [](Context *context) {
      context->launch(context, 0, 0, 0, nullptr);
    };
  start(fake, 1);
  run(1);
  EXPECT_EQ(cuda.calls["cuLaunchKernel"], 0);
}

TEST_F(CudaSessionTest, RefusesLaunchesThatCannotBe) {
  for (CodeDescriptor &code : fake.forwardCodes)
    code.function = [](Context *context) {
      context->launch(context, 0, 7, 1, nullptr);
      context->launch(context, 0, 0, INT64_MAX, nullptr); // no longer looked at
    };
  start(fake, 1);
  expectRunError(VITC_INTERNAL, "kernel 7 was launched; the program's code for "
                                "sm_90a has 3");
  for (CodeDescriptor &code : fake.forwardCodes)
    code.function = [](Context *context) {
      context->launch(context, 0, 0, int64_t(1) << 31, nullptr);
    };
  expectRunError(VITC_OUT_OF_MEMORY,
                 "kernel 'mean' was launched with 2147483648 blocks; a GPU "
                 "takes 0 to 2147483647: use a smaller batch");
  // A capture that was given up leaves the stream as it was.
  for (CodeDescriptor &code : fake.forwardCodes)
    code.function = [](Context *) {};
  run(1);
}

//===----------------------------------------------------------------------===//
// Too little memory, and what a GPU reports late
//===----------------------------------------------------------------------===//

TEST_F(CudaSessionTest, NoRoomForTheArena) {
  fake.entries[0].arenaPerBatch = 4000;
  cuda.memoryBytes = 5016;
  EXPECT_EQ(create(fake, 2), VITC_OUT_OF_MEMORY);
  EXPECT_STREQ(error.message,
               "the GPU 'Fake GPU' has 3208 bytes free of 5016; needs 8000 for "
               "the session's arena: use a smaller batch, or compile the model "
               "for a CPU (vitc compile without --target)");
}

TEST_F(CudaSessionTest, NoRoomForInputsAndOutputs) {
  cuda.memoryBytes = 1500;
  EXPECT_EQ(create(fake, 2), VITC_OUT_OF_MEMORY);
  EXPECT_STREQ(error.message,
               "the GPU 'Fake GPU' has 1484 bytes free of 1500; needs 1792 for "
               "inputs and outputs: use a smaller batch, or compile the model "
               "for a CPU (vitc compile without --target)");
}

// Four pictures do not fit, nor do two at once: items that are independent run
// one by one, all of them in one graph.
TEST_F(CudaSessionTest, RunsInPartsWhatHasNoRoom) {
  std::vector<float> expected = runOnCpu(4);
  fake.entries[0].arenaPerBatch = 8000;
  fake.entries[0].independentItems = 1;
  cuda.memoryBytes = 15000;
  start(fake, 4);
  EXPECT_EQ(session->getArenaBytes(), 8000);
  int refused = cuda.calls["cuMemAlloc_v2"];
  run(4);
  run(4);
  EXPECT_EQ(logits, expected);
  EXPECT_EQ(cuda.calls["cuMemAlloc_v2"], refused); // none is tried again
  EXPECT_EQ(cuda.calls["cuGraphInstantiateWithFlags"], 1);
  ASSERT_EQ(cuda.launches.size(), 16u);
  EXPECT_EQ(cuda.launches[15], (FakeLaunch{"logits", 1, 128, 64 << 10}));
}

// Two pictures at once would fit if there were no inputs and outputs, which
// cannot be divided.
TEST_F(CudaSessionTest, InputsAndOutputsComeFirst) {
  fake.entries[0].arenaPerBatch = 8000;
  fake.entries[0].independentItems = 1;
  cuda.memoryBytes = 16 + 2 * 8000 + 2000;
  start(fake, 4);
  EXPECT_EQ(session->getArenaBytes(), 8000);
  int allocations = cuda.calls["cuMemAlloc_v2"];
  run(4);
  EXPECT_EQ(cuda.calls["cuMemAlloc_v2"], allocations);
}

// Memory for maps comes when they are asked for; where there is none the
// session does the rest.
TEST_F(CudaSessionTest, NoRoomForMaps) {
  fake.entries[1].arenaPerBatch = 10000;
  start(fake, 1);
  cuda.memoryBytes = cuda.usedBytes + 5000;
  makeTensors(1);
  EXPECT_EQ(vitc_session_run_attention(session, &input, &output, selections,
                                       mapTensors, &error),
            VITC_OUT_OF_MEMORY);
  run(1);
}

TEST_F(CudaSessionTest, AKernelThatReadsWhereNothingIs) {
  for (CodeDescriptor &code : fake.forwardCodes)
    code.function = [](Context *context) {
      const void *arguments[] = {&context->inputs[0], &context->session};
      context->launch(context, 0, 0, 1, arguments);
    };
  start(fake, 1);
  expectRunError(VITC_INTERNAL,
                 "the NVIDIA driver returns CUDA_ERROR_ILLEGAL_ADDRESS: what "
                 "happened from cuStreamSynchronize; needs success");
}

TEST_F(CudaSessionTest, CallsThatFail) {
  start(fake, 1);
  for (const char *symbol :
       {"cuMemcpyHtoDAsync_v2", "cuStreamBeginCapture_v2", "cuLaunchKernel",
        "cuGraphInstantiateWithFlags", "cuGraphLaunch", "cuMemcpyDtoHAsync_v2",
        "cuStreamSynchronize", "cuCtxPushCurrent_v2"}) {
    cuda.results[symbol] = CUDA_ERROR_UNKNOWN;
    std::string name = symbol;
    name.resize(std::min(name.find('_'), name.size()));
    int waits = cuda.calls["cuStreamSynchronize"];
    expectRunError(
        VITC_UNSUPPORTED,
        ("the NVIDIA driver or the GPU does not work (it returns "
         "CUDA_ERROR_UNKNOWN from " +
         name +
         "); the program needs both; or compile the model for a CPU (vitc "
         "compile without --target)")
            .c_str());
    // Nothing may be under way on the caller's memory.
    if (name != "cuCtxPushCurrent")
      EXPECT_GT(cuda.calls["cuStreamSynchronize"], waits) << name;
    cuda.results.clear();
  }
  run(1);
}

// What vitc can be the cause of is an internal error, the rest is not.
TEST_F(CudaSessionTest, WhoseFaultAFailureIs) {
  start(fake, 1);
  auto runWith = [&](int result) {
    cuda.results["cuGraphLaunch"] = static_cast<CUresult>(result);
    makeTensors(1);
    vitc_status_t status = vitc_session_run(session, &input, &output, &error);
    cuda.results.clear();
    return status;
  };
  for (int result :
       {1, 3, 201, 400, 401, 500, 700, 701, 714, 716, 719, 900, 901, 908})
    EXPECT_EQ(runWith(result), VITC_INTERNAL) << result;
  // Of a display's time, memory cells, power.
  for (int result : {46, 214, 702, 720, 899, 909, 999})
    EXPECT_EQ(runWith(result), VITC_UNSUPPORTED) << result;
  cuda.memoryBytes = cuda.usedBytes + 100;
  EXPECT_EQ(runWith(CUDA_ERROR_OUT_OF_MEMORY), VITC_OUT_OF_MEMORY);
  EXPECT_EQ(std::string(error.message),
            "the NVIDIA driver returns CUDA_ERROR_OUT_OF_MEMORY: what happened "
            "from cuGraphLaunch, with 100 bytes of the GPU free of " +
                std::to_string(cuda.memoryBytes) +
                "; needs more; or compile the model for a CPU (vitc compile "
                "without --target)");
}
