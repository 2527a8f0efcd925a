//===- Unicode.h - Characters and normal forms ------------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_TEXT_UNICODE_H
#define VITC_LIB_RUNTIME_TEXT_UNICODE_H

#include "Text/Table.h"

#include <string>
#include <vector>

namespace vitc::rt {

/// The character at `position`, which moves behind it. What is no UTF-8 there
/// is U+FFFD, for as many bytes as Unicode's "maximal subpart" has.
char32_t nextCharacter(std::string_view text, size_t &position);
void appendUtf8(std::string &text, char32_t character);

/// `text` without anything that is no UTF-8.
std::string toValidUtf8(std::string_view text);

/// What Unicode says of characters, from a tokenizer's table.
class Unicode {
public:
  explicit Unicode(const Table &table) : table(table) {}

  UnicodeRecord get(char32_t character) const {
    uint32_t block = table.unicodeBlocks[character / kUnicodeBlock];
    return table.unicodeRecords[table.unicodeIndex[block * kUnicodeBlock +
                                                   character % kUnicodeBlock]];
  }
  bool is(char32_t character, UnicodeFlag flag) const {
    return get(character).flags & flag;
  }
  bool isSpace(char32_t character) const { return is(character, kWhitespace); }

  std::string toLower(std::string_view text) const;
  /// NFD, NFC, NFKD or NFKC.
  std::string normalize(std::string_view text, bool compose,
                        bool compatible) const;
  /// The end of the extended grapheme cluster that begins at `begin`.
  size_t graphemeEnd(std::string_view text, size_t begin) const;

private:
  void appendMapped(std::vector<char32_t> &characters, UnicodeString mapping,
                    char32_t character) const;
  std::vector<char32_t> decompose(std::string_view text, bool compatible) const;
  void compose(std::vector<char32_t> &characters) const;
  /// 0: they do not compose.
  char32_t composePair(char32_t first, char32_t second) const;
  bool isBoundary(std::string_view cluster, char32_t previous,
                  char32_t next) const;

  const Table &table;
};

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_TEXT_UNICODE_H
