//===- Objects.h - What handles stand for --------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_EMULATOR_CUDA_OBJECTS_H
#define VITC_TEST_EMULATOR_CUDA_OBJECTS_H

#include "Emulator.h"
#include "GlobalMemory.h"
#include "Machine.h"

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <thread>

namespace vitc::emulator::cuda {

/// A device and its primary context.
struct Device {
  llvm::VersionTuple capability;
  GlobalMemory memory;
  size_t allocatedBytes = 0, numAllocations = 0;
  std::map<void *, std::unique_ptr<char[]>> lockedMemory; ///< Of the host.
  unsigned numRetains = 0;
  CUcontext context = nullptr; ///< Null: nobody retains it.
  /// What every call returns since a kernel was at fault.
  CUresult broken = CUDA_SUCCESS;
};

struct Module {
  Device *device;
  std::unique_ptr<Program> program;
  bool isUnloaded = false;
};

struct Function {
  std::shared_ptr<Module> module;
  std::string name;
  KernelShape shape;
  size_t maxDynamicBytes;
};

struct Event {
  Device *device;
  bool isRecorded = false, isDone = false;
  std::chrono::steady_clock::time_point time;
};

/// What waits in a stream.
struct Pending {
  std::function<CUresult()> run;
  std::shared_ptr<const Module> module; ///< Whose kernel it is, or null.
};

/// What a stream is told to do. A graph holds many, each for any number of
/// launches.
class Operation {
public:
  virtual ~Operation() = default;
  /// Checks that a graph may hold it.
  virtual CUresult capture(Device &device) const = 0;
  /// Checks what can be told before it runs, and looks at what must not change
  /// until then.
  virtual CUresult issue(Device &device, Pending &pending) const = 0;
};

using Operations = std::vector<std::shared_ptr<const Operation>>;

struct Graph {
  Operations operations;
};

struct Stream {
  Device *device;
  /// Nothing runs before somebody waits for it, as if the device were slow.
  std::deque<Pending> pending;
  struct Capture {
    std::thread::id thread;
    Operations operations;
    bool isInvalid = false;
  };
  std::optional<Capture> capture;
};

/// Used once, and points nowhere.
inline uintptr_t getNewHandle() {
  static uintptr_t last = 0x1000;
  return last += 16;
}

/// The objects of one kind.
template <typename Handle, typename T> class Objects {
public:
  Handle add(std::shared_ptr<T> object) {
    auto handle = reinterpret_cast<Handle>(getNewHandle());
    objects[handle] = std::move(object);
    return handle;
  }
  /// Null: there is none.
  std::shared_ptr<T> find(Handle handle) const {
    auto found = objects.find(handle);
    return found == objects.end() ? nullptr : found->second;
  }
  bool hadOnce(Handle handle) const { return objects.count(handle) != 0; }
  /// Leaves its handle as that of an object that was.
  void remove(Handle handle) { objects[handle] = nullptr; }

  template <typename Visit> void forEach(Visit visit) {
    for (auto &[handle, object] : objects)
      if (object)
        visit(handle, *object);
  }

private:
  std::map<Handle, std::shared_ptr<T>> objects;
};

} // namespace vitc::emulator::cuda

#endif // VITC_TEST_EMULATOR_CUDA_OBJECTS_H
