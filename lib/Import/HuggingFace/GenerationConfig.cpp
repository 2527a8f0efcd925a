//===- GenerationConfig.cpp - How a folder's decoder is run ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GenerationConfig.h"

#include "InputFile.h"
#include "TextDecoder.h"
#include "TextModel.h"
#include "llvm/Support/FileSystem.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

namespace {

/// What changes a search and is not imported, and the number that changes
/// nothing; false, null and an empty list change nothing either.
struct UnknownSetting {
  StringRef key;
  double neutral;
};

class Reader {
public:
  Reader(Config &config) : config(config) {}
  void read(GenerationSettings &settings);

private:
  int64_t readToken(StringRef key) {
    return config.contains(key)
               ? config.getSize(key, 0, kMaxVocabulary, /*min=*/0)
               : -1;
  }
  /// One token or a list; of lists in it, which have one each, the tokens.
  SmallVector<int64_t, 2> readTokens(StringRef key);
  double readNumber(StringRef key, double defaultValue);
  void readStart(GenerationSettings &settings);
  void rejectOthers();

  Config &config;
};

} // namespace

SmallVector<int64_t, 2> Reader::readTokens(StringRef key) {
  SmallVector<int64_t, 2> tokens;
  const llvm::json::Value *value = config.lookup(key);
  if (!value)
    return tokens;
  auto add = [&](const llvm::json::Value &each) {
    const llvm::json::Array *list = each.getAsArray();
    const llvm::json::Value &one =
        list && list->size() == 1 ? (*list)[0] : each;
    std::optional<int64_t> token = one.getAsInteger();
    if (token && *token >= 0 && *token <= kMaxVocabulary)
      tokens.push_back(*token);
    else
      config.emitError() << key << " = " << formatJson(*value)
                         << "; vitc needs single tokens from 0 to "
                         << kMaxVocabulary;
  };
  if (const llvm::json::Array *list = value->getAsArray())
    for (const llvm::json::Value &each : *list)
      add(each);
  else
    add(*value);
  return tokens;
}

double Reader::readNumber(StringRef key, double defaultValue) {
  const llvm::json::Value *value = config.lookup(key);
  if (!value)
    return defaultValue;
  std::optional<double> number = value->getAsNumber();
  if (number && std::isfinite(*number))
    return *number;
  config.emitError() << key << " = " << formatJson(*value)
                     << "; it needs a number";
  return defaultValue;
}

vit::EarlyStopping import_::readEarlyStopping(Config &config) {
  const llvm::json::Value *value = config.lookup("early_stopping");
  if (value && value->getAsString() == StringRef("never"))
    return vit::EarlyStopping::Never;
  return config.getBool("early_stopping", false) ? vit::EarlyStopping::On
                                                 : vit::EarlyStopping::Off;
}

/// As transformers chooses it.
void Reader::readStart(GenerationSettings &settings) {
  int64_t token = readToken("decoder_start_token_id");
  if (token < 0)
    token = readToken("bos_token_id");
  if (token >= 0)
    settings.start = {token};
}

void Reader::rejectOthers() {
  static constexpr UnknownSetting kUnknown[] = {
      {"num_beam_groups", 1},
      {"num_return_sequences", 1},
      {"penalty_alpha", 0},
      {"encoder_no_repeat_ngram_size", 0},
      {"encoder_repetition_penalty", 1},
      {"exponential_decay_length_penalty", 0},
      {"diversity_penalty", 0},
      {"guidance_scale", 1},
      {"sequence_bias", 0},
      {"force_words_ids", 0},
      {"forced_decoder_ids", 0},
      {"constraints", 0},
      {"stop_strings", 0},
      {"token_healing", 0},
      {"dola_layers", 0},
  };
  for (const UnknownSetting &unknown : kUnknown) {
    const llvm::json::Value *value = config.lookup(unknown.key);
    if (!value || value->getAsBoolean() == false ||
        value->getAsNumber() == unknown.neutral ||
        (value->getAsArray() && value->getAsArray()->empty()))
      continue;
    config.emitError() << unknown.key << " = " << formatJson(*value)
                       << "; vitc has no such search, it needs none";
  }
  if (config.getBool("do_sample", false))
    emitWarning(config.getLoc())
        << "do_sample = true; programs choose the most probable tokens";
}

void Reader::read(GenerationSettings &settings) {
  readStart(settings);
  settings.end = readTokens("eos_token_id");
  settings.pad = readToken("pad_token_id");
  settings.suppressed = readTokens("bad_words_ids");
  settings.suppressed.append(readTokens("suppress_tokens"));
  settings.beginSuppressed = readTokens("begin_suppress_tokens");
  settings.forcedFirst = readToken("forced_bos_token_id");
  settings.forcedLast = readToken("forced_eos_token_id");
  settings.maxLength = config.getSize("max_length", 0, kMaxPositions, 0);
  settings.minLength = config.getSize("min_length", 0, kMaxPositions, 0);
  settings.maxNewTokens = config.getSize("max_new_tokens", 0, kMaxPositions, 0);
  settings.minNewTokens = config.getSize("min_new_tokens", 0, kMaxPositions, 0);
  settings.beams = config.getSize("num_beams", 1, kMaxBeams);
  settings.noRepeatNgram =
      config.getSize("no_repeat_ngram_size", 0, kMaxPositions, 0);
  settings.lengthPenalty = readNumber("length_penalty", 1.0);
  settings.repetitionPenalty = readNumber("repetition_penalty", 1.0);
  settings.earlyStopping = readEarlyStopping(config);
  settings.renormalize = config.getBool("renormalize_logits", false);
  rejectOthers();
}

FailureOr<GenerationSettings> import_::readGeneration(Config &config) {
  GenerationSettings settings;
  Reader(config).read(settings);
  if (config.failed())
    return failure();
  return settings;
}

FailureOr<GenerationSettings>
import_::readGeneration(StringRef folder, Config &config, Config &decoder) {
  std::string path = joinPath(folder, "generation_config.json");
  if (!llvm::sys::fs::exists(path)) {
    Config both = config.withDefaults(decoder);
    return readGeneration(both);
  }
  FailureOr<Config> file = Config::read(path, *config.getLoc().getContext());
  if (failed(file))
    return failure();
  return readGeneration(*file);
}

//===----------------------------------------------------------------------===//
// Attribute
//===----------------------------------------------------------------------===//

/// Tokens that are in the vocabulary; others can be neither chosen nor kept
/// from it.
static SmallVector<int64_t, 2> getKnown(ArrayRef<int64_t> tokens,
                                        int64_t vocabSize) {
  SmallVector<int64_t, 2> known;
  llvm::copy_if(tokens, std::back_inserter(known),
                [&](int64_t token) { return token < vocabSize; });
  return known;
}

vit::GenerationAttr
import_::getGenerationAttr(const GenerationSettings &settings,
                           int64_t vocabSize, int64_t length,
                           DenseResourceElementsAttr tokenizer, Location loc) {
  Builder b(loc.getContext());
  if (settings.start.empty()) {
    emitError(loc) << "has no decoder_start_token_id and no bos_token_id; "
                      "a decoder needs a first token";
    return nullptr;
  }
  SmallVector<int64_t, 2> needed = settings.start;
  needed.append({settings.forcedFirst, settings.forcedLast});
  for (int64_t token : needed)
    if (token >= vocabSize) {
      emitError(loc) << "token " << token
                     << " is fed to the decoder; it needs to be less than "
                        "vocab_size = "
                     << vocabSize;
      return nullptr;
    }
  int64_t numStart = settings.start.size();
  int64_t minLength = settings.minNewTokens > 0
                          ? numStart + settings.minNewTokens
                          : settings.minLength;
  int64_t firstEnd = settings.end.empty() ? 0 : settings.end.front();
  int64_t pad = settings.pad < 0 ? firstEnd : settings.pad;
  auto getTokens = [&](ArrayRef<int64_t> tokens) {
    return b.getDenseI64ArrayAttr(getKnown(tokens, vocabSize));
  };
  auto getTokensOrNull = [&](ArrayRef<int64_t> tokens) {
    return tokens.empty() ? DenseI64ArrayAttr() : getTokens(tokens);
  };
  auto getFactor = [&](double factor) {
    return factor == 1.0 ? FloatAttr() : b.getF64FloatAttr(factor);
  };
  return vit::GenerationAttr::getChecked(
      [&] { return emitError(loc); }, b.getContext(),
      b.getStringAttr(kTokenInput), b.getStringAttr(kPositionInput),
      b.getStringAttr(kScoresOutput), b.getDenseI64ArrayAttr(settings.start),
      getTokens(settings.end), pad < vocabSize ? pad : 0, length,
      std::min(minLength, length - 1), settings.promptReplacesStart,
      settings.beams, getFactor(settings.lengthPenalty), settings.earlyStopping,
      getFactor(settings.repetitionPenalty), settings.noRepeatNgram,
      getTokensOrNull(settings.suppressed),
      getTokensOrNull(settings.beginSuppressed), settings.forcedFirst,
      settings.forcedLast, settings.renormalize, /*attention=*/StringAttr(),
      tokenizer);
}
