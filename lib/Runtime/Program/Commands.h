//===- Commands.h - What a compiled program can do ------------ -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_PROGRAM_COMMANDS_H
#define VITC_LIB_RUNTIME_PROGRAM_COMMANDS_H

#include "Model.h"
#include "Program/Options.h"
#include "Program/Output.h"

#include "vitc/Runtime/Descriptor.h"

namespace vitc::rt {

// A function for each Mode. They throw Failure, and UsageError where the
// command line asks for what this model cannot do.

/// What the pictures show, by the model's task.
void runImages(const vitc_model &model, const Options &options, Output &output);

/// The same of many pictures in one file.
void runBatch(const vitc_model &model, const Options &options, Output &output);

/// Raw tensors from and to .npy files.
void runTensors(const vitc_model &model, const Options &options,
                Output &output);

/// Attention maps of pictures, as heat maps and as .npy.
void runAttention(const vitc_model &model, const Options &options,
                  Output &output);

/// Times of runs on synthetic input.
void runBenchmark(const vitc_model &model, const Options &options,
                  Output &output);

/// A Chrome trace of one run on synthetic input.
void runProfile(const vitc_model &model, const Options &options,
                Output &output);

/// Describes the model; needs neither its ISA level nor its libraries.
void printInfo(const vitc_model_descriptor_t &model, const Options &options,
               Output &output);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_COMMANDS_H
