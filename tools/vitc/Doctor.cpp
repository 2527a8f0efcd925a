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
#include "vitc/Target/CPU.h"
#include "vitc/Target/Link.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"

using namespace llvm;

/// Prints one line; returns whether what is needed is there.
static bool report(StringRef what, StringRef found, StringRef missing) {
  outs() << left_justify(what, 18) << (found.empty() ? missing : found) << '\n';
  return !found.empty();
}

int vitc::runDoctor() {
  outs() << left_justify("vitc", 18) << VITC_VERSION << " (" << VITC_COMMIT
         << "), LLVM " << VITC_LLVM_VERSION << '\n';
  outs() << left_justify("processor", 18) << sys::getHostCPUName() << ", runs "
         << getHostCpuLevel() << '\n';
  bool ok = report("link driver", findLinkDriver(),
                   "missing: install clang-22 or g++");
  SmallString<256> library(getRuntimeFolder());
  sys::path::append(library, "libVitcRuntime.a");
  ok &= report("runtime library", sys::fs::exists(library) ? library.str() : "",
               "missing: build or install vitc's runtime");
  StringRef oneDNN = VITC_ONEDNN_LIBRARY;
  report("oneDNN", sys::fs::exists(oneDNN) ? oneDNN : "",
         "not found: --backend=onednn needs libdnnl 3.2 or newer at run time");
  return ok ? kSuccess : kUserError;
}
