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

Thread *Block::current = nullptr;
int64_t Block::callsLeft = 0;

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

static StackPool &getStacks(BlockMemory &memory, size_t count) {
  if (!memory.stacks || memory.stacks->getCount() < count)
    memory.stacks = std::make_unique<StackPool>(count, kStackBytes);
  return *memory.stacks;
}

Block::Block(llvm::StringRef kernel, const LaunchOptions &options,
             GlobalMemory &memory, BlockMemory &blockMemory, size_t sharedBytes,
             void (*entry)(void **), void **parameters)
    : kernel(kernel), options(options), memory(memory),
      sharedBytes(sharedBytes), entry(entry), parameters(parameters),
      shared(blockMemory.shared),
      stacks(getStacks(blockMemory, options.block.getSize())),
      threads(options.block.getSize()), random(options.seed + 1) {
  shared.strict = !options.allowUninitialized;
}

void Block::runThread(void *argument) {
  auto *thread = static_cast<Thread *>(argument);
  thread->block->entry(thread->block->parameters);
  if (!thread->tileStores.isEmpty())
    thread->fault("returns while a TMA store that it started still "
                  "reads shared memory");
  if (!thread->block->getWarpgroup(*thread).reads.isEmpty())
    thread->fault("returns while a wgmma of its warpgroup, for which nobody "
                  "waited, still reads shared memory");
  thread->state = Thread::State::Exited;
  thread->fiber.suspend();
}

bool Block::run(Dim3 blockId) {
  id = blockId;
  shared.reset(sharedBytes, threads.size());
  for (Barrier &barrier : barriers)
    barrier.reset();
  meetings.resize((threads.size() + 31) / 32);
  for (std::vector<Meeting> &open : meetings)
    open.clear();
  warpgroupMeetings.assign((threads.size() + 127) / 128, {});
  warpgroups.assign(warpgroupMeetings.size(), {});
  mbarriers.clear();
  tileLoads.clear();
  readyLanes.assign(meetings.size(), 0);
  readyWarps = 0;
  for (unsigned i = 0; i < threads.size(); ++i) {
    Thread &thread = threads[i];
    thread.block = this;
    thread.index = i;
    thread.id = {i % options.block.x, i / options.block.x % options.block.y,
                 i / options.block.x / options.block.y};
    thread.state = Thread::State::Ready;
    thread.site = nullptr;
    thread.waitsFor = "";
    thread.copies.clear();
    thread.tileStores.clear();
    thread.fiber.start(stacks.getStack(i), stacks.getSize(), runThread,
                       &thread);
    makeReady(thread);
  }
  while (readyWarps || !tileLoads.empty()) {
    // Tiles come as late as they may, in any order.
    if (!readyWarps) {
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
    current = &pickThread();
    callsLeft = static_cast<int64_t>(options.maxCalls);
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

/// One of the bits of `mask`; which one, `random` says.
static unsigned pickBit(uint32_t mask, uint32_t random) {
  unsigned turn = random % 32;
  uint32_t turned = mask >> turn | mask << (32 - turn) % 32;
  return (turn + llvm::countr_zero(turned)) % 32;
}

/// No order of the threads is promised: each seed tries another. A warp mostly
/// runs for a while, which keeps what it needs in this machine's caches.
Thread &Block::pickThread() {
  constexpr uint32_t kTurns = 64;
  uint32_t bits = random();
  if (readyLanes[lastWarp] == 0 || bits % kTurns == 0)
    lastWarp = pickBit(readyWarps, bits / kTurns);
  unsigned lane = pickBit(readyLanes[lastWarp], bits / kTurns / 32);
  readyLanes[lastWarp] &= ~(uint32_t(1) << lane);
  if (readyLanes[lastWarp] == 0)
    readyWarps &= ~(uint32_t(1) << lastWarp);
  return threads[lastWarp * 32 + lane];
}

void Block::makeReady(Thread &thread) {
  readyLanes[thread.getWarp()] |= uint32_t(1) << thread.getLane();
  readyWarps |= uint32_t(1) << thread.getWarp();
}

void Block::wait(Thread &thread, const char *what,
                 std::array<uint32_t, 2> numbers) {
  thread.state = Thread::State::Waiting;
  thread.waitsFor = what;
  thread.waitNumbers = numbers;
  thread.fiber.suspend();
}

void Block::wake(Thread &thread) {
  thread.state = Thread::State::Ready;
  makeReady(thread);
}

void Block::enter(Thread &thread, const Site &site) {
  thread.site = &site;
  if (--callsLeft < 0)
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
    std::string what =
        llvm::formatv(/*Validate=*/false, thread.waitsFor,
                      thread.waitNumbers[0], thread.waitNumbers[1]);
    waiting[{what, thread.site->text}].push_back(thread.index);
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
