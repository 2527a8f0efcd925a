//===- ThreadPoolTest.cpp - The threads that run kernels ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ThreadPool.h"
#include "Denormals.h"
#include "Status.h"

#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

using namespace vitc::rt;

namespace {
/// Who ran each task, and with what.
struct Record {
  explicit Record(int64_t tasks)
      : thread(tasks, -1), scratch(tasks), control(tasks) {}

  static void run(const void *args, int64_t begin, int64_t end, void *scratch) {
    auto &record = *static_cast<Record *>(const_cast<void *>(args));
    for (int64_t task = begin; task < end; ++task) {
      record.thread[task] = ThreadPool::currentThread();
      record.scratch[task] = scratch;
      record.control[task] = FlushDenormals::read();
    }
  }

  std::vector<int32_t> thread;
  std::vector<void *> scratch;
  std::vector<uint64_t> control;
};
} // namespace

TEST(ThreadPoolTest, SplitsIntoOneContiguousRangeAThread) {
  for (int32_t threads : {1, 2, 3, 5}) {
    ThreadPool pool(threads);
    ThreadPool::Lease lease(pool);
    for (int64_t tasks : {0, 1, 2, 3, 4, 7, 64, 1001}) {
      Record record(tasks);
      ASSERT_TRUE(pool.parallel(Record::run, &record, tasks));
      // A single task never leaves the caller.
      for (int32_t t = 0; tasks > 1 && t < threads; ++t)
        for (int64_t i = t * tasks / threads; i < (t + 1) * tasks / threads;
             ++i)
          EXPECT_EQ(record.thread[i], t) << threads << " " << tasks;
      if (tasks == 1)
        EXPECT_EQ(record.thread[0], 0);
    }
  }
}

TEST(ThreadPoolTest, RunsEveryTaskOnceOverManyLaunches) {
  ThreadPool pool(3);
  ThreadPool::Lease lease(pool);
  std::vector<std::atomic<int>> counts(7);
  auto count = [](const void *args, int64_t begin, int64_t end, void *) {
    auto *counts = static_cast<std::atomic<int> *>(const_cast<void *>(args));
    for (int64_t i = begin; i < end; ++i)
      ++counts[i];
  };
  for (int i = 0; i < 5000; ++i) {
    // Now and then long enough for the workers to fall asleep.
    if (i % 1000 == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    ASSERT_TRUE(pool.parallel(count, counts.data(), 7));
  }
  for (std::atomic<int> &c : counts)
    EXPECT_EQ(c.load(), 5000);
}

TEST(ThreadPoolTest, GivesEachThreadItsOwnAlignedScratch) {
  ThreadPool pool(3);
  pool.reserveScratch(1000);
  ThreadPool::Lease lease(pool);
  Record record(3);
  ASSERT_TRUE(pool.parallel(Record::run, &record, 3));
  for (int i = 0; i < 3; ++i) {
    ASSERT_NE(record.scratch[i], nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(record.scratch[i]) % 64, 0u);
    EXPECT_NE(record.scratch[i], record.scratch[(i + 1) % 3]);
  }
}

TEST(ThreadPoolTest, FlushesDenormalsInTasksAndRestoresTheCaller) {
  ThreadPool pool(2);
  uint64_t before = FlushDenormals::read();
  ASSERT_NE(before & FlushDenormals::kFlush, FlushDenormals::kFlush);
  {
    ThreadPool::Lease lease(pool);
    Record record(2);
    ASSERT_TRUE(pool.parallel(Record::run, &record, 2));
    for (uint64_t control : record.control)
      EXPECT_EQ(control & FlushDenormals::kFlush, FlushDenormals::kFlush);
  }
  // Sticky exception flags may have changed; the mode may not.
  EXPECT_EQ(FlushDenormals::read() & FlushDenormals::kFlush,
            before & FlushDenormals::kFlush);
}

TEST(ThreadPoolTest, RefusesALaunchFromWithinATask) {
  for (int32_t threads : {1, 2}) {
    ThreadPool pool(threads);
    ThreadPool::Lease lease(pool);
    struct Nested {
      ThreadPool &pool;
      std::atomic<int> refused{0};
    } nested{pool};
    auto task = [](const void *args, int64_t begin, int64_t end, void *) {
      auto &nested = *static_cast<Nested *>(const_cast<void *>(args));
      for (int64_t i = begin; i < end; ++i)
        nested.refused += !nested.pool.parallel(Record::run, nullptr, 2);
    };
    ASSERT_TRUE(pool.parallel(task, &nested, 2));
    EXPECT_EQ(nested.refused.load(), 2);
    Record record(2);
    EXPECT_TRUE(pool.parallel(Record::run, &record, 2));
  }
}

TEST(ThreadPoolTest, SharersTakeTurns) {
  ThreadPool pool(2);
  int inside = 0, most = 0;
  auto use = [&] {
    for (int i = 0; i < 200; ++i) {
      ThreadPool::Lease lease(pool);
      most = std::max(most, ++inside);
      Record record(4);
      EXPECT_TRUE(pool.parallel(Record::run, &record, 4));
      --inside;
    }
  };
  std::thread other(use);
  use();
  other.join();
  EXPECT_EQ(most, 1);
}

TEST(ThreadPoolTest, RejectsBadCounts) {
  EXPECT_THROW(ThreadPool(-1), Failure);
  EXPECT_THROW(ThreadPool(ThreadPool::kMaxThreads + 1), Failure);
  EXPECT_EQ(ThreadPool(0).getNumThreads(), countUsableCores());
}

// A fork has none of the pool's threads: it must say so, and not wait forever.
TEST(ThreadPoolTest, RefusesAForkedChild) {
  ThreadPool pool(2);
  pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    int refused = 0;
    try {
      ThreadPool::Lease lease(pool);
    } catch (const Failure &failure) {
      refused += failure.getStatus() == VITC_UNSUPPORTED;
    }
    try {
      pool.reserveScratch(1000);
    } catch (const Failure &failure) {
      refused += failure.getStatus() == VITC_UNSUPPORTED;
    }
    ::_exit(refused == 2 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}
