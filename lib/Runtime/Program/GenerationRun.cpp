//===- GenerationRun.cpp - Generate tokens for what is given --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/GenerationRun.h"

#include "Image/Image.h"
#include "Program/TextInput.h"
#include "Status.h"

#include <algorithm>
#include <cstring>

using namespace vitc::rt;

int32_t vitc::rt::countBeams(const vitc_model &model, const Options &options) {
  return options.beams ? options.beams : model.descriptor.generation.beams;
}

static GenerationOptions chooseOptions(const vitc_model &model,
                                       const Options &options) {
  GenerationOptions chosen(model.descriptor.generation);
  chosen.beams = countBeams(model, options);
  if (options.maxLength)
    chosen.maxLength = options.maxLength;
  if (options.minLength)
    chosen.minLength = *options.minLength;
  checkGeneration(model.descriptor.generation, chosen, {});
  return chosen;
}

/// The most rows of a step: what is gained by sharing the weights among more
/// is little.
static constexpr int64_t kMaxRows = 16;

/// The batch that the model was compiled for, -1: any.
static int64_t getFixedItems(const vitc_model &model, int64_t beams) {
  if (model.main.descriptor != model.step.descriptor)
    return fixedBatch(*model.main.descriptor);
  int64_t rows =
      model.step.descriptor->inputs[model.descriptor.generation.token].dims[0];
  return rows < 0 ? -1 : std::max<int64_t>(1, rows / beams);
}

ItemCounts vitc::rt::countItems(const vitc_model &model, const Options &options,
                                size_t items) {
  int64_t beams = countBeams(model, options);
  // A prompt is of all items of a run.
  bool hasPrompts = model.descriptor.text.isPrompt && !options.texts.empty();
  auto wanted = hasPrompts ? 1 : static_cast<int64_t>(items);
  int64_t fixed = getFixedItems(model, beams);
  if (fixed > 0)
    return {std::min(fixed, wanted), fixed};
  int64_t batch = std::min(wanted, std::max<int64_t>(1, kMaxRows / beams));
  return {batch, batch};
}

GenerationRun::GenerationRun(const vitc_model &model, const Options &options,
                             int64_t batch)
    : model(model), options(chooseOptions(model, options)), batch(batch),
      session(model, countRows(this->options, batch)) {
  const TextDescriptor &text = model.descriptor.text;
  const GenerationDescriptor &generation = model.descriptor.generation;
  if (text.tokenizer)
    reader.emplace(text.tokenizer, text.tokenizerBytes);
  if (generation.tokenizer)
    writer.emplace(generation.tokenizer, generation.tokenizerBytes);
}

std::string
GenerationRun::formatTokens(const std::vector<int64_t> &tokens) const {
  if (writer)
    return writer->decode(std::vector<uint32_t>(tokens.begin(), tokens.end()));
  return fmt::format("{}", fmt::join(tokens, " "));
}

std::string GenerationRun::spellToken(int64_t token) const {
  return writer ? writer->getSpelling(static_cast<uint32_t>(token))
                : std::to_string(token);
}

std::string GenerationRun::spellTextToken(uint32_t token) const {
  return reader ? reader->getSpelling(token) : std::to_string(token);
}

void GenerationRun::checkItem(const GenerationItem &item) const {
  auto [picture, text] = item;
  const TextDescriptor &takesText = model.descriptor.text;
  bool takesPicture =
      hasEncoder() && model.descriptor.preprocess.inputIndex >= 0;
  if (picture && !takesPicture)
    throw UsageError(fmt::format("picture '{}' was given; the model takes text "
                                 "alone, needs --text",
                                 *picture));
  if (!picture && takesPicture)
    throw UsageError("--text was given alone; the model needs a picture, too");
  if (text && !takesText.tokenizer)
    throw UsageError("--text was given; this model has no tokenizer, needs one "
                     "that was compiled from a folder with it");
  if (!text && takesText.ids >= 0)
    throw UsageError(fmt::format("picture '{}' was given alone; the model "
                                 "needs --text, too",
                                 *picture));
  if (!hasEncoder())
    return;
  const EntryDescriptor &encode = *model.main.descriptor;
  const PreprocessDescriptor &preprocess = model.descriptor.preprocess;
  for (int32_t i = 0; i < encode.numInputs; ++i)
    if (i != preprocess.inputIndex && i != takesText.ids &&
        i != takesText.mask && i != takesText.types)
      throw Failure(VITC_UNSUPPORTED,
                    "input '{}' is neither the picture nor of a text; use "
                    "--input and --output-dir",
                    encode.inputs[i].name);
}

void GenerationRun::fillPicture(const std::string &path, int64_t index,
                                NpyArray &pixels) {
  const PreprocessDescriptor &preprocess = model.descriptor.preprocess;
  Image image;
  Placement placement;
  std::string message;
  if (!readImage(path.c_str(), image, message))
    throw Failure(VITC_IO, message);
  if (!preprocessToView(preprocess, image, view, placement, message))
    throw Failure(VITC_IO, "{}: {}", path, message);
  normalizeView(preprocess, view, placement,
                reinterpret_cast<float *>(pixels.bytes.data() +
                                          pixels.bytes.size() / batch * index));
}

void GenerationRun::fillText(const std::string &text, int64_t index) {
  const TextDescriptor &descriptor = model.descriptor.text;
  auto length = static_cast<size_t>(descriptor.maxLength);
  size_t cut = 0;
  if (descriptor.isPrompt) {
    textTokens = reader->encode(text);
    cut = textTokens.size() > length ? textTokens.size() - length : 0;
    textTokens.resize(textTokens.size() - cut);
    input.prompt.assign(textTokens.begin(), textTokens.end());
  } else {
    EncodedText encoded = reader->encode(text, length);
    cut = encoded.numCut;
    rt::fillText(descriptor, encoded, index, input.inputs);
    // Padding comes last.
    auto begin = encoded.mask.begin();
    auto padding = std::find(begin, encoded.mask.end(), false);
    if (padding == begin)
      throw Failure(VITC_INVALID_ARGUMENT,
                    "the text has no tokens; needs one or more");
    textTokens = std::move(encoded.ids);
    textTokens.resize(padding - begin);
  }
  if (cut > 0)
    printWarning(fmt::format("the text has {} tokens; the model takes {}, the "
                             "rest is cut",
                             length + cut, length));
}

/// Copies an item of a batch to all behind it.
static void repeatItem(NpyArray &array, int64_t item, int64_t batch) {
  size_t bytes = array.bytes.size() / batch;
  for (int64_t i = item + 1; i < batch; ++i)
    std::memcpy(array.bytes.data() + i * bytes,
                array.bytes.data() + item * bytes, bytes);
}

std::vector<Generated>
GenerationRun::run(const std::vector<GenerationItem> &items,
                   const TokenFn &onToken) {
  for (const GenerationItem &item : items)
    checkItem(item);
  input = {};
  prompted.clear();
  input.items = batch;
  if (hasEncoder()) {
    checkTextInputs(*model.main.descriptor, model.descriptor.text);
    const EntryDescriptor &encode = *model.main.descriptor;
    for (int32_t i = 0; i < encode.numInputs; ++i)
      input.inputs.push_back(makeArray(encode.inputs[i], batch));
  }
  // Backwards, so that view and tokens are the first item's.
  auto count = static_cast<int64_t>(items.size());
  for (int64_t i = count; i-- > 0;) {
    if (items[i].picture)
      fillPicture(*items[i].picture, i,
                  input.inputs[model.descriptor.preprocess.inputIndex]);
    if (items[i].text)
      fillText(*items[i].text, i);
  }
  for (NpyArray &array : input.inputs)
    repeatItem(array, count - 1, batch);
  if (hasEncoder())
    runEncoder(session, input);
  std::vector<Generated> results = generate(session, input, options, onToken);
  results.resize(items.size());
  return results;
}

std::vector<NpyArray>
GenerationRun::traceAttention(std::vector<Generated> generated,
                              const AttentionChoice &choice) {
  if (!prompted.empty()) {
    std::vector<NpyArray> traces;
    for (size_t i = 0; i < generated.size(); ++i)
      traces.push_back(rt::traceAttention(session, prompted[i], options,
                                          {generated[i]}, choice)
                           .front());
    return traces;
  }
  size_t count = generated.size();
  generated.resize(batch, generated.back());
  std::vector<NpyArray> traces =
      rt::traceAttention(session, input, options, generated, choice);
  traces.resize(count);
  return traces;
}

std::vector<Generated> GenerationRun::run(std::vector<NpyArray> inputs,
                                          int64_t items) {
  prompted.clear();
  if (hasEncoder()) {
    input = {}; // its memory is what this run takes
    input.inputs = std::move(inputs);
    input.items = items;
    runEncoder(session, input);
    return generate(session, input, options, nullptr);
  }
  std::vector<Generated> results;
  const NpyArray &prompts = inputs.front();
  for (int64_t item = 0; item < items; ++item) {
    GenerationInput &own = prompted.emplace_back();
    own.prompt.resize(prompts.dims[1]);
    size_t bytes = own.prompt.size() * sizeof(int64_t);
    std::memcpy(own.prompt.data(), prompts.bytes.data() + item * bytes, bytes);
    results.push_back(generate(session, own, options, nullptr).front());
  }
  return results;
}

std::vector<NpyArray> GenerationRun::makeSynthetic(int64_t items) const {
  if (hasEncoder()) {
    EntryTensors tensors(*model.main.descriptor, items);
    tensors.fillSynthetic();
    return std::move(tensors.inputs);
  }
  // One token 0 is a prompt.
  std::vector<uint8_t> bytes(items * sizeof(int64_t));
  return {{VITC_I64, {items, 1}, bytes}};
}
