//===- Doctor.cpp - vitc doctor -------------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Says what this machine has of what vitc and its programs need.
//
//===----------------------------------------------------------------------===//

#include "Verbs.h"

#include "vitc/Config.h"
#include "vitc/Target/Link.h"
#include "vitc/Target/Program.h"
#include "vitc/Target/Ptxas.h"
#include "llvm/Support/DynamicLibrary.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"

using namespace llvm;
using namespace vitc;

/// Prints one line; returns whether what is needed is there.
static bool report(StringRef what, StringRef found, StringRef missing) {
  outs() << left_justify(what, 18) << (found.empty() ? missing : found) << '\n';
  return !found.empty();
}

/// The runtime library for a target; empty when there is none.
static std::string findRuntime(const CpuTarget &target) {
  SmallString<256> library(getRuntimeFolder(target));
  sys::path::append(library, "libVitcRuntime.a");
  return sys::fs::exists(library) ? library.str().str() : "";
}

/// The same for another target than this machine's, which may lack what
/// linking takes besides.
static std::string findOtherRuntime(const CpuTarget &target) {
  std::string driver = findLinkDriver(target);
  bool links = !driver.empty() && findMissingLibrary(driver, target).empty();
  return links ? findRuntime(target) : "";
}

static std::string describePtxas() {
  auto ptxas = findPtxas("");
  if (ptxas)
    return ptxas->path + ", CUDA " + ptxas->release.getAsString();
  consumeError(ptxas.takeError());
  return "";
}

/// Empty when there is no driver.
static std::string describeCudaDriver() {
  sys::DynamicLibrary driver = sys::DynamicLibrary::getLibrary("libcuda.so.1");
  auto getVersion = reinterpret_cast<int (*)(int *)>(
      driver.getAddressOfSymbol("cuDriverGetVersion"));
  int version = 0;
  if (!getVersion || getVersion(&version) != 0)
    return "";
  return formatv("for CUDA {0}.{1}", version / 1000, version % 1000 / 10);
}

int vitc::runDoctor() {
  outs() << left_justify("vitc", 18) << VITC_VERSION << " (" << VITC_COMMIT
         << "), LLVM " << VITC_LLVM_VERSION << '\n';
  outs() << left_justify("processor", 18) << sys::getHostCPUName() << ", runs "
         << getHostCpuLevel() << '\n';
  const CpuTarget &host = getHostCpuTarget();
  bool ok = report("link driver", findLinkDriver(host),
                   "missing: install clang-22 or g++");
  ok &= report("runtime library", findRuntime(host),
               "missing: build or install vitc's runtime");
  for (const CpuTarget &target : getCpuTargets())
    if (!target.isHost())
      report(target.name, findOtherRuntime(target),
             "not found: --target=" + target.name.str() + " needs " +
                 target.packages.str() + " and vitc's runtime for it");
  StringRef oneDNN = VITC_ONEDNN_LIBRARY;
  report("oneDNN", sys::fs::exists(oneDNN) ? oneDNN : "",
         "not found: --backend=onednn needs libdnnl 3.2 or newer at run time");
  report("ptxas", describePtxas(),
         "not found: programs for GPUs have PTX alone, which the driver "
         "compiles when they start");
  report("NVIDIA driver", describeCudaDriver(),
         "not found: programs for GPUs, --target=sm_80, need libcuda.so.1 at "
         "run time");
  return ok ? kSuccess : kUserError;
}
