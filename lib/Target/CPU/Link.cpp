//===- Link.cpp - Linking programs ---------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Target/Link.h"
#include "vitc/Target/Output.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace vitc;

std::string vitc::getRuntimeFolder() {
  static int anchor;
  llvm::SmallString<256> path(
      llvm::sys::fs::getMainExecutable(nullptr, &anchor));
  llvm::sys::path::remove_filename(path); // bin
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, "lib");
  llvm::SmallString<256> installed(path);
  llvm::sys::path::append(installed, "vitc");
  bool isInstalled = llvm::sys::fs::is_directory(installed);
  return (isInstalled ? installed : path).str().str();
}

std::string vitc::findLinkDriver() {
  for (StringRef name : {"clang++-22", "clang++", "g++", "c++"})
    if (auto path = llvm::sys::findProgramByName(name))
      return *path;
  return "";
}

LogicalResult vitc::linkProgram(ArrayRef<std::string> objects, StringRef path,
                                const ProgramOptions &options, Location loc) {
  std::string driver = findLinkDriver();
  if (driver.empty())
    return emitError(loc) << "found no C++ compiler driver to link with; "
                             "install clang-22 or g++";
  SmallVector<std::string> command = {driver, "-o", path.str()};
  if (StringRef(driver).contains("clang") &&
      (llvm::sys::findProgramByName("ld.lld-22") ||
       llvm::sys::findProgramByName("ld.lld")))
    command.push_back("-fuse-ld=lld");
  command.append(objects.begin(), objects.end());
  command.push_back("-Wl,--build-id=none");

  std::string folder = getRuntimeFolder();
  std::string script = (path + ".version").str(), log = (path + ".log").str();
  for (const std::string &file : {script, log})
    llvm::sys::RemoveFileOnSignal(file);
  auto library = [&](StringRef name) {
    return folder + "/lib" + name.str() + ".a";
  };
  // Images' libraries and the C++ library are linked statically, libc and libm
  // are not.
  auto addLibraries = [&] {
    for (StringRef name : {"VitcImage", "VitcJpeg", "VitcPng", "VitcZlib"})
      command.push_back(library(name));
    for (StringRef argument :
         {"-static-libstdc++", "-static-libgcc", "-lm", "-ldl", "-pthread"})
      command.push_back(argument.str());
  };
  if (options.kind != OutputKind::Object &&
      !llvm::sys::fs::exists(library("VitcRuntime")))
    return emitError(loc) << "found no runtime library '"
                          << library("VitcRuntime") << "'";
  switch (options.kind) {
  case OutputKind::Object:
    command.append({"-r", "-nostdlib"});
    break;
  case OutputKind::SharedLibrary:
    // The C ABI is exported and nothing else.
    if (failed(writeFile(script, "{ global: vitc_*; local: *; };\n", loc)))
      return failure();
    command.append({"-shared", "-Wl,--whole-archive", library("VitcRuntime"),
                    "-Wl,--no-whole-archive",
                    "-Wl,--version-script=" + script});
    addLibraries();
    break;
  default:
    command.append({"-pie", library("VitcProgram"), library("VitcRuntime")});
    addLibraries();
    break;
  }

  if (options.verbose || options.dryRun) {
    for (const std::string &argument : command)
      llvm::errs() << '"' << argument << "\" ";
    llvm::errs() << '\n';
  }
  LogicalResult result = success();
  if (!options.dryRun) {
    SmallVector<StringRef> arguments(command.begin(), command.end());
    std::string error;
    std::optional<StringRef> redirects[] = {std::nullopt, StringRef(log),
                                            StringRef(log)};
    int code = llvm::sys::ExecuteAndWait(driver, arguments, std::nullopt,
                                         redirects, 0, 0, &error);
    if (code != 0) {
      auto output = llvm::MemoryBuffer::getFile(log);
      result = emitError(loc)
               << "cannot link '" << options.output << "': " << driver
               << " ended with status " << code << " " << error << "\n"
               << (output ? (*output)->getBuffer() : StringRef());
    }
  }
  for (const std::string &file : {script, log}) {
    llvm::sys::fs::remove(file);
    llvm::sys::DontRemoveFileOnSignal(file);
  }
  return result;
}
