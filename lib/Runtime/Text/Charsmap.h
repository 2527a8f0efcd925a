//===- Charsmap.h - sentencepiece's map of characters -----------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_TEXT_CHARSMAP_H
#define VITC_LIB_RUNTIME_TEXT_CHARSMAP_H

#include "Text/Unicode.h"

#include <optional>

namespace vitc::rt {

/// What replaces the beginning of a text.
struct CharsmapMatch {
  size_t size; // bytes of the text
  std::string_view replacement;
};

/// The precompiled_charsmap of a sentencepiece model: the size of a trie, the
/// trie, a double array as darts-clone writes it, and the replacements that it
/// finds, each ended by a zero byte. Whatever it holds, reading stays inside.
class Charsmap {
public:
  explicit Charsmap(std::string_view bytes);

  /// The shortest or the longest text that is in the map and that `text` begins
  /// with.
  std::optional<CharsmapMatch> match(std::string_view text, bool longest) const;

private:
  uint32_t unit(size_t index) const;

  std::string_view trie, replacements;
};

/// As Hugging Face's tokenizers do: grapheme by grapheme, those of 6 bytes or
/// more character by character.
std::string replaceGraphemes(const Charsmap &charsmap, const Unicode &unicode,
                             std::string_view text);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_TEXT_CHARSMAP_H
