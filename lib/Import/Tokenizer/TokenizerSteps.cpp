//===- TokenizerSteps.cpp - The steps in tokenizer.json -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TokenizerFiles.h"

#include "CharacterClass.h"
#include "InputFile.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Base64.h"

#include <cstring>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// A step as an object with a type.
static FailureOr<Config> readStep(const llvm::json::Value &value,
                                  StringRef what, Location loc) {
  const llvm::json::Object *object = value.getAsObject();
  if (!object)
    return emitError(loc) << what << " = " << formatJson(value)
                          << "; it needs an object";
  return Config(*object, loc);
}

/// Whether the step is a sequence; calls `read` with its elements, in order.
static FailureOr<bool> readSequence(
    Config &step, StringRef key,
    llvm::function_ref<LogicalResult(const llvm::json::Value &)> read) {
  if (step.getString("type", "") != "Sequence")
    return false;
  const llvm::json::Value *list = step.lookup(key);
  if (!list || !list->getAsArray()) {
    step.emitError() << "has a Sequence without " << key
                     << "; it needs a list of them";
    return failure();
  }
  for (const llvm::json::Value &element : *list->getAsArray())
    if (failed(read(element)))
      return failure();
  return true;
}

std::optional<SplitPattern> import_::readSplitPattern(const Config &step) {
  const llvm::json::Value *value = step.lookup("pattern");
  const llvm::json::Object *object = value ? value->getAsObject() : nullptr;
  if (!object)
    return std::nullopt;
  if (std::optional<StringRef> text = object->getString("String"))
    return SplitPattern{false, text->str()};
  if (std::optional<StringRef> text = object->getString("Regex"))
    return SplitPattern{true, text->str()};
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Normalizers
//===----------------------------------------------------------------------===//

static LogicalResult addReplacement(Config &step, TokenizerSpec &spec) {
  std::string content = step.getString("content", "");
  std::optional<SplitPattern> pattern = readSplitPattern(step);
  if (!pattern) {
    step.emitError() << "has a Replace without a pattern; it needs a String or "
                        "a Regex";
    return failure();
  }
  if (!pattern->isRegex) {
    spec.normalizers.push_back({uint32_t(rt::NormalizerKind::ReplaceText),
                                {},
                                pattern->text,
                                content});
    return success();
  }
  std::optional<CharacterClass> parsed = parseCharacterClass(pattern->text);
  // A run is replaced as it is; a content with $ would refer to groups.
  if (!parsed) {
    step.emitError() << "replaces the regular expression '" << pattern->text
                     << "'; vitc has one character or class of them, once or "
                        "repeated";
    return failure();
  }
  spec.normalizers.push_back({uint32_t(rt::NormalizerKind::ReplaceClass),
                              {parsed->least, parsed->isRun, parsed->flags},
                              parsed->members,
                              content});
  return success();
}

static LogicalResult addBertNormalizer(Config &step, TokenizerSpec &spec) {
  bool lowercase = step.getBool("lowercase", true);
  bool stripAccents = step.getBool("strip_accents", lowercase);
  auto add = [&](rt::NormalizerKind kind) {
    spec.normalizers.push_back({uint32_t(kind)});
  };
  if (step.getBool("clean_text", true))
    add(rt::NormalizerKind::BertClean);
  if (step.getBool("handle_chinese_chars", true))
    add(rt::NormalizerKind::BertChinese);
  if (stripAccents) {
    add(rt::NormalizerKind::Nfd);
    add(rt::NormalizerKind::RemoveNonspacing);
  }
  if (lowercase)
    add(rt::NormalizerKind::Lowercase);
  return success(!step.failed());
}

LogicalResult import_::verifyCharsmap(StringRef bytes, Location loc) {
  if (bytes.empty())
    return success();
  uint32_t trieBytes = 0;
  bool hasSize = bytes.size() >= sizeof(trieBytes);
  if (hasSize)
    std::memcpy(&trieBytes, bytes.data(), sizeof(trieBytes));
  if (hasSize && trieBytes <= bytes.size() - sizeof(trieBytes))
    return success();
  return emitError(loc) << "has a precompiled_charsmap of " << bytes.size()
                        << " bytes; it needs "
                        << sizeof(trieBytes) + uint64_t(trieBytes)
                        << " or more, its trie's";
}

static LogicalResult addCharsmap(Config &step, TokenizerSpec &spec) {
  std::vector<char> bytes;
  if (llvm::Error error = llvm::decodeBase64(
          step.getString("precompiled_charsmap", ""), bytes)) {
    step.emitError() << "has a precompiled_charsmap that is no base64: "
                     << llvm::toString(std::move(error));
    return failure();
  }
  if (failed(
          verifyCharsmap(StringRef(bytes.data(), bytes.size()), step.getLoc())))
    return failure();
  if (!bytes.empty())
    spec.normalizers.push_back({uint32_t(rt::NormalizerKind::Charsmap),
                                {},
                                std::string(bytes.begin(), bytes.end())});
  return success();
}

LogicalResult import_::readNormalizer(const llvm::json::Value &value,
                                      Location loc, TokenizerSpec &spec) {
  FailureOr<Config> step = readStep(value, "normalizer", loc);
  if (failed(step))
    return failure();
  FailureOr<bool> isSequence =
      readSequence(*step, "normalizers", [&](const llvm::json::Value &element) {
        return readNormalizer(element, loc, spec);
      });
  if (failed(isSequence) || *isSequence)
    return isSequence;
  std::string type = step->getString("type", "");
  if (type == "BertNormalizer")
    return addBertNormalizer(*step, spec);
  if (type == "Replace")
    return addReplacement(*step, spec);
  if (type == "Precompiled")
    return addCharsmap(*step, spec);
  if (type == "Prepend") {
    spec.normalizers.push_back({uint32_t(rt::NormalizerKind::Prepend),
                                {},
                                step->getString("prepend", "")});
    return success(!step->failed());
  }
  if (type == "Strip") {
    spec.normalizers.push_back({uint32_t(rt::NormalizerKind::Strip),
                                {step->getBool("strip_left", true),
                                 step->getBool("strip_right", true), 0}});
    return success(!step->failed());
  }
  auto kind = llvm::StringSwitch<std::optional<rt::NormalizerKind>>(type)
                  .Case("NFC", rt::NormalizerKind::Nfc)
                  .Case("NFD", rt::NormalizerKind::Nfd)
                  .Case("NFKC", rt::NormalizerKind::Nfkc)
                  .Case("NFKD", rt::NormalizerKind::Nfkd)
                  .Case("Lowercase", rt::NormalizerKind::Lowercase)
                  .Case("StripAccents", rt::NormalizerKind::RemoveMarks)
                  .Case("Nmt", rt::NormalizerKind::Nmt)
                  .Case("ByteLevel", rt::NormalizerKind::ByteLevel)
                  .Default(std::nullopt);
  if (!kind)
    return emitError(loc)
           << "has normalizer '" << type
           << "'; vitc has BertNormalizer, ByteLevel, Lowercase, NFC, NFD, "
              "NFKC, NFKD, Nmt, Precompiled, Prepend, Replace, Sequence, Strip "
              "and StripAccents";
  spec.normalizers.push_back({uint32_t(*kind)});
  return success();
}

//===----------------------------------------------------------------------===//
// Pre-tokenizers
//===----------------------------------------------------------------------===//

static FailureOr<uint32_t> readBehavior(Config &step, StringRef defaultValue) {
  std::string name = step.getString("behavior", defaultValue);
  auto behavior = llvm::StringSwitch<std::optional<rt::SplitBehavior>>(
                      StringRef(name).lower())
                      .Case("removed", rt::SplitBehavior::Removed)
                      .Case("isolated", rt::SplitBehavior::Isolated)
                      .Cases({"mergedwithprevious", "merged_with_previous"},
                             rt::SplitBehavior::MergedWithPrevious)
                      .Cases({"mergedwithnext", "merged_with_next"},
                             rt::SplitBehavior::MergedWithNext)
                      .Case("contiguous", rt::SplitBehavior::Contiguous)
                      .Default(std::nullopt);
  if (!behavior) {
    step.emitError() << "behavior = '" << name
                     << "'; it needs Removed, Isolated, MergedWithPrevious, "
                        "MergedWithNext or Contiguous";
    return failure();
  }
  return uint32_t(*behavior);
}

/// The patterns that tokenizers in use split at.
static std::optional<rt::WordPattern> getWordPattern(StringRef regex) {
  return llvm::StringSwitch<std::optional<rt::WordPattern>>(regex)
      .Case(R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|)"
            R"(\s+(?!\S)|\s+)",
            rt::WordPattern::Gpt2)
      .Cases({R"(<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|)"
              R"([\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+)",
              R"('s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+)"},
             rt::WordPattern::Clip)
      .Case(R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|)"
            R"(\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
            rt::WordPattern::Llama3)
      .Case(R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|)"
            R"(\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
            rt::WordPattern::Qwen2)
      .Default(std::nullopt);
}

static LogicalResult addSplit(Config &step, TokenizerSpec &spec) {
  FailureOr<uint32_t> behavior = readBehavior(step, "");
  if (failed(behavior))
    return failure();
  uint32_t inverted = step.getBool("invert", false);
  std::optional<SplitPattern> pattern = readSplitPattern(step);
  if (!pattern) {
    step.emitError() << "has a Split without a pattern; it needs a String or a "
                        "Regex";
    return failure();
  }
  if (!pattern->isRegex) {
    spec.preTokenizers.push_back({uint32_t(rt::PreTokenizerKind::SplitText),
                                  {*behavior, inverted, 0},
                                  pattern->text});
    return success();
  }
  if (std::optional<rt::WordPattern> word = getWordPattern(pattern->text)) {
    spec.preTokenizers.push_back({uint32_t(rt::PreTokenizerKind::SplitPattern),
                                  {uint32_t(*word), *behavior, inverted}});
    return success();
  }
  step.emitError() << "splits at the regular expression '" << pattern->text
                   << "'; vitc has those of GPT-2, CLIP, Llama 3 and Qwen 2";
  return failure();
}

static LogicalResult addByteLevel(Config &step, TokenizerSpec &spec) {
  if (step.getBool("add_prefix_space", true))
    spec.preTokenizers.push_back({uint32_t(rt::PreTokenizerKind::PrefixSpace)});
  if (step.getBool("use_regex", true))
    spec.preTokenizers.push_back({uint32_t(rt::PreTokenizerKind::SplitPattern),
                                  {uint32_t(rt::WordPattern::Gpt2),
                                   uint32_t(rt::SplitBehavior::Isolated), 0}});
  spec.preTokenizers.push_back({uint32_t(rt::PreTokenizerKind::ByteLevel)});
  return success(!step.failed());
}

/// When a mark comes before a text.
static FailureOr<uint32_t> readPrependScheme(Config &step) {
  std::string name = step.getString("prepend_scheme", "always");
  if (!step.getBool("add_prefix_space", true))
    name = "never";
  auto scheme = llvm::StringSwitch<std::optional<rt::PrependScheme>>(name)
                    .Case("never", rt::PrependScheme::Never)
                    .Case("first", rt::PrependScheme::First)
                    .Case("always", rt::PrependScheme::Always)
                    .Default(std::nullopt);
  if (!scheme) {
    step.emitError() << "prepend_scheme = '" << name
                     << "'; it needs never, first or always";
    return failure();
  }
  return uint32_t(*scheme);
}

static constexpr StringLiteral kMark = "\xE2\x96\x81";

LogicalResult import_::readPreTokenizer(const llvm::json::Value &value,
                                        Location loc, TokenizerSpec &spec) {
  FailureOr<Config> step = readStep(value, "pre_tokenizer", loc);
  if (failed(step))
    return failure();
  FailureOr<bool> isSequence = readSequence(
      *step, "pretokenizers", [&](const llvm::json::Value &element) {
        return readPreTokenizer(element, loc, spec);
      });
  if (failed(isSequence) || *isSequence)
    return isSequence;
  std::string type = step->getString("type", "");
  if (type == "Split")
    return addSplit(*step, spec);
  if (type == "ByteLevel")
    return addByteLevel(*step, spec);
  auto add = [&](rt::PreTokenizerKind kind, std::array<uint32_t, 3> numbers,
                 std::string text) {
    spec.preTokenizers.push_back({uint32_t(kind), numbers, std::move(text)});
    return success(!step->failed());
  };
  if (type == "Metaspace") {
    FailureOr<uint32_t> scheme = readPrependScheme(*step);
    if (failed(scheme))
      return failure();
    return add(rt::PreTokenizerKind::Metaspace,
               {*scheme, step->getBool("split", true), 0},
               step->getString("replacement", kMark));
  }
  if (type == "Digits")
    return add(rt::PreTokenizerKind::Digits,
               {step->getBool("individual_digits", false), 0, 0}, "");
  if (type == "CharDelimiterSplit")
    return add(rt::PreTokenizerKind::SplitText,
               {uint32_t(rt::SplitBehavior::Removed), 0, 0},
               step->getString("delimiter", ""));
  if (type == "Punctuation") {
    FailureOr<uint32_t> behavior = readBehavior(*step, "Isolated");
    if (failed(behavior))
      return failure();
    return add(rt::PreTokenizerKind::Punctuation, {*behavior, 0, 0}, "");
  }
  auto kind =
      llvm::StringSwitch<std::optional<rt::PreTokenizerKind>>(type)
          .Case("BertPreTokenizer", rt::PreTokenizerKind::Bert)
          .Case("Whitespace", rt::PreTokenizerKind::Whitespace)
          .Case("WhitespaceSplit", rt::PreTokenizerKind::WhitespaceSplit)
          .Default(std::nullopt);
  if (!kind)
    return emitError(loc)
           << "has pre-tokenizer '" << type
           << "'; vitc has BertPreTokenizer, ByteLevel, CharDelimiterSplit, "
              "Digits, Metaspace, Punctuation, Sequence, Split, Whitespace and "
              "WhitespaceSplit";
  return add(*kind, {}, "");
}

//===----------------------------------------------------------------------===//
// Decoders
//===----------------------------------------------------------------------===//

LogicalResult import_::readDecoder(const llvm::json::Value &value, Location loc,
                                   TokenizerSpec &spec) {
  FailureOr<Config> step = readStep(value, "decoder", loc);
  if (failed(step))
    return failure();
  FailureOr<bool> isSequence =
      readSequence(*step, "decoders", [&](const llvm::json::Value &element) {
        return readDecoder(element, loc, spec);
      });
  if (failed(isSequence) || *isSequence)
    return isSequence;
  std::string type = step->getString("type", "");
  auto add = [&](rt::DecoderKind kind, std::array<uint32_t, 3> numbers = {},
                 std::string first = "", std::string second = "") {
    spec.decoders.push_back(
        {uint32_t(kind), numbers, std::move(first), std::move(second)});
    return success(!step->failed());
  };
  if (type == "WordPiece")
    return add(rt::DecoderKind::WordPiece,
               {step->getBool("cleanup", true), 0, 0},
               step->getString("prefix", "##"));
  if (type == "ByteLevel")
    return add(rt::DecoderKind::ByteLevel);
  if (type == "Metaspace") {
    FailureOr<uint32_t> scheme = readPrependScheme(*step);
    if (failed(scheme))
      return failure();
    bool dropsFirst = *scheme != uint32_t(rt::PrependScheme::Never);
    return add(rt::DecoderKind::Metaspace, {dropsFirst, 0, 0},
               step->getString("replacement", kMark));
  }
  if (type == "BPEDecoder")
    return add(rt::DecoderKind::BytePair, {},
               step->getString("suffix", "</w>"));
  if (type == "Replace") {
    std::optional<SplitPattern> pattern = readSplitPattern(*step);
    if (!pattern || pattern->isRegex)
      return emitError(loc) << "has a decoder that replaces a regular "
                               "expression; it needs a String";
    return add(rt::DecoderKind::ReplaceText, {}, pattern->text,
               step->getString("content", ""));
  }
  if (type == "ByteFallback")
    return add(rt::DecoderKind::ByteFallback);
  if (type == "Fuse")
    return add(rt::DecoderKind::Fuse);
  if (type == "Strip") {
    constexpr int64_t most = 1 << 20;
    auto count = [&](StringRef key) -> uint32_t {
      const llvm::json::Value *number = step->lookup(key);
      std::optional<int64_t> found =
          number ? number->getAsInteger() : std::nullopt;
      return found && *found > 0 ? std::min(*found, most) : 0;
    };
    return add(rt::DecoderKind::Strip, {count("start"), count("stop"), 0},
               step->getString("content", " "));
  }
  return emitError(loc) << "has decoder '" << type
                        << "'; vitc has BPEDecoder, ByteFallback, ByteLevel, "
                           "Fuse, Metaspace, Replace, Sequence, Strip and "
                           "WordPiece";
}
