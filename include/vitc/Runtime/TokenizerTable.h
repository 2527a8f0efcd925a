//===- TokenizerTable.h - A tokenizer as bytes ------------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The table that lib/Import/Tokenizer makes of a model's tokenizer files and
// that lib/Runtime/Text reads: a TableHeader, then its arrays in any order.
// Places are offsets from the table's first byte, so that it works wherever it
// lies, and no record needs an alignment. Numbers are little-endian. A change
// of any layout or number here raises kTableVersion.
//
// A text becomes tokens in this order: added tokens that are not normalised are
// cut out, the rest is normalised, the other added tokens are cut out,
// pre-tokenizers split what remains into pieces, the model turns each piece
// into tokens; prefix and suffix go around all of them.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_RUNTIME_TOKENIZERTABLE_H
#define VITC_RUNTIME_TOKENIZERTABLE_H

#include <cstdint>

namespace vitc::rt {

inline constexpr uint32_t kTableMagic = 0x4B544356; // "VCTK"
inline constexpr uint32_t kTableVersion = 2;
/// An index or a number of a token that is not there.
inline constexpr uint32_t kNone = ~uint32_t(0);

/// `count` elements at `offset`.
struct TableArray {
  uint32_t offset, count;
};

/// `size` bytes, usually UTF-8, at `offset` of TableHeader::strings.
struct TableText {
  uint32_t offset, size;
};

enum class ModelKind : uint32_t {
  WordPiece = 0, // the longest prefix, again and again
  BytePair = 1,  // the merge of the lowest rank, again and again
  Unigram = 2    // the tokens of the greatest sum of scores
};

enum ModelFlag : uint32_t {
  kFuseUnknown = 1,   // unknown characters in a row are one token
  kByteFallback = 2,  // an unknown character becomes tokens <0x00> of its bytes
  kIgnoreMerges = 4,  // a piece that is a token needs no merges
  kPadLeft = 8,       // padding comes before the text
  kTruncateLeft = 16, // a text loses its beginning
  kLanguageCode = 32, // a text may begin with a token >>...<<
  kUnknownSurface = 64, // an unknown run may be a token that is not usable
  kFloatScores = 128    // scores are added in single precision
};

/// A token of the vocabulary. Entries are sorted by id.
struct TableEntry {
  TableText text;
  uint32_t id;
  uint32_t usable; // 0: the model gives it no piece of a text
  double score;    // of Unigram
};

/// Two entries that become one; the index is the rank.
struct TableMerge {
  uint32_t left, right, merged;
};

enum AddedFlag : uint32_t {
  kLeftStrip = 1,  // takes the white space before it, too
  kRightStrip = 2, // takes the white space behind it, too
  kSingleWord = 4,
  kNormalized = 8, // is looked for in the normalised text
  kSpecial = 16    // is no text
};

/// A token that is cut out of the text before the model sees it.
struct TableAdded {
  TableText text;
  uint32_t id, flags; // AddedFlag
};

/// A token around the text.
struct TableFrame {
  uint32_t id, type;
};

enum class NormalizerKind : uint32_t {
  Nfc = 0,
  Nfd = 1,
  Nfkc = 2,
  Nfkd = 3,
  Lowercase = 4,
  RemoveMarks = 5,      // all combining marks
  RemoveNonspacing = 6, // those of category Mn
  BertClean = 7,        // drops control characters, makes white space spaces
  BertChinese = 8,      // spaces around Chinese characters
  Nmt = 9,              // what sentencepiece's nmt rules drop and make spaces
  ReplaceText = 10,     // `first` by `second`
  ReplaceClass = 11,    // runs of characters in `first` by `second`; numbers:
                        // the least run, 1: a run is replaced once, ClassFlag
  Prepend = 12,         // `first`, unless there is no text
  Strip = 13,           // numbers: on the left, on the right
  Charsmap = 14,        // `first`: sentencepiece's, by graphemes
  SentencePiece = 15, // `first`: its charsmap or nothing, `second`: texts that
                      // stay, each behind its size, u32; numbers:
                      // SentencePieceFlag
  ByteLevel = 16      // bytes as characters
};

enum ClassFlag : uint32_t { kClassWhitespace = 1, kClassNegated = 2 };

enum SentencePieceFlag : uint32_t {
  kDummyPrefix = 1,
  kCollapseWhitespace = 2,
  kEscapeWhitespace = 4,
  kWhitespaceSuffix = 8 // the prefix comes behind the text
};

enum class PreTokenizerKind : uint32_t {
  Bert = 0,            // drops white space, isolates punctuation
  WhitespaceSplit = 1, // drops white space
  Whitespace = 2,      // words and runs of anything else
  Punctuation = 3,     // numbers: SplitBehavior
  Digits = 4,          // numbers: 1: each its own piece
  Metaspace = 5, // `first`: its mark; numbers: PrependScheme, whether to split
  PrefixSpace = 6, // a space before what begins with none
  ByteLevel = 7,   // bytes as characters
  SplitText = 8,   // at `first`; numbers: SplitBehavior, inverted
  SplitPattern = 9 // numbers: WordPattern, SplitBehavior, inverted
};

enum class SplitBehavior : uint32_t {
  Removed = 0,
  Isolated = 1,
  MergedWithPrevious = 2,
  MergedWithNext = 3,
  Contiguous = 4
};

enum class PrependScheme : uint32_t { Never = 0, First = 1, Always = 2 };

/// What one piece is, by the regular expression of a well-known tokenizer.
enum class WordPattern : uint32_t {
  Gpt2 = 0,
  Clip = 1,
  Llama3 = 2,
  Qwen2 = 3 // Llama3's with single digits
};

enum class DecoderKind : uint32_t {
  WordPiece = 0, // `first`: what continues a word; numbers: whether to clean up
  ByteLevel = 1, // characters as bytes
  Metaspace =
      2,        // `first`: its mark; numbers: whether the first mark is dropped
  BytePair = 3, // `first`: what ends a word
  ReplaceText = 4, // `first` by `second`
  ByteFallback = 5,
  Fuse = 6,
  Strip = 7 // `first`: a character; numbers: how many on the left, on the right
};

/// A normalizer, pre-tokenizer or decoder.
struct TableStep {
  uint32_t kind;
  uint32_t numbers[3];
  TableText first, second;
};

/// `count` numbers of TableHeader::characters.
struct UnicodeString {
  uint32_t offset : 24, count : 8;
};

enum UnicodeFlag : uint16_t {
  kLetter = 1,
  kNumber = 2,
  kWhitespace = 4,
  kWordCharacter = 8, // as \w of regular expressions
  kPictographic = 16, // Extended_Pictographic
  kPunctuation = 32,  // with ASCII's symbols
  kNonspacing = 64,   // a mark of category Mn
  kMark = 128,
  kControl = 256 // a control, format or private-use character
};

/// What Unicode says of characters.
struct UnicodeRecord {
  uint16_t flags;         // UnicodeFlag
  uint8_t combiningClass; // canonical
  uint8_t graphemeBreak;  // GraphemeBreak
  /// Empty: the character itself. Decompositions are full ones.
  UnicodeString lower, canonical, compatible;
};

enum class GraphemeBreak : uint8_t {
  Other,
  Cr,
  Lf,
  Control,
  Extend,
  ZeroWidthJoiner,
  RegionalIndicator,
  Prepend,
  SpacingMark,
  HangulL,
  HangulV,
  HangulT,
  HangulLV,
  HangulLVT
};

/// `first` and `second` compose to `composed`. Sorted by the first two.
struct UnicodePair {
  uint32_t first, second, composed;
};

inline constexpr uint32_t kUnicodeBlock = 256; // characters
inline constexpr uint32_t kCodePoints = 0x110000;

struct TableHeader {
  uint32_t magic, version, bytes;
  uint32_t model;   // ModelKind
  uint32_t flags;   // ModelFlag
  uint32_t unknown; // an entry, or kNone
  uint32_t padId;
  uint32_t maxWordCharacters; // of WordPiece: longer words are unknown
  TableText name;             // e.g. "WordPiece"
  TableText continuing;       // before what continues a word
  TableText wordEnd;          // behind what ends a word
  TableArray strings;         // bytes
  TableArray entries;
  TableArray entrySlots; // a power of two: entries by hashBytes, then the next
  TableArray merges;
  TableArray mergeSlots; // the same, by hashPair
  TableArray added;
  TableArray prefix, suffix; // TableFrame
  /// The same around, between and behind two texts, the second of which has
  /// the type `secondType`; kNone: it takes one text alone.
  TableArray pairPrefix, pairMiddle, pairSuffix;
  uint32_t secondType;
  uint32_t maskId; // the token that stands for a hidden one, or kNone
  TableArray normalizers, preTokenizers, decoders;
  TableArray unicodeBlocks; // kCodePoints / kUnicodeBlock, u16: block
  TableArray unicodeIndex;  // kUnicodeBlock a block, u16: record
  TableArray unicodeRecords;
  TableArray characters; // u32
  TableArray compositions;
};

/// FNV-1a over bytes, which continues where `hash` ended.
inline uint32_t hashByte(uint8_t byte, uint32_t hash) {
  return (hash ^ byte) * 16777619u;
}
inline constexpr uint32_t kHashStart = 2166136261u;

inline uint32_t hashPair(uint32_t left, uint32_t right) {
  uint64_t key = (uint64_t(left) << 32 | right) * 0x9E3779B97F4A7C15u;
  return uint32_t(key >> 32);
}

} // namespace vitc::rt

#endif // VITC_RUNTIME_TOKENIZERTABLE_H
