//===- EmulatorTest.cpp - Kernels as text ---------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EmulatorTest.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"
#include <cmath>
#include <random>

using namespace vitc::emulator;

static constexpr llvm::StringRef kTarget =
    "target triple = \"nvptx64-nvidia-cuda\"\n";

std::string EmulatorTest::load(llvm::StringRef text) {
  auto context = std::make_unique<llvm::LLVMContext>();
  llvm::SMDiagnostic diagnostic;
  std::unique_ptr<llvm::Module> module =
      llvm::parseAssemblyString((kTarget + text).str(), diagnostic, *context);
  if (!module) {
    std::string message;
    llvm::raw_string_ostream os(message);
    diagnostic.print("kernel", os);
    ADD_FAILURE() << message;
    return message;
  }
  auto loaded = Program::load(std::move(context), std::move(module));
  if (!loaded)
    return llvm::toString(loaded.takeError());
  program = std::move(*loaded);
  return "";
}

std::string EmulatorTest::launch(llvm::StringRef kernel,
                                 const LaunchOptions &options,
                                 llvm::ArrayRef<void *> parameters) {
  return llvm::toString(program->launch(kernel, options, parameters, memory));
}

std::string EmulatorTest::run(llvm::StringRef body, uint32_t numThreads,
                              uint32_t dynamicSharedBytes) {
  std::string error = load(
      globals +
      "define ptx_kernel void @kernel(ptr addrspace(1) %p, ptr addrspace(1) "
      "%q) {\n"
      "  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()\n" +
      body.str() + "\n  ret void\n}\n");
  if (!error.empty())
    return error;
  auto *p = memory.allocate<uint32_t>("p", numWords);
  std::fill_n(p, numWords, 0);
  const uint32_t *q = memory.copy<uint32_t>("q", input);
  LaunchOptions options;
  options.block.x = numThreads;
  options.dynamicSharedBytes = dynamicSharedBytes;
  options.seed = seed;
  options.maxCalls = maxCalls;
  options.allowUninitialized = allowUninitialized;
  error = launch("kernel", options, p, q);
  words.assign(p, p + numWords);
  return error;
}

std::string vitc::emulator::withoutLine(llvm::StringRef text,
                                        llvm::StringRef marker) {
  std::string rest;
  bool found = false;
  for (llvm::StringRef line : llvm::split(text, '\n')) {
    if (line.contains(marker))
      found = true;
    else
      rest += (line + "\n").str();
  }
  EXPECT_TRUE(found) << marker.str();
  return rest;
}

std::vector<float> vitc::emulator::getRandomValues(size_t count,
                                                   uint32_t seed) {
  std::minstd_rand random(seed + 1);
  std::vector<float> values(count);
  for (float &value : values)
    value = static_cast<int>(random() % 257 - 128) / 128.0f;
  return values;
}

double vitc::emulator::getError(llvm::ArrayRef<float> actual,
                                llvm::ArrayRef<double> expected) {
  double error = 0, largest = 0;
  for (auto [a, e] : llvm::zip_equal(actual, expected)) {
    // A NaN is never below an error.
    if (!(std::abs(a - e) <= error))
      error = std::abs(a - e);
    largest = std::max(largest, std::abs(e));
  }
  return error / largest;
}
