//===- Charsmap.cpp - sentencepiece's map of characters -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Text/Charsmap.h"

#include <algorithm>

using namespace vitc::rt;

static uint32_t readU32(std::string_view bytes) {
  uint32_t value = 0;
  if (bytes.size() >= sizeof(value))
    std::memcpy(&value, bytes.data(), sizeof(value));
  return value;
}

Charsmap::Charsmap(std::string_view bytes) {
  size_t size = readU32(bytes);
  bytes.remove_prefix(std::min(bytes.size(), sizeof(uint32_t)));
  trie = bytes.substr(0, size);
  replacements = bytes.substr(trie.size());
}

/// 0, which has no label that a byte has, for what is not there.
uint32_t Charsmap::unit(size_t index) const {
  size_t offset = index * sizeof(uint32_t);
  return offset < trie.size() ? readU32(trie.substr(offset)) : 0;
}

// The fields of a unit of darts-clone.
static uint32_t childrenOf(uint32_t unit) {
  return (unit >> 10) << ((unit & 1u << 9) >> 6);
}
static bool hasValue(uint32_t unit) { return unit >> 8 & 1; }
static uint32_t labelOf(uint32_t unit) { return unit & (1u << 31 | 0xFF); }
static uint32_t valueOf(uint32_t unit) { return unit & ~(1u << 31); }

std::optional<CharsmapMatch> Charsmap::match(std::string_view text,
                                             bool longest) const {
  std::optional<CharsmapMatch> found;
  size_t node = childrenOf(unit(0));
  for (size_t i = 0; i < text.size(); ++i) {
    uint8_t byte = static_cast<uint8_t>(text[i]);
    node ^= byte;
    uint32_t here = unit(node);
    if (byte == 0 || labelOf(here) != byte)
      break;
    node ^= childrenOf(here);
    if (!hasValue(here))
      continue;
    size_t begin = std::min<size_t>(valueOf(unit(node)), replacements.size());
    std::string_view rest = replacements.substr(begin);
    found = {i + 1, rest.substr(0, rest.find('\0'))};
    if (!longest)
      break;
  }
  return found;
}

std::string vitc::rt::replaceGraphemes(const Charsmap &charsmap,
                                       const Unicode &unicode,
                                       std::string_view text) {
  constexpr size_t kMaxGraphemeBytes = 5;
  std::string replaced;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = unicode.graphemeEnd(text, begin);
    std::string_view grapheme = text.substr(begin, end - begin);
    begin = end;
    if (grapheme.size() <= kMaxGraphemeBytes)
      if (auto match = charsmap.match(grapheme, /*longest=*/false)) {
        replaced += match->replacement;
        continue;
      }
    for (size_t position = 0; position < grapheme.size();) {
      size_t first = position;
      nextCharacter(grapheme, position);
      std::string_view character = grapheme.substr(first, position - first);
      auto match = charsmap.match(character, /*longest=*/false);
      replaced += match ? match->replacement : character;
    }
  }
  return replaced;
}
