//===- Tokenizer.cpp - Text to tokens and back ----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Text/Tokenizer.h"

#include "Status.h"
#include "Text/Decoder.h"
#include "Text/Models.h"
#include "Text/Normalizer.h"

#include <algorithm>

using namespace vitc::rt;

Tokenizer::Tokenizer(const uint8_t *bytes, int64_t size) : table(bytes, size) {
  for (uint32_t i = 0; i < table.added.size(); ++i) {
    TableAdded record = table.added[i];
    std::string text(table.text(record.text));
    if (record.flags & kNormalized)
      text = normalizeText(table, std::move(text));
    if (!text.empty())
      added.push_back({std::move(text), record.id, record.flags});
  }
  // Of several the longest is found first.
  std::sort(added.begin(), added.end(), [](const Added &a, const Added &b) {
    return a.text.size() != b.text.size() ? a.text.size() > b.text.size()
                                          : a.id < b.id;
  });
}

uint32_t Tokenizer::getVocabularySize() const {
  uint32_t size = 0;
  if (table.entries.size() > 0)
    size = table.entries[table.entries.size() - 1].id + 1;
  for (const Added &token : added)
    size = std::max(size, token.id + 1);
  return size;
}

//===----------------------------------------------------------------------===//
// Added tokens
//===----------------------------------------------------------------------===//

const Tokenizer::Added *Tokenizer::findAdded(std::string_view text,
                                             bool normalized) const {
  for (const Added &token : added)
    if (((token.flags & kNormalized) != 0) == normalized &&
        text.substr(0, token.text.size()) == token.text)
      return &token;
  return nullptr;
}

/// Where the white space at the end of `text` begins.
static size_t trimEnd(const Unicode &unicode, std::string_view text) {
  size_t end = 0;
  for (size_t position = 0; position < text.size();)
    if (!unicode.isSpace(nextCharacter(text, position)))
      end = position;
  return end;
}

/// Whether a word ends at the end of `text`.
static bool endsWithWord(const Unicode &unicode, std::string_view text) {
  size_t begin = text.size();
  while (begin > 0 && (static_cast<uint8_t>(text[--begin]) & 0xC0) == 0x80) {
  }
  return !text.empty() &&
         unicode.is(nextCharacter(text, begin), kWordCharacter);
}

static bool startsWithWord(const Unicode &unicode, std::string_view text) {
  size_t position = 0;
  return !text.empty() &&
         unicode.is(nextCharacter(text, position), kWordCharacter);
}

std::vector<Piece> Tokenizer::cutAdded(const Piece &piece,
                                       bool normalized) const {
  Unicode unicode(table);
  std::string_view text = piece.text;
  std::vector<Piece> pieces;
  size_t done = 0;
  auto addText = [&](size_t end) {
    if (done < end)
      pieces.push_back({piece.text.substr(done, end - done), kNone,
                        piece.isFirst && done == 0});
  };
  for (size_t position = 0; position < text.size();) {
    const Added *token = findAdded(text.substr(position), normalized);
    if (!token) {
      nextCharacter(text, position);
      continue;
    }
    size_t begin = position, end = position + token->text.size();
    position = end;
    if ((token->flags & kSingleWord) &&
        (endsWithWord(unicode, text.substr(0, begin)) ||
         startsWithWord(unicode, text.substr(end))))
      continue;
    if (token->flags & kLeftStrip)
      begin = done + trimEnd(unicode, text.substr(done, begin - done));
    while ((token->flags & kRightStrip) && end < text.size()) {
      size_t behind = end;
      if (!unicode.isSpace(nextCharacter(text, behind)))
        break;
      end = behind;
    }
    addText(begin);
    pieces.push_back({"", token->id, false});
    done = end;
  }
  addText(text.size());
  return pieces;
}

/// A text as >>de<< and the rest, where it begins so.
std::vector<Piece> Tokenizer::cutLanguageCode(std::string_view text) const {
  size_t end = text.substr(0, 2) == ">>" ? text.find("<<") : text.npos;
  std::vector<Piece> pieces;
  if (table.has(kLanguageCode) && end != text.npos) {
    uint32_t entry = table.findEntry(text.substr(0, end + 2));
    if (entry == kNone)
      entry = table.header.unknown;
    if (entry != kNone)
      pieces.push_back({"", table.entries[entry].id, false});
    text.remove_prefix(end + 2);
  }
  pieces.push_back({std::string(text), kNone, true});
  return pieces;
}

//===----------------------------------------------------------------------===//
// Encoding
//===----------------------------------------------------------------------===//

std::vector<uint32_t> Tokenizer::encodeText(std::string_view text) const {
  std::vector<Piece> pieces;
  for (Piece &part : cutLanguageCode(toValidUtf8(text))) {
    if (part.token != kNone) {
      pieces.push_back(std::move(part));
      continue;
    }
    for (Piece &raw : cutAdded(part, /*normalized=*/false)) {
      if (raw.token != kNone) {
        pieces.push_back(std::move(raw));
        continue;
      }
      raw.text = normalizeText(table, std::move(raw.text));
      for (Piece &piece : cutAdded(raw, /*normalized=*/true))
        pieces.push_back(std::move(piece));
    }
  }
  std::vector<uint32_t> ids, entries;
  for (const Piece &piece : splitPieces(table, std::move(pieces))) {
    if (piece.token != kNone) {
      ids.push_back(piece.token);
      continue;
    }
    entries.clear();
    switch (static_cast<ModelKind>(table.header.model)) {
    case ModelKind::WordPiece:
      appendWordPiece(table, piece.text, entries);
      break;
    case ModelKind::BytePair:
      appendBytePair(table, piece.text, entries);
      break;
    case ModelKind::Unigram:
      appendUnigram(table, piece.text, entries);
      break;
    }
    // What is unknown and has no token for that is left out.
    for (uint32_t entry : entries)
      if (entry != kNone)
        ids.push_back(table.entries[entry].id);
  }
  return ids;
}

std::vector<uint32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<uint32_t> ids;
  for (uint32_t i = 0; i < table.prefix.size(); ++i)
    ids.push_back(table.prefix[i].id);
  std::vector<uint32_t> middle = encodeText(text);
  ids.insert(ids.end(), middle.begin(), middle.end());
  for (uint32_t i = 0; i < table.suffix.size(); ++i)
    ids.push_back(table.suffix[i].id);
  return ids;
}

void Tokenizer::cut(std::vector<uint32_t> &ids, size_t length) const {
  if (ids.size() <= length)
    return;
  if (table.has(kTruncateLeft))
    ids.erase(ids.begin(), ids.end() - length);
  else
    ids.resize(length);
}

static void addToken(EncodedText &encoded, uint32_t id, uint32_t type) {
  encoded.ids.push_back(id);
  encoded.types.push_back(type);
  encoded.mask.push_back(true);
}

static void addText(EncodedText &encoded, const std::vector<uint32_t> &ids,
                    uint32_t type) {
  for (uint32_t id : ids)
    addToken(encoded, id, type);
}

static void addFrame(EncodedText &encoded, const TableView<TableFrame> &frame) {
  for (uint32_t i = 0; i < frame.size(); ++i)
    addToken(encoded, frame[i].id, frame[i].type);
}

void Tokenizer::pad(EncodedText &encoded, size_t length) const {
  size_t padding = length - encoded.ids.size();
  bool isLeft = table.has(kPadLeft);
  auto add = [&](auto &values, auto value) {
    values.insert(isLeft ? values.begin() : values.end(), padding, value);
  };
  add(encoded.ids, table.header.padId);
  add(encoded.types, uint32_t(0));
  add(encoded.mask, false);
}

/// How many tokens of `length` are for texts.
static size_t countForTexts(size_t around, size_t length) {
  if (around > length)
    throw Failure(VITC_INVALID_ARGUMENT,
                  "the tokenizer adds {} tokens to a text; the model takes {}",
                  around, length);
  return length - around;
}

EncodedText Tokenizer::encode(std::string_view text, size_t length) const {
  size_t most =
      countForTexts(table.prefix.size() + table.suffix.size(), length);
  std::vector<uint32_t> ids = encodeText(text);
  EncodedText encoded;
  encoded.numCut = ids.size() - std::min(ids.size(), most);
  cut(ids, most);
  addFrame(encoded, table.prefix);
  addText(encoded, ids, 0);
  addFrame(encoded, table.suffix);
  pad(encoded, length);
  return encoded;
}

EncodedText Tokenizer::encodePair(std::string_view first,
                                  std::string_view second,
                                  size_t length) const {
  if (table.header.secondType == kNone)
    throw Failure(VITC_UNSUPPORTED,
                  "the model's tokenizer has no form for two texts; needs one");
  size_t most =
      countForTexts(table.pairPrefix.size() + table.pairMiddle.size() +
                        table.pairSuffix.size(),
                    length);
  std::vector<uint32_t> ids[2] = {encodeText(first), encodeText(second)};
  EncodedText encoded;
  size_t total = ids[0].size() + ids[1].size();
  if (total > most) {
    encoded.numCut = total - most;
    // The shorter one stays as long as it has at most half of the room.
    bool isFirstShorter = ids[0].size() <= ids[1].size();
    std::vector<uint32_t> &shorter = ids[isFirstShorter ? 0 : 1],
                          &longer = ids[isFirstShorter ? 1 : 0];
    size_t kept = std::min(shorter.size(), most / 2);
    cut(shorter, kept);
    cut(longer, most - kept);
  }
  addFrame(encoded, table.pairPrefix);
  addText(encoded, ids[0], 0);
  addFrame(encoded, table.pairMiddle);
  addText(encoded, ids[1], table.header.secondType);
  addFrame(encoded, table.pairSuffix);
  pad(encoded, length);
  return encoded;
}

//===----------------------------------------------------------------------===//
// Decoding
//===----------------------------------------------------------------------===//

std::string Tokenizer::getSpelling(uint32_t id) const {
  for (const Added &token : added)
    if (token.id == id)
      return token.text;
  uint32_t entry = table.findId(id);
  return entry == kNone ? ""
                        : std::string(table.text(table.entries[entry].text));
}

std::string Tokenizer::decode(const std::vector<uint32_t> &ids) const {
  std::vector<std::string> texts;
  for (uint32_t id : ids) {
    auto token = std::find_if(added.begin(), added.end(),
                              [&](const Added &each) { return each.id == id; });
    if (token != added.end()) {
      if (!(token->flags & kSpecial))
        texts.push_back(token->text);
      continue;
    }
    uint32_t entry = table.findId(id);
    if (entry != kNone)
      texts.emplace_back(table.text(table.entries[entry].text));
  }
  return decodeTokens(table, std::move(texts));
}
