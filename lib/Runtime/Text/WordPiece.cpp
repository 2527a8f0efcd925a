//===- WordPiece.cpp - WordPiece tokens -----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Text/Models.h"

#include "Text/Unicode.h"

#include <algorithm>

using namespace vitc::rt;

/// The places where characters begin, and the end.
static std::vector<size_t> findCharacters(std::string_view piece) {
  std::vector<size_t> places;
  for (size_t position = 0; position < piece.size();) {
    places.push_back(position);
    nextCharacter(piece, position);
  }
  places.push_back(piece.size());
  return places;
}

void vitc::rt::appendWordPiece(const Table &table, std::string_view piece,
                               std::vector<uint32_t> &entries) {
  std::vector<size_t> places = findCharacters(piece);
  std::string_view continuing = table.text(table.header.continuing);
  size_t begin = 0, last = places.size() - 1;
  size_t firstEntry = entries.size();
  bool isKnown = last <= table.header.maxWordCharacters;
  while (isKnown && begin < last) {
    std::string prefix(begin == 0 ? std::string_view() : continuing);
    size_t prefixSize = prefix.size(), end = last;
    uint32_t entry = kNone;
    for (; end > begin && entry == kNone; --end) {
      size_t size = places[end] - places[begin];
      if (prefixSize + size > table.maxEntryBytes)
        continue;
      prefix.resize(prefixSize);
      prefix += piece.substr(places[begin], size);
      entry = table.findEntry(prefix);
    }
    isKnown = entry != kNone;
    entries.push_back(entry);
    begin = end + 1;
  }
  if (isKnown)
    return;
  entries.resize(firstEntry);
  entries.push_back(table.header.unknown);
}
