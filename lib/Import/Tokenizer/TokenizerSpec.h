//===- TokenizerSpec.h - A tokenizer, whatever file it is from -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TOKENIZER_TOKENIZERSPEC_H
#define VITC_LIB_IMPORT_TOKENIZER_TOKENIZERSPEC_H

#include "mlir/IR/Diagnostics.h"
#include "vitc/Runtime/TokenizerTable.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

#include <array>
#include <string>
#include <vector>

namespace vitc::import_ {

struct VocabularyToken {
  std::string text;
  uint32_t id = 0;
  bool usable = true; // the model may give it a piece of a text
  double score = 0;   // of a unigram model
};

struct AddedToken {
  std::string text;
  uint32_t id = 0;
  uint32_t flags = 0; // rt::AddedFlag
};

struct TokenizerStep {
  uint32_t kind; // rt::NormalizerKind, PreTokenizerKind or DecoderKind
  std::array<uint32_t, 3> numbers = {0, 0, 0};
  std::string first = "", second = "";
};

/// The tokens around, between and behind two texts.
struct PairFrame {
  llvm::SmallVector<rt::TableFrame, 2> prefix, middle, suffix;
  uint32_t secondType = 0; // of the second text's tokens
};

/// What TokenizerTable.h has, before it is bytes.
struct TokenizerSpec {
  std::string name; // of the kind, e.g. "WordPiece"
  rt::ModelKind model = rt::ModelKind::WordPiece;
  uint32_t flags = 0; // rt::ModelFlag
  std::vector<VocabularyToken> vocabulary;
  std::string unknown; // "": there is none
  std::string continuing, wordEnd;
  uint32_t maxWordCharacters = 100;
  std::vector<std::pair<std::string, std::string>> merges; // best first
  std::vector<AddedToken> added;
  llvm::SmallVector<rt::TableFrame, 2> prefix, suffix;
  std::optional<PairFrame> pair; // none: it takes one text alone
  std::vector<TokenizerStep> normalizers, preTokenizers, decoders;
  std::optional<uint32_t> padId;  // none: not known
  std::optional<uint32_t> maskId; // none: it hides no token
};

/// The number of a token by its text: of an added one, else of the vocabulary.
std::optional<uint32_t> findToken(const TokenizerSpec &spec,
                                  llvm::StringRef text);

/// The table of a tokenizer; errors, at `loc`, are of merges and numbers that
/// name what is not there.
mlir::FailureOr<std::vector<char>> writeTable(const TokenizerSpec &spec,
                                              mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TOKENIZER_TOKENIZERSPEC_H
