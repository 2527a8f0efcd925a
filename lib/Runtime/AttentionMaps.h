//===- AttentionMaps.h - What a run is asked for of attention -*- C++ -*---===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_ATTENTIONMAPS_H
#define VITC_LIB_RUNTIME_ATTENTIONMAPS_H

#include "vitc/Runtime/Descriptor.h"
#include "vitc/Runtime/vitc.h"

namespace vitc::rt {

/// What vitc_session_run_attention gets beside inputs and outputs.
struct AttentionRequest {
  const vitc_selection_t *selections; // one a layer
  const vitc_tensor_t *maps;          // one a layer, then the projections
};

/// The layer with a projection of that index.
const AttentionLayerDescriptor &
findProjected(const AttentionDescriptor &attention, int32_t projection);

/// Throws Failure(VITC_UNSUPPORTED) unless `entry` has the inputs and outputs
/// of `shown`, whose attention it tells, and those that `attention` promises.
void checkAttentionEntry(const AttentionDescriptor &attention,
                         const EntryDescriptor &shown,
                         const EntryDescriptor &entry);

/// Throws Failure(VITC_INVALID_ARGUMENT) unless the selections are of queries
/// that the layers have, and the maps of the shapes that follow for `batch`.
void checkRequest(const AttentionDescriptor &attention,
                  const AttentionRequest &request, int64_t batch);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_ATTENTIONMAPS_H
