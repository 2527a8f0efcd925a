//===- Block.cpp - The threads of a block ---------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <map>

using namespace vitc::emulator;

/// A kernel keeps all its registers here, a wgmma's accumulators among them.
static constexpr size_t kStackBytes = size_t(256) << 10;
static thread_local Thread *current;

static std::string toString(const Dim3 &id) {
  return llvm::formatv("({0}, {1}, {2})", id.x, id.y, id.z);
}

Thread &Group::getFirst() const { return *lanes[llvm::countr_zero(mask)]; }

void Thread::fault(const llvm::Twine &what) {
  if (!block->error.empty())
    return;
  llvm::raw_string_ostream(block->error)
      << "kernel '" << block->kernel << "', block " << toString(block->id)
      << ", thread " << index << " " << toString(id) << " " << what << ", at '"
      << site->text << "'";
}

Block::Block(llvm::StringRef kernel, const LaunchOptions &options,
             GlobalMemory &memory, size_t sharedBytes, void (*entry)(void **),
             void **parameters)
    : kernel(kernel), options(options), memory(memory),
      sharedBytes(sharedBytes), entry(entry), parameters(parameters),
      stacks(options.block.getSize(), kStackBytes),
      threads(options.block.getSize()), random(options.seed + 1) {
  shared.strict = !options.allowUninitialized;
}

Thread &Block::getCurrent() { return *current; }

void Block::runThread(void *argument) {
  auto *thread = static_cast<Thread *>(argument);
  thread->block->entry(thread->block->parameters);
  for (const auto &group : thread->storeGroups)
    if (!group.empty())
      thread->fault("returns while a TMA store that it started still "
                    "reads shared memory");
  for (const auto &group : thread->block->getWarpgroup(*thread).readGroups)
    if (!group.empty())
      thread->fault("returns while a wgmma of its warpgroup, for which nobody "
                    "waited, still reads shared memory");
  thread->state = Thread::State::Exited;
  thread->fiber.suspend();
}

bool Block::run(Dim3 blockId) {
  id = blockId;
  shared.reset(sharedBytes, threads.size());
  barriers.fill({});
  meetings.assign((threads.size() + 31) / 32, {});
  warpgroupMeetings.assign((threads.size() + 127) / 128, {});
  warpgroups.assign(warpgroupMeetings.size(), {});
  for (WarpgroupState &state : warpgroups)
    state.readGroups.emplace_back();
  mbarriers.clear();
  tileLoads.clear();
  ready.clear();
  for (unsigned i = 0; i < threads.size(); ++i) {
    Thread &thread = threads[i];
    thread.block = this;
    thread.index = i;
    thread.id = {i % options.block.x, i / options.block.x % options.block.y,
                 i / options.block.x / options.block.y};
    thread.state = Thread::State::Ready;
    thread.site = nullptr;
    thread.waitsFor.clear();
    thread.numCalls = 0;
    thread.copyGroups.assign(1, {});
    thread.storeGroups.assign(1, {});
    thread.fiber.start(stacks.getStack(i), stacks.getSize(), runThread,
                       &thread);
    ready.push_back(&thread);
  }
  // No order of the threads is promised: each seed tries another.
  while (!ready.empty() || !tileLoads.empty()) {
    // Tiles come as late as they may, in any order.
    if (ready.empty()) {
      if (llvm::all_of(threads, [](const Thread &thread) {
            return thread.state == Thread::State::Exited;
          })) {
        error = llvm::formatv("kernel '{0}', block {1}: all threads have "
                              "returned while {2} TMA loads are under way",
                              kernel, toString(id), tileLoads.size());
        return false;
      }
      std::swap(tileLoads[random() % tileLoads.size()], tileLoads.back());
      std::function<void()> load = std::move(tileLoads.back());
      tileLoads.pop_back();
      load();
      continue;
    }
    std::swap(ready[random() % ready.size()], ready.back());
    current = ready.back();
    ready.pop_back();
    current->numCalls = 0;
    current->fiber.resume();
    if (!error.empty())
      return false;
  }
  for (const Thread &thread : threads)
    if (thread.state == Thread::State::Waiting) {
      error = describeDeadlock();
      return false;
    }
  return true;
}

void Block::wait(Thread &thread) {
  thread.state = Thread::State::Waiting;
  thread.fiber.suspend();
}

void Block::wake(Thread &thread) {
  thread.state = Thread::State::Ready;
  thread.waitsFor.clear();
  ready.push_back(&thread);
}

void Block::enter(Thread &thread, const Site &site) {
  thread.site = &site;
  if (++thread.numCalls > options.maxCalls)
    thread.fault("runs without end while others wait to run");
}

void Block::call(const Site &site, const uint64_t *in, uint64_t *out) {
  if (site.predicated && ((*in++ & 1) != 0) == site.negated)
    return;
  Thread &thread = *current;
  Block &block = *thread.block;
  block.enter(thread, site);
  thread.in = in;
  thread.out = out;
  const Model &model = *site.model;
  if (model.thread)
    model.thread(thread, in, out);
  else if (model.warpgroup)
    block.meetWarpgroup(thread);
  else
    block.meet(thread, model.maskOperand == Model::kNoMask
                           ? ~uint32_t(0)
                           : static_cast<uint32_t>(in[model.maskOperand]));
  // Here nothing is left on the stack that somebody must free.
  if (!block.error.empty())
    thread.fiber.suspend();
}

std::string Block::describeThreads(llvm::ArrayRef<unsigned> indices) const {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (size_t i = 0; i < indices.size();) {
    size_t end = i + 1;
    while (end < indices.size() && indices[end] == indices[end - 1] + 1)
      ++end;
    os << (i == 0 ? "" : ", ") << indices[i];
    if (end > i + 1)
      os << "-" << indices[end - 1];
    i = end;
  }
  return text;
}

std::string Block::describeDeadlock() const {
  std::vector<unsigned> exited;
  std::map<std::pair<std::string, std::string>, std::vector<unsigned>> waiting;
  size_t numWaiting = 0;
  for (const Thread &thread : threads) {
    if (thread.state == Thread::State::Exited) {
      exited.push_back(thread.index);
      continue;
    }
    ++numWaiting;
    waiting[{thread.waitsFor, thread.site->text}].push_back(thread.index);
  }
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "kernel '" << kernel << "', block " << toString(id) << ": deadlock, "
     << numWaiting << " of " << threads.size() << " threads wait";
  for (const auto &[why, indices] : waiting)
    os << "; " << describeThreads(indices) << " for " << why.first << ", at '"
       << why.second << "'";
  for (const auto &[offset, barrier] : mbarriers)
    if (!barrier.waiting.empty())
      os << "; the mbarrier at byte " << offset << " lacks " << barrier.missing
         << " of " << barrier.count << " arrivals and " << barrier.missingBytes
         << " bytes";
  if (!exited.empty())
    os << "; " << describeThreads(exited) << " have returned";
  return text;
}
