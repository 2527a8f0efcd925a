//===- ThreadPool.h - The threads that run kernels --------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model launches a kernel every few hundred microseconds, so threads spin for
// a moment before they sleep. Work is split into one contiguous range a thread,
// always the same, so that a thread finds its data in its own cache.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_THREADPOOL_H
#define VITC_LIB_RUNTIME_THREADPOOL_H

#include "Arena.h"
#include "Denormals.h"

#include "vitc/Runtime/Descriptor.h"

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

namespace vitc::rt {

class ThreadPool {
public:
  static constexpr int32_t kMaxThreads = 1024;

  /// `threads` counts the caller's; 0: one for each core the process may use.
  explicit ThreadPool(int32_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool &) = delete;
  ThreadPool &operator=(const ThreadPool &) = delete;

  int32_t getNumThreads() const { return numThreads; }

  /// Sole use of the pool by the calling thread, which flushes denormals
  /// meanwhile. Sessions that share a pool take turns.
  class Lease {
  public:
    /// Throws Failure in a forked child, which has none of the threads.
    explicit Lease(ThreadPool &pool);

  private:
    std::unique_lock<std::mutex> lock;
    FlushDenormals flushDenormals;
  };

  /// Grows each thread's scratch buffer to `bytes`; not while holding a lease.
  /// Throws Failure in a forked child.
  void reserveScratch(int64_t bytes);

  /// Runs `fn` over tasks [t*T/n, (t+1)*T/n) on thread t of n, thread 0 being
  /// the caller, and returns when all are done. The caller holds a lease.
  /// False, and nothing done, from within a task: ranges do not nest.
  [[nodiscard]] bool parallel(TaskFn fn, const void *args, int64_t tasks);

  /// The index in the pool of the thread that runs the current task.
  static int32_t currentThread();

private:
  void work(int32_t thread);
  void runRange(int32_t thread);
  uint32_t waitForJob(uint32_t seen);
  void waitForWorkers();
  void stop();
  void checkProcess() const;

  int32_t numThreads;
  bool spins; // false when the threads outnumber the cores
  pid_t process;
  std::mutex leaseMutex;
  std::vector<Arena> scratch; // one a thread
  std::vector<std::thread> workers;

  // The current job; written by the caller before it raises `epoch`.
  TaskFn jobFn = nullptr;
  const void *jobArgs = nullptr;
  int64_t jobTasks = 0;
  bool stopping = false;
  std::atomic<bool> busy{false};

  alignas(64) std::atomic<uint32_t> epoch{0}; // jobs posted so far
  std::atomic<uint32_t> sleepers{0};
  alignas(64) std::atomic<uint32_t> pending{0}; // workers not yet done
  std::atomic<bool> callerSleeps{false};
};

/// The number of cores that the process may use.
int32_t countUsableCores();

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_THREADPOOL_H
