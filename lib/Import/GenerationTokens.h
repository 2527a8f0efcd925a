//===- GenerationTokens.h - Tokens that vitc.json names --------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The manifest names a list of tokens, words or characters, and those of them
// that begin, end and fill what is generated. An object in it, `text`, does the
// same for what the model reads.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_GENERATIONTOKENS_H
#define VITC_LIB_IMPORT_GENERATIONTOKENS_H

#include "HuggingFace/Config.h"
#include "ModelLimits.h"
#include "Tokenizer/WordList.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace vitc::import_ {

/// Reads tokens that an object names by number or by text.
class GenerationTokens {
public:
  /// `owner` begins the messages about the object's keys.
  explicit GenerationTokens(Config &config, llvm::StringRef owner = "")
      : config(config), owner(owner) {}

  /// Reads the file that `words` or `characters` names, if one does.
  mlir::LogicalResult readWords(llvm::StringRef folder, bool lowercase);
  void setWords(WordList list);
  bool hasWords() const { return words.has_value(); }
  /// Needs words.
  const WordList &getWords() const { return *words; }
  /// How many tokens there are.
  void setCount(int64_t number) { count = number; }

  /// The number of the token that a key names, `otherwise` if it is absent.
  int64_t readToken(llvm::StringRef key, int64_t otherwise);
  /// The same for a token or a list of them; none if it is absent.
  llvm::SmallVector<int64_t> readTokens(llvm::StringRef key);

  /// The tokenizer of the words, some of which have roles.
  mlir::FailureOr<mlir::DenseResourceElementsAttr>
  makeTable(const WordRoles &roles) const;

private:
  int64_t parseToken(llvm::StringRef key, const llvm::json::Value &value);

  Config &config;
  llvm::StringRef owner;
  std::optional<WordList> words;
  int64_t count = kMaxVocabulary;
};

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_GENERATIONTOKENS_H
