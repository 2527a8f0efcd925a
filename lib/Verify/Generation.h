//===- Generation.h - What a step of generation is run on ----- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_VERIFY_GENERATION_H
#define VITC_LIB_VERIFY_GENERATION_H

#include "ModelRuns.h"

#include "llvm/ADT/StringMap.h"

namespace vitc {

/// Tensors by the names that @encode and @step share.
using NamedTensors = llvm::StringMap<HostTensor>;

/// The inputs and outputs of the reference's run of @encode.
NamedTensors getEncoded(const Sample &sample, kernel::EntryAttr encode);

/// Samples of @step, one step after the other: random tokens behind each other,
/// each with the states that the reference left, then one more with the last
/// position that there is room for. What `encoded` has no tensor for begins as
/// zeros if it is a state, else as verify fills inputs.
SamplesFn makeStepSamples(vit::GenerationAttr generation, NamedTensors encoded,
                          const VerifyOptions &options);

} // namespace vitc

#endif // VITC_LIB_VERIFY_GENERATION_H
