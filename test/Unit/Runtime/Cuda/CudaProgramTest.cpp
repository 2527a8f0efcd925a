//===- CudaProgramTest.cpp - The command line of a GPU's program ----------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cuda/FakeGpuModel.h"
#include "Image/Image.h"
#include "Npy.h"
#include "Program/Program.h"
#include "TemporaryDirectory.h"

#include <cstring>

using namespace vitc::rt;
using namespace vitc::rt::cuda;
using namespace vitc::rt::test;

namespace {
class CudaProgramTest : public FakeCudaTest {
protected:
  /// Runs the program, which ends with `code`; returns what it printed.
  std::string run(std::vector<std::string> args, int code = 0) {
    return run(fake.descriptor, std::move(args), code);
  }
  static std::string run(const vitc_model_descriptor_t &model,
                         std::vector<std::string> args, int code) {
    std::vector<const char *> argv = {"/bin/fake"};
    for (const std::string &arg : args)
      argv.push_back(arg.c_str());
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    EXPECT_EQ(runProgram(model, static_cast<int>(argv.size()), argv.data()),
              code);
    return ::testing::internal::GetCapturedStdout() +
           ::testing::internal::GetCapturedStderr();
  }

  static void expectPart(const std::string &text, const std::string &part) {
    EXPECT_NE(text.find(part), std::string::npos) << text << "lacks: " << part;
  }

  FakeGpuModel fake;
  TemporaryDirectory directory;
};
} // namespace

TEST_F(CudaProgramTest, HelpSaysWhatAGpusProgramTakes) {
  std::string help = run({"--help"});
  expectPart(help, "--device N              GPU to run on, counted from 0");
  expectPart(help, "--isa LEVEL             code to run, e.g. sm_80");
  FakeModel onCpu;
  EXPECT_EQ(run(onCpu.descriptor, {"--help"}, 0).find("GPU"),
            std::string::npos);
  EXPECT_EQ(cuda.calls["cuInit"], 0);
}

TEST_F(CudaProgramTest, ChoosesADevice) {
  cuda.devices.push_back({"Second GPU", 8, 0, 160 << 10});
  expectPart(run({"--benchmark", "--min-time=0"}), "Fake GPU, f32, sm_90a)\n");
  expectPart(run({"--benchmark", "--min-time=0", "--device=1"}),
             "Second GPU, f32, sm_80)\n");
  EXPECT_EQ(run({"--benchmark", "--device", "2"}, 1),
            "fake: error: GPU 2 was asked for; the machine has 2, counted from "
            "0\n");
  EXPECT_EQ(run({"--benchmark", "--device", "one"}, 2),
            "fake: error: --device is 'one'; needs an integer from 0 to "
            "2147483647\n");
}

// Two kernels, of 2 us of FakeCuda's clock each: no copy is among them.
TEST_F(CudaProgramTest, TimesTheDeviceAndEndToEnd) {
  std::string text = run({"--benchmark", "--min-time=0", "--batch", "2"});
  expectPart(text, "median 0.004 ms, min 0.004 ms, p90 0.004 ms, 500000.0 "
                   "images/s, end to end median ");
  expectPart(text, " images/s (1 runs, batch 2, Fake GPU, f32, sm_90a)\n");
  std::string json = run({"--benchmark", "--min-time=0", "--json=-"});
  for (const char *part : {"\"median_ms\": 0.004", "\"end_to_end_ms\": ",
                           "\"device\": \"Fake GPU\"", "\"isa\": \"sm_90a\""})
    expectPart(json, part);
  FakeModel onCpu;
  json = run(onCpu.descriptor, {"--benchmark", "--min-time=0", "--json=-"}, 0);
  EXPECT_EQ(json.find("end_to_end"), std::string::npos);
  EXPECT_EQ(json.find("device"), std::string::npos);
}

// The processor has work, too, as the classes of a mask.
TEST_F(CudaProgramTest, TakesThreads) {
  expectPart(run({"--benchmark", "--min-time=0", "--threads=3", "--json=-"}),
             "\"threads\": 3");
  expectPart(run({"--help"}), "--threads N             threads for what the "
                              "processor does (default one a core)");
}

TEST_F(CudaProgramTest, TimesGeneration) {
  FakeGpuGenerator generator;
  std::string json =
      run(generator.descriptor, {"--benchmark", "--min-time=0", "--json=-"}, 0);
  expectPart(json, "\"end_to_end_ms\": ");
  expectPart(json, "\"device\": \"Fake GPU\"");
}

TEST_F(CudaProgramTest, WritesAttentionMaps) {
  Image image{FakeModel::kHeight, FakeModel::kWidth, {}};
  image.rgb.assign(FakeModel::kPixels, 100);
  std::string bytes, message;
  ASSERT_TRUE(encodePng(image, bytes, message)) << message;
  std::string picture = directory.write("cat.png", bytes);
  run({"--attention", directory / "maps", picture});
  NpyArray map = readNpy(directory / "maps/cat.layer-01.npy");
  EXPECT_EQ(map.dims, (std::vector<int64_t>{3, 5}));
  // Head 1 of the class token's.
  float first = 0;
  std::memcpy(&first, map.bytes.data() + 5 * sizeof(first), sizeof(first));
  EXPECT_FLOAT_EQ(first, 2 / FakeModel::kSum);
}

TEST_F(CudaProgramTest, ProfilesByEvents) {
  run({"--profile", directory / "trace.json"});
  std::string trace = directory.read("trace.json");
  for (const char *part :
       {"\"name\": \"encoder.embed\"", "\"name\": \"classifier\"", "\"ts\": 2",
        "\"dur\": 2", "\"device\": \"Fake GPU\""})
    expectPart(trace, part);
}

TEST_F(CudaProgramTest, DescribesTheModelAndTheGpu) {
  std::string info = run({"--info"});
  expectPart(info, "architectures sm_90a, sm_80; here: sm_90a\n");
  expectPart(info, "GPU           Fake GPU\n");
  std::string json = run({"--info", "--json", "--isa=sm_80"});
  expectPart(json, "\"isa\": \"sm_80\"");
  expectPart(json, "\"device\": \"Fake GPU\"");
  EXPECT_EQ(json.find("\"reason\""), std::string::npos);
}

// A description needs nothing that runs the model, and says what is not there.
TEST_F(CudaProgramTest, DescribesWhyNothingRuns) {
  cuda.driverVersion = 11000;
  std::string info = run({"--info"});
  expectPart(info, "architectures sm_90a, sm_80; here: none\n");
  expectPart(info, "GPU           none\n");
  expectPart(info, "does not run  the NVIDIA driver is for CUDA 11.0; the "
                   "program needs one for 11.4 or newer; ");
  cuda.driverVersion = 12080;
  cuda.devices = {{"Old GPU", 7, 0, 64 << 10}};
  info = run({"--info"});
  expectPart(info, "architectures sm_90a, sm_80; here: none\n");
  expectPart(info, "GPU           Old GPU\n");
  expectPart(info, "does not run  the GPU 'Old GPU' has compute capability "
                   "7.0; ");
  expectPart(run({"--info", "--json"}),
             "\"reason\": \"the GPU 'Old GPU' has compute capability 7.0; ");
}

// One that is asked for by its number is needed.
TEST_F(CudaProgramTest, DescribesNoGpuThatIsNotThere) {
  EXPECT_EQ(run({"--info", "--device", "3"}, 1),
            "fake: error: GPU 3 was asked for; the machine has 1, counted from "
            "0\n");
}

TEST_F(CudaProgramTest, AMachineWithoutAGpu) {
  cuda.results["cuInit"] = CUDA_ERROR_NO_DEVICE;
  EXPECT_EQ(run({"--benchmark"}, 1),
            "fake: error: the NVIDIA driver finds no GPU; the program was "
            "compiled for GPUs and needs one; or compile the model for a CPU "
            "(vitc compile without --target)\n");
}

// A driver's report has lines, a message one.
TEST_F(CudaProgramTest, AMessageOfAnyLengthIsALine) {
  cuda.loadResults[kCubin] = CUDA_ERROR_NO_BINARY_FOR_GPU;
  cuda.loadResults[kPtx] = CUDA_ERROR_INVALID_PTX;
  cuda.jitLog = "ptxas: line 1\nptxas: " + std::string(1000, '!');
  std::string text = run({"--benchmark"}, 1);
  expectPart(text, "; the driver says: ptxas: line 1 ptxas: !!!");
  EXPECT_GT(text.size(), 1000u);
  EXPECT_EQ(text.find('\n'), text.size() - 1);
}
