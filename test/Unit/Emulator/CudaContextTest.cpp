//===- CudaContextTest.cpp - Devices and contexts of the emulated driver --===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CudaTest.h"

#include "llvm/ADT/ScopeExit.h"
#include <cstdlib>
#include <thread>

using namespace vitc::emulator::cuda;

namespace {
class CudaContextTest : public CudaTest {
protected:
  /// What the environment says of the machine, or why not.
  static llvm::Expected<Machine> read(const char *variable, const char *value) {
    setenv(variable, value, 1);
    llvm::scope_exit unset([&] { unsetenv(variable); });
    return Machine::fromEnvironment();
  }
  static std::string readError(const char *variable, const char *value) {
    auto machine = read(variable, value);
    return machine ? "" : llvm::toString(machine.takeError());
  }
};
} // namespace

TEST_F(CudaContextTest, machineOfTheEnvironment) {
  auto devices = read("VITC_EMULATOR_DEVICE", "8.6,9.0");
  ASSERT_TRUE(bool(devices));
  ASSERT_EQ(devices->devices.size(), 2u);
  EXPECT_EQ(devices->devices[0], llvm::VersionTuple(8, 6));
  auto none = read("VITC_EMULATOR_DEVICE", "none");
  EXPECT_TRUE(none && none->devices.empty());
  auto failing = read("VITC_EMULATOR_FAIL", "cuMemAlloc:3=2,cuInit=999");
  ASSERT_TRUE(bool(failing));
  ASSERT_EQ(failing->failures.size(), 2u);
  EXPECT_EQ(failing->failures[0].function, "cuMemAlloc");
  EXPECT_EQ(failing->failures[0].call, 3u);
  EXPECT_EQ(failing->failures[1].result, CUDA_ERROR_UNKNOWN);
}

TEST_F(CudaContextTest, environmentThatIsWrong) {
  EXPECT_EQ(readError("VITC_EMULATOR_DEVICE", "8"),
            "VITC_EMULATOR_DEVICE is '8'; it must be capabilities, as 8.0,9.0, "
            "or none");
  EXPECT_EQ(readError("VITC_EMULATOR_MEMORY", "1G"),
            "VITC_EMULATOR_MEMORY is '1G'; it must be a number of bytes");
  EXPECT_EQ(readError("VITC_EMULATOR_DRIVER", "new"),
            "VITC_EMULATOR_DRIVER is 'new'; it must be a version, as 12.4");
  EXPECT_EQ(readError("VITC_EMULATOR_SEED", "x"),
            "VITC_EMULATOR_SEED is 'x'; it must be a number");
  EXPECT_EQ(readError("VITC_EMULATOR_FAIL", "cuMemAlloc"),
            "VITC_EMULATOR_FAIL is 'cuMemAlloc'; it must be calls and their "
            "results, as cuMemAlloc:3=2");
}

TEST_F(CudaContextTest, callsBeforeInit) {
  startOn({});
  int count = 0;
  expectMisuse(cuDeviceGetCount(&count), CUDA_ERROR_NOT_INITIALIZED,
               "cuDeviceGetCount: comes before cuInit");
  int version = 0;
  EXPECT_EQ(cuDriverGetVersion(&version), CUDA_SUCCESS);
  EXPECT_EQ(version, 13000);
}

TEST_F(CudaContextTest, noDevice) {
  Machine machine;
  machine.devices.clear();
  startOn(machine);
  EXPECT_EQ(cuInit(0), CUDA_ERROR_NO_DEVICE);
}

TEST_F(CudaContextTest, failuresThatWereAskedFor) {
  Machine machine;
  machine.failures = {{"cuMemAlloc", 2, CUDA_ERROR_OUT_OF_MEMORY}};
  start(machine);
  CUdeviceptr first = allocate(16), second = 0;
  EXPECT_EQ(cuMemAlloc_v2(&second, 16), CUDA_ERROR_OUT_OF_MEMORY);
  free(first);
  EXPECT_EQ(takeMisuse(), "");
}

TEST_F(CudaContextTest, devices) {
  Machine machine;
  machine.devices = {llvm::VersionTuple(8, 0), llvm::VersionTuple(9, 0)};
  start(machine);
  CUdevice device = 0;
  EXPECT_EQ(cuDeviceGet(&device, 2), CUDA_ERROR_INVALID_DEVICE);
  ASSERT_EQ(cuDeviceGet(&device, 1), CUDA_SUCCESS);
  int major = 0, bytes = 0;
  EXPECT_EQ(cuDeviceGetAttribute(
                &major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device),
            CUDA_SUCCESS);
  EXPECT_EQ(major, 9);
  EXPECT_EQ(
      cuDeviceGetAttribute(
          &bytes, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 0),
      CUDA_SUCCESS);
  EXPECT_EQ(bytes, 163 << 10);
  char name[9];
  EXPECT_EQ(cuDeviceGetName(name, sizeof(name), device), CUDA_SUCCESS);
  EXPECT_STREQ(name, "emulated");
  expectMisuse(
      cuDeviceGetAttribute(&bytes, static_cast<CUdevice_attribute>(1), 0),
      CUDA_ERROR_INVALID_VALUE,
      "cuDeviceGetAttribute: attribute 1 is not known");
  expectMisuse(cuDevicePrimaryCtxRelease_v2(1), CUDA_ERROR_INVALID_CONTEXT,
               "cuDevicePrimaryCtxRelease: nobody retains the primary context");
}

TEST_F(CudaContextTest, noCurrentContext) {
  CUdeviceptr address = 0;
  CUresult result = CUDA_SUCCESS;
  // Each thread has its own.
  std::thread([&] { result = cuMemAlloc_v2(&address, 4); }).join();
  expectMisuse(result, CUDA_ERROR_INVALID_CONTEXT,
               "cuMemAlloc: its thread has no current context");
  CUcontext popped = nullptr;
  ASSERT_EQ(cuCtxPopCurrent_v2(&popped), CUDA_SUCCESS);
  EXPECT_EQ(popped, context);
  expectMisuse(cuCtxPopCurrent_v2(nullptr), CUDA_ERROR_INVALID_CONTEXT,
               "cuCtxPopCurrent: its thread has no current context");
  ASSERT_EQ(cuCtxPushCurrent_v2(context), CUDA_SUCCESS);
}

TEST_F(CudaContextTest, contextThatWasDestroyed) {
  CUcontext old = context;
  ASSERT_EQ(cuDevicePrimaryCtxRelease_v2(0), CUDA_SUCCESS);
  CUdeviceptr address = 0;
  expectMisuse(cuMemAlloc_v2(&address, 4), kContextIsDestroyed,
               "cuMemAlloc: its context was destroyed");
  expectMisuse(cuCtxPushCurrent_v2(old), CUDA_ERROR_INVALID_CONTEXT,
               "cuCtxPushCurrent: its context is none, or was destroyed");
  ASSERT_EQ(cuCtxPopCurrent_v2(nullptr), CUDA_SUCCESS);
  context = nullptr;
}

TEST_F(CudaContextTest, whatIsLeftOver) {
  allocate(100);
  createStream();
  CUevent event = nullptr;
  ASSERT_EQ(cuEventCreate(&event, CU_EVENT_DEFAULT), CUDA_SUCCESS);
  ASSERT_EQ(cuCtxPopCurrent_v2(nullptr), CUDA_SUCCESS);
  std::vector<std::string> objects = {
      "device 0: 512 bytes of memory were not freed",
      "device 0: 1 streams were not destroyed",
      "device 0: 1 events were not destroyed"};
  auto all = objects;
  all.push_back("device 0: its primary context was retained 1 times more than "
                "released");
  EXPECT_EQ(Driver::get().listLeaks(), all);
  // Who releases the context loses sight of them, but they are not freed.
  ASSERT_EQ(cuDevicePrimaryCtxRelease_v2(0), CUDA_SUCCESS);
  EXPECT_EQ(Driver::get().listLeaks(), objects);
  startOn({});
}

TEST_F(CudaContextTest, textsOfResults) {
  const char *text = nullptr;
  EXPECT_EQ(cuGetErrorName(CUDA_ERROR_NO_DEVICE, &text), CUDA_SUCCESS);
  EXPECT_STREQ(text, "CUDA_ERROR_NO_DEVICE");
  EXPECT_EQ(cuGetErrorString(kNotReady, &text), CUDA_SUCCESS);
  EXPECT_STREQ(text, "device not ready");
  EXPECT_EQ(cuGetErrorString(static_cast<CUresult>(12345), &text),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(text, nullptr);
}
