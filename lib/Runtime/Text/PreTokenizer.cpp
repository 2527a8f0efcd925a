//===- PreTokenizer.cpp - A text as pieces --------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Text/PreTokenizer.h"

#include "Status.h"
#include "Text/ByteLevel.h"
#include "Text/Normalizer.h"
#include "Text/WordPattern.h"

#include <functional>

using namespace vitc::rt;

namespace {
/// A part of a piece, which a pattern matched or not.
struct Span {
  size_t begin, end;
  bool isMatch;
};

/// What a step does to a piece.
using SplitFn = std::function<std::vector<Piece>(Piece piece)>;
/// The end of a match at a place, or the place.
using MatchFn = std::function<size_t(std::string_view text, size_t begin)>;
using CharacterFn = std::function<bool(char32_t character)>;
} // namespace

/// Matches and what is between them, in order and without gaps.
static std::vector<Span> findMatches(std::string_view text,
                                     const MatchFn &match) {
  std::vector<Span> spans;
  size_t unmatched = 0;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = match(text, begin);
    if (end == begin) {
      nextCharacter(text, begin);
      continue;
    }
    if (unmatched < begin)
      spans.push_back({unmatched, begin, false});
    spans.push_back({begin, end, true});
    unmatched = begin = end;
  }
  if (unmatched < text.size())
    spans.push_back({unmatched, text.size(), false});
  return spans;
}

/// Joins what `behavior` keeps together, and drops what it removes.
static std::vector<Span> applyBehavior(const std::vector<Span> &spans,
                                       SplitBehavior behavior) {
  std::vector<Span> kept;
  bool wasMatch = false;
  switch (behavior) {
  case SplitBehavior::Isolated:
    return spans;
  case SplitBehavior::Removed:
    for (const Span &span : spans)
      if (!span.isMatch)
        kept.push_back(span);
    return kept;
  case SplitBehavior::Contiguous:
  case SplitBehavior::MergedWithPrevious:
    for (const Span &span : spans) {
      bool joins = behavior == SplitBehavior::Contiguous
                       ? span.isMatch == wasMatch
                       : span.isMatch && !wasMatch;
      if (joins && !kept.empty())
        kept.back().end = span.end;
      else
        kept.push_back(span);
      wasMatch = span.isMatch;
    }
    return kept;
  case SplitBehavior::MergedWithNext:
    for (const Span &span : spans) {
      // Of several matches in a row the last goes with what follows.
      if (wasMatch && !span.isMatch)
        kept.back().end = span.end;
      else
        kept.push_back(span);
      wasMatch = span.isMatch;
    }
    return kept;
  }
  throw Failure(VITC_UNSUPPORTED, "the tokenizer table has split behaviour {}",
                uint32_t(behavior));
}

static std::vector<Piece> splitPiece(const Piece &piece, const MatchFn &match,
                                     SplitBehavior behavior, bool inverted) {
  std::vector<Span> spans = findMatches(piece.text, match);
  if (inverted)
    for (Span &span : spans)
      span.isMatch = !span.isMatch;
  std::vector<Piece> pieces;
  for (const Span &span : applyBehavior(spans, behavior))
    pieces.push_back({piece.text.substr(span.begin, span.end - span.begin),
                      kNone, piece.isFirst && span.begin == 0});
  return pieces;
}

/// A split at each single character that `isMatch` takes.
static SplitFn splitAt(CharacterFn isMatch, SplitBehavior behavior) {
  return [=](const Piece &piece) {
    return splitPiece(
        piece,
        [&](std::string_view text, size_t begin) {
          size_t end = begin;
          return isMatch(nextCharacter(text, end)) ? end : begin;
        },
        behavior, /*inverted=*/false);
  };
}

static bool startsWith(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

static MatchFn matchText(std::string_view wanted) {
  return [=](std::string_view text, size_t begin) {
    return startsWith(text.substr(begin), wanted) ? begin + wanted.size()
                                                  : begin;
  };
}

static std::vector<Piece> splitMetaspace(Piece piece, std::string_view mark,
                                         PrependScheme scheme, bool splits) {
  piece.text = replaceAll(piece.text, " ", mark);
  bool prepends = scheme == PrependScheme::Always ||
                  (scheme == PrependScheme::First && piece.isFirst);
  if (prepends && !startsWith(piece.text, mark))
    piece.text.insert(0, mark);
  if (!splits)
    return {std::move(piece)};
  return splitPiece(piece, matchText(mark), SplitBehavior::MergedWithNext,
                    /*inverted=*/false);
}

/// \w+|[^\w\s]+
static size_t matchRun(const Unicode &unicode, std::string_view text,
                       size_t begin) {
  auto kindAt = [&](size_t &position) {
    char32_t character = nextCharacter(text, position);
    if (unicode.isSpace(character))
      return 0;
    return unicode.is(character, kWordCharacter) ? 1 : 2;
  };
  size_t end = begin;
  int kind = kindAt(end);
  if (kind == 0)
    return begin;
  while (end < text.size()) {
    size_t behind = end;
    if (kindAt(behind) != kind)
      break;
    end = behind;
  }
  return end;
}

/// The functions that a step does, one after the other, on all pieces.
static std::vector<SplitFn> makeSplits(const Table &table,
                                       const TableStep &step) {
  Unicode unicode(table);
  std::string_view first = table.text(step.first);
  auto isSpace = [=](char32_t c) { return unicode.isSpace(c); };
  auto isPunctuation = [=](char32_t c) { return unicode.is(c, kPunctuation); };
  auto behavior = [=](int index) {
    return static_cast<SplitBehavior>(step.numbers[index]);
  };
  switch (static_cast<PreTokenizerKind>(step.kind)) {
  case PreTokenizerKind::Bert:
    return {splitAt(isSpace, SplitBehavior::Removed),
            splitAt(isPunctuation, SplitBehavior::Isolated)};
  case PreTokenizerKind::WhitespaceSplit:
    return {splitAt(isSpace, SplitBehavior::Removed)};
  case PreTokenizerKind::Whitespace:
    return {[=](const Piece &piece) {
      return splitPiece(
          piece,
          [&](std::string_view text, size_t begin) {
            return matchRun(unicode, text, begin);
          },
          SplitBehavior::Removed, /*inverted=*/true);
    }};
  case PreTokenizerKind::Punctuation:
    return {splitAt(isPunctuation, behavior(0))};
  case PreTokenizerKind::Digits:
    return {splitAt([=](char32_t c) { return unicode.is(c, kNumber); },
                    step.numbers[0] ? SplitBehavior::Isolated
                                    : SplitBehavior::Contiguous)};
  case PreTokenizerKind::Metaspace:
    return {[=](Piece piece) {
      return splitMetaspace(std::move(piece), first,
                            static_cast<PrependScheme>(step.numbers[0]),
                            step.numbers[1] != 0 && !first.empty());
    }};
  case PreTokenizerKind::ByteLevel:
    return {[=](Piece piece) -> std::vector<Piece> {
      piece.text = bytesToCharacters(piece.text);
      return {std::move(piece)};
    }};
  case PreTokenizerKind::PrefixSpace:
    return {[](Piece piece) -> std::vector<Piece> {
      if (!startsWith(piece.text, " "))
        piece.text.insert(0, " ");
      return {std::move(piece)};
    }};
  case PreTokenizerKind::SplitText:
    return {[=](const Piece &piece) {
      return splitPiece(piece, matchText(first), behavior(0),
                        step.numbers[1] != 0);
    }};
  case PreTokenizerKind::SplitPattern:
    return {[=](const Piece &piece) {
      return splitPiece(
          piece,
          [&](std::string_view text, size_t begin) {
            return matchWord(static_cast<WordPattern>(step.numbers[0]), unicode,
                             text, begin);
          },
          behavior(1), step.numbers[2] != 0);
    }};
  }
  throw Failure(VITC_UNSUPPORTED, "the tokenizer table has pre-tokenizer {}",
                step.kind);
}

std::vector<Piece> vitc::rt::splitPieces(const Table &table,
                                         std::vector<Piece> pieces) {
  for (uint32_t i = 0; i < table.preTokenizers.size(); ++i)
    for (const SplitFn &split : makeSplits(table, table.preTokenizers[i])) {
      std::vector<Piece> results;
      for (Piece &piece : pieces) {
        if (piece.token != kNone) {
          results.push_back(std::move(piece));
          continue;
        }
        for (Piece &part : split(std::move(piece)))
          if (!part.text.empty())
            results.push_back(std::move(part));
      }
      pieces = std::move(results);
    }
  return pieces;
}
