//===- TextInput.cpp - Run a model on texts -------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Program/TextInput.h"

#include "Status.h"
#include "Tensor.h"

#include <algorithm>
#include <cstring>

using namespace vitc::rt;

static Tokenizer makeTokenizer(const TextDescriptor &text) {
  if (!text.tokenizer)
    throw UsageError("--text was given; this model has no tokenizer, needs one "
                     "that was compiled from a folder with it");
  return Tokenizer(text.tokenizer, text.tokenizerBytes);
}

/// Throws unless `index` is of an input [batch, maxLength] of integers.
static void checkTextInput(const EntryDescriptor &entry, int32_t index,
                           int32_t maxLength) {
  if (index == -1)
    return;
  bool isThere = index >= 0 && index < entry.numInputs;
  if (!isThere || entry.inputs[index].rank != 2 ||
      entry.inputs[index].dims[1] != maxLength ||
      (entry.inputs[index].dtype != VITC_I64 &&
       entry.inputs[index].dtype != VITC_I32))
    throw Failure(VITC_UNSUPPORTED,
                  "input {} is to take text; needs [batch, {}] of i32 or i64",
                  isThere ? entry.inputs[index].name : "none", maxLength);
}

void vitc::rt::checkTextInputs(const EntryDescriptor &entry,
                               const TextDescriptor &text) {
  for (int32_t index : {text.ids, text.mask, text.types})
    checkTextInput(entry, index, text.maxLength);
}

TextInput::TextInput(const vitc_model &model)
    : model(model), entry(model.text.descriptor ? model.text : model.main),
      tokenizer(makeTokenizer(model.descriptor.text)) {
  const EntryDescriptor &descriptor = *entry.descriptor;
  const TextDescriptor &text = model.descriptor.text;
  checkTextInputs(descriptor, text);
  int32_t numTexts = (text.ids >= 0) + (text.mask >= 0) + (text.types >= 0);
  if (text.ids < 0 || numTexts != descriptor.numInputs)
    throw Failure(VITC_UNSUPPORTED,
                  "the model has {} inputs and text is {} of them; use --input "
                  "and --output-dir",
                  descriptor.numInputs, numTexts);
}

/// Sets item `item` of an input; value(i) is that of token i.
template <typename Value>
static void fillRow(NpyArray &input, int64_t item, int64_t length,
                    Value value) {
  uint8_t *row = input.bytes.data() + item * length * dtypeBytes(input.dtype);
  for (int64_t i = 0; i < length; ++i) {
    int64_t wide = value(i);
    int32_t narrow = static_cast<int32_t>(wide);
    if (input.dtype == VITC_I64)
      std::memcpy(row + i * sizeof(wide), &wide, sizeof(wide));
    else
      std::memcpy(row + i * sizeof(narrow), &narrow, sizeof(narrow));
  }
}

void vitc::rt::fillText(const TextDescriptor &text, const EncodedText &encoded,
                        int64_t item, std::vector<NpyArray> &inputs) {
  int64_t length = text.maxLength;
  if (text.ids >= 0)
    fillRow(inputs[text.ids], item, length,
            [&](int64_t i) { return encoded.ids[i]; });
  if (text.mask >= 0)
    fillRow(inputs[text.mask], item, length,
            [&](int64_t i) { return encoded.mask[i]; });
  if (text.types >= 0)
    fillRow(inputs[text.types], item, length,
            [&](int64_t i) { return encoded.types[i]; });
}

EncodedText TextInput::encode(const std::vector<std::string> &texts,
                              const std::vector<std::string> &pairs,
                              size_t index) const {
  size_t length = model.descriptor.text.maxLength;
  return pairs.empty()
             ? tokenizer.encode(texts[index], length)
             : tokenizer.encodePair(texts[index], pairs[index], length);
}

std::vector<NpyArray>
TextInput::run(const std::vector<std::string> &texts,
               const std::vector<std::string> &pairs) const {
  const EntryDescriptor &descriptor = *entry.descriptor;
  int64_t count = texts.size(), fixed = fixedBatch(descriptor);
  int64_t batch = fixed == -1 ? count : fixed;
  EntryTensors tensors(descriptor, batch);
  vitc_session session(model, batch);
  std::vector<NpyArray> results;
  for (int64_t begin = 0; begin < count; begin += batch) {
    int64_t here = std::min(batch, count - begin);
    for (int64_t i = 0; i < here; ++i) {
      size_t length = model.descriptor.text.maxLength;
      EncodedText encoded = encode(texts, pairs, begin + i);
      if (encoded.numCut > 0)
        printWarning(fmt::format("text {} has {} tokens; the model takes {}, "
                                 "the rest is cut",
                                 begin + i, length + encoded.numCut, length));
      fillText(model.descriptor.text, encoded, i, tensors.inputs);
    }
    tensors.run(session, entry);
    for (int32_t i = 0; i < descriptor.numOutputs; ++i) {
      // Behind the last text a fixed batch has rows of earlier ones.
      NpyArray rows = tensors.outputs[i];
      rows.bytes.resize(rows.bytes.size() / batch * here);
      if (begin == 0) {
        rows.dims[0] = count;
        results.push_back(std::move(rows));
      } else {
        results[i].bytes.insert(results[i].bytes.end(), rows.bytes.begin(),
                                rows.bytes.end());
      }
    }
  }
  return results;
}
