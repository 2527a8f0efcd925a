//===- Models.h - A piece of text as tokens ---------------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_TEXT_MODELS_H
#define VITC_LIB_RUNTIME_TEXT_MODELS_H

#include "Text/Table.h"

#include <vector>

namespace vitc::rt {

// Each appends the tokens of `piece`, which is valid UTF-8 and not empty, as
// entries of the table.

/// Wu et al. 2016: the longest token that the rest begins with, until nothing
/// is left; a piece that this does not spell is unknown.
void appendWordPiece(const Table &table, std::string_view piece,
                     std::vector<uint32_t> &entries);

/// Sennrich et al. 2016: characters, of which neighbours merge, those of the
/// lowest rank first.
void appendBytePair(const Table &table, std::string_view piece,
                    std::vector<uint32_t> &entries);

/// Kudo 2018: the tokens of the greatest sum of scores.
void appendUnigram(const Table &table, std::string_view piece,
                   std::vector<uint32_t> &entries);

/// Appends the tokens <0x00> of the bytes of `text`, or nothing and returns
/// false where one is not in the vocabulary.
bool appendBytes(const Table &table, std::string_view text,
                 std::vector<uint32_t> &entries);

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_TEXT_MODELS_H
