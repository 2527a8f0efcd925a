//===- Normalizer.cpp - A text before it is split -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Text/Normalizer.h"

#include "Status.h"
#include "Text/ByteLevel.h"
#include "Text/Charsmap.h"

using namespace vitc::rt;

/// Calls `append` with the result so far and each character.
template <typename Append>
static std::string transform(std::string_view text, Append append) {
  std::string result;
  for (size_t position = 0; position < text.size();)
    append(result, nextCharacter(text, position));
  return result;
}

std::string vitc::rt::replaceAll(std::string_view text, std::string_view from,
                                 std::string_view to) {
  std::string result;
  while (true) {
    size_t place = text.find(from);
    result += text.substr(0, place);
    if (place == text.npos)
      return result;
    result += to;
    text.remove_prefix(place + from.size());
  }
}

//===----------------------------------------------------------------------===//
// BERT's and NMT's rules
//===----------------------------------------------------------------------===//

static bool isIn(char32_t character, char32_t first, char32_t last) {
  return first <= character && character <= last;
}

static std::string cleanBert(const Unicode &unicode, std::string_view text) {
  return transform(text, [&](std::string &result, char32_t character) {
    bool isLayout = character == '\t' || character == '\n' || character == '\r';
    if (!isLayout && (character == 0xFFFD || unicode.is(character, kControl)))
      return;
    appendUtf8(result,
               isLayout || unicode.isSpace(character) ? ' ' : character);
  });
}

static std::string separateChinese(std::string_view text) {
  return transform(text, [](std::string &result, char32_t character) {
    bool isChinese =
        isIn(character, 0x4E00, 0x9FFF) || isIn(character, 0x3400, 0x4DBF) ||
        isIn(character, 0x20000, 0x2A6DF) ||
        isIn(character, 0x2A700, 0x2B73F) ||
        isIn(character, 0x2B740, 0x2B81F) ||
        isIn(character, 0x2B920, 0x2CEAF) || isIn(character, 0xF900, 0xFAFF) ||
        isIn(character, 0x2F800, 0x2FA1F);
    if (isChinese)
      result += ' ';
    appendUtf8(result, character);
    if (isChinese)
      result += ' ';
  });
}

static std::string cleanNmt(std::string_view text) {
  return transform(text, [](std::string &result, char32_t character) {
    if (isIn(character, 0x01, 0x08) || character == 0x0B ||
        isIn(character, 0x0E, 0x1F) || character == 0x7F || character == 0x8F ||
        character == 0x9F)
      return;
    bool isSpace = character == 0x09 || character == 0x0A ||
                   character == 0x0C || character == 0x0D ||
                   character == 0x1680 || isIn(character, 0x200B, 0x200F) ||
                   character == 0x2028 || character == 0x2029 ||
                   character == 0x2581 || character == 0xFEFF ||
                   character == 0xFFFD;
    appendUtf8(result, isSpace ? ' ' : character);
  });
}

static std::string removeMarks(const Unicode &unicode, std::string_view text,
                               UnicodeFlag kind) {
  return transform(text, [&](std::string &result, char32_t character) {
    if (!unicode.is(character, kind))
      appendUtf8(result, character);
  });
}

//===----------------------------------------------------------------------===//
// Replacements
//===----------------------------------------------------------------------===//

static std::string replaceClass(const Unicode &unicode, std::string_view text,
                                std::string_view members,
                                std::string_view replacement, size_t least,
                                bool once, uint32_t flags) {
  auto isMember = [&](char32_t character) {
    bool found = (flags & kClassWhitespace) && unicode.isSpace(character);
    for (size_t i = 0; i < members.size() && !found;)
      found = nextCharacter(members, i) == character;
    return found != ((flags & kClassNegated) != 0);
  };
  std::string result;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin, count = 0;
    while (end < text.size()) {
      size_t behind = end;
      if (!isMember(nextCharacter(text, behind)) || (!once && count == least))
        break;
      end = behind;
      ++count;
    }
    if (count > 0 && count >= least) {
      result += replacement;
      begin = end;
      continue;
    }
    size_t first = begin;
    nextCharacter(text, begin);
    result += text.substr(first, begin - first);
  }
  return result;
}

static std::string strip(const Unicode &unicode, std::string_view text,
                         bool left, bool right) {
  size_t begin = 0, end = 0;
  bool inside = !left;
  for (size_t position = 0; position < text.size();) {
    size_t first = position;
    if (unicode.isSpace(nextCharacter(text, position)))
      continue;
    if (!inside)
      begin = first;
    inside = true;
    end = position;
  }
  if (!inside)
    return "";
  return std::string(text.substr(begin, right ? end - begin : text.npos));
}

//===----------------------------------------------------------------------===//
// sentencepiece's own normalizer
//===----------------------------------------------------------------------===//

static constexpr std::string_view kEscapedSpace = "\xE2\x96\x81";

/// The bytes of one of `kept` that `text` begins with, 0 for none; the longest.
static size_t matchKept(std::string_view kept, std::string_view text) {
  size_t longest = 0;
  while (kept.size() >= sizeof(uint32_t)) {
    uint32_t size = 0;
    std::memcpy(&size, kept.data(), sizeof(size));
    kept.remove_prefix(sizeof(size));
    std::string_view each = kept.substr(0, size);
    kept.remove_prefix(each.size());
    if (each.size() > longest && text.substr(0, each.size()) == each)
      longest = each.size();
  }
  return longest;
}

static std::string normalizeSentencePiece(std::string_view text,
                                          const Charsmap &charsmap,
                                          std::string_view kept,
                                          uint32_t flags) {
  auto next = [&](std::string_view rest) -> CharsmapMatch {
    if (size_t size = matchKept(kept, rest))
      return {size, rest.substr(0, size)};
    if (auto match = charsmap.match(rest, /*longest=*/true))
      return *match;
    size_t size = 0;
    nextCharacter(rest, size);
    return {size, rest.substr(0, size)};
  };
  bool collapses = flags & kCollapseWhitespace;
  std::string_view space = flags & kEscapeWhitespace ? kEscapedSpace : " ";
  while (collapses && !text.empty()) {
    CharsmapMatch match = next(text);
    if (match.replacement != " ")
      break;
    text.remove_prefix(match.size);
  }
  if (text.empty())
    return "";

  std::string result;
  bool addsSpace = flags & kDummyPrefix;
  if (addsSpace && !(flags & kWhitespaceSuffix))
    result += space;
  bool isBehindSpace = collapses;
  while (!text.empty()) {
    CharsmapMatch match = next(text);
    text.remove_prefix(match.size);
    std::string_view part = match.replacement;
    while (isBehindSpace && !part.empty() && part.front() == ' ')
      part.remove_prefix(1);
    for (char byte : part)
      if (byte == ' ')
        result += space;
      else
        result += byte;
    if (!part.empty())
      isBehindSpace = collapses && part.back() == ' ';
  }
  while (collapses && result.size() >= space.size() &&
         std::string_view(result).substr(result.size() - space.size()) == space)
    result.resize(result.size() - space.size());
  if (addsSpace && (flags & kWhitespaceSuffix))
    result += space;
  return result;
}

//===----------------------------------------------------------------------===//
// All of them
//===----------------------------------------------------------------------===//

static std::string applyStep(const Table &table, const TableStep &step,
                             std::string text) {
  Unicode unicode(table);
  std::string_view first = table.text(step.first),
                   second = table.text(step.second);
  switch (static_cast<NormalizerKind>(step.kind)) {
  case NormalizerKind::Nfc:
    return unicode.normalize(text, /*compose=*/true, /*compatible=*/false);
  case NormalizerKind::Nfd:
    return unicode.normalize(text, /*compose=*/false, /*compatible=*/false);
  case NormalizerKind::Nfkc:
    return unicode.normalize(text, /*compose=*/true, /*compatible=*/true);
  case NormalizerKind::Nfkd:
    return unicode.normalize(text, /*compose=*/false, /*compatible=*/true);
  case NormalizerKind::Lowercase:
    return unicode.toLower(text);
  case NormalizerKind::RemoveMarks:
    return removeMarks(unicode, text, kMark);
  case NormalizerKind::RemoveNonspacing:
    return removeMarks(unicode, text, kNonspacing);
  case NormalizerKind::BertClean:
    return cleanBert(unicode, text);
  case NormalizerKind::BertChinese:
    return separateChinese(text);
  case NormalizerKind::Nmt:
    return cleanNmt(text);
  case NormalizerKind::ReplaceText:
    return first.empty() ? text : replaceAll(text, first, second);
  case NormalizerKind::ReplaceClass:
    return replaceClass(unicode, text, first, second, step.numbers[0],
                        step.numbers[1] != 0, step.numbers[2]);
  case NormalizerKind::Prepend:
    return text.empty() ? text : std::string(first) + text;
  case NormalizerKind::Strip:
    return strip(unicode, text, step.numbers[0] != 0, step.numbers[1] != 0);
  case NormalizerKind::Charsmap:
    return replaceGraphemes(Charsmap(first), unicode, text);
  case NormalizerKind::SentencePiece:
    return normalizeSentencePiece(text, Charsmap(first), second,
                                  step.numbers[0]);
  case NormalizerKind::ByteLevel:
    return bytesToCharacters(text);
  }
  throw Failure(VITC_UNSUPPORTED, "the tokenizer table has normalizer {}",
                step.kind);
}

std::string vitc::rt::normalizeText(const Table &table, std::string text) {
  for (uint32_t i = 0; i < table.normalizers.size(); ++i)
    text = applyStep(table, table.normalizers[i], std::move(text));
  return text;
}
