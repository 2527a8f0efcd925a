//===- ThreadPool.cpp - The threads that run kernels ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ThreadPool.h"

#include "Status.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <system_error>

using namespace vitc::rt;

/// Several times what a sleeper takes to wake, as long as a kernel that one
/// thread computes alone; short enough to cost nothing noticeable after a
/// model's last.
static constexpr std::chrono::microseconds kSpinTime(200);

/// Some microseconds, which most waits within a run do not exceed.
static constexpr int kPausesPerYield = 64;

static thread_local int32_t threadIndex = 0;

static void futexWait(std::atomic<uint32_t> &word, uint32_t expected) {
  static_assert(sizeof(word) == sizeof(uint32_t), "the kernel reads the word");
  // Returns early on a signal or a changed word; callers check in a loop.
  ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr,
            0);
}

static void futexWakeAll(std::atomic<uint32_t> &word) {
  ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

static void relaxCpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Spins until `done` or until kSpinTime has passed; whether it is done. Yields
/// meanwhile: on a busy machine the thread waited for may need this very core.
template <typename Predicate> static bool spinUntil(Predicate done) {
  auto end = std::chrono::steady_clock::now() + kSpinTime;
  do {
    for (int i = 0; i < kPausesPerYield; ++i) {
      if (done())
        return true;
      relaxCpu();
    }
    ::sched_yield();
  } while (std::chrono::steady_clock::now() < end);
  return done();
}

int32_t vitc::rt::countUsableCores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  // Fails on machines with more cores than cpu_set_t has bits.
  if (::sched_getaffinity(0, sizeof(cores), &cores) == 0)
    return std::max(1, CPU_COUNT(&cores));
  return std::max<int32_t>(1, std::thread::hardware_concurrency());
}

ThreadPool::ThreadPool(int32_t threads) : process(::getpid()) {
  int32_t cores = countUsableCores();
  if (threads < 0 || threads > kMaxThreads)
    throw Failure(VITC_INVALID_ARGUMENT,
                  "threads is {}; needs 0 (one a core) to {}", threads,
                  kMaxThreads);
  numThreads = threads == 0 ? std::min(cores, kMaxThreads) : threads;
  spins = numThreads <= cores;
  // A thread's first use of it in a shared library allocates: here, not in a
  // run.
  threadIndex = 0;
  scratch.resize(numThreads);
  workers.reserve(numThreads - 1);
  try {
    pending.store(numThreads - 1);
    for (int32_t thread = 1; thread < numThreads; ++thread)
      workers.emplace_back([this, thread] { work(thread); });
    while (pending.load() != 0)
      std::this_thread::yield();
  } catch (const std::system_error &error) {
    size_t started = workers.size();
    stop();
    throw Failure(VITC_OUT_OF_MEMORY, "{} of {} threads could be started: {}",
                  started + 1, numThreads, error.code().message());
  } catch (...) {
    stop();
    throw;
  }
}

ThreadPool::~ThreadPool() { stop(); }

void ThreadPool::stop() {
  if (process != ::getpid()) {
    // A forked child holds handles of threads that only its parent has.
    for (std::thread &worker : workers)
      worker.detach();
    return;
  }
  stopping = true;
  epoch.fetch_add(1);
  futexWakeAll(epoch);
  for (std::thread &worker : workers)
    worker.join();
}

void ThreadPool::checkProcess() const {
  if (process != ::getpid())
    throw Failure(VITC_UNSUPPORTED,
                  "the runtime was made in process {} and is used in its fork "
                  "{}; a fork needs a runtime of its own",
                  process, ::getpid());
}

ThreadPool::Lease::Lease(ThreadPool &pool) {
  pool.checkProcess();
  lock = std::unique_lock(pool.leaseMutex);
}

void ThreadPool::reserveScratch(int64_t bytes) {
  checkProcess(); // the lock may be one that only a thread of the parent frees
  std::lock_guard lock(leaseMutex);
  for (Arena &buffer : scratch)
    if (buffer.size() < bytes)
      buffer = Arena(bytes, "scratch memory of a thread");
}

int32_t ThreadPool::currentThread() { return threadIndex; }

void ThreadPool::runRange(int32_t thread) {
  // 128-bit products: the number of tasks is the model's, not ours.
  auto bound = [&](int32_t t) {
    return static_cast<int64_t>(static_cast<__int128>(jobTasks) * t /
                                numThreads);
  };
  int64_t begin = bound(thread), end = bound(thread + 1);
  if (begin < end)
    jobFn(jobArgs, begin, end, scratch[thread].data());
}

bool ThreadPool::parallel(TaskFn fn, const void *args, int64_t tasks) {
  if (busy.exchange(true))
    return false;
  threadIndex = 0;
  if (tasks <= 1 || numThreads == 1) {
    if (tasks > 0)
      fn(args, 0, tasks, scratch[0].data());
    busy.store(false);
    return true;
  }
  jobFn = fn;
  jobArgs = args;
  jobTasks = tasks;
  pending.store(numThreads - 1, std::memory_order_relaxed);
  // Sequentially consistent, as is the sleeper's count: either we see the
  // sleeper here or it sees the new epoch in futexWait.
  epoch.fetch_add(1);
  if (sleepers.load() != 0)
    futexWakeAll(epoch);
  runRange(0);
  waitForWorkers();
  busy.store(false);
  return true;
}

void ThreadPool::waitForWorkers() {
  auto done = [&] { return pending.load(std::memory_order_acquire) == 0; };
  if (spins ? spinUntil(done) : done())
    return;
  callerSleeps.store(true);
  while (uint32_t left = pending.load())
    futexWait(pending, left);
  callerSleeps.store(false);
}

uint32_t ThreadPool::waitForJob(uint32_t seen) {
  auto posted = [&] { return epoch.load(std::memory_order_acquire) != seen; };
  if (!(spins ? spinUntil(posted) : posted())) {
    sleepers.fetch_add(1);
    while (!posted())
      futexWait(epoch, seen);
    sleepers.fetch_sub(1);
  }
  return epoch.load(std::memory_order_acquire);
}

void ThreadPool::work(int32_t thread) {
  FlushDenormals flushDenormals;
  threadIndex = thread;
  pending.fetch_sub(1);
  uint32_t seen = 0;
  while (true) {
    seen = waitForJob(seen);
    if (stopping)
      return;
    runRange(thread);
    if (pending.fetch_sub(1) == 1 && callerSleeps.load())
      futexWakeAll(pending);
  }
}
