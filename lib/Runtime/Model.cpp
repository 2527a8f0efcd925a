//===- Model.cpp - Runtime and model objects ------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include "AttentionMaps.h"
#include "Image/Image.h"
#include "Isa.h"
#include "Status.h"
#include "Tensor.h"

#include <algorithm>

using namespace vitc::rt;

const EntryDescriptor *
vitc::rt::findEntry(const vitc_model_descriptor_t &descriptor,
                    std::string_view name) {
  const EntryDescriptor *begin = descriptor.entries,
                        *end = begin + descriptor.numEntries;
  const EntryDescriptor *entry = std::find_if(
      begin, end, [&](const EntryDescriptor &e) { return e.name == name; });
  return entry == end ? nullptr : entry;
}

static void checkTensors(const TensorDescriptor *tensors, int32_t count) {
  for (int32_t i = 0; i < count; ++i)
    if (tensors[i].rank < 0 || tensors[i].rank > VITC_MAX_RANK ||
        dtypeBytes(tensors[i].dtype) == 0)
      throw Failure(VITC_UNSUPPORTED,
                    "tensor '{}' has rank {} and {}; needs rank 0 to {} and a "
                    "type of vitc_dtype_t",
                    tensors[i].name, tensors[i].rank,
                    formatDtype(tensors[i].dtype), int(VITC_MAX_RANK));
}

void vitc::rt::checkDescriptor(const vitc_model_descriptor_t &descriptor) {
  if (descriptor.version != kDescriptorVersion)
    throw Failure(VITC_UNSUPPORTED,
                  "the model has descriptor version {}; this runtime needs {}",
                  descriptor.version, kDescriptorVersion);
  if (!findEntry(descriptor, "forward"))
    throw Failure(VITC_UNSUPPORTED,
                  "the model has {} entries and none is 'forward'; needs one",
                  descriptor.numEntries);
  for (int32_t i = 0; i < descriptor.numEntries; ++i) {
    const EntryDescriptor &entry = descriptor.entries[i];
    checkTensors(entry.inputs, entry.numInputs);
    checkTensors(entry.outputs, entry.numOutputs);
  }
}

void vitc::rt::requirePictures(const PreprocessDescriptor &preprocess,
                               const char *instead) {
  if (preprocess.inputIndex < 0)
    throw Failure(VITC_UNSUPPORTED,
                  "the model's source has no picture preprocessing "
                  "(preprocessor_config.json); needs {}",
                  instead);
  if (preprocess.channels != 1 && preprocess.channels != 3)
    throw Failure(VITC_UNSUPPORTED,
                  "the model's input has {} channels; a picture needs 1 or 3, "
                  "or else {}",
                  preprocess.channels, instead);
}

static const vitc_model_descriptor_t &
checked(const vitc_model_descriptor_t &descriptor) {
  checkDescriptor(descriptor);
  return descriptor;
}

vitc_model::vitc_model(vitc_runtime &runtime,
                       const vitc_model_descriptor_t &descriptor,
                       const char *isa)
    : runtime(runtime), descriptor(checked(descriptor)) {
  forward.descriptor = findEntry(descriptor, "forward");
  forward.code = &chooseCode(*forward.descriptor, isa);
  bool usesOneDnn = forward.code->usesOneDnn;
  if (descriptor.attention.numLayers > 0) {
    attention.descriptor = findEntry(descriptor, "attention");
    if (!attention.descriptor)
      throw Failure(VITC_UNSUPPORTED,
                    "the model has attention maps of {} layers and no entry "
                    "'attention'; needs one",
                    descriptor.attention.numLayers);
    checkAttentionEntry(descriptor.attention, *forward.descriptor,
                        *attention.descriptor);
    attention.code = &chooseCode(*attention.descriptor, forward.code->isa);
    usesOneDnn |= attention.code->usesOneDnn != 0;
  }
  if (usesOneDnn)
    oneDnn = loadOneDnn(descriptor.oneDnnLibrary);
}

const vitc_model::Entry &vitc_model::requireAttention() const {
  if (!attention.descriptor)
    throw Failure(VITC_UNSUPPORTED,
                  "the model has no attention maps; needs a model compiled "
                  "with them");
  return attention;
}

//===----------------------------------------------------------------------===//
// C ABI
//===----------------------------------------------------------------------===//

const char *vitc_version(void) { return VITC_VERSION; }

vitc_status_t vitc_runtime_create(int32_t threads, vitc_runtime_t **runtime,
                                  vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(runtime, "runtime");
    *runtime = new vitc_runtime(threads);
  });
}

void vitc_runtime_destroy(vitc_runtime_t *runtime) { delete runtime; }

int32_t vitc_runtime_threads(const vitc_runtime_t *runtime) {
  return runtime ? runtime->pool.getNumThreads() : 0;
}

vitc_status_t vitc_model_create(vitc_runtime_t *runtime,
                                const vitc_model_descriptor_t *descriptor,
                                const char *isa, vitc_model_t **model,
                                vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(runtime, "runtime");
    requireNonNull(descriptor, "descriptor");
    requireNonNull(model, "model");
    *model = new vitc_model(*runtime, *descriptor, isa);
  });
}

void vitc_model_destroy(vitc_model_t *model) { delete model; }

const char *vitc_model_isa(const vitc_model_t *model) {
  return model ? model->forward.code->isa : nullptr;
}

int32_t vitc_model_num_inputs(const vitc_model_t *model) {
  return model ? model->forward.descriptor->numInputs : 0;
}

int32_t vitc_model_num_outputs(const vitc_model_t *model) {
  return model ? model->forward.descriptor->numOutputs : 0;
}

static void getTensorInfo(const char *role, const TensorDescriptor *tensors,
                          int32_t count, int32_t index,
                          vitc_tensor_info_t *info) {
  requireNonNull(info, "info");
  if (index < 0 || index >= count)
    throw Failure(VITC_INVALID_ARGUMENT, "{} index is {}; the model has {} {}s",
                  role, index, count, role);
  *info = makeTensorInfo(tensors[index]);
}

vitc_status_t vitc_model_input(const vitc_model_t *model, int32_t index,
                               vitc_tensor_info_t *info, vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(model, "model");
    const EntryDescriptor &entry = *model->forward.descriptor;
    getTensorInfo("input", entry.inputs, entry.numInputs, index, info);
  });
}

vitc_status_t vitc_model_output(const vitc_model_t *model, int32_t index,
                                vitc_tensor_info_t *info, vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(model, "model");
    const EntryDescriptor &entry = *model->forward.descriptor;
    getTensorInfo("output", entry.outputs, entry.numOutputs, index, info);
  });
}

int32_t vitc_model_num_labels(const vitc_model_t *model) {
  return model ? model->descriptor.numLabels : 0;
}

const char *vitc_model_label(const vitc_model_t *model, int32_t index) {
  if (!model || index < 0 || index >= model->descriptor.numLabels)
    return nullptr;
  return model->descriptor.labels[index];
}

vitc_status_t vitc_model_read_image(const vitc_model_t *model, const char *path,
                                    const vitc_tensor_t *pixels,
                                    vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(model, "model");
    requireNonNull(path, "path");
    requireNonNull(pixels, "pixels");
    const PreprocessDescriptor &preprocess = model->descriptor.preprocess;
    requirePictures(preprocess, "the pixels as a tensor");
    int64_t dims[] = {preprocess.channels, preprocess.height, preprocess.width};
    TensorDescriptor expected = {"pixels", dims, 3, VITC_F32};
    BatchCheck noBatch{1};
    checkTensor("tensor", expected, *pixels, noBatch);
    std::string message;
    if (!preprocessImage(preprocess, path, static_cast<float *>(pixels->data),
                         message))
      throw Failure(VITC_IO, message);
  });
}
