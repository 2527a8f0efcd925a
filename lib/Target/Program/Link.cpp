//===- Link.cpp - Linking programs ---------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Target/Link.h"

#include "mlir/IR/Diagnostics.h"
#include "vitc/Target/Command.h"
#include "vitc/Target/Output.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Signals.h"

using namespace mlir;
using namespace vitc;

std::string vitc::getRuntimeFolder(const CpuTarget &target) {
  static int anchor;
  llvm::SmallString<256> path(
      llvm::sys::fs::getMainExecutable(nullptr, &anchor));
  llvm::sys::path::remove_filename(path); // bin
  llvm::sys::path::remove_filename(path);
  llvm::sys::path::append(path, "lib");
  llvm::SmallString<256> installed(path);
  llvm::sys::path::append(installed, "vitc");
  bool isInstalled = llvm::sys::fs::is_directory(installed);
  llvm::SmallString<256> &folder = isInstalled ? installed : path;
  if (!target.isHost())
    llvm::sys::path::append(folder, target.name);
  return folder.str().str();
}

static bool hasLLD() {
  return llvm::sys::findProgramByName("ld.lld-22") ||
         llvm::sys::findProgramByName("ld.lld");
}

std::string vitc::findLinkDriver(const CpuTarget &target) {
  SmallVector<std::string> names;
  // Clang's other linker links for the machine that it is on.
  if (target.isHost() || hasLLD())
    names = {"clang++-22", "clang++"};
  if (target.isHost())
    names.append({"g++", "c++"});
  else
    names.push_back((target.name + "-g++").str());
  for (const std::string &name : names)
    if (auto path = llvm::sys::findProgramByName(name))
      return *path;
  return "";
}

/// The driver and what makes it link for the target.
static SmallVector<std::string> getLinkCommand(StringRef driver,
                                               const CpuTarget &target) {
  SmallVector<std::string> command = {driver.str()};
  if (!llvm::sys::path::filename(driver).contains("clang"))
    return command;
  if (!target.isHost())
    command.push_back(("--target=" + target.name).str());
  if (hasLLD())
    command.push_back("-fuse-ld=lld");
  return command;
}

StringRef vitc::findMissingLibrary(StringRef driver, const CpuTarget &target) {
  for (StringRef library : {"libc.so", "libstdc++.a"}) {
    SmallVector<std::string> command = getLinkCommand(driver, target);
    command.push_back(("-print-file-name=" + library).str());
    // The name alone where there is no such file.
    CommandResult result = runCommand(command);
    if (result.status != 0 || !llvm::sys::path::is_absolute(result.output))
      return library;
  }
  return "";
}

/// The driver for the target, once it is known to have all that it needs.
static FailureOr<std::string> getLinkDriver(const ProgramOptions &options,
                                            const std::string &runtime,
                                            Location loc) {
  const CpuTarget &target = *options.target;
  std::string driver = findLinkDriver(target);
  if (driver.empty())
    return emitError(loc) << "found no C++ compiler driver to link with for "
                          << target.name << "; install clang-22 and lld-22, or "
                          << target.packages;
  if (options.kind == OutputKind::Object)
    return driver;
  if (!llvm::sys::fs::exists(runtime))
    return emitError(loc) << "found no runtime library '" << runtime
                          << "'; build or install vitc's runtime for "
                          << target.name;
  StringRef missing = target.isHost() ? "" : findMissingLibrary(driver, target);
  if (!missing.empty())
    return emitError(loc) << driver << " finds no " << missing << " for "
                          << target.name << "; install " << target.packages;
  return driver;
}

LogicalResult vitc::linkProgram(ArrayRef<std::string> objects, StringRef path,
                                const ProgramOptions &options, Location loc) {
  std::string folder = getRuntimeFolder(*options.target);
  auto library = [&](StringRef name) {
    return folder + "/lib" + name.str() + ".a";
  };
  FailureOr<std::string> driver =
      getLinkDriver(options, library("VitcRuntime"), loc);
  if (failed(driver))
    return failure();
  SmallVector<std::string> command = getLinkCommand(*driver, *options.target);
  command.append({"-o", path.str()});
  command.append(objects.begin(), objects.end());
  command.push_back("-Wl,--build-id=none");

  std::string script = (path + ".version").str(),
              places = (path + ".places").str();
  for (const std::string &file : {script, places})
    llvm::sys::RemoveFileOnSignal(file);
  // Images' libraries and the C++ library are linked statically, libc and libm
  // are not.
  auto addLibraries = [&] {
    for (StringRef name :
         {"VitcImage", "VitcText", "VitcJpeg", "VitcPng", "VitcZlib"})
      command.push_back(library(name));
    for (StringRef argument :
         {"-static-libstdc++", "-static-libgcc", "-lm", "-ldl", "-pthread"})
      command.push_back(argument.str());
  };
  // Code and what it refers to stay near each other, however large the weights.
  if (options.kind != OutputKind::Object &&
      !options.target->largeSectionFlags) {
    if (failed(writeFile(places,
                         "SECTIONS { .lrodata.vitc : { *(.lrodata.vitc) } } "
                         "INSERT AFTER .bss;\n",
                         loc)))
      return failure();
    command.push_back("-Wl,-T," + places);
  }
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

  CommandResult link = runCommand(command, {options.verbose, options.dryRun});
  LogicalResult result = success();
  if (link.status != 0)
    result = emitError(loc) << "cannot link '" << options.output
                            << "': " << *driver << " ended with status "
                            << link.status << " " << link.error << "\n"
                            << link.output << link.notes;
  for (const std::string &file : {script, places}) {
    llvm::sys::fs::remove(file);
    llvm::sys::DontRemoveFileOnSignal(file);
  }
  return result;
}
