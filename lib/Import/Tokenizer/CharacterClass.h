//===- CharacterClass.h - Regular expressions of one class -----*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TOKENIZER_CHARACTERCLASS_H
#define VITC_LIB_IMPORT_TOKENIZER_CHARACTERCLASS_H

#include "vitc/Runtime/TokenizerTable.h"
#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace vitc::import_ {

/// What a regular expression such as \s+, [!-/]{2,} or x matches.
struct CharacterClass {
  std::string members; // UTF-8
  uint32_t flags = 0;  // rt::ClassFlag
  uint32_t least = 1;  // characters of a match
  bool isRun = false;  // a match takes all that follow, too
};

/// None for an expression of any other form.
std::optional<CharacterClass> parseCharacterClass(llvm::StringRef regex);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TOKENIZER_CHARACTERCLASS_H
