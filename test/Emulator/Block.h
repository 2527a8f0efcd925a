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
#include "Groups.h"
#include "SharedMemory.h"
#include "Site.h"

#include "llvm/ADT/Twine.h"
#include <array>
#include <functional>
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
  /// Of a thread that waits: what others lack, for the report of a deadlock,
  /// with the numbers in it.
  const char *waitsFor;
  std::array<uint32_t, 2> waitNumbers;

  /// cp.async's.
  struct Copy {
    size_t offset;
    const char *source;
    uint8_t bytes, sourceBytes;
  };
  Groups<Copy> copies;

  struct TileStore {
    AsyncRead read;
    std::function<void()> run;
  };
  Groups<TileStore> tileStores;

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

/// What one launch after the other uses, as making it takes time.
struct BlockMemory {
  SharedMemory shared;
  std::unique_ptr<StackPool> stacks;
};

/// Runs the blocks of a launch, one after the other. There is one at a time.
class Block {
public:
  /// `entry` calls the kernel on the current thread's stack.
  Block(llvm::StringRef kernel, const LaunchOptions &options,
        GlobalMemory &memory, BlockMemory &blockMemory, size_t sharedBytes,
        void (*entry)(void **), void **parameters);

  /// False: getError() says why it ended early.
  bool run(Dim3 id);
  const std::string &getError() const { return error; }

  const Dim3 &getId() const { return id; }
  const Dim3 &getGrid() const { return options.grid; }
  const Dim3 &getSize() const { return options.block; }
  size_t getNumThreads() const { return threads.size(); }
  SharedMemory &getShared() { return shared; }

  /// The thread that runs now.
  static Thread &getCurrent() { return *current; }

  /// Called by a kernel: an instruction with a model, and a load or store
  /// before it is done. They do not return to a kernel that is at fault.
  static void call(const Site &site, const uint64_t *in, uint64_t *out);
  static void checkAccess(const Site &site, uintptr_t address, size_t bytes);
  /// How often the current thread may still do so before it gives way.
  static int64_t callsLeft;

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

  /// Of a warpgroup: the reads of its wgmmas.
  struct WarpgroupState {
    bool isFenced = false;
    Groups<AsyncRead> reads;
  };
  WarpgroupState &getWarpgroup(const Thread &thread) {
    return warpgroups[thread.index / 128];
  }

private:
  friend struct Thread;
  struct Barrier {
    uint32_t count = 0, numArrived = 0;
    SharedMemory::Clock clock; ///< What those who arrived did before.
    Thread *first = nullptr;
    std::vector<Thread *> waiting;
    /// Of each warp: who came first, where, and how many came.
    struct Arrival {
      Thread *thread = nullptr;
      const Site *site = nullptr;
      unsigned count = 0;
    };
    std::array<Arrival, 32> warps;

    void reset();
  };
  /// Lanes of a warp that come together, until the last has come.
  struct Meeting {
    const Site *site;
    Group group;
    uint32_t missing;
  };

  static void runThread(void *thread);
  Thread &pickThread();
  void enter(Thread &thread, const Site &site);
  void meet(Thread &thread, uint32_t mask);
  void meetWarpgroup(Thread &thread);
  void wait(Thread &thread, const char *what,
            std::array<uint32_t, 2> numbers = {});
  void wake(Thread &thread);
  void makeReady(Thread &thread);
  std::string describeDeadlock() const;
  std::string describeThreads(llvm::ArrayRef<unsigned> indices) const;

  std::string kernel;
  const LaunchOptions &options;
  GlobalMemory &memory;
  size_t sharedBytes;
  void (*entry)(void **);
  void **parameters;

  Dim3 id;
  SharedMemory &shared;
  StackPool &stacks;
  std::vector<Thread> threads;
  /// Who can run: lanes, by warp, and warps that have some.
  std::vector<uint32_t> readyLanes;
  uint32_t readyWarps = 0;
  unsigned lastWarp = 0;
  std::array<Barrier, 16> barriers;
  std::vector<std::vector<Meeting>> meetings; ///< By warp.
  std::vector<std::vector<Thread *>> warpgroupMeetings;
  std::vector<WarpgroupState> warpgroups;
  std::map<size_t, MBarrier> mbarriers;
  std::vector<std::function<void()>> tileLoads;
  std::minstd_rand random;
  std::string error;

  static Thread *current;
};

} // namespace vitc::emulator

#endif // VITC_TEST_EMULATOR_BLOCK_H
