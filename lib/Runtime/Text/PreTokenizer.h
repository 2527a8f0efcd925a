//===- PreTokenizer.h - A text as pieces ------------------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_TEXT_PRETOKENIZER_H
#define VITC_LIB_RUNTIME_TEXT_PRETOKENIZER_H

#include "Text/Unicode.h"

namespace vitc::rt {

/// A part of a text, or an added token.
struct Piece {
  std::string text;
  uint32_t token = kNone; // the added token's number
  bool isFirst = false;   // begins where the text does
};

/// Does all of the table's pre-tokenizers, in order, on the pieces that are no
/// tokens. No piece is empty. Throws Failure for one that this runtime has not.
std::vector<Piece> splitPieces(const Table &table, std::vector<Piece> pieces);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_TEXT_PRETOKENIZER_H
