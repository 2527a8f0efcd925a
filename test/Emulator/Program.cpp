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
};

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
  // Kernels come optimised, and run briefly.
  host->setCodeGenOptLevel(CodeGenOptLevel::Less);
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
static Error checkLaunch(const KernelInfo &kernel, const LaunchOptions &options,
                         ArrayRef<void *> parameters, size_t sharedBytes) {
  auto refuse = [&](const Twine &what) {
    return createStringError("kernel '" + kernel.name + "' " + what);
  };
  if (parameters.size() != kernel.parameters.size())
    return refuse(formatv("has {0} parameters, not {1}",
                          kernel.parameters.size(), parameters.size()));
  for (auto [i, parameter] : enumerate(kernel.parameters))
    if (parameter.byvalBytes != 0 &&
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

Error Program::launch(StringRef kernel, const LaunchOptions &options,
                      ArrayRef<void *> parameters, GlobalMemory &memory) {
  static std::mutex oneAtATime;
  std::lock_guard<std::mutex> lock(oneAtATime);
  auto info = find_if(state->host.kernels, [&](const KernelInfo &each) {
    return each.name == kernel;
  });
  if (info == state->host.kernels.end())
    return createStringError("the module has no kernel '" + kernel + "'");
  size_t sharedBytes =
      state->host.staticSharedBytes + options.dynamicSharedBytes;
  if (Error error = checkLaunch(*info, options, parameters, sharedBytes))
    return error;
  auto entry = state->jit->lookup(info->entry);
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
  for (auto [i, parameter] : enumerate(info->parameters))
    if (parameter.byvalBytes != 0)
      add("parameter " + Twine(i), parameters[i], parameter.byvalBytes,
          /*writable=*/false);
  for (const HostModule::Global &global : state->host.globals) {
    auto address = state->jit->lookup(global.name);
    if (!address)
      return address.takeError();
    add(global.name, address->toPtr<void *>(), global.bytes, global.writable);
  }

  Block block(kernel, options, memory, sharedBytes,
              entry->toPtr<void (*)(void **)>(),
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
  return done ? Error::success() : createStringError(block.getError());
}
