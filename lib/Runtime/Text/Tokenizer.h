//===- Tokenizer.h - Text to tokens and back --------------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_TEXT_TOKENIZER_H
#define VITC_LIB_RUNTIME_TEXT_TOKENIZER_H

#include "Text/PreTokenizer.h"

namespace vitc::rt {

/// What a model reads of a text, in order.
struct EncodedText {
  std::vector<uint32_t> ids, types;
  std::vector<bool> mask; // false: padding
  size_t numCut = 0;      // tokens that did not fit
};

/// The tokenizer of a table, which must outlive it. Safe for concurrent use.
class Tokenizer {
public:
  /// Throws Failure for a table that is damaged or of another version.
  Tokenizer(const uint8_t *table, int64_t size);

  /// The tokens of any bytes with those that come around them. What is no UTF-8
  /// is read as U+FFFD. Throws Failure for a table that names a step which this
  /// runtime has not.
  std::vector<uint32_t> encode(std::string_view text) const;

  /// The same, cut or padded to `length` tokens; what comes around the text is
  /// never cut. Throws Failure when that alone is longer.
  EncodedText encode(std::string_view text, size_t length) const;

  /// The same of two texts. What is cut is cut off the longer one, or when both
  /// are too long off both, as Hugging Face's longest_first has it. Throws
  /// Failure for a tokenizer that takes one text alone.
  EncodedText encodePair(std::string_view first, std::string_view second,
                         size_t length) const;

  /// The token that stands for a hidden one, or kNone.
  uint32_t getMaskId() const { return table.header.maskId; }
  /// A token as the vocabulary spells it; empty for one that is not there.
  std::string getSpelling(uint32_t id) const;

  /// The text of tokens, without special ones.
  std::string decode(const std::vector<uint32_t> &ids) const;

  std::string_view getName() const { return table.text(table.header.name); }
  /// Greatest token number and 1.
  uint32_t getVocabularySize() const;

private:
  /// An added token as it is looked for.
  struct Added {
    std::string text;
    uint32_t id, flags;
  };

  std::vector<uint32_t> encodeText(std::string_view text) const;
  /// The first `length` tokens, or the last where beginnings are cut.
  void cut(std::vector<uint32_t> &ids, size_t length) const;
  /// Pads to `length` tokens.
  void pad(EncodedText &encoded, size_t length) const;
  std::vector<Piece> cutAdded(const Piece &piece, bool normalized) const;
  const Added *findAdded(std::string_view text, bool normalized) const;
  std::vector<Piece> cutLanguageCode(std::string_view text) const;

  Table table;
  std::vector<Added> added;
};

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_TEXT_TOKENIZER_H
