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
#include "llvm/ADT/ArrayRef.h"
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

/// The table of a tokenizer that splits at white space, or into characters, and
/// looks each piece up; `special` tokens are no text. A piece that is no token
/// is `unknown`; without one ("") it is an error when the program runs.
mlir::FailureOr<std::vector<char>>
writeWordList(const WordList &words, llvm::ArrayRef<int64_t> special,
              llvm::StringRef unknown, int64_t pad, mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TOKENIZER_WORDLIST_H
