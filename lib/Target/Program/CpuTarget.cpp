//===- CpuTarget.cpp - Architectures that programs run on ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Target/CpuTarget.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace vitc;

static constexpr StringRef kX86Levels[] = {"x86-64-v4", "x86-64-v3",
                                           "x86-64-v2"};
static constexpr StringRef kArmLevels[] = {"armv8-a"};

static const CpuTarget kTargets[] = {
    {"x86_64-linux-gnu", "x86_64-unknown-linux-gnu", "x86-64", ELF::EM_X86_64,
     ELF::SHF_X86_64_LARGE, "g++", kX86Levels},
    {"aarch64-linux-gnu", "aarch64-unknown-linux-gnu", "generic",
     ELF::EM_AARCH64, 0, "g++-aarch64-linux-gnu", kArmLevels},
};

bool CpuTarget::isHost() const { return this == &getHostCpuTarget(); }

ArrayRef<CpuTarget> vitc::getCpuTargets() { return kTargets; }

const CpuTarget *vitc::findCpuTarget(StringRef name) {
  const CpuTarget *found = find_if(kTargets, [&](const CpuTarget &target) {
    return target.name == name || target.triple == name;
  });
  return found == std::end(kTargets) ? nullptr : found;
}

const CpuTarget &vitc::getHostCpuTarget() {
#if defined(__aarch64__)
  return kTargets[1];
#else
  return kTargets[0];
#endif
}

StringRef vitc::getHostCpuLevel() {
#if defined(__aarch64__)
  return kArmLevels[0];
#else
  StringMap<bool> features = sys::getHostCPUFeatures();
  auto has = [&](std::initializer_list<StringRef> names) {
    return all_of(names, [&](StringRef name) { return features.lookup(name); });
  };
  bool v3 = has({"avx2", "fma", "bmi", "bmi2", "f16c", "lzcnt", "movbe"});
  if (v3 && has({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}))
    return "x86-64-v4";
  return v3 ? "x86-64-v3" : "x86-64-v2";
#endif
}

void vitc::initializeCpuTargets() {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  LLVMInitializeAArch64TargetInfo();
  LLVMInitializeAArch64Target();
  LLVMInitializeAArch64TargetMC();
  LLVMInitializeAArch64AsmPrinter();
}
