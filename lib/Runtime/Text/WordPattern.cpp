//===- WordPattern.cpp - Well-known patterns of words ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each function below is one regular expression, quoted above it, and tries its
// alternatives in order.
//
//===----------------------------------------------------------------------===//

#include "Text/WordPattern.h"

using namespace vitc::rt;

namespace {
/// A place in the text and the classes that the patterns are made of.
class Matcher {
public:
  Matcher(const Unicode &unicode, std::string_view text, size_t begin)
      : unicode(unicode), text(text), begin(begin) {}

  size_t matchGpt2() const;
  size_t matchClip() const;
  size_t matchLlama3(size_t maxDigits) const;

private:
  enum class Class { Letter, Number, Space, Other };

  Class classify(char32_t character) const {
    if (unicode.isSpace(character))
      return Class::Space;
    if (unicode.is(character, kLetter))
      return Class::Letter;
    return unicode.is(character, kNumber) ? Class::Number : Class::Other;
  }
  /// Whether a character of `kind` is at `position`.
  bool isAt(size_t position, Class kind) const {
    return position < text.size() &&
           classify(nextCharacter(text, position)) == kind;
  }
  /// The end of the run of `kind` at `position`, of `most` characters.
  size_t skip(size_t position, Class kind,
              size_t most = std::string_view::npos) const {
    while (most-- > 0 && isAt(position, kind))
      nextCharacter(text, position);
    return position;
  }
  size_t matchContraction(bool anyCase) const;
  size_t matchSpaces() const;

  const Unicode &unicode;
  std::string_view text;
  size_t begin;
};
} // namespace

static bool isLineBreak(char byte) { return byte == '\r' || byte == '\n'; }

/// 's|'t|'re|'ve|'m|'ll|'d
size_t Matcher::matchContraction(bool anyCase) const {
  std::string_view rest = text.substr(begin);
  if (rest.empty() || rest.front() != '\'')
    return begin;
  rest.remove_prefix(1);
  for (std::string_view ending : {"s", "t", "re", "ve", "m", "ll", "d"}) {
    size_t count = 0;
    while (count < ending.size() && count < rest.size() &&
           (anyCase && rest[count] >= 'A' && rest[count] <= 'Z'
                ? rest[count] - 'A' + 'a'
                : rest[count]) == ending[count])
      ++count;
    if (count == ending.size())
      return begin + 1 + count;
  }
  // A long s is an s of another case.
  constexpr std::string_view longS = "\xC5\xBF";
  return anyCase && rest.substr(0, longS.size()) == longS
             ? begin + 1 + longS.size()
             : begin;
}

/// \s+(?!\S)|\s+
size_t Matcher::matchSpaces() const {
  size_t end = begin, last = begin;
  while (isAt(end, Class::Space)) {
    last = end;
    nextCharacter(text, end);
  }
  // The last one stays with the word behind it.
  return end == text.size() || last == begin ? end : last;
}

/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
size_t Matcher::matchGpt2() const {
  size_t end = matchContraction(/*anyCase=*/false);
  if (end != begin)
    return end;
  size_t word = text[begin] == ' ' ? begin + 1 : begin;
  for (Class kind : {Class::Letter, Class::Number, Class::Other})
    if (isAt(word, kind))
      return skip(word, kind);
  return matchSpaces();
}

/// <\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|
/// [^\s\p{L}\p{N}]+
size_t Matcher::matchClip() const {
  for (std::string_view mark : {"<|startoftext|>", "<|endoftext|>"})
    if (text.substr(begin, mark.size()) == mark)
      return begin + mark.size();
  size_t end = matchContraction(/*anyCase=*/false);
  if (end != begin)
    return end;
  if (isAt(begin, Class::Number))
    return skip(begin, Class::Number, 1);
  for (Class kind : {Class::Letter, Class::Other})
    if (isAt(begin, kind))
      return skip(begin, kind);
  return begin;
}

/// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
/// ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
size_t Matcher::matchLlama3(size_t maxDigits) const {
  size_t end = matchContraction(/*anyCase=*/true);
  if (end != begin)
    return end;
  size_t behind = begin;
  Class kind = classify(nextCharacter(text, behind));
  bool leadsWord = kind == Class::Other || kind == Class::Space;
  size_t word = leadsWord && !isLineBreak(text[begin]) ? behind : begin;
  if (isAt(word, Class::Letter))
    return skip(word, Class::Letter);
  if (kind == Class::Number)
    return skip(begin, Class::Number, maxDigits);
  size_t symbols = text[begin] == ' ' ? begin + 1 : begin;
  if (isAt(symbols, Class::Other)) {
    end = skip(symbols, Class::Other);
    while (end < text.size() && isLineBreak(text[end]))
      ++end;
    return end;
  }
  // Spaces up to their last line break.
  end = skip(begin, Class::Space);
  while (end > begin && !isLineBreak(text[end - 1]))
    --end;
  return end > begin ? end : matchSpaces();
}

size_t vitc::rt::matchWord(WordPattern pattern, const Unicode &unicode,
                           std::string_view text, size_t begin) {
  Matcher matcher(unicode, text, begin);
  switch (pattern) {
  case WordPattern::Gpt2:
    return matcher.matchGpt2();
  case WordPattern::Clip:
    return matcher.matchClip();
  case WordPattern::Llama3:
    return matcher.matchLlama3(/*maxDigits=*/3);
  case WordPattern::Qwen2:
    return matcher.matchLlama3(/*maxDigits=*/1);
  }
  return begin;
}
