//===- CpuTarget.h - Architectures that programs run on ------ -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_CPUTARGET_H
#define VITC_TARGET_CPUTARGET_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>

namespace vitc {

/// Linux on one architecture, and what vitc must know of it from LLVM IR on.
struct CpuTarget {
  llvm::StringLiteral name;   // "aarch64-linux-gnu", as --target has it
  llvm::StringLiteral triple; // LLVM's
  /// LLVM's name of the processor that all but the kernels is compiled for.
  llvm::StringLiteral baseCpu;
  uint16_t elfMachine;
  /// Flags that have the linker put a section of any size apart from the code;
  /// 0 where it must be told.
  uint64_t largeSectionFlags;
  /// The packages of Debian that hold the C++ library to link with.
  llvm::StringLiteral packages;
  /// Levels that kernels are generated for, best first.
  llvm::ArrayRef<llvm::StringRef> levels;

  bool isHost() const;
};

llvm::ArrayRef<CpuTarget> getCpuTargets();
/// The target of that name or triple; null when there is none.
const CpuTarget *findCpuTarget(llvm::StringRef name);
/// This machine's.
const CpuTarget &getHostCpuTarget();
/// The best level that this machine has.
llvm::StringRef getHostCpuLevel();

/// Makes LLVM generate code for every target.
void initializeCpuTargets();

} // namespace vitc

#endif // VITC_TARGET_CPUTARGET_H
