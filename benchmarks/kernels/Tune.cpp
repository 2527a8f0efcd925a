//===- Tune.cpp - The model's tiling beside all others --------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tune.h"

#include "Kernel/KernelDialect.h"
#include "KernelRun.h"
#include "Tilings.h"
#include "mlir/Pass/PassManager.h"
#include "vitc/Pipelines/CPU.h"
#include <chrono>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

using namespace mlir;
using namespace vitc;
using namespace vitc::bench;
using namespace vitc::kernel;

/// How long all runs of a tiling may take before half of them leave, and how
/// many these are at least and at most.
static constexpr double kPartSeconds = 0.02;
static constexpr int kLeastRuns = 2, kMostRuns = 12;
/// How few go into the next round.
static constexpr size_t kLast = 4;
/// Of changes of one thing each, from the best so far.
static constexpr int kBlockingRounds = 2;

/// What the schedule gives the kernel; null for those that are not tuned.
static Attribute schedule(const IsolatedKernel &kernel, StringRef isa) {
  if (!mlir::isa_and_present<GemmOp, AttentionOp>(kernel.kernel))
    return Attribute();
  OwningOpRef<ModuleOp> scheduled(kernel.module.get().clone());
  PassManager passes(scheduled->getContext());
  addCpuSchedulePasses(passes, isa, "llvm");
  if (failed(passes.run(*scheduled)))
    return Attribute();
  Attribute tiling;
  scheduled->walk([&](Operation *op) {
    if (mlir::isa<GemmOp, AttentionOp>(op))
      tiling = op->getInherentAttr("tiling").value_or(Attribute());
  });
  return tiling;
}

/// After which another program gets its turn.
static constexpr std::chrono::seconds kLockTime(60);

namespace {
struct Candidate {
  Attribute tiling;
  std::unique_ptr<LoadedEntry> entry;
  double best = std::numeric_limits<double>::infinity();

  TimedTiling describe() const { return {describeTiling(tiling), best}; }
  bool operator<(const Candidate &other) const { return best < other.best; }
};

/// The tilings of one kernel. The choice stays first.
class Tuner {
public:
  Tuner(const IsolatedKernel &kernel, StringRef isa, Attribute choice)
      : kernel(kernel), isa(isa) {
    add(choice);
  }

  /// Compiles those that have not been candidates.
  void add(ArrayRef<Attribute> tilings);
  void addMicroTiles();
  void addBlockings();
  /// Runs all in turn, and keeps the choice and the fastest few.
  void time(double seconds);
  llvm::Expected<TuneResult> getResult();

private:
  void keepFastest(KernelMemory &memory);
  void runInTurn(KernelMemory &memory) {
    for (Candidate &candidate : candidates)
      candidate.best = std::min(candidate.best, memory.run(*candidate.entry));
  }
  const Candidate &getBest() const {
    return *std::min_element(candidates.begin(), candidates.end());
  }

  const IsolatedKernel &kernel;
  StringRef isa;
  std::vector<Candidate> candidates;
  llvm::SmallDenseSet<Attribute, 64> known;
  llvm::Error error = llvm::Error::success();
  /// Found before other blocks are tried, as a part of the choice's time.
  TimedTiling bestTile;
};

/// A file that keeps other programs that lock it from running meanwhile.
class LockFile {
public:
  /// An empty path locks nothing.
  static llvm::Expected<LockFile> open(StringRef path) {
    LockFile file;
    if (path.empty())
      return file;
    file.descriptor =
        ::open(path.str().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file.descriptor < 0)
      return llvm::errorCodeToError(llvm::errnoAsErrorCode());
    return file;
  }
  void lock() const { set(LOCK_EX); }
  void unlock() const { set(LOCK_UN); }

private:
  void set(int operation) const {
    if (descriptor >= 0)
      ::flock(descriptor, operation);
  }

  int descriptor = -1; // open until the process ends
};
} // namespace

void Tuner::add(ArrayRef<Attribute> tilings) {
  for (Attribute tiling : tilings) {
    if (error || !known.insert(tiling).second)
      continue;
    kernel.kernel->setAttr("tiling", tiling);
    auto entry = LoadedEntry::load(*kernel.module, isa);
    kernel.kernel->removeAttr("tiling");
    if (entry)
      candidates.push_back({tiling, std::move(*entry)});
    else
      error = entry.takeError();
  }
}

void Tuner::addMicroTiles() {
  Attribute choice = candidates.front().tiling;
  add(getMicroTilings(kernel.kernel, choice, *findMachine(isa)));
}

void Tuner::addBlockings() {
  Attribute choice = candidates.front().tiling, best = getBest().tiling;
  add(getBlockings(kernel.kernel, choice));
  add(getBlockings(kernel.kernel, best));
}

void Tuner::keepFastest(KernelMemory &memory) {
  while (true) {
    runInTurn(memory);
    int runs = std::clamp(int(kPartSeconds / candidates.front().best),
                          kLeastRuns, kMostRuns);
    for (int i = 1; i < runs; ++i)
      runInTurn(memory);
    std::sort(std::next(candidates.begin()), candidates.end());
    if (candidates.size() <= kLast)
      return;
    candidates.erase(candidates.begin() +
                         std::max(kLast, candidates.size() / 2),
                     candidates.end());
  }
}

void Tuner::time(double seconds) {
  if (error)
    return;
  KernelMemory memory(kernel);
  keepFastest(memory);
  for (double spent = 0; spent < seconds; spent += candidates.front().best)
    runInTurn(memory);
  if (bestTile.tiling.empty()) {
    bestTile = getBest().describe();
    bestTile.seconds /= candidates.front().best;
  }
}

llvm::Expected<TuneResult> Tuner::getResult() {
  if (error)
    return llvm::joinErrors(
        llvm::createStringError("tilings of " + kernel.shape),
        std::move(error));
  const Candidate &choice = candidates.front();
  return TuneResult{&kernel,
                    choice.describe(),
                    getBest().describe(),
                    {bestTile.tiling, bestTile.seconds * choice.best},
                    static_cast<int64_t>(known.size())};
}

llvm::Expected<std::vector<TuneResult>>
vitc::bench::tune(ArrayRef<const IsolatedKernel *> kernels,
                  const TuneOptions &options) {
  llvm::Expected<LockFile> file = LockFile::open(options.lockFile);
  if (!file)
    return file.takeError();
  std::vector<std::unique_ptr<Tuner>> tuners;
  for (const IsolatedKernel *kernel : kernels)
    if (Attribute choice = schedule(*kernel, options.isa))
      tuners.push_back(std::make_unique<Tuner>(*kernel, options.isa, choice));
  auto timeAll = [&] {
    for (size_t begin = 0; begin < tuners.size();) {
      file->lock();
      auto start = std::chrono::steady_clock::now();
      do
        tuners[begin++]->time(options.seconds);
      while (begin < tuners.size() &&
             std::chrono::steady_clock::now() - start < kLockTime);
      file->unlock();
    }
  };
  for (auto &tuner : tuners)
    tuner->addMicroTiles();
  timeAll();
  for (int round = 0; round < kBlockingRounds; ++round) {
    for (auto &tuner : tuners)
      tuner->addBlockings();
    timeAll();
  }
  std::vector<TuneResult> results;
  llvm::Error errors = llvm::Error::success();
  for (auto &tuner : tuners) {
    llvm::Expected<TuneResult> result = tuner->getResult();
    if (result)
      results.push_back(*result);
    else
      errors = llvm::joinErrors(std::move(errors), result.takeError());
  }
  if (errors)
    return std::move(errors);
  return results;
}
