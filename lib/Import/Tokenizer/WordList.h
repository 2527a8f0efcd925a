//===- WordList.h - Tokens that are words or characters --------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TOKENIZER_WORDLIST_H
#define VITC_LIB_IMPORT_TOKENIZER_WORDLIST_H

#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace vitc::import_ {

/// A vocabulary of whole words, or of single characters.
struct WordList {
  std::vector<std::string> tokens; // by number
  bool characters = false;         // text has no space between tokens
  bool lowercase = false;          // text becomes lower case first

  /// Reads a file with a token a line, the first of which is number 0. A line
  /// of a character list may be a space.
  static mlir::FailureOr<WordList> read(llvm::StringRef path,
                                        mlir::MLIRContext &context);
  std::optional<int64_t> find(llvm::StringRef token) const;
};

/// Tokens of a list that are no text.
struct WordRoles {
  int64_t pad = 0;
  int64_t unknown = -1;                      // -1: there is none
  llvm::SmallVector<int64_t> prefix, suffix; // around each text
  llvm::SmallVector<int64_t> others;
};

/// The table of a tokenizer that splits at white space, or into characters, and
/// looks each piece up. A piece that is no token is the unknown one; without
/// one it is left out.
mlir::FailureOr<std::vector<char>> writeWordList(const WordList &words,
                                                 const WordRoles &roles,
                                                 mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TOKENIZER_WORDLIST_H
