//===- Driver.cpp - What the driver knows ---------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Driver.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace vitc::emulator;
using namespace vitc::emulator::cuda;

static std::unique_ptr<Driver> driver;

Driver &Driver::get() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (driver)
      return;
    Expected<Machine> machine = Machine::fromEnvironment();
    if (!machine)
      report_fatal_error(machine.takeError(), /*gen_crash_diag=*/false);
    driver = std::make_unique<Driver>(std::move(*machine));
  });
  return *driver;
}

void Driver::reset(Machine machine) {
  driver = std::make_unique<Driver>(std::move(machine));
}

/// When everybody who could still free something is gone.
__attribute__((destructor)) static void tellLeaks() {
  if (driver && driver->machine.tellsLeaks)
    for (const std::string &line : driver->listLeaks())
      errs() << "libcuda emulator: at exit: " << line << "\n";
  (void)driver.release();
}

Driver::Driver(Machine machine)
    : machine(std::move(machine)), random(this->machine.seed) {
  for (VersionTuple capability : this->machine.devices) {
    Device &device = devices.emplace_back();
    device.capability = capability;
  }
}

CUresult Driver::misuse(CUresult result, const Twine &what) {
  told = (Twine(function) + ": " + what).str();
  errs() << "libcuda emulator: " << told << "\n";
  return result;
}

CUresult Driver::enter(unsigned rules) {
  unsigned number = ++numCalls[function];
  for (const Machine::Failure &failure : machine.failures)
    if (failure.function == function && failure.call == number) {
      // The end of a capture that fails ends it.
      Stream *capture =
          failure.function == "cuStreamEndCapture" ? findCapture() : nullptr;
      if (capture)
        capture->capture.reset();
      return failure.result;
    }
  if (rules & NeedsInit && !isInitialized)
    return misuse(CUDA_ERROR_NOT_INITIALIZED, "comes before cuInit");
  if ((rules & NeedsContext) != NeedsContext)
    return CUDA_SUCCESS;
  std::vector<CUcontext> &stack = getContexts();
  if (stack.empty())
    return misuse(CUDA_ERROR_INVALID_CONTEXT,
                  "its thread has no current context");
  current = findDevice(stack.back());
  if (!current)
    return misuse(kContextIsDestroyed, "its context was destroyed");
  if (current->broken != CUDA_SUCCESS)
    return current->broken;
  Stream *capture = rules & NeedsNoCapture ? findCapture() : nullptr;
  if (!capture)
    return CUDA_SUCCESS;
  capture->capture->isInvalid = true;
  return misuse(kCaptureUnsupported, "comes while its thread captures");
}

Device *Driver::findDevice(CUdevice number) {
  return number >= 0 && static_cast<size_t>(number) < devices.size()
             ? &devices[number]
             : nullptr;
}

Device *Driver::findDevice(CUcontext context) {
  auto found = contexts.find(context);
  return found == contexts.end() ? nullptr : found->second;
}

int Driver::getNumber(const Device &device) const {
  auto found =
      find_if(devices, [&](const Device &each) { return &each == &device; });
  return static_cast<int>(found - devices.begin());
}

std::vector<CUcontext> &Driver::getContexts() {
  return stacks[std::this_thread::get_id()];
}

CUresult Driver::retainContext(Device &device, CUcontext &context) {
  if (device.numRetains++ == 0) {
    device.context = reinterpret_cast<CUcontext>(getNewHandle());
    contexts[device.context] = &device;
  }
  context = device.context;
  return device.broken;
}

CUresult Driver::releaseContext(Device &device) {
  if (device.numRetains == 0)
    return misuse(CUDA_ERROR_INVALID_CONTEXT,
                  "nobody retains the primary context");
  if (--device.numRetains == 0)
    destroyContext(device);
  return CUDA_SUCCESS;
}

void Driver::destroyContext(Device &device) {
  listObjects(device, leaks);
  auto removeAll = [&](auto &objects) {
    objects.forEach([&](auto handle, auto &object) {
      if (object.device == &device)
        objects.remove(handle);
    });
  };
  functions.forEach([&](CUfunction handle, Function &function) {
    if (function.module->device == &device)
      functions.remove(handle);
  });
  removeAll(streams);
  removeAll(events);
  removeAll(modules);
  defaultStreams.erase(&device);
  device.memory.clear();
  device.allocatedBytes = 0;
  device.lockedMemory.clear();
  contexts[device.context] = nullptr;
  device.context = nullptr;
  device.broken = CUDA_SUCCESS;
}

void Driver::listObjects(const Device &device,
                         std::vector<std::string> &lines) {
  auto add = [&](size_t count, StringRef what) {
    if (count != 0)
      lines.push_back(
          formatv("device {0}: {1} {2}", getNumber(device), count, what));
  };
  auto count = [&](auto &objects) {
    size_t number = 0;
    objects.forEach(
        [&](auto, auto &object) { number += object.device == &device; });
    return number;
  };
  add(device.allocatedBytes, "bytes of memory were not freed");
  add(device.lockedMemory.size(), "blocks of host memory were not freed");
  add(count(modules), "modules were not unloaded");
  add(count(streams), "streams were not destroyed");
  add(count(events), "events were not destroyed");
}

std::vector<std::string> Driver::listLeaks() {
  std::vector<std::string> lines = leaks;
  for (const Device &device : devices) {
    listObjects(device, lines);
    if (device.numRetains != 0)
      lines.push_back(formatv("device {0}: its primary context was retained "
                              "{1} times more than released",
                              getNumber(device), device.numRetains));
  }
  auto add = [&](auto &objects, StringRef what) {
    size_t number = 0;
    objects.forEach([&](auto, auto &) { ++number; });
    if (number != 0)
      lines.push_back(formatv("{0} {1} were not destroyed", number, what));
  };
  add(graphs, "graphs");
  add(executables, "executable graphs");
  return lines;
}

std::shared_ptr<Stream> Driver::findStream(CUstream stream, CUresult &result) {
  std::shared_ptr<Stream> found;
  if (stream) {
    found = find(streams, stream, "stream", result);
    if (found && found->device != current) {
      result = misuse(CUDA_ERROR_INVALID_CONTEXT,
                      "its stream belongs to another context");
      return nullptr;
    }
    return found;
  }
  std::shared_ptr<Stream> &own = defaultStreams[current];
  if (!own)
    own = std::make_shared<Stream>(Stream{current, {}, {}});
  return own;
}

Stream *Driver::findCapture() {
  Stream *found = nullptr;
  streams.forEach([&](CUstream, Stream &stream) {
    if (stream.capture && stream.capture->thread == std::this_thread::get_id())
      found = &stream;
  });
  return found;
}

CUresult Driver::issue(CUstream handle,
                       std::shared_ptr<const Operation> operation) {
  CUresult result = CUDA_SUCCESS;
  std::shared_ptr<Stream> stream = findStream(handle, result);
  if (!stream)
    return result;
  if (!stream->capture)
    return issue(*stream, *operation);
  result = operation->capture(*current);
  if (result == CUDA_SUCCESS)
    stream->capture->operations.push_back(std::move(operation));
  else
    stream->capture->isInvalid = true;
  return result;
}

CUresult Driver::issue(Stream &stream, const Operation &operation) {
  Pending pending;
  CUresult result = operation.issue(*stream.device, pending);
  if (result == CUDA_SUCCESS)
    stream.pending.push_back(std::move(pending));
  return result;
}

CUresult Driver::runFirst(Stream &stream) {
  Pending pending = std::move(stream.pending.front());
  stream.pending.pop_front();
  Device &device = *stream.device;
  if (device.broken == CUDA_SUCCESS)
    device.broken = pending.run();
  return device.broken;
}

CUresult Driver::finish(Stream &stream) {
  stream.device->memory.setAccessible(true);
  while (!stream.pending.empty())
    runFirst(stream);
  stream.device->memory.setAccessible(false);
  return stream.device->broken;
}

CUresult Driver::finishAll(Device &device) {
  device.memory.setAccessible(true);
  while (true) {
    std::vector<Stream *> busy;
    streams.forEach([&](CUstream, Stream &stream) {
      if (stream.device == &device && !stream.pending.empty())
        busy.push_back(&stream);
    });
    auto own = defaultStreams.find(&device);
    if (own != defaultStreams.end() && !own->second->pending.empty())
      busy.push_back(own->second.get());
    if (busy.empty())
      break;
    random = random * 6364136223846793005u + 1442695040888963407u;
    runFirst(*busy[(random >> 32) % busy.size()]);
  }
  device.memory.setAccessible(false);
  return device.broken;
}

bool Driver::checkRange(Device &device, CUdeviceptr address, size_t bytes,
                        CUresult &result) {
  const GlobalMemory::Allocation *found = device.memory.findBefore(address);
  if (found && address - found->begin <= found->size &&
      bytes <= found->size - (address - found->begin))
    return true;
  result = misuse(CUDA_ERROR_INVALID_VALUE,
                  formatv("{0} bytes of device memory at {1:x}, {2}", bytes,
                          address, device.memory.describe(address)));
  return false;
}
