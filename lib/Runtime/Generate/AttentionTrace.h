//===- AttentionTrace.h - What generated tokens attend to ----- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A search computes no maps, so that it stays fast. Those of its result come
// from a second pass over the tokens that were chosen, one after the other:
// from the entry "attention", which is "step" to the bit and tells what its
// layers attend to, or from an output of "step" that says it.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_GENERATE_ATTENTIONTRACE_H
#define VITC_LIB_RUNTIME_GENERATE_ATTENTIONTRACE_H

#include "Generate/Generator.h"

namespace vitc::rt {

/// Which layers and heads a map is the mean of, by their numbers from 0 on;
/// null: all.
struct AttentionChoice {
  std::function<bool(int64_t number)> layers = {}, heads = {};
};

/// What generated tokens attend to.
struct AttentionSource {
  int64_t keys = 0;
  TokenGrid grid = {}; // of the picture; a height of 0: keys are no patches
};

/// Throws Failure(VITC_UNSUPPORTED) where the model tells no attention, and
/// Failure(VITC_INVALID_ARGUMENT) where the choice leaves none.
AttentionSource getAttentionSource(const vitc_model &model,
                                   const AttentionChoice &choice = {});

/// For each item the attention f32 [tokens, keys] that `generated`, which
/// generate() made of the same session, input and options, paid to the source
/// when each token was chosen. Throws as getAttentionSource.
std::vector<NpyArray> traceAttention(vitc_session &session,
                                     const GenerationInput &input,
                                     const GenerationOptions &options,
                                     const std::vector<Generated> &generated,
                                     const AttentionChoice &choice = {});

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_GENERATE_ATTENTIONTRACE_H
