//===- Program.cpp - Loading and launching --------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Block.h"
#include "HostModule.h"
#include "ShortFloat.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/TargetSelect.h"
#include <mutex>
#include <numeric>

using namespace llvm;
using namespace vitc::emulator;

static constexpr size_t kMaxThreads = 1024;

struct Program::State {
  std::unique_ptr<orc::LLJIT> jit;
  HostModule host;
  StringMap<void *> addresses; ///< Of symbols that were looked up.
  /// Of the memory whose allocations sites remember.
  uint64_t memoryVersion = 0;

  Expected<void *> lookup(StringRef symbol);
};

Expected<void *> Program::State::lookup(StringRef symbol) {
  void *&address = addresses[symbol];
  if (address)
    return address;
  auto found = jit->lookup(symbol);
  if (!found)
    return found.takeError();
  return address = found->toPtr<void *>();
}

// What code for 16-bit floats calls on machines that cannot convert them.
// Results of bf16 are the low half of the register in which a float is
// returned.
static float passBF16(uint16_t half) { return getFloat(half); }
static float truncateToBF16(float value) { return passBF16(toBF16(value)); }
static float truncateDoubleToBF16(double value) {
  return passBF16(toBF16(toOddFloat(value)));
}
static _Float16 truncateToF16(float value) {
  return static_cast<_Float16>(value);
}
static _Float16 truncateDoubleToF16(double value) {
  return static_cast<_Float16>(value);
}
static float extendFromF16(_Float16 value) { return value; }

static Expected<std::unique_ptr<orc::LLJIT>>
compile(std::unique_ptr<LLVMContext> context, std::unique_ptr<Module> module) {
  InitializeNativeTarget();
  InitializeNativeTargetAsmPrinter();
  auto host = orc::JITTargetMachineBuilder::detectHost();
  if (!host)
    return host.takeError();
  // Their conversions to bf16 flush denormals, those of a GPU do not.
  if (host->getTargetTriple().isX86())
    host->addFeatures({"-avx512bf16", "-avxneconvert"});
  // Kernels come optimised, and run briefly: to compile them takes longer.
  host->setCodeGenOptLevel(CodeGenOptLevel::None);
  auto jit =
      orc::LLJITBuilder()
          .setJITTargetMachineBuilder(*host)
          .setObjectLinkingLayerCreator([](orc::ExecutionSession &session) {
            return std::make_unique<orc::ObjectLinkingLayer>(session);
          })
          .create();
  if (!jit)
    return jit;
  module->setTargetTriple((*jit)->getTargetTriple());
  module->setDataLayout((*jit)->getDataLayout());
  orc::SymbolMap symbols;
  auto define = [&](const char *name, auto *function) {
    symbols[(*jit)->mangleAndIntern(name)] = {
        orc::ExecutorAddr::fromPtr(function),
        JITSymbolFlags::Exported | JITSymbolFlags::Callable};
  };
  define(kCallHook, &Block::call);
  define(kAccessHook, &Block::checkAccess);
  define("__truncsfbf2", &truncateToBF16);
  define("__truncdfbf2", &truncateDoubleToBF16);
  define("__truncsfhf2", &truncateToF16);
  define("__truncdfhf2", &truncateDoubleToF16);
  define("__extendhfsf2", &extendFromF16);
  if (Error error = (*jit)->getMainJITDylib().define(
          orc::absoluteSymbols(std::move(symbols))))
    return error;
  if (Error error =
          (*jit)->addIRModule({std::move(module), std::move(context)}))
    return error;
  return jit;
}

Program::Program(std::unique_ptr<State> state) : state(std::move(state)) {}
Program::~Program() = default;

Expected<std::unique_ptr<Program>>
Program::load(std::unique_ptr<LLVMContext> context,
              std::unique_ptr<Module> module) {
  auto state = std::make_unique<State>();
  if (Error error = prepareForHost(*module, state->host))
    return error;
  auto jit = compile(std::move(context), std::move(module));
  if (!jit)
    return jit.takeError();
  state->jit = std::move(*jit);
  return std::unique_ptr<Program>(new Program(std::move(state)));
}

/// What the driver would refuse.
static Error checkLaunch(const KernelInfo &info, const LaunchOptions &options,
                         ArrayRef<void *> parameters, size_t sharedBytes) {
  const KernelShape &kernel = info.shape;
  auto refuse = [&](const Twine &what) {
    return createStringError("kernel '" + info.name + "' " + what);
  };
  if (parameters.size() != kernel.parameters.size())
    return refuse(formatv("has {0} parameters, not {1}",
                          kernel.parameters.size(), parameters.size()));
  for (auto [i, parameter] : enumerate(kernel.parameters))
    if (parameter.byval &&
        reinterpret_cast<uintptr_t>(parameters[i]) % parameter.alignment != 0)
      return refuse(formatv("has parameter {0}, which must lie at a multiple "
                            "of {1} bytes",
                            i, parameter.alignment));
  size_t numThreads = options.block.getSize();
  if (numThreads == 0 || numThreads > std::min(kernel.maxThreads, kMaxThreads))
    return refuse(formatv("runs with up to {0} threads in a block, not {1}",
                          std::min(kernel.maxThreads, kMaxThreads),
                          numThreads));
  const Dim3 &grid = options.grid, &block = options.block;
  if (kernel.block && *kernel.block != block)
    return refuse(formatv("runs in blocks of {0} x {1} x {2} threads, not {3} "
                          "x {4} x {5}",
                          kernel.block->x, kernel.block->y, kernel.block->z,
                          block.x, block.y, block.z));
  if (block.z > 64)
    return refuse(
        formatv("runs with up to 64 threads along z, not {0}", block.z));
  if (grid.getSize() == 0 || grid.x > 0x7fffffff || grid.y > 65535 ||
      grid.z > 65535)
    return refuse(formatv("runs in a grid of 1 to 2147483647 x 65535 x 65535 "
                          "blocks, not {0} x {1} x {2}",
                          grid.x, grid.y, grid.z));
  if (sharedBytes > SharedMemory::kMaxBytes)
    return refuse(formatv("needs {0} bytes of shared memory; a block has {1}",
                          sharedBytes, SharedMemory::kMaxBytes));
  return Error::success();
}

const KernelShape *Program::findShape(StringRef kernel) const {
  const KernelInfo *info = state->host.findKernel(kernel);
  return info ? &info->shape : nullptr;
}

Error Program::launch(StringRef kernel, const LaunchOptions &options,
                      ArrayRef<void *> parameters, GlobalMemory &memory) {
  static std::mutex oneAtATime;
  static BlockMemory blockMemory;
  std::lock_guard<std::mutex> lock(oneAtATime);
  const KernelInfo *info = state->host.findKernel(kernel);
  if (!info)
    return createStringError("the module has no kernel '" + kernel + "'");
  size_t sharedBytes =
      info->shape.staticSharedBytes + options.dynamicSharedBytes;
  if (Error error = checkLaunch(*info, options, parameters, sharedBytes))
    return error;
  Expected<void *> entry = state->lookup(info->entry);
  if (!entry)
    return entry.takeError();

  // Parameters in memory and the module's globals are there for the launch.
  std::vector<const void *> added;
  auto add = [&](const Twine &name, const void *address, size_t bytes,
                 bool writable) {
    memory.add(name.str(), address, bytes, writable);
    added.push_back(address);
  };
  scope_exit removeAdded([&] {
    for (const void *address : added)
      memory.remove(address);
  });
  for (auto [i, parameter] : enumerate(info->shape.parameters))
    if (parameter.byval)
      add("parameter " + Twine(i), parameters[i], parameter.bytes,
          /*writable=*/false);
  for (const HostModule::Global &global : state->host.globals) {
    Expected<void *> address = state->lookup(global.name);
    if (!address)
      return address.takeError();
    add(global.name, *address, global.bytes, global.writable);
  }
  if (state->memoryVersion != memory.getVersion()) {
    state->memoryVersion = memory.getVersion();
    for (Site &site : state->host.sites)
      site.span = 0;
  }

  Block block(kernel, options, memory, blockMemory, sharedBytes,
              reinterpret_cast<void (*)(void **)>(*entry),
              const_cast<void **>(parameters.data()));
  // No order of the blocks is promised either.
  std::vector<size_t> order(options.grid.getSize());
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::minstd_rand(options.seed + 1));
  const Dim3 &grid = options.grid;
  bool done = all_of(order, [&](size_t i) {
    return block.run({static_cast<uint32_t>(i % grid.x),
                      static_cast<uint32_t>(i / grid.x % grid.y),
                      static_cast<uint32_t>(i / grid.x / grid.y)});
  });
  if (done)
    return Error::success();
  // Threads lie in their middle on them.
  blockMemory.stacks = nullptr;
  return createStringError(block.getError());
}
