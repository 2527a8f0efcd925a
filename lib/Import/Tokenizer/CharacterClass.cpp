//===- CharacterClass.cpp - Regular expressions of one class --------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CharacterClass.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"

using namespace llvm;
using namespace vitc;
using namespace vitc::import_;

/// The largest run that an expression may ask for.
static constexpr uint32_t kMaxLeast = 1000;
/// Characters of a range, so that a class stays small.
static constexpr uint32_t kMaxRange = 1 << 12;

namespace {
class Parser {
public:
  explicit Parser(StringRef regex) : rest(regex) {}

  std::optional<CharacterClass> parse();

private:
  bool parseAtom();
  bool parseBrackets();
  bool parseRepeat();
  /// One character, escaped or not; none for a class such as \s or an end.
  std::optional<uint32_t> parseCharacter(bool inBrackets);
  void add(uint32_t character);

  StringRef rest;
  CharacterClass result;
};
} // namespace

void Parser::add(uint32_t character) {
  char bytes[UNI_MAX_UTF8_BYTES_PER_CODE_POINT];
  char *end = bytes;
  if (ConvertCodePointToUTF8(character, end))
    result.members.append(bytes, end);
}

std::optional<uint32_t> Parser::parseCharacter(bool inBrackets) {
  if (rest.consume_front("\\")) {
    if (rest.empty())
      return std::nullopt;
    char escaped = rest.front();
    rest = rest.drop_front();
    switch (escaped) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      // Letters and digits mean classes and references.
      return isAlnum(escaped) || !isASCII(escaped)
                 ? std::nullopt
                 : std::optional<uint32_t>(escaped);
    }
  }
  StringRef special = inBrackets ? "[]" : ".^$*+?()[]{}|";
  if (rest.empty() || special.contains(rest.front()) ||
      (inBrackets && rest.starts_with("&&")))
    return std::nullopt;
  const auto *begin = reinterpret_cast<const UTF8 *>(rest.begin());
  const auto *next = begin;
  UTF32 character;
  UTF32 *target = &character;
  ConvertUTF8toUTF32(&next, reinterpret_cast<const UTF8 *>(rest.end()), &target,
                     &character + 1, strictConversion);
  if (next == begin)
    return std::nullopt;
  rest = rest.drop_front(next - begin);
  return character;
}

bool Parser::parseBrackets() {
  if (rest.consume_front("^"))
    result.flags |= rt::kClassNegated;
  while (!rest.consume_front("]")) {
    if (rest.consume_front("\\s")) {
      result.flags |= rt::kClassWhitespace;
      continue;
    }
    std::optional<uint32_t> first = parseCharacter(/*inBrackets=*/true);
    if (!first)
      return false;
    bool isRange = rest.starts_with("-") && !rest.starts_with("-]");
    std::optional<uint32_t> last = first;
    if (isRange) {
      rest = rest.drop_front();
      last = parseCharacter(/*inBrackets=*/true);
    }
    if (!last || *last < *first || *last - *first > kMaxRange)
      return false;
    for (uint32_t character = *first; character <= *last; ++character)
      add(character);
  }
  return !result.members.empty() || result.flags != 0;
}

bool Parser::parseAtom() {
  if (rest.consume_front("\\s")) {
    result.flags |= rt::kClassWhitespace;
    return true;
  }
  if (rest.consume_front("["))
    return parseBrackets();
  std::optional<uint32_t> character = parseCharacter(/*inBrackets=*/false);
  if (character)
    add(*character);
  return character.has_value();
}

bool Parser::parseRepeat() {
  if (rest.consume_front("+")) {
    result.isRun = true;
  } else if (rest.consume_front("{")) {
    result.isRun = true;
    if (rest.consumeInteger(10, result.least) || result.least < 1 ||
        result.least > kMaxLeast || !rest.consume_front(",}"))
      return false;
  }
  return rest.empty();
}

std::optional<CharacterClass> Parser::parse() {
  if (!parseAtom() || !parseRepeat())
    return std::nullopt;
  return result;
}

std::optional<CharacterClass> import_::parseCharacterClass(StringRef regex) {
  return Parser(regex).parse();
}
