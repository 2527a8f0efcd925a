//===- KernelBenchmarks.cpp - Each kernel of a model by itself ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   kernel-benchmarks MODEL.mlir... [--filter=REGEX] [--isa=LEVEL]
//                     [--benchmark_...]
//   kernel-benchmarks MODEL.mlir... --tune [--seconds=S] [--json=FILE]
//                     [--lock=FILE]
// where MODEL.mlir comes from
//   vitc compile MODEL --batch=1 --compile-to=kernel -o MODEL.mlir
// The first form runs each distinct kernel on one thread under Google Benchmark
// and adds GFLOP/s, GB/s and the part of the peak, which is measured beside
// it. The second compares the schedule's tilings of products and of attention
// with all others, once for each shape.
//
//===----------------------------------------------------------------------===//

#include "../FmaLoop.h"
#include "KernelRun.h"
#include "Tune.h"

#include "Kernel/KernelDialect.h"
#include "Vit/VitDialect.h"
#include "benchmark/benchmark.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>
#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::bench;
namespace cl = llvm::cl;

static cl::list<std::string> files(cl::Positional, cl::OneOrMore,
                                   cl::desc("MODEL.mlir..."));
static cl::opt<std::string> filter("filter", cl::init("."),
                                   cl::desc("Kernels whose name matches"));
static cl::opt<std::string> level("isa", cl::init("x86-64-v4"),
                                  cl::desc("The level to generate code for"));
static cl::opt<bool> tuneTilings("tune", cl::desc("Compare tilings"));
static cl::opt<double> seconds("seconds", cl::init(0.1),
                               cl::desc("Of --tune, for each of the last few"));
static cl::opt<std::string> lockFile("lock",
                                     cl::desc("A file that --tune holds locked "
                                              "while it measures"));
static cl::opt<std::string> jsonFile("json",
                                     cl::desc("Write what --tune finds there"));

/// Products of fewer operations are over before a clock is read well.
static constexpr int64_t kMinTunedFlops = 2'000'000;
static constexpr int kPeakRepetitions = 20;

/// FLOP/s of one core, by the fastest of some repetitions; 0 if unknown.
static double measurePeak() {
  FmaLoop loop = chooseFmaLoop();
  if (!loop.isa)
    return 0;
  Operands operands = makeOperands(/*seed=*/1);
  double best = 0;
  for (int i = 0; i < kPeakRepetitions; ++i) {
    auto begin = std::chrono::steady_clock::now();
    loop.run(operands);
    std::chrono::duration<double> time =
        std::chrono::steady_clock::now() - begin;
    best = std::max(best, double(loop.flopsPerStep) *
                              double(kStepsPerRepetition) / time.count());
  }
  return best;
}

static void runBenchmark(benchmark::State &state,
                         const IsolatedKernel &kernel) {
  auto entry = LoadedEntry::load(*kernel.module, level);
  if (!entry) {
    state.SkipWithError(llvm::toString(entry.takeError()).c_str());
    return;
  }
  KernelMemory memory(kernel);
  memory.run(**entry);
  double peak = measurePeak(), best = std::numeric_limits<double>::infinity();
  for (auto _ : state) {
    double time = memory.run(**entry);
    state.SetIterationTime(time);
    best = std::min(best, time);
  }
  peak = std::max(peak, measurePeak());
  state.counters["launches"] = double(kernel.launches);
  state.counters["GFLOP/s"] = double(kernel.flops) / best / 1e9;
  state.counters["GB/s"] = double(kernel.bytes) / best / 1e9;
  if (peak > 0)
    state.counters["%peak"] = 100 * double(kernel.flops) / best / peak;
}

static llvm::json::Value toJson(const TimedTiling &timed) {
  return llvm::json::Object{{"tiling", timed.tiling},
                            {"seconds", timed.seconds}};
}

static llvm::json::Value toJson(const TuneResult &result, double peak) {
  return llvm::json::Object{
      {"kernel", result.kernel->shape},  {"flops", result.kernel->flops},
      {"peak_gflops", peak / 1e9},       {"tilings", result.numTilings},
      {"choice", toJson(result.choice)}, {"best_tile", toJson(result.bestTile)},
      {"best", toJson(result.best)}};
}

/// Products and attentions worth tuning, each shape once.
static std::vector<const IsolatedKernel *>
chooseShapes(llvm::ArrayRef<IsolatedKernel> kernels) {
  std::vector<const IsolatedKernel *> chosen;
  llvm::StringSet<> known;
  for (const IsolatedKernel &kernel : kernels)
    if (kernel.flops >= kMinTunedFlops && known.insert(kernel.shape).second)
      chosen.push_back(&kernel);
  return chosen;
}

static int tuneAll(llvm::ArrayRef<IsolatedKernel> kernels) {
  auto tuned = tune(chooseShapes(kernels), {level, seconds, lockFile});
  if (!tuned) {
    llvm::errs() << "error: " << llvm::toString(tuned.takeError()) << '\n';
    return 1;
  }
  if (tuned->empty()) {
    llvm::errs() << "error: no product or attention of " << kMinTunedFlops
                 << " operations or more matches '" << filter << "'\n";
    return 1;
  }
  double sum = 0, peak = measurePeak();
  llvm::json::Array results;
  for (const TuneResult &result : *tuned) {
    auto getGflops = [&](const TimedTiling &timed) {
      return double(result.kernel->flops) / timed.seconds / 1e9;
    };
    llvm::outs() << llvm::formatv(
        "{0,-40} {1:f3} of the best of {2}, {3:f3} of the best tile; choice "
        "{4}, {5:f1} GFLOP/s; best {6}, {7:f1}; best tile {8}\n",
        result.kernel->shape, result.getPartOfBest(), result.numTilings,
        result.getPartOfBestTile(), result.choice.tiling,
        getGflops(result.choice), result.best.tiling, getGflops(result.best),
        result.bestTile.tiling);
    sum += std::log(result.getPartOfBest());
    results.push_back(toJson(result, peak));
  }
  llvm::outs() << llvm::formatv(
      "{0} kernels: {1:f3} of the best, geometric mean; peak {2:f1} GFLOP/s\n",
      results.size(), std::exp(sum / double(results.size())), peak / 1e9);
  if (jsonFile.empty())
    return 0;
  std::error_code error;
  llvm::raw_fd_ostream file(jsonFile, error);
  if (error) {
    llvm::errs() << "error: " << jsonFile << ": " << error.message() << '\n';
    return 1;
  }
  file << llvm::formatv("{0:1}\n", llvm::json::Value(std::move(results)));
  return 0;
}

/// The kernels of all files that the filter names.
static std::optional<std::vector<IsolatedKernel>>
loadKernels(MLIRContext &context, const llvm::Regex &names) {
  std::vector<IsolatedKernel> kernels;
  for (const std::string &file : files) {
    auto module = parseSourceFile<ModuleOp>(file, &context);
    if (!module)
      return std::nullopt;
    for (IsolatedKernel &kernel : isolateKernels(*module))
      if (names.match(kernel.name))
        kernels.push_back(std::move(kernel));
  }
  return kernels;
}

int main(int argc, char **argv) {
  registerPassManagerCLOptions();
  benchmark::Initialize(&argc, argv);
  cl::ParseCommandLineOptions(argc, argv, "benchmarks of single kernels\n");
  llvm::Regex names(filter);
  std::string error;
  if (!names.isValid(error)) {
    llvm::errs() << "error: --filter is '" << filter
                 << "'; needs a regular expression: " << error << '\n';
    return 2;
  }
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  DialectRegistry registry;
  registerAllExtensions(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registry.insert<kernel::KernelDialect, vit::VitDialect, arith::ArithDialect,
                  func::FuncDialect, math::MathDialect>();
  MLIRContext context(registry);
  context.loadAllAvailableDialects();

  auto kernels = loadKernels(context, names);
  if (!kernels)
    return 1;
  if (tuneTilings)
    return tuneAll(*kernels);
  for (const IsolatedKernel &kernel : *kernels)
    benchmark::RegisterBenchmark(
        kernel.name.c_str(),
        [&kernel](benchmark::State &state) { runBenchmark(state, kernel); })
        ->UseManualTime()
        ->Unit(benchmark::kMicrosecond);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
