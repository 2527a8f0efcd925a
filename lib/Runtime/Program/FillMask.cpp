//===- FillMask.cpp - What stands at hidden places of a text --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/Tasks.h"
#include "Program/TextInput.h"
#include "Status.h"

#include <cstring>

using namespace vitc::rt;

/// The output [batch, length, tokens] of scores.
static const NpyArray &findScores(const TextInput &input,
                                  const std::vector<NpyArray> &outputs,
                                  int64_t length) {
  for (const NpyArray &output : outputs)
    if (output.dims.size() == 3 && output.dims[1] == length)
      return output;
  throw Failure(VITC_UNSUPPORTED,
                "the model has no output [batch, {}, tokens]; use --input and "
                "--output-dir",
                length);
}

/// The scores of all tokens at one place of a text.
static std::vector<double> readPlace(const NpyArray &scores, int64_t text,
                                     int64_t place) {
  int64_t count = scores.dims[2];
  NpyArray row{scores.dtype, {count}, {}};
  size_t rowBytes = scores.bytes.size() / (scores.dims[0] * scores.dims[1]);
  const uint8_t *begin =
      scores.bytes.data() + (text * scores.dims[1] + place) * rowBytes;
  row.bytes.assign(begin, begin + rowBytes);
  row = convertNpy(std::move(row), VITC_F64, "an output");
  std::vector<double> values(count);
  std::memcpy(values.data(), row.bytes.data(), row.bytes.size());
  return values;
}

/// A token as text, without the space before a word.
static std::string describeToken(const Tokenizer &tokenizer, uint32_t id) {
  std::string text = tokenizer.decode({id});
  text.erase(0, text.find_first_not_of(' '));
  return text.empty() ? tokenizer.getSpelling(id) : text;
}

/// The places of the tokens that hide others.
static std::vector<size_t> findMasks(const EncodedText &encoded,
                                     uint32_t maskId) {
  std::vector<size_t> places;
  for (size_t place = 0; place < encoded.ids.size(); ++place)
    if (encoded.ids[place] == maskId)
      places.push_back(place);
  return places;
}

void vitc::rt::printMasked(const vitc_model &model, const TextInput &input,
                           const std::vector<NpyArray> &outputs,
                           const Options &options, Output &output) {
  const Tokenizer &tokenizer = input.getTokenizer();
  const NpyArray &scores =
      findScores(input, outputs, model.descriptor.text.maxLength);
  if (tokenizer.getMaskId() == kNone)
    throw Failure(VITC_UNSUPPORTED, "the model's tokenizer has no token that "
                                    "hides another; needs one");
  JsonWriter json;
  json.beginArray();
  for (size_t i = 0; i < options.texts.size(); ++i) {
    EncodedText encoded = input.encode(options.texts, options.pairs, i);
    json.beginObject();
    json.key("text").value(options.texts[i]);
    json.key("masks").beginArray();
    std::vector<size_t> masks = findMasks(encoded, tokenizer.getMaskId());
    for (size_t place : masks) {
      std::string title = options.texts[i];
      if (masks.size() > 1)
        title += fmt::format(", token {}", place);
      std::vector<double> probabilities = readPlace(scores, i, place);
      makeProbabilities(model, probabilities.data(), probabilities.size());
      json.beginObject();
      json.key("position").value(int64_t(place));
      json.key("tokens").beginArray();
      for (int64_t id : rankClasses(probabilities, options.topK)) {
        std::string token = describeToken(tokenizer, static_cast<uint32_t>(id));
        json.beginObject();
        json.key("index").value(id);
        json.key("token").value(token);
        json.key("probability").value(probabilities[id]);
        json.endObject();
        if (!options.json)
          output.print(fmt::format("{}: {} {:.1f} %\n", title, token,
                                   100 * probabilities[id]));
      }
      json.endArray();
      json.endObject();
    }
    if (masks.empty())
      throw UsageError(fmt::format(
          "--text is '{}'; needs {} where a token is "
          "to be found",
          options.texts[i], tokenizer.getSpelling(tokenizer.getMaskId())));
    json.endArray();
    json.endObject();
  }
  json.endArray();
  if (options.json)
    output.print(json.text());
}
