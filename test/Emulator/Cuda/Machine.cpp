//===- Machine.cpp - The machine that a driver finds ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include "llvm/ADT/StringExtras.h"
#include <cstdlib>

using namespace llvm;
using namespace vitc::emulator::cuda;

static Error refuse(StringRef variable, StringRef value, StringRef needed) {
  return createStringError(variable + " is '" + value + "'; it must be " +
                           needed);
}

static Error readDevices(StringRef value, Machine &machine) {
  machine.devices.clear();
  if (value == "none")
    return Error::success();
  for (StringRef text : split(value, ',')) {
    VersionTuple &capability = machine.devices.emplace_back();
    if (capability.tryParse(text) || !capability.getMinor())
      return refuse("VITC_EMULATOR_DEVICE", value,
                    "capabilities, as 8.0,9.0, or none");
  }
  return Error::success();
}

static Error readFailures(StringRef value, Machine &machine) {
  for (StringRef text : split(value, ',')) {
    auto [call, result] = text.split('=');
    auto [function, number] = call.split(':');
    Machine::Failure failure{function.str(), 1, CUDA_ERROR_UNKNOWN};
    int code = 0;
    if (function.empty() || result.getAsInteger(10, code) || code == 0 ||
        (!number.empty() && number.getAsInteger(10, failure.call)))
      return refuse("VITC_EMULATOR_FAIL", value,
                    "calls and their results, as cuMemAlloc:3=2");
    failure.result = static_cast<CUresult>(code);
    machine.failures.push_back(std::move(failure));
  }
  return Error::success();
}

Expected<Machine> Machine::fromEnvironment() {
  Machine machine;
  auto read = [](const char *variable) {
    const char *value = std::getenv(variable);
    return StringRef(value ? value : "");
  };
  if (StringRef value = read("VITC_EMULATOR_DEVICE"); !value.empty())
    if (Error error = readDevices(value, machine))
      return error;
  if (StringRef value = read("VITC_EMULATOR_MEMORY");
      !value.empty() && value.getAsInteger(10, machine.memoryBytes))
    return refuse("VITC_EMULATOR_MEMORY", value, "a number of bytes");
  if (StringRef value = read("VITC_EMULATOR_DRIVER");
      !value.empty() && machine.driver.tryParse(value))
    return refuse("VITC_EMULATOR_DRIVER", value, "a version, as 12.4");
  if (StringRef value = read("VITC_EMULATOR_SEED");
      !value.empty() && value.getAsInteger(10, machine.seed))
    return refuse("VITC_EMULATOR_SEED", value, "a number");
  if (StringRef value = read("VITC_EMULATOR_FAIL"); !value.empty())
    if (Error error = readFailures(value, machine))
      return error;
  machine.irFolder = read("VITC_EMULATOR_IR").str();
  machine.tellsLeaks = read("VITC_EMULATOR_LEAKS") == "1";
  return machine;
}

VersionTuple Machine::getPtxVersion() const {
  unsigned major = driver.getMajor(), minor = driver.getMinor().value_or(0);
  // CUDA 12.5 and 12.6 have PTX 8.5, 12.7 has 8.6.
  if (major == 12 && minor > 5)
    --minor;
  return VersionTuple(major - 4, minor);
}

size_t vitc::emulator::cuda::getMaxSharedBytes(VersionTuple capability) {
  unsigned major = capability.getMajor();
  size_t kibibytes = 99;
  if (major == 9 || major == 10)
    kibibytes = 227;
  else if (capability == VersionTuple(8, 0) || capability == VersionTuple(8, 7))
    kibibytes = 163;
  return kibibytes << 10;
}

bool vitc::emulator::cuda::canRun(VersionTuple capability, StringRef target) {
  if (!target.consume_front("sm_"))
    return false;
  bool thisAlone = target.consume_back("a");
  unsigned needed = 0;
  if (target.getAsInteger(10, needed))
    return false;
  unsigned has = capability.getMajor() * 10 + capability.getMinor().value_or(0);
  return thisAlone ? has == needed : has >= needed;
}
