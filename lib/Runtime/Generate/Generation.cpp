//===- Generation.cpp - The C ABI of generation ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Generate/AttentionTrace.h"
#include "Generate/Generator.h"
#include "Status.h"
#include "Tensor.h"
#include "Text/Tokenizer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace vitc::rt;

/// What was generated for each item of a batch.
struct vitc_generation {
  struct Item {
    Generated generated;
    std::string text;
    NpyArray attention; // empty unless it was asked for
  };

  std::vector<Item> items;
  bool hasText = false;
};

static const GenerationDescriptor &requireGeneration(const vitc_model &model) {
  const GenerationDescriptor &generation = model.descriptor.generation;
  if (generation.maxLength == 0)
    throw Failure(VITC_UNSUPPORTED,
                  "the model generates no tokens; needs one that does");
  return generation;
}

static const TextDescriptor &requireText(const vitc_model &model) {
  const TextDescriptor &text = model.descriptor.text;
  if (!text.tokenizer)
    throw Failure(VITC_UNSUPPORTED,
                  "the model has no tokenizer; needs one that was compiled "
                  "from a folder with it");
  return text;
}

/// `options`, or the model's own for null. A C caller may leave any number.
static GenerationOptions readOptions(const GenerationDescriptor &model,
                                     const vitc_generation_options_t *options) {
  GenerationOptions result(model);
  if (!options)
    return result;
  if (options->early_stopping < VITC_EARLY_STOPPING_OFF ||
      options->early_stopping > VITC_EARLY_STOPPING_NEVER)
    throw Failure(VITC_INVALID_ARGUMENT,
                  "early_stopping is {}; needs one of vitc_early_stopping",
                  options->early_stopping);
  if (!std::isfinite(options->length_penalty))
    throw Failure(VITC_INVALID_ARGUMENT,
                  "length_penalty is {}; needs a finite number",
                  options->length_penalty);
  result.beams = options->beams;
  result.earlyStopping = static_cast<EarlyStopping>(options->early_stopping);
  result.minLength = options->min_length;
  result.maxLength = options->max_length;
  result.lengthPenalty = options->length_penalty;
  return result;
}

/// The items of these inputs of "encode": their batch, or what it is compiled
/// for.
static int64_t countItems(const vitc_session &session,
                          const EntryDescriptor &encode,
                          const vitc_tensor_t *inputs) {
  BatchCheck check{session.getMaxBatch()};
  for (int32_t i = 0; i < encode.numInputs; ++i)
    checkTensor("input", encode.inputs[i], inputs[i], check);
  if (check.batch > 0)
    return check.batch;
  const TensorDescriptor *first = encode.inputs;
  return encode.numInputs > 0 && first->rank > 0 ? first->dims[0] : 1;
}

static void checkRows(const vitc_session &session, int64_t items,
                      const GenerationOptions &options) {
  int64_t rows = countRows(options, items);
  if (rows > session.getMaxBatch())
    throw Failure(VITC_INVALID_ARGUMENT,
                  "{} items with {} beams are {} rows; the session was created "
                  "for at most {}",
                  items, options.beams, rows, session.getMaxBatch());
}

/// Runs "encode", of a model that has it, for searches with these options.
static void encode(vitc_session &session, const vitc_tensor_t *inputs,
                   const GenerationOptions &options, GenerationInput &input) {
  const EntryDescriptor &encode = *session.getModel().main.descriptor;
  if (encode.numInputs > 0)
    requireNonNull(inputs, "inputs");
  input.items = countItems(session, encode, inputs);
  checkRows(session, input.items, options);
  for (int32_t i = 0; i < encode.numInputs; ++i) {
    NpyArray &copy =
        input.inputs.emplace_back(makeArray(encode.inputs[i], input.items));
    if (!copy.bytes.empty())
      std::memcpy(copy.bytes.data(), inputs[i].data, copy.bytes.size());
  }
  runEncoder(session, input);
}

static std::unique_ptr<vitc_generation>
runGeneration(vitc_session &session, const vitc_generation_input_t &given,
              const vitc_generation_options_t *chosen) {
  const vitc_model &model = session.getModel();
  GenerationOptions options = readOptions(requireGeneration(model), chosen);
  if (given.prompt_length < 0)
    throw Failure(VITC_INVALID_ARGUMENT, "prompt_length is {}; needs 0 or more",
                  given.prompt_length);
  if (given.prompt_length > 0)
    requireNonNull(given.prompt, "prompt");
  GenerationInput input;
  input.prompt.assign(given.prompt, given.prompt + given.prompt_length);
  // Before the encoder's work.
  checkGeneration(model.descriptor.generation, options, input.prompt);
  checkPrompt(model, input.prompt);
  if (given.attention)
    getAttentionSource(model);
  if (model.main.descriptor != model.step.descriptor)
    encode(session, given.inputs, options, input);
  else
    checkRows(session, input.items, options);

  TokenFn onToken;
  if (given.on_token)
    onToken = [&](int64_t token) { given.on_token(given.data, token); };
  std::vector<Generated> generated = generate(session, input, options, onToken);
  std::vector<NpyArray> attention(generated.size());
  if (given.attention)
    attention = traceAttention(session, input, options, generated);
  auto result = std::make_unique<vitc_generation>();
  std::optional<Tokenizer> tokenizer;
  const GenerationDescriptor &descriptor = model.descriptor.generation;
  if (descriptor.tokenizer)
    tokenizer.emplace(descriptor.tokenizer, descriptor.tokenizerBytes);
  result->hasText = tokenizer.has_value();
  for (size_t i = 0; i < generated.size(); ++i) {
    vitc_generation::Item &item = result->items.emplace_back();
    item.generated = std::move(generated[i]);
    item.attention = std::move(attention[i]);
    const std::vector<int64_t> &tokens = item.generated.tokens;
    if (tokenizer)
      item.text = tokenizer->decode({tokens.begin(), tokens.end()});
  }
  return result;
}

//===----------------------------------------------------------------------===//
// C ABI
//===----------------------------------------------------------------------===//

vitc_status_t vitc_model_generation_options(const vitc_model_t *model,
                                            vitc_generation_options_t *options,
                                            vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(model, "model");
    requireNonNull(options, "options");
    GenerationOptions own(requireGeneration(*model));
    *options = {own.beams, static_cast<int32_t>(own.earlyStopping),
                own.minLength, own.maxLength, own.lengthPenalty};
  });
}

vitc_status_t vitc_model_text(const vitc_model_t *model, vitc_text_info_t *info,
                              vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(model, "model");
    requireNonNull(info, "info");
    const TextDescriptor &text = requireText(*model);
    const EntryDescriptor &entry = model->text.descriptor
                                       ? *model->text.descriptor
                                       : *model->main.descriptor;
    auto nameOf = [&](int32_t input) {
      return input < 0 ? nullptr : entry.inputs[input].name;
    };
    *info = {text.maxLength, nameOf(text.ids), nameOf(text.mask),
             nameOf(text.types), text.isPrompt};
  });
}

vitc_status_t vitc_model_tokenize(const vitc_model_t *model, const char *text,
                                  int64_t *ids, int64_t *mask, int64_t *types,
                                  int64_t *count, vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(model, "model");
    requireNonNull(text, "text");
    requireNonNull(ids, "ids");
    requireNonNull(count, "count");
    const TextDescriptor &descriptor = requireText(*model);
    auto length = static_cast<size_t>(descriptor.maxLength);
    Tokenizer tokenizer(descriptor.tokenizer, descriptor.tokenizerBytes);
    EncodedText encoded;
    if (descriptor.isPrompt) { // not padded
      encoded.ids = tokenizer.encode(text);
      encoded.ids.resize(std::min(encoded.ids.size(), length));
      encoded.mask.assign(encoded.ids.size(), true);
      encoded.types.assign(encoded.ids.size(), 0);
    } else {
      encoded = tokenizer.encode(text, length);
    }
    std::copy(encoded.ids.begin(), encoded.ids.end(), ids);
    if (mask)
      std::copy(encoded.mask.begin(), encoded.mask.end(), mask);
    if (types)
      std::copy(encoded.types.begin(), encoded.types.end(), types);
    *count = static_cast<int64_t>(encoded.ids.size());
  });
}

vitc_status_t vitc_session_generate(vitc_session_t *session,
                                    const vitc_generation_input_t *input,
                                    const vitc_generation_options_t *options,
                                    vitc_generation_t **generation,
                                    vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(session, "session");
    requireNonNull(input, "input");
    requireNonNull(generation, "generation");
    vitc_session::Use use(*session);
    *generation = runGeneration(*session, *input, options).release();
  });
}

void vitc_generation_destroy(vitc_generation_t *generation) {
  delete generation;
}

int64_t vitc_generation_num_items(const vitc_generation_t *generation) {
  return generation ? static_cast<int64_t>(generation->items.size()) : 0;
}

vitc_status_t vitc_generation_item(const vitc_generation_t *generation,
                                   int64_t index, vitc_generated_t *item,
                                   vitc_error_t *error) {
  return guard(error, [&] {
    requireNonNull(generation, "generation");
    requireNonNull(item, "item");
    int64_t count = vitc_generation_num_items(generation);
    if (index < 0 || index >= count)
      throw Failure(VITC_INVALID_ARGUMENT,
                    "item index is {}; {} were generated", index, count);
    const vitc_generation::Item &found = generation->items[index];
    const Generated &generated = found.generated;
    vitc_generated_t result = {};
    result.tokens = generated.tokens.data();
    result.token_scores = generated.tokenScores.data();
    result.num_tokens = static_cast<int64_t>(generated.tokens.size());
    result.score = generated.score;
    result.text = generation->hasText ? found.text.c_str() : nullptr;
    if (!found.attention.dims.empty()) {
      result.attention =
          reinterpret_cast<const float *>(found.attention.bytes.data());
      result.num_keys = found.attention.dims.back();
    }
    *item = result;
  });
}
