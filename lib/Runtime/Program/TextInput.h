//===- TextInput.h - Run a model on texts --------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_PROGRAM_TEXTINPUT_H
#define VITC_LIB_RUNTIME_PROGRAM_TEXTINPUT_H

#include "Program/EntryTensors.h"
#include "Program/Options.h"
#include "Program/Output.h"
#include "Session.h"
#include "Text/Tokenizer.h"

#include <string>
#include <vector>

namespace vitc::rt {

/// The entry of a model that takes text, "text" or else "forward".
class TextInput {
public:
  /// Throws UsageError for a model without a tokenizer, Failure unless text is
  /// all that the entry takes.
  explicit TextInput(const vitc_model &model);

  /// Runs the model on each text, in batches of the model's own size or all in
  /// one; on it and its second text where there are `pairs`. The outputs have a
  /// row for each. A text that was cut is a warning.
  std::vector<NpyArray> run(const std::vector<std::string> &texts,
                            const std::vector<std::string> &pairs = {}) const;

  /// The tokens of text `index`, and of its second one where there are `pairs`.
  EncodedText encode(const std::vector<std::string> &texts,
                     const std::vector<std::string> &pairs, size_t index) const;
  const Tokenizer &getTokenizer() const { return tokenizer; }

  const EntryDescriptor &getDescriptor() const { return *entry.descriptor; }

private:
  const vitc_model &model;
  const vitc_model::Entry &entry;
  Tokenizer tokenizer;
};

/// Throws Failure unless the entry's inputs that `text` names can take it.
void checkTextInputs(const EntryDescriptor &entry, const TextDescriptor &text);

/// Sets item `item` of these inputs.
void fillText(const TextDescriptor &text, const EncodedText &encoded,
              int64_t item, std::vector<NpyArray> &inputs);

/// The likeliest tokens at each hidden place of the texts, which the model has
/// run on.
void printMasked(const vitc_model &model, const TextInput &input,
                 const std::vector<NpyArray> &outputs, const Options &options,
                 Output &output);

/// The outputs for --text alone, by the model's task.
void runTexts(const vitc_model &model, const Options &options, Output &output);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_TEXTINPUT_H
