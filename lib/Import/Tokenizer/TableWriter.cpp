//===- TableWriter.cpp - A tokenizer as bytes -----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TokenizerSpec.h"

#include "UnicodeData.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

std::optional<uint32_t> import_::findToken(const TokenizerSpec &spec,
                                           StringRef text) {
  for (const AddedToken &token : spec.added)
    if (token.text == text)
      return token.id;
  // The last of several, as in a dictionary.
  for (const VocabularyToken &token : llvm::reverse(spec.vocabulary))
    if (token.text == text)
      return token.id;
  return std::nullopt;
}

namespace {
class Writer {
public:
  Writer(const TokenizerSpec &spec, Location loc) : spec(spec), loc(loc) {}

  FailureOr<std::vector<char>> write();

private:
  rt::TableText addText(StringRef text);
  template <typename T>
  void addArray(rt::TableArray rt::TableHeader::*array,
                const std::vector<T> &elements);
  void addSteps(rt::TableArray rt::TableHeader::*array,
                ArrayRef<TokenizerStep> steps);
  LogicalResult addVocabulary();
  LogicalResult addMerges();
  void addUnicode();

  const TokenizerSpec &spec;
  Location loc;
  rt::TableHeader header = {};
  std::vector<char> bytes = std::vector<char>(sizeof(rt::TableHeader));
  std::string strings;
  llvm::StringMap<uint32_t> texts;   // places of short ones
  llvm::StringMap<uint32_t> entries; // by text
};
} // namespace

rt::TableText Writer::addText(StringRef text) {
  auto [it, isNew] = texts.try_emplace(text, strings.size());
  if (isNew)
    strings += text;
  return {it->second, uint32_t(text.size())};
}

template <typename T>
void Writer::addArray(rt::TableArray rt::TableHeader::*array,
                      const std::vector<T> &elements) {
  header.*array = {uint32_t(bytes.size()), uint32_t(elements.size())};
  size_t size = elements.size() * sizeof(T);
  bytes.resize(bytes.size() + size);
  if (size > 0)
    std::memcpy(bytes.data() + bytes.size() - size, elements.data(), size);
}

void Writer::addSteps(rt::TableArray rt::TableHeader::*array,
                      ArrayRef<TokenizerStep> steps) {
  std::vector<rt::TableStep> records;
  for (const TokenizerStep &step : steps)
    records.push_back({step.kind,
                       {step.numbers[0], step.numbers[1], step.numbers[2]},
                       addText(step.first),
                       addText(step.second)});
  addArray(array, records);
}

/// A hash table with room for `count`.
static std::vector<uint32_t> makeSlots(size_t count) {
  return std::vector<uint32_t>(llvm::PowerOf2Ceil(2 * count + 2), rt::kNone);
}

static void fillSlot(std::vector<uint32_t> &slots, uint32_t hash,
                     uint32_t value) {
  size_t mask = slots.size() - 1;
  size_t place = hash & mask;
  while (slots[place] != rt::kNone)
    place = (place + 1) & mask;
  slots[place] = value;
}

LogicalResult Writer::addVocabulary() {
  std::vector<const VocabularyToken *> tokens;
  for (const VocabularyToken &token : spec.vocabulary)
    if (!token.text.empty())
      tokens.push_back(&token);
  if (tokens.empty())
    return emitError(loc) << "has no tokens; it needs one or more";
  // Of equal ones the first in the file comes first.
  llvm::sort(tokens, [](const VocabularyToken *a, const VocabularyToken *b) {
    return a->id != b->id ? a->id < b->id : a < b;
  });
  std::vector<rt::TableEntry> records;
  for (const VocabularyToken *token : tokens) {
    // The last of several tokens with a text is the one.
    entries[token->text] = records.size();
    rt::TableEntry record;
    std::memset(&record, 0, sizeof(record));
    record.text = addText(token->text);
    record.id = token->id;
    record.usable = token->usable;
    record.score = token->score;
    records.push_back(record);
  }
  std::vector<uint32_t> slots = makeSlots(entries.size());
  for (uint32_t index = 0; index < records.size(); ++index) {
    StringRef text = tokens[index]->text;
    if (entries[text] != index)
      continue;
    uint32_t hash = rt::kHashStart;
    for (uint8_t byte : text.bytes())
      hash = rt::hashByte(byte, hash);
    fillSlot(slots, hash, index);
  }
  header.unknown = rt::kNone;
  if (!spec.unknown.empty()) {
    auto it = entries.find(spec.unknown);
    if (it == entries.end())
      return emitError(loc) << "has unknown token '" << spec.unknown
                            << "'; it needs one of its vocabulary";
    header.unknown = it->second;
  }
  addArray(&rt::TableHeader::entries, records);
  addArray(&rt::TableHeader::entrySlots, slots);
  return success();
}

LogicalResult Writer::addMerges() {
  std::vector<rt::TableMerge> records;
  std::map<std::pair<uint32_t, uint32_t>, uint32_t> ranks;
  for (const auto &[left, right] : spec.merges) {
    StringRef rest = right;
    rest.consume_front(spec.continuing);
    std::string merged = left + rest.str();
    std::array<uint32_t, 3> found;
    for (auto [place, text] : llvm::zip_equal(
             found, std::array<StringRef, 3>{left, right, merged})) {
      auto it = entries.find(text);
      if (it == entries.end())
        return emitError(loc) << "merges '" << left << "' and '" << right
                              << "'; '" << text << "' is not in its vocabulary";
      place = it->second;
    }
    ranks[{found[0], found[1]}] = records.size();
    records.push_back({found[0], found[1], found[2]});
  }
  std::vector<uint32_t> slots = makeSlots(ranks.size());
  for (auto [pair, rank] : ranks)
    fillSlot(slots, rt::hashPair(pair.first, pair.second), rank);
  addArray(&rt::TableHeader::merges, records);
  addArray(&rt::TableHeader::mergeSlots, slots);
  return success();
}

void Writer::addUnicode() {
  const UnicodeData &unicode = getUnicodeData();
  addArray(&rt::TableHeader::unicodeBlocks, unicode.blocks);
  addArray(&rt::TableHeader::unicodeIndex, unicode.index);
  addArray(&rt::TableHeader::unicodeRecords, unicode.records);
  addArray(&rt::TableHeader::characters, unicode.characters);
  addArray(&rt::TableHeader::compositions, unicode.compositions);
}

FailureOr<std::vector<char>> Writer::write() {
  header.magic = rt::kTableMagic;
  header.version = rt::kTableVersion;
  header.model = uint32_t(spec.model);
  header.flags = spec.flags;
  header.padId = spec.padId.value_or(0);
  header.maxWordCharacters = spec.maxWordCharacters;
  header.name = addText(spec.name);
  header.continuing = addText(spec.continuing);
  header.wordEnd = addText(spec.wordEnd);
  if (failed(addVocabulary()) || failed(addMerges()))
    return failure();
  std::vector<rt::TableAdded> added;
  for (const AddedToken &token : spec.added)
    added.push_back({addText(token.text), token.id, token.flags});
  addArray(&rt::TableHeader::added, added);
  auto addFrame = [&](rt::TableArray rt::TableHeader::*array,
                      ArrayRef<rt::TableFrame> frame) {
    addArray(array, std::vector<rt::TableFrame>(frame.begin(), frame.end()));
  };
  addFrame(&rt::TableHeader::prefix, spec.prefix);
  addFrame(&rt::TableHeader::suffix, spec.suffix);
  PairFrame pair = spec.pair.value_or(PairFrame());
  addFrame(&rt::TableHeader::pairPrefix, pair.prefix);
  addFrame(&rt::TableHeader::pairMiddle, pair.middle);
  addFrame(&rt::TableHeader::pairSuffix, pair.suffix);
  header.secondType = spec.pair ? pair.secondType : rt::kNone;
  header.maskId = spec.maskId.value_or(rt::kNone);
  addSteps(&rt::TableHeader::normalizers, spec.normalizers);
  addSteps(&rt::TableHeader::preTokenizers, spec.preTokenizers);
  addSteps(&rt::TableHeader::decoders, spec.decoders);
  addUnicode();
  addArray(&rt::TableHeader::strings,
           std::vector<char>(strings.begin(), strings.end()));
  header.bytes = bytes.size();
  std::memcpy(bytes.data(), &header, sizeof(header));
  return std::move(bytes);
}

FailureOr<std::vector<char>> import_::writeTable(const TokenizerSpec &spec,
                                                 Location loc) {
  return Writer(spec, loc).write();
}
