//===- Decoder.cpp - The texts of tokens as one ---------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Text/Decoder.h"

#include "Status.h"
#include "Text/ByteLevel.h"
#include "Text/Normalizer.h"

#include <utility>

using namespace vitc::rt;

using Texts = std::vector<std::string>;

static bool startsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

static std::string join(const Texts &texts, std::string_view between) {
  std::string joined;
  for (const std::string &text : texts)
    joined.append(&text == texts.data() ? "" : between).append(text);
  return joined;
}

/// English as it is written: no space before punctuation and contractions.
static std::string cleanUp(std::string text) {
  static constexpr std::pair<std::string_view, std::string_view> rules[] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},     {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
  };
  for (auto [from, to] : rules)
    text = replaceAll(text, from, to);
  return text;
}

static void decodeWordPiece(Texts &texts, std::string_view continuing,
                            bool cleansUp) {
  for (size_t i = 0; i < texts.size(); ++i) {
    if (i > 0 && startsWith(texts[i], continuing))
      texts[i].erase(0, continuing.size());
    else if (i > 0)
      texts[i].insert(0, " ");
    if (cleansUp)
      texts[i] = cleanUp(std::move(texts[i]));
  }
}

/// The byte of a token <0x00>; -1 for others.
static int parseByteToken(std::string_view text) {
  if (text.size() != 6 || !startsWith(text, "<0x") || text.back() != '>')
    return -1;
  int byte = 0;
  for (char digit : text.substr(3, 2)) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    size_t value = digits.find(digit);
    if (value == digits.npos)
      return -1;
    byte = byte * 16 + static_cast<int>(value);
  }
  return byte;
}

/// Runs of byte tokens become characters; bytes that make none U+FFFD each.
static Texts decodeBytes(const Texts &texts) {
  Texts results;
  std::string bytes;
  auto flush = [&] {
    if (bytes.empty())
      return;
    std::string valid = toValidUtf8(bytes);
    if (valid == bytes)
      results.push_back(valid);
    else
      results.insert(results.end(), bytes.size(), "\xEF\xBF\xBD");
    bytes.clear();
  };
  for (const std::string &text : texts) {
    int byte = parseByteToken(text);
    if (byte >= 0) {
      bytes.push_back(static_cast<char>(byte));
      continue;
    }
    flush();
    results.push_back(text);
  }
  flush();
  return results;
}

/// Takes up to `left` and `right` of `character` off the ends.
static std::string strip(std::string_view text, std::string_view character,
                         uint32_t left, uint32_t right) {
  if (character.empty())
    return std::string(text);
  for (; left > 0 && startsWith(text, character); --left)
    text.remove_prefix(character.size());
  for (; right > 0 && text.size() >= character.size() &&
         text.substr(text.size() - character.size()) == character;
       --right)
    text.remove_suffix(character.size());
  return std::string(text);
}

static Texts applyStep(const Table &table, const TableStep &step, Texts texts) {
  std::string_view first = table.text(step.first),
                   second = table.text(step.second);
  switch (static_cast<DecoderKind>(step.kind)) {
  case DecoderKind::WordPiece:
    decodeWordPiece(texts, first, step.numbers[0] != 0);
    return texts;
  case DecoderKind::ByteLevel: {
    std::string bytes;
    for (const std::string &text : texts)
      bytes += charactersToBytes(text);
    return {toValidUtf8(bytes)};
  }
  case DecoderKind::Metaspace:
    for (size_t i = 0; i < texts.size() && !first.empty(); ++i)
      texts[i] = replaceAll(texts[i], first,
                            i == 0 && step.numbers[0] != 0 ? "" : " ");
    return texts;
  case DecoderKind::BytePair:
    for (size_t i = 0; i < texts.size() && !first.empty(); ++i)
      texts[i] = replaceAll(texts[i], first, i + 1 == texts.size() ? "" : " ");
    return texts;
  case DecoderKind::ReplaceText:
    for (std::string &text : texts)
      text = first.empty() ? text : replaceAll(text, first, second);
    return texts;
  case DecoderKind::ByteFallback:
    return decodeBytes(texts);
  case DecoderKind::Fuse:
    return {join(texts, "")};
  case DecoderKind::Strip:
    for (std::string &text : texts)
      text = strip(text, first, step.numbers[0], step.numbers[1]);
    return texts;
  }
  throw Failure(VITC_UNSUPPORTED, "the tokenizer table has decoder {}",
                step.kind);
}

std::string vitc::rt::decodeTokens(const Table &table, Texts texts) {
  for (uint32_t i = 0; i < table.decoders.size(); ++i)
    texts = applyStep(table, table.decoders[i], std::move(texts));
  return join(texts, table.decoders.size() == 0 ? " " : "");
}
