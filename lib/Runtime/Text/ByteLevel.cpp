//===- ByteLevel.cpp - Bytes as printable characters ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Text/ByteLevel.h"

#include "Text/Unicode.h"

#include <array>

using namespace vitc::rt;

static constexpr bool standsForItself(char32_t byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) ||
         (byte >= 0xAE && byte <= 0xFF);
}

static constexpr std::array<char32_t, 256> makeCharacters() {
  std::array<char32_t, 256> characters{};
  char32_t next = 0x100;
  for (char32_t byte = 0; byte < 256; ++byte)
    characters[byte] = standsForItself(byte) ? byte : next++;
  return characters;
}
static constexpr std::array<char32_t, 256> kCharacters = makeCharacters();

std::string vitc::rt::bytesToCharacters(std::string_view text) {
  std::string characters;
  for (char byte : text)
    appendUtf8(characters, kCharacters[static_cast<uint8_t>(byte)]);
  return characters;
}

std::string vitc::rt::charactersToBytes(std::string_view text) {
  std::string bytes;
  for (size_t position = 0; position < text.size();) {
    char32_t character = nextCharacter(text, position);
    size_t byte = 0;
    while (byte < kCharacters.size() && kCharacters[byte] != character)
      ++byte;
    if (byte == kCharacters.size())
      return std::string(text);
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}
