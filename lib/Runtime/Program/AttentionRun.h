//===- AttentionRun.h - The attention maps of one run --------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_PROGRAM_ATTENTIONRUN_H
#define VITC_LIB_RUNTIME_PROGRAM_ATTENTIONRUN_H

#include "AttentionMaps.h"
#include "Npy.h"
#include "Program/Options.h"
#include "Program/TokenMaps.h"

#include <vector>

namespace vitc::rt {

/// What --attention asks of a model: which layers, and which of their queries;
/// and the memory for it.
class AttentionRun {
public:
  /// Throws UsageError where the model has not what the options ask for, and
  /// Failure where the maps take too much memory.
  AttentionRun(const AttentionDescriptor &attention,
               const AttentionOptions &options, int64_t batch);

  AttentionRequest getRequest();

  /// Whether maps of layer `index` of the descriptor are to be written.
  bool isShown(int32_t index) const;
  /// The place of the query whose map is shown, in layer `index`; its window is
  /// 0 where the query is of the whole map, or the mean.
  QueryPlace getQuery(int32_t index) const { return places[index]; }
  bool isMean(int32_t index) const { return places[index].query < 0; }
  /// Whether all queries of layer `index` were computed.
  bool isWhole(int32_t index) const;
  /// [windows, heads, count, keys] of the first image.
  const float *getMap(int32_t index) const;
  /// [keys, tokens] of a layer's projection, or null.
  const float *getProjection(const AttentionLayerDescriptor &layer) const;

private:
  void checkNumbers(const AttentionOptions &options) const;
  void checkRollout() const;
  QueryPlace findShown(const AttentionLayerDescriptor &layer,
                       const AttentionLayerDescriptor &first,
                       const AttentionOptions &options) const;
  void allocate(int64_t batch);

  const AttentionDescriptor &attention;
  NumberSet layers;
  std::vector<QueryPlace> places; // a query of -1: the mean
  std::vector<vitc_selection_t> selections;
  std::vector<NpyArray> arrays; // of the layers, then the projections
  std::vector<vitc_tensor_t> tensors;
};

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_ATTENTIONRUN_H
