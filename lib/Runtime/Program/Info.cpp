//===- Info.cpp - Describe a compiled model -------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Commands.h"

#include "Cuda/CudaDevice.h"
#include "Isa.h"
#include "Json.h"
#include "Program/EntryTensors.h"
#include "Status.h"
#include "Tensor.h"
#include "Text/Tokenizer.h"

#include <fmt/format.h>

using namespace vitc::rt;

static const char *taskName(int32_t task) {
  switch (static_cast<Task>(task)) {
  case Task::Classification:
    return "classification";
  case Task::Embedding:
    return "embedding";
  case Task::Segmentation:
    return "segmentation";
  case Task::Detection:
    return "detection";
  case Task::Picture:
    return "picture";
  case Task::Ranking:
    return "ranking";
  case Task::FillMask:
    return "fill-mask";
  case Task::Generation:
    return "generation";
  case Task::Tensor:
    break;
  }
  return "tensor";
}

namespace {
/// What would run the model here with --isa and --device.
struct Here {
  std::string isa = "none";
  std::string device = "none"; // the name of a GPU
  std::string reason;          // why nothing would
};
} // namespace

/// A description needs nothing that runs the model, but a GPU that was asked
/// for: then it throws Failure where that is not there.
static Here findHere(const EntryDescriptor &entry, const Options &options) {
  Here here;
  try {
    if (!needsGpu(entry)) {
      here.isa = chooseCode(entry, options.isa.c_str()).isa;
      return here;
    }
    cuda::CudaDevice gpu(options.device.value_or(0));
    here.device = gpu.getName();
    here.isa = gpu.chooseCode(entry, options.isa.c_str()).isa;
  } catch (const Failure &failure) {
    if (options.device && here.device == "none")
      throw;
    here.reason = failure.what();
  }
  return here;
}

/// The kind of the tokenizer; "" where the model has none.
static std::string nameTokenizer(const vitc_model_descriptor_t &model) {
  if (!model.text.tokenizer)
    return "";
  Tokenizer tokenizer(model.text.tokenizer, model.text.tokenizerBytes);
  return fmt::format("{} of {} tokens", tokenizer.getName(),
                     tokenizer.getVocabularySize());
}

/// How tokens are generated; empty for a model that generates none.
static std::string describeGeneration(const vitc_model_descriptor_t &model) {
  const GenerationDescriptor &generation = model.generation;
  const EntryDescriptor *step = findEntry(model, "step");
  if (generation.maxLength == 0 || !step)
    return "";
  const TensorDescriptor &scores = step->outputs[generation.scores];
  return fmt::format("up to {} tokens of {}, {} beam{}", generation.maxLength,
                     scores.dims[scores.rank - 1], generation.beams,
                     generation.beams == 1 ? "" : "s");
}

/// A dimension that is as long as what is given or generated.
static constexpr int64_t kTokensDim = -2;
static const int64_t kTokensDims[] = {-1, kTokensDim}, kScoresDims[] = {-1};

/// What can be given, or for `outputs` what comes back, of pictures and, of a
/// model with an entry for them, texts. What passes between two steps of
/// generation is neither.
static std::vector<TensorDescriptor>
gatherTensors(const vitc_model_descriptor_t &model, bool outputs) {
  const EntryDescriptor *step = findEntry(model, "step");
  bool generates = model.generation.maxLength > 0 && step;
  if (generates && outputs)
    return {{"tokens", kTokensDims, 2, VITC_I64},
            {"scores", kScoresDims, 1, VITC_F32}};
  std::vector<TensorDescriptor> tensors;
  for (const char *name : {"forward", "text", "encode"}) {
    const EntryDescriptor *entry = findEntry(model, name);
    if (!entry)
      continue;
    const TensorDescriptor *first = outputs ? entry->outputs : entry->inputs;
    tensors.insert(tensors.end(), first,
                   first + (outputs ? entry->numOutputs : entry->numInputs));
  }
  if (generates && findMainEntry(model) == step)
    tensors.push_back(
        {step->inputs[model.generation.token].name, kTokensDims, 2, VITC_I64});
  return tensors;
}

/// "[batch, tokens]".
static std::string formatDims(const TensorDescriptor &tensor) {
  if (tensor.dims == kTokensDims)
    return "[batch, tokens]";
  return formatShape(tensor.dims, tensor.rank);
}

static void writeTensors(JsonWriter &json, const char *key,
                         const std::vector<TensorDescriptor> &tensors) {
  json.key(key).beginArray();
  for (const TensorDescriptor &tensor : tensors) {
    json.beginObject();
    json.key("name").value(tensor.name);
    json.key("dtype").value(formatDtype(tensor.dtype));
    json.key("shape").beginArray();
    for (int32_t d = 0; d < tensor.rank; ++d) {
      if (tensor.dims[d] == -1)
        json.value("batch");
      else if (tensor.dims[d] == kTokensDim)
        json.value("tokens");
      else
        json.value(tensor.dims[d]);
    }
    json.endArray();
    json.endObject();
  }
  json.endArray();
}

static void appendLayer(JsonWriter &json,
                        const AttentionLayerDescriptor &layer) {
  json.beginObject();
  json.key("layer").value(layer.number);
  json.key("name").value(layer.name);
  json.key("windows").value(layer.windows);
  json.key("heads").value(layer.heads);
  json.key("queries").value(layer.queries);
  json.key("keys").value(layer.keys);
  json.key("tokens").value(layer.tokens);
  json.endObject();
}

static std::string formatJson(const vitc_model_descriptor_t &model,
                              const EntryDescriptor &entry, const Here &here) {
  JsonWriter json;
  json.beginObject();
  json.key("model").value(model.modelName);
  json.key("task").value(taskName(model.task));
  if (std::string text = describeGeneration(model); !text.empty())
    json.key("generation").value(text);
  writeTensors(json, "inputs", gatherTensors(model, /*outputs=*/false));
  writeTensors(json, "outputs", gatherTensors(model, /*outputs=*/true));
  if (std::string tokenizer = nameTokenizer(model); !tokenizer.empty()) {
    json.key("tokenizer").value(tokenizer);
    json.key("max_length").value(model.text.maxLength);
  }
  json.key("labels").value(model.numLabels);
  json.key("precision").value(model.precision);
  json.key("target").value(model.target);
  json.key("backend").value(model.backend);
  json.key("onednn_library").value(model.oneDnnLibrary);
  json.key("isa_levels").beginArray();
  for (int32_t i = 0; i < entry.numCodes; ++i)
    json.value(entry.codes[i].isa);
  json.endArray();
  json.key("isa").value(here.isa);
  if (needsGpu(entry))
    json.key("device").value(here.device);
  if (!here.reason.empty())
    json.key("reason").value(here.reason);
  json.key("parameters").value(model.parameters);
  json.key("weight_bytes").value(model.weightBytes);
  json.key("code_bytes").value(model.codeBytes);
  json.key("arena_bytes")
      .value(arenaBytes(entry.arenaBase, entry.arenaPerBatch,
                        chooseBatch(entry, 0)));
  if (model.attention.numLayers > 0) {
    json.key("attention").beginArray();
    for (int32_t i = 0; i < model.attention.numLayers; ++i)
      appendLayer(json, model.attention.layers[i]);
    json.endArray();
  }
  json.key("source_hash").value(model.sourceHash);
  json.key("licence").value(model.licence);
  json.key("compiler").value(model.compilerVersion);
  json.key("runtime").value(vitc_version());
  json.endObject();
  return json.text();
}

static std::string formatLayer(const AttentionLayerDescriptor &layer) {
  std::string text =
      fmt::format("layer {}, {}: {} heads, {} queries, {} keys", layer.number,
                  layer.name, layer.heads, layer.queries, layer.keys);
  if (layer.windows > 1)
    text += fmt::format(", {} windows", layer.windows);
  if (layer.projection >= 0)
    text += fmt::format(", projections of {} tokens", layer.tokens);
  return text;
}

static void appendLine(std::string &text, const char *name,
                       const std::string &value) {
  text += fmt::format("{:<14}{}\n", name, value.empty() ? "unknown" : value);
}

static void appendTensors(std::string &text, const char *name,
                          const std::vector<TensorDescriptor> &tensors) {
  for (const TensorDescriptor &tensor : tensors)
    appendLine(text, name,
               fmt::format("{} {} {}", tensor.name, formatDtype(tensor.dtype),
                           formatDims(tensor)));
}

static std::string formatText(const vitc_model_descriptor_t &model,
                              const EntryDescriptor &entry, const Here &here) {
  std::string text;
  appendLine(text, "model", model.modelName);
  appendLine(text, "task", taskName(model.task));
  if (std::string generation = describeGeneration(model); !generation.empty())
    appendLine(text, "generation", generation);
  appendTensors(text, "input", gatherTensors(model, /*outputs=*/false));
  appendTensors(text, "output", gatherTensors(model, /*outputs=*/true));
  if (std::string tokenizer = nameTokenizer(model); !tokenizer.empty())
    appendLine(text, "tokenizer",
               fmt::format("{}, {} tokens of a text", tokenizer,
                           model.text.maxLength));
  appendLine(text, "labels", fmt::format("{}", model.numLabels));
  appendLine(text, "precision", model.precision);
  appendLine(text, "target", model.target);
  appendLine(text, "backend", model.backend);
  if (*model.oneDnnLibrary)
    appendLine(text, "oneDNN", model.oneDnnLibrary);
  appendLine(text, needsGpu(entry) ? "architectures" : "ISA levels",
             fmt::format("{}; here: {}", listIsas(entry), here.isa));
  if (needsGpu(entry))
    appendLine(text, "GPU", here.device);
  if (!here.reason.empty())
    appendLine(text, "does not run", here.reason);
  appendLine(text, "parameters", fmt::format("{}", model.parameters));
  appendLine(text, "weights", fmt::format("{} bytes", model.weightBytes));
  appendLine(text, "code", fmt::format("{} bytes", model.codeBytes));
  int64_t batch = chooseBatch(entry, 0);
  appendLine(
      text, "arena",
      fmt::format("{} bytes for a batch of {}",
                  arenaBytes(entry.arenaBase, entry.arenaPerBatch, batch),
                  batch));
  for (int32_t i = 0; i < model.attention.numLayers; ++i)
    appendLine(text, "attention", formatLayer(model.attention.layers[i]));
  appendLine(text, "source hash", model.sourceHash);
  appendLine(text, "licence", model.licence);
  appendLine(text, "compiler", model.compilerVersion);
  appendLine(text, "runtime", vitc_version());
  return text;
}

void vitc::rt::printInfo(const vitc_model_descriptor_t &model,
                         const Options &options, Output &output) {
  checkDescriptor(model);
  const EntryDescriptor &entry = *findMainEntry(model);
  Here here = findHere(entry, options);
  output.print(options.json ? formatJson(model, entry, here)
                            : formatText(model, entry, here));
}
