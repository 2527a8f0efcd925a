//===- Unigram.cpp - Tokens of a unigram language model -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Text/Models.h"

#include "Text/Unicode.h"

#include <algorithm>
#include <limits>

using namespace vitc::rt;

/// What an unknown character has less than the worst token, as sentencepiece.
static constexpr double kUnknownPenalty = 10;

namespace {
/// The best tokens that end at a place: the last one, and where it begins.
template <typename Score> struct BestPath {
  uint32_t entry = kNone; // unknown
  size_t begin = 0;
  Score score = 0;
  bool isReached = false;
};

/// A token, or a run of unknown characters.
struct Token {
  uint32_t entry;
  size_t begin, end;
};
} // namespace

static double findUnknownScore(const Table &table) {
  double least = std::numeric_limits<double>::infinity();
  for (uint32_t i = 0; i < table.entries.size(); ++i)
    if (table.entries[i].usable)
      least = std::min(least, table.entries[i].score);
  return least - kUnknownPenalty;
}

template <typename Score>
static std::vector<Token> findTokens(const Table &table,
                                     std::string_view piece) {
  const Score unknownScore = static_cast<Score>(findUnknownScore(table));
  std::vector<BestPath<Score>> paths(piece.size() + 1);
  auto improve = [&](size_t end, size_t begin, uint32_t entry, Score score) {
    BestPath<Score> &path = paths[end];
    if (!path.isReached || score > path.score)
      path = {entry, begin, score, true};
  };
  for (size_t begin = 0; begin < piece.size();) {
    size_t behind = begin;
    nextCharacter(piece, behind);
    Score here = paths[begin].score;
    bool isKnown = false; // the character is a token
    uint32_t hash = kHashStart;
    size_t most = std::min<size_t>(piece.size(), begin + table.maxEntryBytes);
    for (size_t end = begin; end < most;) {
      size_t next = end;
      nextCharacter(piece, next);
      for (; end < next; ++end)
        hash = hashByte(static_cast<uint8_t>(piece[end]), hash);
      uint32_t index = table.findEntry(piece.substr(begin, end - begin), hash);
      if (index == kNone || !table.entries[index].usable)
        continue;
      improve(end, begin, index,
              here + static_cast<Score>(table.entries[index].score));
      isKnown |= end == behind;
    }
    if (!isKnown)
      improve(behind, begin, kNone, here + unknownScore);
    begin = behind;
  }
  std::vector<Token> tokens;
  for (size_t end = piece.size(); end > 0;) {
    const BestPath<Score> &path = paths[end];
    bool isUnknown = path.entry == kNone || path.entry == table.header.unknown;
    bool continues =
        isUnknown && !tokens.empty() && tokens.back().entry == kNone;
    if (continues)
      tokens.back().begin = path.begin;
    else
      tokens.push_back({isUnknown ? kNone : path.entry, path.begin, end});
    end = path.begin;
  }
  std::reverse(tokens.begin(), tokens.end());
  return tokens;
}

void vitc::rt::appendUnigram(const Table &table, std::string_view piece,
                             std::vector<uint32_t> &entries) {
  std::vector<Token> tokens = table.has(kFloatScores)
                                  ? findTokens<float>(table, piece)
                                  : findTokens<double>(table, piece);
  for (const Token &token : tokens) {
    std::string_view text = piece.substr(token.begin, token.end - token.begin);
    uint32_t entry = token.entry;
    if (entry == kNone && table.has(kUnknownSurface))
      entry = table.findEntry(text);
    if (entry != kNone)
      entries.push_back(entry);
    else if (!table.has(kByteFallback) || !appendBytes(table, text, entries))
      entries.push_back(table.header.unknown);
  }
}
