//===- EntryTensors.h - Memory for a run's tensors ------------ -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_PROGRAM_ENTRYTENSORS_H
#define VITC_LIB_RUNTIME_PROGRAM_ENTRYTENSORS_H

#include "Npy.h"
#include "Session.h"

#include "vitc/Runtime/Descriptor.h"

#include <cstdint>
#include <vector>

namespace vitc::rt {

/// The inputs and outputs of an entry for one batch, zero at first.
struct EntryTensors {
  EntryTensors(const EntryDescriptor &entry, int64_t batch);

  /// Fills the inputs with the same values each time: floats in [-1, 1),
  /// integers 1, which is a token and an unmasked position.
  void fillSynthetic();

  /// Runs "forward" of the session's model, or "attention" for a request.
  void run(vitc_session &session, const AttentionRequest *request = nullptr);
  /// Runs an entry of the session's model.
  void run(vitc_session &session, const vitc_model::Entry &entry,
           const AttentionRequest *request = nullptr);

  /// What the last run filled of an output.
  NpyArray getFilled(const EntryDescriptor &entry, int32_t output) const;

  std::vector<NpyArray> inputs, outputs;
};

/// The entry of --entry=`name`, the main one for "". Throws UsageError where
/// there is none.
const vitc_model::Entry &requireEntry(const vitc_model &model,
                                      const std::string &name);

/// The batch that the entry is compiled for, or -1 when it takes any.
int64_t fixedBatch(const EntryDescriptor &entry);

/// The batch of a run with --batch=`wanted`, 0 when it was not given: the
/// model's own, or 1. Throws UsageError unless the model takes it.
int64_t chooseBatch(const EntryDescriptor &entry, int64_t wanted);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_ENTRYTENSORS_H
