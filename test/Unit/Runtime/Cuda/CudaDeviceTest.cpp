//===- CudaDeviceTest.cpp - Which GPU runs which code ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Cuda/CudaDevice.h"
#include "Cuda/CudaModel.h"
#include "Cuda/FakeGpuModel.h"
#include "Model.h"
#include "Status.h"

using namespace vitc::rt;
using namespace vitc::rt::cuda;
using namespace vitc::rt::test;

namespace {
class CudaDeviceTest : public FakeCudaTest {
protected:
  /// The architecture whose code runs.
  std::string load(const char *isa = nullptr, int32_t device = 0) {
    vitc_model model(runtime, fake.descriptor, isa, device);
    return vitc_model_isa(&model);
  }

  template <typename Body>
  static void expectFailure(vitc_status_t status, const std::string &message,
                            Body body) {
    try {
      body();
      ADD_FAILURE() << "needs: " << message;
    } catch (const Failure &failure) {
      EXPECT_EQ(failure.getStatus(), status);
      EXPECT_EQ(failure.what(), message);
    }
  }

  void expectNoModel(vitc_status_t status, const std::string &message,
                     const char *isa = nullptr) {
    expectFailure(status, message, [&] { load(isa); });
  }

  vitc_runtime runtime{1};
  FakeGpuModel fake;
};
} // namespace

static const std::string kOrForCpu =
    "; or compile the model for a CPU (vitc compile without --target)";

//===----------------------------------------------------------------------===//
// The driver
//===----------------------------------------------------------------------===//

TEST_F(CudaDeviceTest, NoDriver) {
  expectFailure(
      VITC_UNSUPPORTED,
      "found no NVIDIA driver (libnone.so.1: cannot open shared object file: "
      "No such file or directory); the program was compiled for GPUs and needs "
      "one" +
          kOrForCpu,
      [] { CudaLibrary library("libnone.so.1"); });
}

TEST_F(CudaDeviceTest, DriverTooOld) {
  cuda.driverVersion = 11030;
  expectNoModel(VITC_UNSUPPORTED,
                "the NVIDIA driver is for CUDA 11.3; the program needs one for "
                "11.4 or newer" +
                    kOrForCpu);
  EXPECT_EQ(cuda.calls["cuInit"], 0);
}

TEST_F(CudaDeviceTest, DriverLacksAFunction) {
  expectFailure(VITC_UNSUPPORTED,
                "the NVIDIA driver, for CUDA 12.0, lacks cuInit; the program "
                "needs it" +
                    kOrForCpu,
                [] { CudaLibrary library(VITC_TEST_PARTIAL_CUDA); });
}

TEST_F(CudaDeviceTest, DriverDoesNotStart) {
  cuda.results["cuInit"] = CUDA_ERROR_UNKNOWN;
  expectNoModel(VITC_UNSUPPORTED,
                "the NVIDIA driver does not start (CUDA_ERROR_UNKNOWN); the "
                "program was compiled for GPUs and needs it" +
                    kOrForCpu);
  cuda.results["cuInit"] = static_cast<CUresult>(803);
  expectNoModel(VITC_UNSUPPORTED,
                "the NVIDIA driver does not start (error 803); the program was "
                "compiled for GPUs and needs it" +
                    kOrForCpu);
}

TEST_F(CudaDeviceTest, NoGpu) {
  const std::string message = "the NVIDIA driver finds no GPU; the program was "
                              "compiled for GPUs and needs one" +
                              kOrForCpu;
  cuda.results["cuInit"] = CUDA_ERROR_NO_DEVICE;
  expectNoModel(VITC_UNSUPPORTED, message);
  cuda.results.clear();
  cuda.devices.clear();
  expectNoModel(VITC_UNSUPPORTED, message);
}

TEST_F(CudaDeviceTest, NoSuchGpu) {
  for (int32_t device : {1, -1})
    expectFailure(VITC_UNSUPPORTED,
                  "GPU " + std::to_string(device) +
                      " was asked for; the machine has 1, counted from 0",
                  [&] { load(nullptr, device); });
}

TEST_F(CudaDeviceTest, GpuCannotBeUsed) {
  cuda.results["cuDevicePrimaryCtxRetain"] = CUDA_ERROR_UNKNOWN;
  expectNoModel(VITC_UNSUPPORTED,
                "the GPU 'Fake GPU' cannot be used (CUDA_ERROR_UNKNOWN); the "
                "program needs it" +
                    kOrForCpu);
  cuda.results["cuDevicePrimaryCtxRetain"] = CUDA_ERROR_OUT_OF_MEMORY;
  expectNoModel(VITC_OUT_OF_MEMORY,
                "the GPU 'Fake GPU' cannot be used (CUDA_ERROR_OUT_OF_MEMORY: "
                "what happened); the program needs it" +
                    kOrForCpu);
}

//===----------------------------------------------------------------------===//
// The code
//===----------------------------------------------------------------------===//

TEST_F(CudaDeviceTest, ParsesArchitectures) {
  auto parse = [](const char *name) {
    Architecture architecture = parseArchitecture(name);
    return std::tuple(architecture.capability.major,
                      architecture.capability.minor, architecture.isAlone);
  };
  EXPECT_EQ(parse("sm_80"), std::tuple(8, 0, false));
  EXPECT_EQ(parse("sm_90a"), std::tuple(9, 0, true));
  EXPECT_EQ(parse("sm_120"), std::tuple(12, 0, false));
  for (const char *name : {"", "sm_", "sm_-8", "sm_80b", "gfx942", "x86-64-v2"})
    EXPECT_EQ(parse(name), std::tuple(0, 0, false)) << name;
}

TEST_F(CudaDeviceTest, TheBestCodeThatAGpuRuns) {
  for (auto [major, minor, isa] : {std::tuple(9, 0, "sm_90a"),
                                   {8, 0, "sm_80"},
                                   {8, 9, "sm_80"},
                                   {10, 0, "sm_80"},
                                   {12, 0, "sm_80"}}) {
    cuda.devices[0].major = major;
    cuda.devices[0].minor = minor;
    EXPECT_EQ(load(), isa) << major << "." << minor;
  }
}

TEST_F(CudaDeviceTest, NoCodeForTheGpu) {
  cuda.devices[0] = {"Old GPU", 7, 5, 64 << 10};
  expectNoModel(VITC_UNSUPPORTED,
                "the GPU 'Old GPU' has compute capability 7.5; the program was "
                "compiled for sm_90a, sm_80 and needs that" +
                    kOrForCpu);
  fake.entries[0].numCodes = fake.entries[1].numCodes = 1;
  cuda.devices[0] = {"New GPU", 10, 0, 227 << 10};
  expectNoModel(VITC_UNSUPPORTED,
                "the GPU 'New GPU' has compute capability 10.0; the program "
                "was compiled for sm_90a and needs that" +
                    kOrForCpu);
}

TEST_F(CudaDeviceTest, TooLittleSharedMemory) {
  cuda.devices[0] = {"Small GPU", 8, 9, 60 << 10};
  expectNoModel(VITC_UNSUPPORTED,
                "the GPU 'Small GPU' has 61440 bytes of shared memory for a "
                "block; the program's code for sm_80 needs 65536" +
                    kOrForCpu);
}

TEST_F(CudaDeviceTest, CodeThatIsNamed) {
  EXPECT_EQ(load("native"), "sm_90a");
  EXPECT_EQ(load("sm_80"), "sm_80");
  expectNoModel(VITC_UNSUPPORTED,
                "the program has no code for architecture 'sm_89'; it has "
                "sm_90a, sm_80",
                "sm_89");
  cuda.devices[0] = {"Ada GPU", 8, 9, 99 << 10};
  expectNoModel(VITC_UNSUPPORTED,
                "the GPU 'Ada GPU', of compute capability 8.9, does not run "
                "code for architecture 'sm_90a'; the best of the program's "
                "that it runs is sm_80",
                "sm_90a");
}

TEST_F(CudaDeviceTest, EntriesOfTwoImages) {
  DeviceImage other = fake.images.images[0];
  fake.attentionCodes[0].image = &other;
  expectNoModel(VITC_UNSUPPORTED,
                "entries 'forward' and 'attention' have kernels of two images "
                "for sm_90a; needs one of all");
}

TEST_F(CudaDeviceTest, CodeForGpusAndCpus) {
  fake.attentionCodes[1].image = nullptr;
  expectNoModel(VITC_UNSUPPORTED,
                "entry 'attention' has code 'sm_80' for CPUs; needs it for "
                "GPUs, as the first of entry 'forward' is");
}

//===----------------------------------------------------------------------===//
// Loading it
//===----------------------------------------------------------------------===//

TEST_F(CudaDeviceTest, MachineCodeOrPtx) {
  using Images = std::vector<std::string>;
  const char *ptx90 = fake.images.images[0].ptx;
  const char *ptx80 = fake.images.images[1].ptx;
  load();
  EXPECT_EQ(cuda.images, Images{"Cubin of sm_90a"});
  load("sm_80"); // has no machine code
  EXPECT_EQ(cuda.images, (Images{"Cubin of sm_90a", ptx80}));
  // A driver that is older than the assembler compiles PTX itself.
  for (CUresult refusal :
       {CUDA_ERROR_NO_BINARY_FOR_GPU, CUDA_ERROR_INVALID_IMAGE}) {
    cuda.images.clear();
    cuda.loadResults[kCubin] = refusal;
    load();
    EXPECT_EQ(cuda.images, Images{ptx90});
  }
}

// Machine code runs on its generation of GPUs, PTX on all later ones.
TEST_F(CudaDeviceTest, MachineCodeOfAGeneration) {
  DeviceImage &image = fake.images.images[1];
  image.cubin = reinterpret_cast<const uint8_t *>("Cubin of sm_80");
  for (auto [major, minor, loaded] : {std::tuple(8, 0, "Cubin of sm_80"),
                                      {8, 6, "Cubin of sm_80"},
                                      {9, 0, image.ptx}}) {
    cuda.devices[0].major = major;
    cuda.devices[0].minor = minor;
    load("sm_80");
    EXPECT_EQ(cuda.images.back(), loaded) << major << "." << minor;
  }
}

TEST_F(CudaDeviceTest, PtxThatDoesNotCompile) {
  cuda.loadResults[kPtx] = CUDA_ERROR_INVALID_PTX;
  cuda.jitLog = "ptxas application ptx input, line 9; fatal";
  expectNoModel(VITC_UNSUPPORTED,
                "the NVIDIA driver, for CUDA 12.8, does not compile the "
                "program's PTX for sm_80 (CUDA_ERROR_INVALID_PTX: what "
                "happened); the program needs one that does" +
                    kOrForCpu +
                    "; the driver says: ptxas application ptx input, line 9; "
                    "fatal",
                "sm_80");
  cuda.jitLog = "";
  cuda.loadResults[kCubin] = CUDA_ERROR_NO_BINARY_FOR_GPU;
  expectNoModel(VITC_UNSUPPORTED,
                "the NVIDIA driver, for CUDA 12.8, does not compile the "
                "program's PTX for sm_90a (CUDA_ERROR_INVALID_PTX: what "
                "happened); the program needs one that does" +
                    kOrForCpu + "; the driver says: nothing");
}

TEST_F(CudaDeviceTest, PtxThatTheDriverIsTooOldFor) {
  cuda.driverVersion = 11080;
  cuda.loadResults[kCubin] = CUDA_ERROR_NO_BINARY_FOR_GPU;
  cuda.loadResults[kPtx] = CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
  expectNoModel(VITC_UNSUPPORTED,
                "the NVIDIA driver is for CUDA 11.8 and does not know PTX 8.0; "
                "the program's code for sm_90a needs a newer driver" +
                    kOrForCpu);
}

TEST_F(CudaDeviceTest, NoRoomForTheCode) {
  for (char image : {kCubin, kPtx}) {
    cuda.loadResults = {{image, CUDA_ERROR_OUT_OF_MEMORY}};
    expectNoModel(VITC_OUT_OF_MEMORY,
                  "the NVIDIA driver returns CUDA_ERROR_OUT_OF_MEMORY: what "
                  "happened from cuModuleLoadDataEx, with 1073741824 bytes of "
                  "the GPU free of 1073741824; needs more" +
                      kOrForCpu,
                  image == kCubin ? "sm_90a" : "sm_80");
  }
}

TEST_F(CudaDeviceTest, NoRoomForTheWeights) {
  cuda.memoryBytes = 10;
  expectNoModel(VITC_OUT_OF_MEMORY,
                "the GPU 'Fake GPU' has 10 bytes free of 10; needs 16 for the "
                "model's weights" +
                    kOrForCpu);
}

TEST_F(CudaDeviceTest, AKernelThatTheCodeLacks) {
  cuda.kernels.erase("logits");
  expectNoModel(VITC_INTERNAL, "the program's code for sm_90a has no kernel "
                               "'logits' (error 500); needs it");
}

// As a driver does it that loads kernels when they are asked for.
TEST_F(CudaDeviceTest, NoRoomForAKernel) {
  cuda.results["cuModuleGetFunction"] = CUDA_ERROR_OUT_OF_MEMORY;
  expectNoModel(VITC_OUT_OF_MEMORY,
                "the NVIDIA driver returns CUDA_ERROR_OUT_OF_MEMORY: what "
                "happened from cuModuleGetFunction, with 1073741824 bytes of "
                "the GPU free of 1073741824; needs more" +
                    kOrForCpu);
}

TEST_F(CudaDeviceTest, AsksForSharedMemoryBeyond48K) {
  load();
  EXPECT_EQ(cuda.sharedLimits,
            (std::map<std::string, int>{{"logits", 64 << 10}}));
}
