//===- TokenText.h - The text of generated tokens ------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_PROGRAM_TOKENTEXT_H
#define VITC_LIB_RUNTIME_PROGRAM_TOKENTEXT_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace vitc::rt {

/// The text of tokens, the first of which begin it.
using TextFn = std::function<std::string(const std::vector<int64_t> &tokens)>;

/// A word of generated text and its tokens.
struct GeneratedWord {
  std::string text;
  size_t begin, end;
};

/// The words of a text, which white space parts. A token belongs to the word in
/// which its own text begins; one without text to none.
std::vector<GeneratedWord> findWords(const std::vector<int64_t> &tokens,
                                     const TextFn &getText);

/// Writes text as its tokens come, a word when it is whole.
class WordStream {
public:
  using WriteFn = std::function<void(const std::string &text)>;

  WordStream(TextFn getText, WriteFn write)
      : getText(std::move(getText)), write(std::move(write)) {}

  void add(int64_t token);
  /// Writes the rest and a line break.
  void finish();

private:
  /// Writes what the text has more than was written, up to `length` bytes.
  void advance(const std::string &text, size_t length);

  TextFn getText;
  WriteFn write;
  std::vector<int64_t> tokens;
  std::string written;
};

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_PROGRAM_TOKENTEXT_H
