//===- GenerationRun.h - Generate what follows an input ------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_PROGRAM_GENERATIONRUN_H
#define VITC_LIB_RUNTIME_PROGRAM_GENERATIONRUN_H

#include "Generate/AttentionTrace.h"
#include "Image/Image.h"
#include "Program/EntryTensors.h"
#include "Program/Options.h"
#include "Program/Output.h"
#include "Text/Tokenizer.h"

#include <optional>
#include <string>
#include <vector>

namespace vitc::rt {

/// What is generated for: a picture, a text, or both; null for none.
struct GenerationItem {
  const std::string *picture = nullptr, *text = nullptr;
};

/// The beams of a search: those of the options, else the model's own.
int32_t countBeams(const vitc_model &model, const Options &options);

/// How many of the items one run takes, and how many its tensors have: more
/// where the model was compiled for them, copies of the last then.
struct ItemCounts {
  int64_t together, batch;
};
ItemCounts countItems(const vitc_model &model, const Options &options,
                      size_t items);

/// A model that generates tokens, ready to run on one batch after the other.
class GenerationRun {
public:
  /// For batches of `batch` items. Throws Failure for options that the model
  /// cannot do.
  GenerationRun(const vitc_model &model, const Options &options,
                int64_t batch = 1);

  /// Generates for each item. Throws UsageError unless they are what the model
  /// takes. Where the text is a prompt all items need the same.
  std::vector<Generated> run(const std::vector<GenerationItem> &items,
                             const TokenFn &onToken = nullptr);
  /// Generates for the inputs of "encode", or, of a model without it, for the
  /// tokens [items, tokens] of a prompt.
  std::vector<Generated> run(std::vector<NpyArray> inputs, int64_t items);

  /// What the tokens of each item of the last run attended to, f32 [tokens,
  /// keys].
  std::vector<NpyArray> traceAttention(std::vector<Generated> generated,
                                       const AttentionChoice &choice);
  /// Of the first item of the last run: the picture as the model saw it, and
  /// its text's tokens.
  const Image &getView() const { return view; }
  const std::vector<uint32_t> &getTextTokens() const { return textTokens; }

  /// Inputs for the function above, the same each time.
  std::vector<NpyArray> makeSynthetic(int64_t items) const;
  vitc_session &getSession() { return session; }

  /// The text of tokens, or their numbers where the model has no tokenizer.
  std::string formatTokens(const std::vector<int64_t> &tokens) const;
  /// A token as the vocabulary of the output, or of the text, spells it.
  std::string spellToken(int64_t token) const;
  std::string spellTextToken(uint32_t token) const;

private:
  bool hasEncoder() const {
    return model.main.descriptor != model.step.descriptor;
  }
  void checkItem(const GenerationItem &item) const;
  void fillPicture(const std::string &path, int64_t index, NpyArray &pixels);
  void fillText(const std::string &text, int64_t index);

  const vitc_model &model;
  GenerationOptions options;
  int64_t batch;
  std::optional<Tokenizer> reader, writer;
  vitc_session session;
  GenerationInput input; // of the last run
  /// Of each item of the last run, where they go on from prompts of their own.
  std::vector<GenerationInput> prompted;
  Image view;
  std::vector<uint32_t> textTokens;
};

/// The layers and heads that --attention-layers and --attention-heads choose;
/// refers to `options`.
AttentionChoice makeChoice(const AttentionOptions &options);

/// What the model generates for --text and pictures.
void runGeneration(const vitc_model &model, const Options &options,
                   Output &output);

/// The same with the attention of its tokens, as pictures and as .npy.
void runGenerationAttention(const vitc_model &model, const Options &options,
                            Output &output);

/// The same of many pictures, or of texts, in one file.
void runGenerationBatch(const vitc_model &model, const Options &options,
                        Output &output);

/// The same for raw tensors: tokens.npy, scores.npy and, with
/// --attention-matrix, attention.npy.
void runGenerationTensors(const vitc_model &model, const Options &options,
                          std::vector<NpyArray> inputs, int64_t items,
                          Output &output);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_GENERATIONRUN_H
