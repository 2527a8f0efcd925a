//===- Image.cpp - From PTX to what the emulator runs ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Image.h"

#include "vitc/Target/Ptx.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

using namespace llvm;
using namespace vitc;
using namespace vitc::emulator;
using namespace vitc::emulator::cuda;

/// What follows a directive in PTX: "8.0" for ".version".
static StringRef getDirective(StringRef ptx, StringRef name) {
  for (StringRef line : split(ptx, '\n'))
    if (line.consume_front(name))
      return line.trim().take_until([](char c) { return c == ','; });
  return "";
}

/// The LLVM IR files for `target` in a folder.
static std::vector<std::string> listIR(StringRef folder, StringRef target) {
  std::vector<std::string> files;
  std::error_code code;
  for (sys::fs::directory_iterator file(folder, code), end;
       file != end && !code; file.increment(code))
    if (StringRef(file->path()).ends_with(("." + target + ".ll").str()))
      files.push_back(file->path());
  llvm::sort(files);
  return files;
}

/// The names of the kernels in PTX.
static std::vector<StringRef> listKernels(StringRef ptx) {
  std::vector<StringRef> names;
  for (StringRef rest = ptx.split(".entry ").second; !rest.empty();
       rest = rest.split(".entry ").second)
    names.push_back(rest.take_until([](char c) { return c == '('; }));
  return names;
}

/// The text of a file of LLVM IR that gives `ptx`, or an error that says which
/// there are.
static Expected<std::string> findIR(StringRef ptx, StringRef target,
                                    StringRef folder) {
  if (folder.empty())
    return createStringError("VITC_EMULATOR_IR does not name the folder of the "
                             "modules' LLVM IR");
  const GpuTarget *gpu = findGpuTarget(target);
  if (!gpu)
    return createStringError("vitc has no target '" + target + "'");
  initializeGpuTargets();
  std::string reasons;
  std::vector<StringRef> kernels = listKernels(ptx);
  for (const std::string &file : listIR(folder, target)) {
    auto buffer = MemoryBuffer::getFile(file);
    if (!buffer)
      return createStringError(file + ": " + buffer.getError().message());
    // Making PTX takes long, which other kernels need not.
    StringRef text = (*buffer)->getBuffer();
    auto missing = llvm::find_if(kernels, [&](StringRef name) {
      return !text.contains(("@" + name + "(").str());
    });
    if (missing != kernels.end()) {
      reasons +=
          ("; " + sys::path::filename(file) + " has no kernel " + *missing)
              .str();
      continue;
    }
    Expected<std::string> made = generatePtx(text, *gpu);
    if (made && *made == ptx)
      return text.str();
    reasons += ("; " + sys::path::filename(file) + " " +
                (made ? "gives other PTX" : toString(made.takeError())))
                   .str();
  }
  return createStringError(
      "no file of LLVM IR in '" + folder + "' gives this PTX for " + target +
      (reasons.empty() ? "; none is named *." + target + ".ll" : reasons));
}

static Expected<std::unique_ptr<Program>> loadIR(StringRef text) {
  auto context = std::make_unique<LLVMContext>();
  SMDiagnostic diagnostic;
  std::unique_ptr<llvm::Module> module =
      parseAssemblyString(text, diagnostic, *context);
  if (!module)
    return createStringError(diagnostic.getMessage());
  return Program::load(std::move(context), std::move(module));
}

std::unique_ptr<Program> vitc::emulator::cuda::loadPtx(StringRef ptx,
                                                       VersionTuple capability,
                                                       const Machine &machine,
                                                       ImageError &error) {
  VersionTuple version;
  StringRef target = getDirective(ptx, ".target");
  if (version.tryParse(getDirective(ptx, ".version")) || target.empty()) {
    error = {CUDA_ERROR_INVALID_IMAGE, "no .version and .target", true};
    return nullptr;
  }
  if (version > machine.getPtxVersion()) {
    error = {CUDA_ERROR_UNSUPPORTED_PTX_VERSION,
             "ptxas application ptx input, line 1; fatal   : Unsupported "
             ".version " +
                 version.getAsString() + "; current version is '" +
                 machine.getPtxVersion().getAsString() + "'",
             false};
    return nullptr;
  }
  if (!canRun(capability, target)) {
    error = {CUDA_ERROR_INVALID_PTX,
             ("ptxas fatal   : SM version specified by .target " + target +
              " does not run on compute capability " + capability.getAsString())
                 .str(),
             false};
    return nullptr;
  }
  Expected<std::string> text = findIR(ptx, target, machine.irFolder);
  auto program = text ? loadIR(*text) : text.takeError();
  if (program)
    return std::move(*program);
  error = {CUDA_ERROR_INVALID_PTX, toString(program.takeError()), true};
  return nullptr;
}
