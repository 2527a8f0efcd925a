//===- Tensors.cpp - Tensors from and to .npy files -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Commands.h"

#include "Program/EntryTensors.h"
#include "Program/GenerationRun.h"
#include "Ranking.h"
#include "Status.h"
#include "Tensor.h"

#include <algorithm>

using namespace vitc::rt;

namespace {
/// An entry that can be run on tensors, and the file of each of its inputs.
struct EntryFiles {
  const vitc_model::Entry *entry;
  std::vector<std::string> paths;

  const EntryDescriptor &getDescriptor() const { return *entry->descriptor; }
  bool isUsed() const {
    return std::any_of(paths.begin(), paths.end(),
                       [](const std::string &path) { return !path.empty(); });
  }
};

/// The tensors of a run.
struct EntryRun {
  const vitc_model::Entry *entry = nullptr;
  int64_t batch = 1;
  std::vector<NpyArray> inputs, outputs;
};
} // namespace

static std::string listInputs(const std::vector<EntryFiles> &entries) {
  std::string list;
  for (const EntryFiles &files : entries) {
    const EntryDescriptor &entry = files.getDescriptor();
    for (int32_t i = 0; i < entry.numInputs; ++i)
      list.append(list.empty() ? "" : ", ").append(entry.inputs[i].name);
  }
  return list;
}

/// The input that `file` is for, an entry's and its number there.
static std::pair<EntryFiles *, int32_t>
findInput(std::vector<EntryFiles> &entries, const InputFile &file) {
  size_t numInputs = 0;
  for (EntryFiles &files : entries) {
    const EntryDescriptor &entry = files.getDescriptor();
    numInputs += entry.numInputs;
    for (int32_t i = 0; i < entry.numInputs; ++i)
      if (file.name == entry.inputs[i].name)
        return {&files, i};
  }
  if (!file.name.empty())
    throw UsageError(fmt::format("--input names '{}'; the model has {}",
                                 file.name, listInputs(entries)));
  if (numInputs == 1)
    return {&entries.front(), 0};
  throw UsageError(
      fmt::format("--input '{}' names no input; the model has {}: {}",
                  file.path, numInputs, listInputs(entries)));
}

/// The entries that --input names inputs of, each with all its files.
static std::vector<EntryFiles> matchInputs(const vitc_model &model,
                                           const Options &options) {
  std::vector<EntryFiles> entries;
  for (const vitc_model::Entry *entry : {&model.main, &model.text})
    if (entry->descriptor)
      entries.push_back(
          {entry, std::vector<std::string>(entry->descriptor->numInputs)});
  for (const InputFile &file : options.inputs) {
    auto [files, index] = findInput(entries, file);
    std::string &path = files->paths[index];
    if (!path.empty())
      throw UsageError(
          fmt::format("--input for '{}' was given twice; needs one",
                      files->getDescriptor().inputs[index].name));
    path = file.path;
  }
  std::vector<EntryFiles> used;
  for (const EntryFiles &files : entries)
    if (files.isUsed() || entries.size() == 1)
      used.push_back(files);
  for (const EntryFiles &files : used)
    for (size_t i = 0; i < files.paths.size(); ++i)
      if (files.paths[i].empty())
        throw UsageError(fmt::format("no --input was given for '{}'; needs {}",
                                     files.getDescriptor().inputs[i].name,
                                     listInputs({files})));
  return used;
}

/// Reads the inputs, and finds the batch that they have.
static EntryRun readInputs(const EntryFiles &files) {
  EntryRun run;
  run.entry = files.entry;
  BatchCheck check{std::numeric_limits<int64_t>::max()};
  for (size_t i = 0; i < files.paths.size(); ++i) {
    const TensorDescriptor &expected = files.getDescriptor().inputs[i];
    const std::string &path = files.paths[i];
    NpyArray array = convertNpy(
        readNpy(path), static_cast<vitc_dtype_t>(expected.dtype), path);
    vitc_tensor_t view = array.tensor();
    try {
      checkTensor("input", expected, view, check);
    } catch (const Failure &failure) {
      throw Failure(failure.getStatus(), "{}: {}", path, failure.what());
    }
    run.inputs.push_back(std::move(array));
  }
  run.batch = std::max<int64_t>(check.batch, 1);
  return run;
}

/// The prompts [items, tokens] of a model that has tokens alone as its input.
static EntryRun readPrompts(const vitc_model &model, const Options &options) {
  const EntryDescriptor &step = *model.step.descriptor;
  const char *name = step.inputs[model.descriptor.generation.token].name;
  if (options.inputs.size() != 1 || (!options.inputs.front().name.empty() &&
                                     options.inputs.front().name != name))
    throw UsageError(fmt::format("--input is of other tensors; the model needs "
                                 "'{}' alone, the tokens of a prompt",
                                 name));
  const std::string &path = options.inputs.front().path;
  EntryRun run;
  run.inputs = {convertNpy(readNpy(path), VITC_I64, path)};
  const std::vector<int64_t> &dims = run.inputs.front().dims;
  if (dims.size() != 2 || dims[0] < 1 || dims[1] < 1)
    throw Failure(VITC_INVALID_ARGUMENT,
                  "{}: the prompt has shape {}; needs [batch, tokens], 1 or "
                  "more of both",
                  path, formatShape(dims.data(), dims.size()));
  std::vector<int64_t> tokens(dims[0] * dims[1]);
  std::memcpy(tokens.data(), run.inputs.front().bytes.data(),
              tokens.size() * sizeof(int64_t));
  try {
    checkPrompt(model, tokens);
  } catch (const Failure &failure) {
    throw Failure(failure.getStatus(), "{}: {}", path, failure.what());
  }
  run.batch = dims[0];
  return run;
}

void vitc::rt::runTensors(const vitc_model &model, const Options &options,
                          Output &output) {
  const AttentionOptions &attention = options.attention;
  if (!attention.matrix && !(attention.layers.all && attention.heads.all))
    throw UsageError("--attention-layers or --attention-heads was given with "
                     "--input; needs --attention-matrix, too");
  if (model.step.descriptor) {
    bool isDecoder = model.step.descriptor == model.main.descriptor;
    EntryRun run = isDecoder ? readPrompts(model, options)
                             : readInputs(matchInputs(model, options).front());
    return runGenerationTensors(model, options, std::move(run.inputs),
                                run.batch, output);
  }
  if (attention.matrix)
    throw UsageError("--attention-matrix was given with --input; needs a model "
                     "that generates text");
  std::vector<EntryRun> runs;
  int64_t maxBatch = 1;
  for (const EntryFiles &files : matchInputs(model, options)) {
    runs.push_back(readInputs(files));
    maxBatch = std::max(maxBatch, runs.back().batch);
  }
  vitc_session session(model, maxBatch);
  auto addFile = [&](const std::string &name, const NpyArray &array) {
    output.addFile(joinPath(options.outputDir, fileNameOf(name) + ".npy"),
                   formatNpy(array));
  };
  for (EntryRun &run : runs) {
    const EntryDescriptor &entry = *run.entry->descriptor;
    EntryTensors tensors(entry, run.batch);
    tensors.inputs = std::move(run.inputs);
    tensors.run(session, *run.entry);
    for (int32_t i = 0; i < entry.numOutputs; ++i)
      run.outputs.push_back(tensors.getFilled(entry, i));
    for (int32_t i = 0; i < entry.numOutputs; ++i)
      addFile(entry.outputs[i].name, run.outputs[i]);
  }
  if (runs.size() < 2)
    return;
  const RankingDescriptor &ranking = model.descriptor.ranking;
  const NpyArray &images = runs[0].outputs[0], &texts = runs[1].outputs[0];
  addFile("logits_per_image", computeScores(ranking, images, texts));
  addFile("logits_per_text", computeScores(ranking, texts, images));
}
