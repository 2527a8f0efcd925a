//===- GpuTarget.h - GPUs that programs run on --------------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TARGET_GPUTARGET_H
#define VITC_TARGET_GPUTARGET_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/VersionTuple.h"

namespace vitc {

/// An architecture of NVIDIA's GPUs. Code for "sm_80" runs on every later one
/// too, code for "sm_90a" on that one alone.
struct GpuTarget {
  llvm::StringLiteral name; // "sm_90a", as --target has it
  /// LLVM's name of the first version of PTX that has the architecture: the
  /// older it is, the more drivers compile it.
  llvm::StringLiteral ptxFeature;
  /// The first release of CUDA whose ptxas has it.
  llvm::VersionTuple cuda;
};

/// All there are, best first: what a GPU can run comes before what is made for
/// an earlier one.
llvm::ArrayRef<GpuTarget> getGpuTargets();
/// The target of that name; null when there is none.
const GpuTarget *findGpuTarget(llvm::StringRef name);

/// Makes LLVM generate code for every one of them.
void initializeGpuTargets();

} // namespace vitc

#endif // VITC_TARGET_GPUTARGET_H
