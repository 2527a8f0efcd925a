//===- VocabularyFiles.cpp - vocab.txt, vocab.json and merges.txt ---------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InputFile.h"
#include "TokenizerFiles.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// An object without members where there is no such file.
static FailureOr<Config> readOptional(StringRef folder, StringRef name,
                                      MLIRContext &context) {
  std::string path = joinPath(folder, name);
  if (!llvm::sys::fs::exists(path))
    return Config({}, getFileLoc(path, context));
  return Config::read(path, context);
}

FailureOr<TokenizerConfig> TokenizerConfig::read(StringRef folder,
                                                 MLIRContext &context) {
  FailureOr<Config> config =
      readOptional(folder, "tokenizer_config.json", context);
  FailureOr<Config> specialTokens =
      readOptional(folder, "special_tokens_map.json", context);
  if (failed(config) || failed(specialTokens))
    return failure();
  return TokenizerConfig{std::move(*config), std::move(*specialTokens)};
}

std::string TokenizerConfig::getToken(StringRef key, StringRef defaultValue) {
  for (const Config *each : {&config, &specialTokens}) {
    const llvm::json::Value *value = each->lookup(key);
    if (!value)
      continue;
    if (std::optional<StringRef> text = value->getAsString())
      return text->str();
    const llvm::json::Object *object = value->getAsObject();
    if (std::optional<StringRef> text =
            object ? object->getString("content") : std::nullopt)
      return text->str();
  }
  return defaultValue.str();
}

PairFrame import_::getBertPair(uint32_t first, uint32_t last) {
  return {{{first, 0}}, {{last, 0}}, {{last, 1}}, /*secondType=*/1};
}

PairFrame import_::getRobertaPair(uint32_t first, uint32_t last) {
  return {{{first, 0}}, {{last, 0}, {last, 0}}, {{last, 0}}, /*secondType=*/0};
}

/// The tokens around a text, and between two as `getPair` has them, where the
/// vocabulary has them.
static void addFrame(TokenizerSpec &spec, StringRef first, StringRef last,
                     PairFrame (*getPair)(uint32_t, uint32_t)) {
  std::optional<uint32_t> firstId = findToken(spec, first),
                          lastId = findToken(spec, last);
  if (firstId)
    spec.prefix.push_back({*firstId, 0});
  if (lastId)
    spec.suffix.push_back({*lastId, 0});
  if (firstId && lastId && getPair)
    spec.pair = getPair(*firstId, *lastId);
}

/// Special tokens are not normalised and never split.
static void addSpecialTokens(TokenizerSpec &spec, ArrayRef<std::string> texts) {
  for (const std::string &text : texts)
    if (std::optional<uint32_t> id = findToken(spec, text))
      if (llvm::none_of(spec.added, [&](const AddedToken &token) {
            return token.text == text;
          }))
        spec.added.push_back({text, *id, rt::kSpecial});
}

static void addNormalizer(TokenizerSpec &spec, rt::NormalizerKind kind) {
  spec.normalizers.push_back({uint32_t(kind)});
}

FailureOr<TokenizerSpec> import_::readVocabTxt(StringRef path,
                                               TokenizerConfig &config,
                                               MLIRContext &context) {
  FailureOr<std::unique_ptr<llvm::MemoryBuffer>> buffer =
      openFile(path, context);
  if (failed(buffer))
    return failure();
  TokenizerSpec spec;
  spec.name = "WordPiece";
  spec.model = rt::ModelKind::WordPiece;
  spec.continuing = "##";
  spec.unknown = config.getToken("unk_token", "[UNK]");
  StringRef text = (*buffer)->getBuffer();
  for (uint32_t id = 0; !text.empty(); ++id) {
    StringRef line;
    std::tie(line, text) = text.split('\n');
    line.consume_back("\r");
    spec.vocabulary.push_back({line.str(), id});
  }
  bool lowercase = config.config.getBool("do_lower_case", true);
  addNormalizer(spec, rt::NormalizerKind::BertClean);
  if (config.config.getBool("tokenize_chinese_chars", true))
    addNormalizer(spec, rt::NormalizerKind::BertChinese);
  if (config.config.getBool("strip_accents", lowercase)) {
    addNormalizer(spec, rt::NormalizerKind::Nfd);
    addNormalizer(spec, rt::NormalizerKind::RemoveNonspacing);
  }
  if (lowercase)
    addNormalizer(spec, rt::NormalizerKind::Lowercase);
  spec.preTokenizers.push_back({uint32_t(rt::PreTokenizerKind::Bert)});
  spec.decoders.push_back(
      {uint32_t(rt::DecoderKind::WordPiece), {1, 0, 0}, "##"});
  std::string first = config.getToken("cls_token", "[CLS]");
  std::string last = config.getToken("sep_token", "[SEP]");
  addSpecialTokens(spec,
                   {spec.unknown, last, config.getToken("pad_token", "[PAD]"),
                    first, config.getToken("mask_token", "[MASK]")});
  addFrame(spec, first, last, getBertPair);
  return spec;
}

/// More tokens than any vocabulary has.
static constexpr int64_t kMaxId = int64_t(1) << 24;

std::optional<uint32_t> import_::getTokenId(const llvm::json::Value *value) {
  std::optional<int64_t> id = value ? value->getAsInteger() : std::nullopt;
  if (!id || *id < 0 || *id > kMaxId)
    return std::nullopt;
  return uint32_t(*id);
}

FailureOr<std::vector<VocabularyToken>>
import_::readTokenNumbers(const llvm::json::Object &object, Location loc) {
  std::vector<VocabularyToken> tokens;
  for (const auto *member : getSortedMembers(object)) {
    std::optional<uint32_t> id = getTokenId(&member->second);
    if (!id)
      return emitError(loc) << "has token '" << StringRef(member->first)
                            << "' with number " << formatJson(member->second)
                            << "; it needs an integer from 0 to " << kMaxId;
    tokens.push_back({StringRef(member->first).str(), *id});
  }
  return tokens;
}

FailureOr<std::vector<VocabularyToken>>
import_::readVocabJson(StringRef path, MLIRContext &context) {
  FailureOr<std::unique_ptr<llvm::MemoryBuffer>> buffer =
      openFile(path, context);
  if (failed(buffer))
    return failure();
  Location loc = getFileLoc(path, context);
  FailureOr<llvm::json::Object> object =
      parseJsonObject((*buffer)->getBuffer(), "content", loc);
  if (failed(object))
    return failure();
  return readTokenNumbers(*object, loc);
}

static LogicalResult readMergesTxt(StringRef path, TokenizerSpec &spec,
                                   MLIRContext &context) {
  FailureOr<std::unique_ptr<llvm::MemoryBuffer>> buffer =
      openFile(path, context);
  if (failed(buffer))
    return failure();
  StringRef text = (*buffer)->getBuffer();
  for (int64_t number = 1; !text.empty(); ++number) {
    StringRef line;
    std::tie(line, text) = text.split('\n');
    line.consume_back("\r");
    if (line.empty() || (number == 1 && line.starts_with("#version")))
      continue;
    auto [left, right] = line.split(' ');
    if (left.empty() || right.empty() || right.contains(' '))
      return emitError(FileLineColLoc::get(&context, path, number, 1))
             << "has merge '" << line << "'; it needs two tokens";
    spec.merges.emplace_back(left.str(), right.str());
  }
  return success();
}

/// What CLIP does with a text before it merges.
static void addClipSteps(TokenizerSpec &spec) {
  spec.wordEnd = "</w>";
  addNormalizer(spec, rt::NormalizerKind::Nfc);
  spec.normalizers.push_back({uint32_t(rt::NormalizerKind::ReplaceClass),
                              {1, 1, rt::kClassWhitespace},
                              "",
                              " "});
  addNormalizer(spec, rt::NormalizerKind::Lowercase);
  spec.preTokenizers.push_back({uint32_t(rt::PreTokenizerKind::SplitPattern),
                                {uint32_t(rt::WordPattern::Clip),
                                 uint32_t(rt::SplitBehavior::Removed), 1}});
}

FailureOr<TokenizerSpec> import_::readVocabAndMerges(StringRef folder,
                                                     StringRef modelType,
                                                     TokenizerConfig &config,
                                                     MLIRContext &context) {
  TokenizerSpec spec;
  spec.name = "BPE";
  spec.model = rt::ModelKind::BytePair;
  FailureOr<std::vector<VocabularyToken>> vocabulary =
      readVocabJson(joinPath(folder, "vocab.json"), context);
  if (failed(vocabulary) ||
      failed(readMergesTxt(joinPath(folder, "merges.txt"), spec, context)))
    return failure();
  spec.vocabulary = std::move(*vocabulary);
  constexpr StringLiteral endOfText = "<|endoftext|>";
  bool isClip = modelType.starts_with("clip");
  bool isRoberta = findToken(spec, "<s>") && findToken(spec, "</s>");
  std::string first = config.getToken("bos_token", isClip ? "<|startoftext|>"
                                                   : isRoberta ? "<s>"
                                                               : endOfText);
  std::string last =
      config.getToken("eos_token", isRoberta ? "</s>" : endOfText);
  if (isClip) {
    addClipSteps(spec);
    spec.unknown = config.getToken("unk_token", endOfText);
  } else {
    if (config.config.getBool("add_prefix_space", false))
      spec.preTokenizers.push_back(
          {uint32_t(rt::PreTokenizerKind::PrefixSpace)});
    spec.preTokenizers.push_back({uint32_t(rt::PreTokenizerKind::SplitPattern),
                                  {uint32_t(rt::WordPattern::Gpt2),
                                   uint32_t(rt::SplitBehavior::Isolated), 0}});
  }
  spec.preTokenizers.push_back({uint32_t(rt::PreTokenizerKind::ByteLevel)});
  spec.decoders.push_back({uint32_t(rt::DecoderKind::ByteLevel)});
  addSpecialTokens(spec, {first, last, config.getToken("unk_token", last),
                          config.getToken("pad_token", last)});
  if (isRoberta && !config.getToken("mask_token", "").empty())
    addSpecialTokens(spec, {config.getToken("mask_token", "")});
  if (isClip || isRoberta)
    addFrame(spec, first, last, isRoberta ? getRobertaPair : nullptr);
  return spec;
}
