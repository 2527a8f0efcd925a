//===- Machine.cpp - LLVM's idea of a GPU ---------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"

#include "llvm/MC/TargetRegistry.h"
#include "llvm/TargetParser/Triple.h"

using namespace llvm;
using namespace vitc;

Expected<std::unique_ptr<TargetMachine>>
vitc::createMachine(const GpuTarget &target) {
  Triple triple("nvptx64-nvidia-cuda");
  std::string error;
  const Target *llvmTarget = TargetRegistry::lookupTarget(triple, error);
  if (!llvmTarget)
    return createStringError(error);
  // Sums and products are contracted where the IR says so: the emulator and
  // the GPU compute the same.
  return std::unique_ptr<TargetMachine>(llvmTarget->createTargetMachine(
      triple, target.name, target.ptxFeature, TargetOptions(), Reloc::PIC_,
      std::nullopt, CodeGenOptLevel::Aggressive));
}
