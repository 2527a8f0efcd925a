//===- Ptxas.cpp - NVIDIA's assembler -------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Target/Ptxas.h"

#include "mlir/IR/Diagnostics.h"
#include "vitc/Target/TemporaryFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include <cstdlib>

using namespace mlir;
using namespace vitc;

/// Empty when there is none.
static std::string searchPtxas() {
  if (auto path = llvm::sys::findProgramByName("ptxas"))
    return *path;
  for (const char *name : {"CUDA_ROOT", "CUDA_HOME", "CUDA_PATH"}) {
    const char *toolkit = std::getenv(name);
    if (!toolkit)
      continue;
    llvm::SmallString<128> folder(toolkit);
    llvm::sys::path::append(folder, "bin");
    if (auto path = llvm::sys::findProgramByName("ptxas", {folder.str()}))
      return *path;
  }
  return "";
}

llvm::Expected<Ptxas> vitc::findPtxas(StringRef path) {
  Ptxas ptxas;
  ptxas.path = path.empty() ? searchPtxas() : path.str();
  if (ptxas.path.empty())
    return llvm::createStringError(
        "found no ptxas in PATH, CUDA_ROOT, CUDA_HOME or CUDA_PATH");
  CommandResult result = runCommand({ptxas.path, "--version"});
  if (result.status < 0)
    return llvm::createStringError("cannot run '" + ptxas.path +
                                   "': " + result.error);
  // "Cuda compilation tools, release 13.0, V13.0.88"
  StringRef release = StringRef(result.output).split("release ").second;
  if (result.status != 0 || ptxas.release.tryParse(release.split(',').first))
    return llvm::createStringError("'" + ptxas.path +
                                   "' does not say its release; needs ptxas of "
                                   "CUDA 11.0 or later");
  return ptxas;
}

/// Passes on what ptxas -v says of `kernel`, and of all, that makes them slow.
static void reportLine(StringRef line, StringRef kernel,
                       const GpuTarget &target, Location loc) {
  // "720 bytes stack frame, 784 bytes spill stores, 864 bytes spill loads"
  if (line.contains("bytes stack frame") &&
      !line.starts_with("0 bytes stack frame, 0 bytes spill stores"))
    emitRemark(loc) << "kernel '" << kernel << "' for " << target.name
                    << " keeps values in memory: " << line;
  // "(C7510) Potential Performance Loss: wgmma.mma_async instructions are
  // serialized due to ... in function 'NAME'"
  size_t number = line.find("(C7");
  if (number != StringRef::npos)
    emitRemark(loc) << "ptxas for " << target.name << ": "
                    << line.substr(number);
  auto [before, warning] = line.split("warning : ");
  if (!warning.empty())
    emitWarning(loc) << "ptxas for " << target.name << ": " << warning;
}

static void report(StringRef notes, const GpuTarget &target, Location loc) {
  StringRef kernel;
  for (StringRef line : llvm::split(notes, '\n')) {
    StringRef name = line.split("Function properties for ").second;
    if (!name.empty())
      kernel = name;
    reportLine(line.ltrim(), kernel, target, loc);
  }
}

/// The first error that ptxas printed, without itself and its file.
static StringRef getReason(const CommandResult &result, StringRef file) {
  for (StringRef line : llvm::split(result.notes, '\n')) {
    if (!line.contains("error") && !line.contains("fatal"))
      continue;
    line.consume_front("ptxas ");
    if (line.consume_front(file))
      line.consume_front(", ");
    return line;
  }
  return result.error.empty() ? StringRef("it says no reason")
                              : StringRef(result.error);
}

static llvm::Error runPtxas(DeviceCode &code, const Ptxas &ptxas,
                            CommandMode mode, CommandResult &result) {
  auto ptx = TemporaryFile::create(".ptx");
  if (!ptx)
    return ptx.takeError();
  auto cubin = TemporaryFile::create(".cubin");
  if (!cubin)
    return cubin.takeError();
  if (llvm::Error error = ptx->write(code.ptx))
    return error;
  result = runCommand({ptxas.path, "-v", "-arch=" + code.target->name.str(),
                       ptx->getPath(), "-o", cubin->getPath()},
                      mode);
  if (result.status != 0)
    return llvm::createStringError(getReason(result, ptx->getPath()));
  auto bytes = cubin->read();
  if (!bytes)
    return bytes.takeError();
  code.cubin.assign(bytes->begin(), bytes->end());
  return llvm::Error::success();
}

LogicalResult vitc::assemble(DeviceCode &code, const Ptxas &ptxas,
                             CommandMode mode, Location loc) {
  CommandResult result;
  if (llvm::Error error = runPtxas(code, ptxas, mode, result))
    return emitError(loc) << "'" << ptxas.path << "' cannot assemble the "
                          << "kernels for " << code.target->name << ": "
                          << llvm::toString(std::move(error));
  report(result.notes, *code.target, loc);
  return success();
}
