//===- Block.h - The threads of a block ----------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_EMULATOR_BLOCK_H
#define VITC_TEST_EMULATOR_BLOCK_H

#include "Emulator.h"
#include "Fiber.h"
#include "GlobalMemory.h"
#include "SharedMemory.h"
#include "Site.h"

#include "llvm/ADT/Twine.h"
#include <array>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <random>

namespace vitc::emulator {

/// A read of shared memory by tensor cores or the unit for tiles.
struct AsyncRead {
  size_t offset, bytes;
};

/// One thread of the block that runs.
struct Thread {
  enum class State : uint8_t { Ready, Waiting, Exited };

  Block *block;
  unsigned index;
  Dim3 id;
  Fiber fiber;
  State state;
  /// The call in which the thread is, and its words.
  const Site *site;
  const uint64_t *in;
  uint64_t *out;
  /// Of a thread that waits: what others lack, for the report of a deadlock.
  std::string waitsFor;
  /// Calls since it last gave way.
  uint64_t numCalls;

  /// cp.async's: groups, the oldest first; the last is not committed yet.
  struct Copy {
    size_t offset;
    const char *source;
    uint8_t bytes, sourceBytes;
  };
  std::deque<std::vector<Copy>> copyGroups;

  /// TMA stores: groups, as of cp.async.
  struct TileStore {
    AsyncRead read;
    std::function<void()> run;
  };
  std::deque<std::vector<TileStore>> storeGroups;

  unsigned getLane() const { return index % 32; }
  unsigned getWarp() const { return index / 32; }
  uint32_t getParameter() const { return site->model->parameter; }
  /// Ends the launch once the call returns, with an error that says that this
  /// thread does `what`.
  void fault(const llvm::Twine &what);
};

/// Lanes that have come together at one instruction; null for those without.
struct Group {
  std::array<Thread *, 32> lanes;
  uint32_t mask;

  Thread &getFirst() const;
  uint32_t getParameter() const { return getFirst().getParameter(); }
};

/// The threads of four warps at one instruction.
struct Warpgroup {
  std::array<Thread *, 128> threads;
};

/// An mbarrier. Its phase is over when nobody and no byte is missing.
struct MBarrier {
  uint32_t count, missing;
  int64_t missingBytes = 0;
  uint32_t phase = 0;
  SharedMemory::Clock clock;     ///< What those who arrived did before.
  SharedMemory::Clock overClock; ///< The same, of the last phase that is over.
  std::vector<Thread *> waiting;
};

/// Runs the blocks of a launch, one after the other.
class Block {
public:
  /// `entry` calls the kernel on the current thread's stack.
  Block(llvm::StringRef kernel, const LaunchOptions &options,
        GlobalMemory &memory, size_t sharedBytes, void (*entry)(void **),
        void **parameters);

  /// False: getError() says why it ended early.
  bool run(Dim3 id);
  const std::string &getError() const { return error; }

  const Dim3 &getId() const { return id; }
  const Dim3 &getGrid() const { return options.grid; }
  const Dim3 &getSize() const { return options.block; }
  size_t getNumThreads() const { return threads.size(); }
  SharedMemory &getShared() { return shared; }

  /// The thread that runs now.
  static Thread &getCurrent();

  /// Called by a kernel: an instruction with a model, and a load or store
  /// before it is done. They do not return to a kernel that is at fault.
  static void call(const Site &site, const uint64_t *in, uint64_t *out);
  static void checkAccess(const Site &site, uintptr_t address, size_t bytes);

  /// Called by models before they touch memory. False: `thread` is at fault.
  bool checkShared(Thread &thread, uintptr_t address, size_t bytes,
                   Access access);
  bool checkGlobal(Thread &thread, uintptr_t address, size_t bytes,
                   Access access);
  bool checkAlignment(Thread &thread, uintptr_t address, size_t alignment,
                      Access access);

  /// barrier.sync and barrier.arrive. `count` 0: every thread of the block.
  void arriveAtBarrier(Thread &thread, uint32_t barrier, uint32_t count,
                       bool aligned, bool waits);

  /// mbarriers, by their place in shared memory. Null: `thread` is at fault.
  MBarrier *findBarrier(Thread &thread, uintptr_t address);
  void makeBarrier(Thread &thread, uintptr_t address, uint32_t count);
  /// Ends the phase if nothing is missing any more.
  void updateBarrier(MBarrier &barrier);
  void waitForBarrier(Thread &thread, MBarrier &barrier, uint32_t parity);

  /// What the unit for tiles does later, when no thread can run on.
  void addTileLoad(std::function<void()> run) {
    tileLoads.push_back(std::move(run));
  }

  /// Of a warpgroup: the reads of its wgmmas, by group, as of cp.async.
  struct WarpgroupState {
    bool isFenced = false;
    std::deque<std::vector<AsyncRead>> readGroups;
  };
  WarpgroupState &getWarpgroup(const Thread &thread) {
    return warpgroups[thread.index / 128];
  }

private:
  friend struct Thread;
  struct Barrier {
    uint32_t count = 0;
    SharedMemory::Clock clock; ///< What those who arrived did before.
    /// Who, and where: those who do not wait have gone on.
    std::vector<std::pair<Thread *, const Site *>> arrived;
    std::vector<Thread *> waiting;
  };
  /// Lanes of a warp that come together, until the last has come.
  struct Meeting {
    const Site *site;
    Group group;
    uint32_t missing;
  };

  static void runThread(void *thread);
  void enter(Thread &thread, const Site &site);
  void meet(Thread &thread, uint32_t mask);
  void meetWarpgroup(Thread &thread);
  void wait(Thread &thread);
  void wake(Thread &thread);
  std::string describeDeadlock() const;
  std::string describeThreads(llvm::ArrayRef<unsigned> indices) const;

  std::string kernel;
  const LaunchOptions &options;
  GlobalMemory &memory;
  size_t sharedBytes;
  void (*entry)(void **);
  void **parameters;

  Dim3 id;
  SharedMemory shared;
  StackPool stacks;
  std::vector<Thread> threads;
  std::vector<Thread *> ready;
  std::array<Barrier, 16> barriers;
  std::vector<std::list<Meeting>> meetings; ///< By warp.
  std::vector<std::vector<Thread *>> warpgroupMeetings;
  std::vector<WarpgroupState> warpgroups;
  std::map<size_t, MBarrier> mbarriers;
  std::vector<std::function<void()>> tileLoads;
  std::minstd_rand random;
  std::string error;
};

} // namespace vitc::emulator

#endif // VITC_TEST_EMULATOR_BLOCK_H
