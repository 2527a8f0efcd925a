//===- Model.cpp - Runtime and model objects ------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include "AttentionMaps.h"
#include "Cuda/CudaModel.h"
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

const EntryDescriptor *
vitc::rt::findMainEntry(const vitc_model_descriptor_t &descriptor) {
  for (const char *name : {"forward", "encode", "step"})
    if (const EntryDescriptor *entry = findEntry(descriptor, name))
      return entry;
  return nullptr;
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

static bool hasOneElement(const TensorDescriptor &tensor) {
  return std::all_of(tensor.dims, tensor.dims + tensor.rank,
                     [](int64_t size) { return size == 1; });
}

/// What counts positions of an output is one i64.
static void checkCounts(const EntryDescriptor &entry) {
  for (int32_t i = 0; i < entry.numOutputs; ++i) {
    const TensorDescriptor &output = entry.outputs[i];
    int32_t counter = output.countOutput;
    if (counter == -1)
      continue;
    bool isOutput = counter >= 0 && counter < entry.numOutputs;
    if (!isOutput || !hasOneElement(entry.outputs[counter]) ||
        entry.outputs[counter].dtype != VITC_I64 || output.countedDim < 0 ||
        output.countedDim >= output.rank)
      throw Failure(VITC_UNSUPPORTED,
                    "output '{}' of rank {} has positions of dimension {} "
                    "counted by output {} of {}; needs one i64 and a dimension "
                    "of its own",
                    output.name, output.rank, output.countedDim, counter,
                    entry.numOutputs);
  }
}

static const char *nameProcessors(bool isGpu) {
  return isGpu ? "GPUs" : "CPUs";
}

/// All code of a model is for GPUs, or none is.
static void checkCodes(const EntryDescriptor &entry,
                       const EntryDescriptor &main) {
  bool isForGpu = needsGpu(main);
  for (int32_t i = 0; i < entry.numCodes; ++i)
    if (bool hasImage = entry.codes[i].image; hasImage != isForGpu)
      throw Failure(VITC_UNSUPPORTED,
                    "entry '{}' has code '{}' for {}; needs it for {}, as the "
                    "first of entry '{}' is",
                    entry.name, entry.codes[i].isa, nameProcessors(hasImage),
                    nameProcessors(isForGpu), main.name);
}

void vitc::rt::checkDescriptor(const vitc_model_descriptor_t &descriptor) {
  if (descriptor.version != kDescriptorVersion)
    throw Failure(VITC_UNSUPPORTED,
                  "the model has descriptor version {}; this runtime needs {}",
                  descriptor.version, kDescriptorVersion);
  const EntryDescriptor *main = findMainEntry(descriptor);
  if (!main)
    throw Failure(VITC_UNSUPPORTED,
                  "the model has {} entries and none is 'forward'; needs one, "
                  "or 'step'",
                  descriptor.numEntries);
  for (int32_t i = 0; i < descriptor.numEntries; ++i) {
    const EntryDescriptor &entry = descriptor.entries[i];
    checkTensors(entry.inputs, entry.numInputs);
    checkTensors(entry.outputs, entry.numOutputs);
    checkCounts(entry);
    checkCodes(entry, *main);
  }
}

void vitc::rt::requirePictures(const PreprocessDescriptor &preprocess,
                               const char *instead) {
  if (preprocess.inputIndex < 0)
    throw Failure(VITC_UNSUPPORTED,
                  "the model's source has no picture preprocessing "
                  "(preprocessor_config.json); needs {}",
                  instead);
  if (preprocess.channels < 1 || preprocess.channels > 4)
    throw Failure(VITC_UNSUPPORTED,
                  "the model's input has {} channels; a picture needs 1 to 4, "
                  "or else {}",
                  preprocess.channels, instead);
}

/// The width of output 0, an embedding [batch, width] of f32; -1: it is none.
static int64_t getEmbeddingWidth(const EntryDescriptor &entry) {
  bool isEmbedding = entry.numOutputs > 0 && entry.outputs[0].rank == 2 &&
                     entry.outputs[0].dtype == VITC_F32;
  return isEmbedding ? entry.outputs[0].dims[1] : -1;
}

static const EntryDescriptor &
requireTextEntry(const vitc_model_descriptor_t &descriptor) {
  const EntryDescriptor *text = findEntry(descriptor, "text");
  if (!text)
    throw Failure(VITC_UNSUPPORTED,
                  "the model ranks texts and has no entry 'text'; needs one");
  int64_t width = getEmbeddingWidth(*findEntry(descriptor, "forward"));
  if (width < 0 || width != getEmbeddingWidth(*text))
    throw Failure(VITC_UNSUPPORTED,
                  "the model ranks texts and its entries 'forward' and 'text' "
                  "begin with other outputs than embeddings [batch, width]; "
                  "needs f32 of one width");
  return *text;
}

static const vitc_model_descriptor_t &
checked(const vitc_model_descriptor_t &descriptor) {
  checkDescriptor(descriptor);
  return descriptor;
}

vitc_model::vitc_model(vitc_runtime &runtime,
                       const vitc_model_descriptor_t &descriptor,
                       const char *isa, std::optional<int32_t> device)
    : runtime(runtime), descriptor(checked(descriptor)) {
  if (needsGpu(*findMainEntry(descriptor))) {
    cuda::CudaDevice gpu(device.value_or(0));
    chooseEntries(isa, &gpu);
    cuda = std::make_shared<const cuda::CudaModel>(
        gpu, *main.code->image, descriptor.weights, descriptor.weightBytes);
  } else if (device) {
    throw Failure(VITC_INVALID_ARGUMENT,
                  "GPU {} was asked for; the model was compiled for a CPU",
                  *device);
  } else {
    chooseEntries(isa, /*gpu=*/nullptr);
  }
  bool usesOneDnn = false;
  for (const Entry *entry : {&main, &text, &step, &attention})
    usesOneDnn |= entry->code && entry->code->usesOneDnn != 0;
  if (usesOneDnn)
    oneDnn = loadOneDnn(descriptor.oneDnnLibrary);
  for (const Entry *entry : {&main, &text, &step})
    if (entry->descriptor &&
        (entries.empty() || entry->descriptor != main.descriptor))
      entries.push_back(entry);
}

/// Finds the entries that the model needs, and their code of one level.
void vitc_model::chooseEntries(const char *isa, const cuda::CudaDevice *gpu) {
  auto choose = [&](Entry &entry) {
    const char *wanted = main.code ? main.code->isa : isa;
    entry.code = gpu ? &gpu->chooseCode(*entry.descriptor, wanted)
                     : &chooseCode(*entry.descriptor, wanted);
    if (main.code && entry.code->image != main.code->image)
      throw Failure(VITC_UNSUPPORTED,
                    "entries '{}' and '{}' have kernels of two images for {}; "
                    "needs one of all",
                    main.descriptor->name, entry.descriptor->name,
                    main.code->isa);
  };
  main.descriptor = findMainEntry(descriptor);
  choose(main);
  if (descriptor.ranking.scale != 0) {
    text.descriptor = &requireTextEntry(descriptor);
    choose(text);
  }
  if (descriptor.generation.maxLength > 0) {
    step.descriptor = vitc::rt::findEntry(descriptor, "step");
    if (!step.descriptor)
      throw Failure(VITC_UNSUPPORTED, "the model generates tokens and has no "
                                      "entry 'step'; needs one");
    choose(step);
  }
  if (descriptor.attention.numLayers > 0) {
    const EntryDescriptor &shown =
        step.descriptor ? *step.descriptor : *main.descriptor;
    attention.descriptor = vitc::rt::findEntry(descriptor, "attention");
    if (!attention.descriptor)
      throw Failure(VITC_UNSUPPORTED,
                    "the model has attention maps of {} layers and no entry "
                    "'attention'; needs one",
                    descriptor.attention.numLayers);
    checkAttentionEntry(descriptor.attention, shown, *attention.descriptor);
    choose(attention);
  }
}

const vitc_model::Entry *vitc_model::findEntry(std::string_view name) const {
  for (const Entry *entry : entries)
    if (entry->descriptor->name == name)
      return entry;
  return nullptr;
}

const vitc_model::Entry &vitc_model::requireEntry(std::string_view name) const {
  if (const Entry *entry = findEntry(name))
    return *entry;
  std::string names;
  for (const Entry *entry : entries)
    names.append(names.empty() ? "" : ", ").append(entry->descriptor->name);
  throw Failure(VITC_INVALID_ARGUMENT, "entry is '{}'; the model has {}", name,
                names);
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

vitc_status_t
vitc_model_create_on_device(vitc_runtime_t *runtime,
                            const vitc_model_descriptor_t *descriptor,
                            const char *isa, int32_t device,
                            vitc_model_t **model, vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(runtime, "runtime");
    requireNonNull(descriptor, "descriptor");
    requireNonNull(model, "model");
    *model = new vitc_model(*runtime, *descriptor, isa, device);
  });
}

void vitc_model_destroy(vitc_model_t *model) { delete model; }

const char *vitc_model_device(const vitc_model_t *model) {
  if (!model || !model->cuda)
    return nullptr;
  return model->cuda->context->getDevice().getName().c_str();
}

const char *vitc_model_isa(const vitc_model_t *model) {
  return model ? model->main.code->isa : nullptr;
}

int32_t vitc_model_num_inputs(const vitc_model_t *model) {
  return model ? model->main.descriptor->numInputs : 0;
}

int32_t vitc_model_num_outputs(const vitc_model_t *model) {
  return model ? model->main.descriptor->numOutputs : 0;
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
    const EntryDescriptor &entry = *model->main.descriptor;
    getTensorInfo("input", entry.inputs, entry.numInputs, index, info);
  });
}

vitc_status_t vitc_model_output(const vitc_model_t *model, int32_t index,
                                vitc_tensor_info_t *info, vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(model, "model");
    const EntryDescriptor &entry = *model->main.descriptor;
    getTensorInfo("output", entry.outputs, entry.numOutputs, index, info);
  });
}

int32_t vitc_model_num_entries(const vitc_model_t *model) {
  return model ? static_cast<int32_t>(model->entries.size()) : 0;
}

const char *vitc_model_entry(const vitc_model_t *model, int32_t index) {
  if (index < 0 || index >= vitc_model_num_entries(model))
    return nullptr;
  return model->entries[index]->descriptor->name;
}

/// The entry of that name, or null.
static const EntryDescriptor *getEntry(const vitc_model_t *model,
                                       const char *name) {
  const vitc_model::Entry *entry =
      model && name ? model->findEntry(name) : nullptr;
  return entry ? entry->descriptor : nullptr;
}

int32_t vitc_model_entry_num_inputs(const vitc_model_t *model,
                                    const char *entry) {
  const EntryDescriptor *found = getEntry(model, entry);
  return found ? found->numInputs : -1;
}

int32_t vitc_model_entry_num_outputs(const vitc_model_t *model,
                                     const char *entry) {
  const EntryDescriptor *found = getEntry(model, entry);
  return found ? found->numOutputs : -1;
}

vitc_status_t vitc_model_entry_input(const vitc_model_t *model,
                                     const char *entry, int32_t index,
                                     vitc_tensor_info_t *info,
                                     vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(model, "model");
    requireNonNull(entry, "entry");
    const EntryDescriptor &found = *model->requireEntry(entry).descriptor;
    getTensorInfo("input", found.inputs, found.numInputs, index, info);
  });
}

vitc_status_t vitc_model_entry_output(const vitc_model_t *model,
                                      const char *entry, int32_t index,
                                      vitc_tensor_info_t *info,
                                      vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(model, "model");
    requireNonNull(entry, "entry");
    const EntryDescriptor &found = *model->requireEntry(entry).descriptor;
    getTensorInfo("output", found.outputs, found.numOutputs, index, info);
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
