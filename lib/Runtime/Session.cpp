//===- Session.cpp - One model at work ------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "Status.h"
#include "Tensor.h"

#include <algorithm>

using namespace vitc::rt;

vitc_session::vitc_session(const vitc_model &model, int64_t maxBatch)
    : model(model), maxBatch(maxBatch) {
  if (maxBatch < 1)
    throw Failure(VITC_INVALID_ARGUMENT, "max_batch is {}; needs 1 or more",
                  maxBatch);
  executor = makeExecutor(model, maxBatch);
  for (const vitc_model::Entry &entry :
       {model.main, model.attention, model.text, model.step}) {
    if (!entry.descriptor)
      continue;
    inputs.reserve(
        std::max<size_t>(inputs.capacity(), entry.descriptor->numInputs));
    outputs.reserve(
        std::max<size_t>(outputs.capacity(), entry.descriptor->numOutputs));
  }
}

static RunTensor makeRunTensor(const vitc_tensor_t &tensor) {
  int64_t count = countElements(tensor.dims, tensor.rank, /*batch=*/1);
  return {tensor.data, count * dtypeBytes(tensor.dtype), /*isState=*/false};
}

int64_t vitc_session::bindTensors(const vitc_model::Entry &entry,
                                  const vitc_tensor_t *givenInputs,
                                  const vitc_tensor_t *givenOutputs,
                                  const AttentionRequest *request) {
  const EntryDescriptor &descriptor = *entry.descriptor;
  int32_t numInputs = descriptor.numInputs, numOutputs = descriptor.numOutputs;
  if (request) {
    const AttentionDescriptor &attention = model.descriptor.attention;
    numInputs -= 1;
    numOutputs -= attention.numLayers + attention.numProjections;
  }
  if (numInputs > 0)
    requireNonNull(givenInputs, "inputs");
  if (numOutputs > 0)
    requireNonNull(givenOutputs, "outputs");
  inputs.clear();
  outputs.clear();
  BatchCheck check{maxBatch};
  for (int32_t i = 0; i < numInputs; ++i) {
    checkTensor("input", descriptor.inputs[i], givenInputs[i], check);
    inputs.push_back(makeRunTensor(givenInputs[i]));
  }
  for (int32_t i = 0; i < numOutputs; ++i) {
    checkTensor("output", descriptor.outputs[i], givenOutputs[i], check);
    outputs.push_back(makeRunTensor(givenOutputs[i]));
  }
  int64_t batch = std::max<int64_t>(check.batch, 1);
  if (request) {
    // Maps of a model with a fixed batch are of as many images as that.
    int64_t images = descriptor.outputs[numOutputs].dims[0];
    checkRequest(model.descriptor.attention, *request,
                 images < 0 ? batch : images);
    bindMaps(*request);
  }
  markStates(entry);
  return batch;
}

void vitc_session::bindMaps(const AttentionRequest &request) {
  const AttentionDescriptor &attention = model.descriptor.attention;
  int64_t selectionBytes = attention.numLayers * sizeof(vitc_selection_t);
  // Inputs are only read, but for states.
  inputs.push_back({const_cast<vitc_selection_t *>(request.selections),
                    selectionBytes, /*isState=*/false});
  int32_t numMaps = attention.numLayers + attention.numProjections;
  for (int32_t i = 0; i < numMaps; ++i) {
    bool isSkipped =
        i < attention.numLayers && request.selections[i].count == 0;
    const vitc_tensor_t &map = request.maps[i];
    outputs.push_back(isSkipped ? RunTensor{map.data, 0, /*isState=*/false}
                                : makeRunTensor(map));
  }
}

/// An entry that takes what "step" takes updates the states that it does not
/// return.
void vitc_session::markStates(const vitc_model::Entry &entry) {
  const GenerationDescriptor &generation = model.descriptor.generation;
  bool isStep =
      model.step.descriptor && (entry.descriptor == model.step.descriptor ||
                                entry.descriptor == model.attention.descriptor);
  for (int32_t i = 0; isStep && i < generation.numStates; ++i) {
    const StateDescriptor &state = generation.states[i];
    if (state.output < 0)
      inputs[state.input].isState = true;
  }
}

vitc_session::Use::Use(vitc_session &session) : session(session) {
  if (session.inUse.exchange(true))
    throw Failure(VITC_INVALID_ARGUMENT,
                  "the session is in use, by another thread or the caller of "
                  "on_token; needs one of its own");
}

void vitc_session::run(const vitc_model::Entry &entry,
                       const vitc_tensor_t *givenInputs,
                       const vitc_tensor_t *givenOutputs,
                       const AttentionRequest *request) {
  int64_t batch = bindTensors(entry, givenInputs, givenOutputs, request);
  executor->run(entry, batch, inputs, outputs);
}

//===----------------------------------------------------------------------===//
// C ABI
//===----------------------------------------------------------------------===//

vitc_status_t vitc_session_create(const vitc_model_t *model, int64_t max_batch,
                                  vitc_session_t **session,
                                  vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(model, "model");
    requireNonNull(session, "session");
    *session = new vitc_session(*model, max_batch);
  });
}

void vitc_session_destroy(vitc_session_t *session) { delete session; }

vitc_status_t vitc_session_run(vitc_session_t *session,
                               const vitc_tensor_t *inputs,
                               const vitc_tensor_t *outputs,
                               vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(session, "session");
    vitc_session::Use use(*session);
    session->run(session->getModel().main, inputs, outputs, nullptr);
  });
}

vitc_status_t vitc_session_run_entry(vitc_session_t *session, const char *entry,
                                     const vitc_tensor_t *inputs,
                                     const vitc_tensor_t *outputs,
                                     vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(session, "session");
    requireNonNull(entry, "entry");
    vitc_session::Use use(*session);
    session->run(session->getModel().requireEntry(entry), inputs, outputs,
                 nullptr);
  });
}

vitc_status_t vitc_session_run_attention(vitc_session_t *session,
                                         const vitc_tensor_t *inputs,
                                         const vitc_tensor_t *outputs,
                                         const vitc_selection_t *selections,
                                         const vitc_tensor_t *maps,
                                         vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(session, "session");
    if (session->getModel().step.descriptor)
      throw Failure(VITC_UNSUPPORTED,
                    "the model generates tokens; their attention needs "
                    "vitc_session_generate");
    requireNonNull(selections, "selections");
    requireNonNull(maps, "maps");
    AttentionRequest request{selections, maps};
    vitc_session::Use use(*session);
    session->run(session->getModel().requireAttention(), inputs, outputs,
                 &request);
  });
}
