//===- GpuTarget.cpp - GPUs that programs run on --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Target/GpuTarget.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/TargetSelect.h"

using namespace llvm;
using namespace vitc;

static const GpuTarget kTargets[] = {
    {"sm_120", "+ptx87", VersionTuple(12, 8)},
    {"sm_100", "+ptx86", VersionTuple(12, 8)},
    {"sm_90a", "+ptx80", VersionTuple(12, 0)},
    {"sm_90", "+ptx78", VersionTuple(11, 8)},
    {"sm_89", "+ptx78", VersionTuple(11, 8)},
    {"sm_86", "+ptx71", VersionTuple(11, 1)},
    {"sm_80", "+ptx70", VersionTuple(11, 0)},
};

ArrayRef<GpuTarget> vitc::getGpuTargets() { return kTargets; }

const GpuTarget *vitc::findGpuTarget(StringRef name) {
  const GpuTarget *found = find_if(
      kTargets, [&](const GpuTarget &target) { return target.name == name; });
  return found == std::end(kTargets) ? nullptr : found;
}

void vitc::initializeGpuTargets() {
  LLVMInitializeNVPTXTargetInfo();
  LLVMInitializeNVPTXTarget();
  LLVMInitializeNVPTXTargetMC();
  LLVMInitializeNVPTXAsmPrinter();
}
