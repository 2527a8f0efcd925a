//===- BytePair.cpp - Byte-pair tokens ------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Text/Models.h"

#include "Text/Unicode.h"

#include <queue>
#include <tuple>

using namespace vitc::rt;

bool vitc::rt::appendBytes(const Table &table, std::string_view text,
                           std::vector<uint32_t> &entries) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  size_t first = entries.size();
  for (char c : text) {
    uint8_t byte = static_cast<uint8_t>(c);
    std::string name = {'<', '0', 'x', digits[byte >> 4], digits[byte & 15],
                        '>'};
    uint32_t entry = table.findEntry(name);
    if (entry == kNone) {
      entries.resize(first);
      return false;
    }
    entries.push_back(entry);
  }
  return true;
}

/// The tokens of the characters. One that is not in the vocabulary is its
/// bytes, or the unknown token, or nothing.
static std::vector<uint32_t> findSymbols(const Table &table,
                                         std::string_view piece) {
  std::vector<uint32_t> symbols;
  bool wasUnknown = false;
  for (size_t position = 0; position < piece.size();) {
    size_t begin = position;
    nextCharacter(piece, position);
    std::string text(begin == 0 ? "" : table.text(table.header.continuing));
    text += piece.substr(begin, position - begin);
    if (position == piece.size())
      text += table.text(table.header.wordEnd);
    uint32_t entry = table.findEntry(text);
    if (entry != kNone && table.entries[entry].usable) {
      symbols.push_back(entry);
      wasUnknown = false;
      continue;
    }
    if (table.has(kByteFallback) && appendBytes(table, text, symbols))
      continue;
    if (table.header.unknown == kNone)
      continue;
    if (!wasUnknown || !table.has(kFuseUnknown))
      symbols.push_back(table.header.unknown);
    wasUnknown = true;
  }
  return symbols;
}

namespace {
struct Symbol {
  uint32_t entry;
  size_t previous, next; // symbols; kEnd: none
  bool isMerged = false; // into the one before it
};

/// Two symbols that may merge, as they were when it was noted.
struct Candidate {
  uint32_t rank;
  size_t left;
  uint32_t merged;

  bool operator>(const Candidate &other) const {
    return std::tie(rank, left) > std::tie(other.rank, other.left);
  }
};
} // namespace

static constexpr size_t kEnd = ~size_t(0);

void vitc::rt::appendBytePair(const Table &table, std::string_view piece,
                              std::vector<uint32_t> &entries) {
  if (table.has(kIgnoreMerges)) {
    uint32_t entry = table.findEntry(piece);
    if (entry != kNone && table.entries[entry].usable)
      return entries.push_back(entry);
  }
  std::vector<uint32_t> found = findSymbols(table, piece);
  std::vector<Symbol> symbols;
  for (size_t i = 0; i < found.size(); ++i)
    symbols.push_back({found[i], i == 0 ? kEnd : i - 1,
                       i + 1 == found.size() ? kEnd : i + 1});

  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  auto note = [&](size_t left) {
    size_t right = left == kEnd ? kEnd : symbols[left].next;
    if (right == kEnd)
      return;
    uint32_t rank = table.findMerge(symbols[left].entry, symbols[right].entry);
    if (rank != kNone)
      queue.push({rank, left, table.merges[rank].merged});
  };
  for (size_t i = 0; i < symbols.size(); ++i)
    note(i);
  while (!queue.empty()) {
    Candidate candidate = queue.top();
    queue.pop();
    Symbol &left = symbols[candidate.left];
    if (left.isMerged || left.next == kEnd)
      continue;
    Symbol &right = symbols[left.next];
    uint32_t rank = table.findMerge(left.entry, right.entry);
    if (rank == kNone || table.merges[rank].merged != candidate.merged)
      continue; // one of them has merged since
    left.entry = candidate.merged;
    left.next = right.next;
    right.isMerged = true;
    if (right.next != kEnd)
      symbols[right.next].previous = candidate.left;
    note(left.previous);
    note(candidate.left);
  }
  for (const Symbol &symbol : symbols)
    if (!symbol.isMerged)
      entries.push_back(symbol.entry);
}
