//===- Unicode.cpp - Characters and normal forms --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Text/Unicode.h"

#include <algorithm>

using namespace vitc::rt;

static constexpr char32_t kReplacement = 0xFFFD;

//===----------------------------------------------------------------------===//
// UTF-8
//===----------------------------------------------------------------------===//

char32_t vitc::rt::nextCharacter(std::string_view text, size_t &position) {
  auto byteAt = [&](size_t index) -> uint8_t {
    return index < text.size() ? static_cast<uint8_t>(text[index]) : 0;
  };
  uint8_t lead = byteAt(position++);
  if (lead < 0x80)
    return lead;
  if (lead < 0xC2 || lead > 0xF4)
    return kReplacement;
  int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  // Of the second byte: no overlong forms, no surrogates, nothing too great.
  uint8_t least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  char32_t character = lead & (0x3F >> more);
  for (int i = 0; i < more; ++i) {
    uint8_t byte = byteAt(position);
    if (byte < least || byte > most)
      return kReplacement;
    character = character << 6 | (byte & 0x3F);
    least = 0x80;
    most = 0xBF;
    ++position;
  }
  return character;
}

void vitc::rt::appendUtf8(std::string &text, char32_t character) {
  auto append = [&](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (character < 0x80)
    return append(character);
  if (character < 0x800) {
    append(0xC0 | character >> 6);
  } else if (character < 0x10000) {
    append(0xE0 | character >> 12);
    append(0x80 | (character >> 6 & 0x3F));
  } else {
    append(0xF0 | character >> 18);
    append(0x80 | (character >> 12 & 0x3F));
    append(0x80 | (character >> 6 & 0x3F));
  }
  append(0x80 | (character & 0x3F));
}

std::string vitc::rt::toValidUtf8(std::string_view text) {
  std::string valid;
  for (size_t position = 0; position < text.size();)
    appendUtf8(valid, nextCharacter(text, position));
  return valid;
}

//===----------------------------------------------------------------------===//
// Lower case
//===----------------------------------------------------------------------===//

void Unicode::appendMapped(std::vector<char32_t> &characters,
                           UnicodeString mapping, char32_t character) const {
  if (mapping.count == 0)
    characters.push_back(character);
  for (uint32_t i = 0; i < mapping.count; ++i)
    characters.push_back(table.characters[mapping.offset + i]);
}

std::string Unicode::toLower(std::string_view text) const {
  std::string lower;
  std::vector<char32_t> mapped;
  for (size_t position = 0; position < text.size();) {
    char32_t character = nextCharacter(text, position);
    mapped.clear();
    appendMapped(mapped, get(character).lower, character);
    for (char32_t each : mapped)
      appendUtf8(lower, each);
  }
  return lower;
}

//===----------------------------------------------------------------------===//
// Normal forms
//===----------------------------------------------------------------------===//

// Hangul syllables have no records: The Unicode Standard, section 3.12.
static constexpr char32_t kHangulS = 0xAC00, kHangulL = 0x1100,
                          kHangulV = 0x1161, kHangulT = 0x11A7;
static constexpr char32_t kHangulLs = 19, kHangulVs = 21, kHangulTs = 28;
static constexpr char32_t kHangulSyllables = kHangulLs * kHangulVs * kHangulTs;

static bool isIn(char32_t character, char32_t first, char32_t count) {
  return character - first < count; // wraps below `first`
}

std::vector<char32_t> Unicode::decompose(std::string_view text,
                                         bool compatible) const {
  std::vector<char32_t> characters;
  for (size_t position = 0; position < text.size();) {
    char32_t character = nextCharacter(text, position);
    if (isIn(character, kHangulS, kHangulSyllables)) {
      char32_t index = character - kHangulS;
      characters.push_back(kHangulL + index / (kHangulVs * kHangulTs));
      characters.push_back(kHangulV + index / kHangulTs % kHangulVs);
      if (index % kHangulTs)
        characters.push_back(kHangulT + index % kHangulTs);
      continue;
    }
    UnicodeRecord record = get(character);
    appendMapped(characters, compatible ? record.compatible : record.canonical,
                 character);
  }
  // Marks in a row are sorted by their class.
  auto classOf = [&](char32_t character) {
    return get(character).combiningClass;
  };
  auto begin = characters.begin();
  while (begin != characters.end()) {
    auto end = begin;
    while (end != characters.end() && classOf(*end) != 0)
      ++end;
    if (begin == end) {
      ++begin;
      continue;
    }
    auto precedes = [&](char32_t a, char32_t b) {
      return classOf(a) < classOf(b);
    };
    for (auto mark = begin; mark != end; ++mark)
      std::rotate(std::upper_bound(begin, mark, *mark, precedes), mark,
                  mark + 1);
    begin = end;
  }
  return characters;
}

char32_t Unicode::composePair(char32_t first, char32_t second) const {
  if (isIn(first, kHangulL, kHangulLs) && isIn(second, kHangulV, kHangulVs))
    return kHangulS +
           ((first - kHangulL) * kHangulVs + (second - kHangulV)) * kHangulTs;
  if (isIn(first, kHangulS, kHangulSyllables) &&
      (first - kHangulS) % kHangulTs == 0 &&
      isIn(second, kHangulT + 1, kHangulTs - 1))
    return first + (second - kHangulT);
  uint32_t begin = 0, end = table.compositions.size();
  while (begin < end) {
    uint32_t middle = begin + (end - begin) / 2;
    UnicodePair pair = table.compositions[middle];
    if (pair.first == first && pair.second == second)
      return pair.composed;
    if (pair.first < first || (pair.first == first && pair.second < second))
      begin = middle + 1;
    else
      end = middle;
  }
  return 0;
}

void Unicode::compose(std::vector<char32_t> &characters) const {
  size_t size = 0;
  size_t starter = characters.size(); // none so far
  uint8_t lastClass = 0;
  for (char32_t character : characters) {
    uint8_t thisClass = get(character).combiningClass;
    // A mark between them of the same or a higher class blocks.
    bool isBlocked = starter + 1 != size && lastClass >= thisClass;
    if (starter < size && !isBlocked)
      if (char32_t composed = composePair(characters[starter], character)) {
        characters[starter] = composed;
        continue;
      }
    if (thisClass == 0)
      starter = size;
    lastClass = thisClass;
    characters[size++] = character;
  }
  characters.resize(size);
}

std::string Unicode::normalize(std::string_view text, bool compose,
                               bool compatible) const {
  std::vector<char32_t> characters = decompose(text, compatible);
  if (compose)
    this->compose(characters);
  std::string normalized;
  for (char32_t character : characters)
    appendUtf8(normalized, character);
  return normalized;
}

//===----------------------------------------------------------------------===//
// Grapheme clusters: Unicode Standard Annex #29
//===----------------------------------------------------------------------===//

/// `cluster` is what is before `next` and ends with `previous`.
bool Unicode::isBoundary(std::string_view cluster, char32_t previous,
                         char32_t next) const {
  using Break = GraphemeBreak;
  Break before = static_cast<Break>(get(previous).graphemeBreak);
  Break after = static_cast<Break>(get(next).graphemeBreak);
  auto isOneOf = [](Break kind, std::initializer_list<Break> kinds) {
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
  };
  if (before == Break::Cr && after == Break::Lf) // GB3
    return false;
  if (isOneOf(before, {Break::Cr, Break::Lf, Break::Control}) || // GB4
      isOneOf(after, {Break::Cr, Break::Lf, Break::Control}))    // GB5
    return true;
  if (before == Break::HangulL && // GB6
      isOneOf(after, {Break::HangulL, Break::HangulV, Break::HangulLV,
                      Break::HangulLVT}))
    return false;
  if (isOneOf(before, {Break::HangulLV, Break::HangulV}) && // GB7
      isOneOf(after, {Break::HangulV, Break::HangulT}))
    return false;
  if (isOneOf(before, {Break::HangulLVT, Break::HangulT}) && // GB8
      after == Break::HangulT)
    return false;
  if (isOneOf(after, {Break::Extend, Break::ZeroWidthJoiner, // GB9, GB9a
                      Break::SpacingMark}) ||
      before == Break::Prepend) // GB9b
    return false;
  // GB11: a picture, marks, a joiner, a picture; GB12, GB13: pairs of flags.
  bool isJoined = false;
  size_t indicators = 0;
  for (size_t position = 0; position < cluster.size();) {
    char32_t character = nextCharacter(cluster, position);
    Break kind = static_cast<Break>(get(character).graphemeBreak);
    if (is(character, kPictographic))
      isJoined = true;
    else if (!isOneOf(kind, {Break::Extend, Break::ZeroWidthJoiner}))
      isJoined = false;
    indicators = kind == Break::RegionalIndicator ? indicators + 1 : 0;
  }
  if (before == Break::ZeroWidthJoiner && isJoined && is(next, kPictographic))
    return false;
  return !(after == Break::RegionalIndicator && indicators % 2 == 1);
}

size_t Unicode::graphemeEnd(std::string_view text, size_t begin) const {
  size_t end = begin;
  char32_t previous = nextCharacter(text, end);
  while (end < text.size()) {
    size_t behind = end;
    char32_t next = nextCharacter(text, behind);
    if (isBoundary(text.substr(begin, end - begin), previous, next))
      break;
    previous = next;
    end = behind;
  }
  return end;
}
