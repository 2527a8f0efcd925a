//===- Driver.h - What the driver knows ----------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A libcuda.so.1 whose devices are the emulator, so that an unchanged program
// runs its kernels on the CPU. It defines what lib/Runtime/Cuda calls, no more,
// and is stricter than a driver: whatever is wrong is an error at once and is
// told on stderr, also where a driver does not look and only suffers. Device
// memory can be touched by kernels and copies alone; a stream does nothing
// before somebody waits for it; what is copied from must not change until then,
// and what is copied to is NaN.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_EMULATOR_CUDA_DRIVER_H
#define VITC_TEST_EMULATOR_CUDA_DRIVER_H

#include "Objects.h"

#include "llvm/ADT/Twine.h"
#include <deque>
#include <mutex>

namespace vitc::emulator::cuda {

// Results that vitc does not tell from others.
inline constexpr auto kIllegalState = static_cast<CUresult>(401);
inline constexpr auto kNotReady = static_cast<CUresult>(600);
inline constexpr auto kContextIsDestroyed = static_cast<CUresult>(709);
inline constexpr auto kCaptureUnsupported = static_cast<CUresult>(900);
inline constexpr auto kCaptureWrongThread = static_cast<CUresult>(908);

/// What a call needs.
enum Rules : unsigned {
  NeedsNothing = 0,
  NeedsInit = 1,
  NeedsContext = 2 | NeedsInit,
  /// Refused while the thread captures a stream, which it spoils.
  NeedsNoCapture = 4,
};

class Driver {
public:
  explicit Driver(Machine machine);
  /// The process's, of the machine that the environment describes.
  static Driver &get();
  /// Starts over with another machine.
  static void reset(Machine machine);

  /// Runs the body of a function of the API, unless a rule refuses it. One
  /// call at a time runs.
  template <typename Body>
  CUresult call(const char *name, unsigned rules, Body body) {
    std::lock_guard<std::mutex> lock(mutex);
    function = name;
    CUresult result = enter(rules);
    return result == CUDA_SUCCESS ? body() : result;
  }

  /// Tells what is wrong with the current call.
  CUresult misuse(CUresult result, const llvm::Twine &what);
  /// What misuse() told last, and forgets it.
  std::string takeMisuse() { return std::exchange(told, ""); }

  /// The object of a handle, or null: then `result` says why.
  template <typename Handle, typename T>
  std::shared_ptr<T> find(const Objects<Handle, T> &objects, Handle handle,
                          const char *kind, CUresult &result) {
    std::shared_ptr<T> object = objects.find(handle);
    if (!object)
      result =
          misuse(CUDA_ERROR_INVALID_HANDLE,
                 llvm::Twine("its ") + kind +
                     (objects.hadOnce(handle) ? " was destroyed" : " is none"));
    return object;
  }

  /// The device of the current context.
  Device &getDevice() { return *current; }
  Device *findDevice(CUdevice number);
  Device *findDevice(CUcontext context);
  int getNumber(const Device &device) const;

  /// Contexts of this thread, the current one last.
  std::vector<CUcontext> &getContexts();
  CUresult retainContext(Device &device, CUcontext &context);
  CUresult releaseContext(Device &device);

  /// Gives a stream something to do: it waits there, or is captured.
  CUresult issue(CUstream stream, std::shared_ptr<const Operation> operation);
  CUresult issue(Stream &stream, const Operation &operation);
  /// The stream, the default one for null.
  std::shared_ptr<Stream> findStream(CUstream stream, CUresult &result);
  /// Runs what waits, of one stream or in any order of all of a device.
  CUresult finish(Stream &stream);
  CUresult finishAll(Device &device);
  /// The stream that this thread captures, or null.
  Stream *findCapture();

  /// Another for each launch.
  uint64_t getSeed() { return machine.seed * 0x9e3779b9 + numLaunches++; }

  /// Whether all of the range can be read or written; else `result` says why.
  bool checkRange(Device &device, CUdeviceptr address, size_t bytes,
                  CUresult &result);

  /// What was not freed, a line each.
  std::vector<std::string> listLeaks();

  Machine machine;
  Objects<CUmodule, Module> modules;
  Objects<CUfunction, Function> functions;
  Objects<CUstream, Stream> streams;
  Objects<CUevent, Event> events;
  Objects<CUgraph, Graph> graphs;
  Objects<CUgraphExec, Graph> executables;
  bool isInitialized = false;

private:
  CUresult enter(unsigned rules);
  /// Ends the context and all that lives in it.
  void destroyContext(Device &device);
  CUresult runFirst(Stream &stream);
  void listObjects(const Device &device, std::vector<std::string> &lines);

  std::mutex mutex;
  std::deque<Device> devices;
  std::map<CUcontext, Device *> contexts; ///< Null: it was destroyed.
  std::map<std::thread::id, std::vector<CUcontext>> stacks;
  std::map<const Device *, std::shared_ptr<Stream>> defaultStreams;
  std::map<std::string, unsigned> numCalls;
  std::vector<std::string> leaks;
  const char *function = "";
  Device *current = nullptr;
  uint64_t random, numLaunches = 0;
  std::string told;
};

} // namespace vitc::emulator::cuda

#endif // VITC_TEST_EMULATOR_CUDA_DRIVER_H
