//===- Table.cpp - Checked view of a tokenizer table ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Text/Table.h"

#include "Status.h"

#include <algorithm>

using namespace vitc::rt;

template <typename... Args>
[[noreturn]] static void fail(fmt::format_string<Args...> format,
                              Args &&...args) {
  throw Failure(VITC_UNSUPPORTED, "the tokenizer table {}",
                fmt::format(format, std::forward<Args>(args)...));
}

template <typename T>
TableView<T> Table::view(const uint8_t *bytes, TableArray array,
                         const char *what) {
  uint64_t end = uint64_t(array.offset) + uint64_t(array.count) * sizeof(T);
  if (end > header.bytes)
    fail("has {} {} up to byte {}; it has {} bytes", array.count, what, end,
         header.bytes);
  return TableView<T>(bytes + array.offset, array.count);
}

void Table::checkText(TableText place, const char *what) const {
  if (uint64_t(place.offset) + place.size > header.strings.count)
    fail("has a {} of {} bytes at {} of {}; needs it inside", what, place.size,
         place.offset, header.strings.count);
}

/// Slots of a hash table are as many as a power of two, one of them is empty,
/// and the others are below `count`.
static void checkSlots(const TableView<uint32_t> &slots, uint32_t count,
                       const char *what) {
  uint32_t size = slots.size();
  bool hasEmpty = false;
  for (uint32_t i = 0; i < size; ++i) {
    hasEmpty |= slots[i] == kNone;
    if (slots[i] != kNone && slots[i] >= count)
      fail("finds {} {} of {}", what, slots[i], count);
  }
  if (size == 0 || (size & (size - 1)) != 0 || !hasEmpty)
    fail("has {} places for {}; needs a power of two with one free", size,
         what);
}

void Table::checkEntries() {
  for (uint32_t i = 0; i < entries.size(); ++i) {
    TableEntry entry = entries[i];
    checkText(entry.text, "token");
    if (entry.text.size == 0)
      fail("has an empty token {}", entry.id);
    if (i > 0 && entry.id < entries[i - 1].id)
      fail("has token {} behind token {}; needs them sorted", entry.id,
           entries[i - 1].id);
    if (entry.usable)
      maxEntryBytes = std::max(maxEntryBytes, entry.text.size);
  }
  checkSlots(entrySlots, entries.size(), "tokens");
  if (header.unknown != kNone && header.unknown >= entries.size())
    fail("has unknown token {} of {}", header.unknown, entries.size());
}

void Table::checkMerges() const {
  for (uint32_t i = 0; i < merges.size(); ++i) {
    TableMerge merge = merges[i];
    uint32_t greatest = std::max({merge.left, merge.right, merge.merged});
    if (greatest >= entries.size())
      fail("merges token {} of {}", greatest, entries.size());
  }
  checkSlots(mergeSlots, merges.size(), "merges");
}

void Table::checkUnicode() const {
  if (unicodeBlocks.size() != kCodePoints / kUnicodeBlock)
    fail("has {} blocks of characters; needs {}", unicodeBlocks.size(),
         kCodePoints / kUnicodeBlock);
  for (uint32_t i = 0; i < unicodeBlocks.size(); ++i)
    if ((unicodeBlocks[i] + 1) * kUnicodeBlock > unicodeIndex.size())
      fail("has no block {} of characters", unicodeBlocks[i]);
  for (uint32_t i = 0; i < unicodeIndex.size(); ++i)
    if (unicodeIndex[i] >= unicodeRecords.size())
      fail("has no kind of character {}", unicodeIndex[i]);
  for (uint32_t i = 0; i < unicodeRecords.size(); ++i) {
    UnicodeRecord record = unicodeRecords[i];
    for (UnicodeString string :
         {record.lower, record.canonical, record.compatible})
      if (string.offset + string.count > characters.size())
        fail("has a mapping up to {}; needs {} or less",
             string.offset + string.count, characters.size());
  }
  for (uint32_t i = 0; i < characters.size(); ++i)
    if (characters[i] >= kCodePoints)
      fail("has character {:#x}", characters[i]);
  for (uint32_t i = 0; i < compositions.size(); ++i)
    if (compositions[i].composed >= kCodePoints)
      fail("has character {:#x}", compositions[i].composed);
}

Table::Table(const uint8_t *bytes, int64_t size) {
  if (size < int64_t(sizeof(TableHeader)))
    fail("has {} bytes; needs {} or more", size, sizeof(TableHeader));
  std::memcpy(&header, bytes, sizeof(TableHeader));
  if (header.magic != kTableMagic || header.version != kTableVersion)
    fail("has version {}; this runtime needs {}", header.version,
         kTableVersion);
  if (header.bytes > size)
    fail("has {} bytes; needs {}", size, header.bytes);
  if (header.model > uint32_t(ModelKind::Unigram))
    fail("has model {}", header.model);
  view<char>(bytes, header.strings, "bytes of text");
  strings = reinterpret_cast<const char *>(bytes) + header.strings.offset;
  entries = view<TableEntry>(bytes, header.entries, "tokens");
  entrySlots = view<uint32_t>(bytes, header.entrySlots, "places");
  merges = view<TableMerge>(bytes, header.merges, "merges");
  mergeSlots = view<uint32_t>(bytes, header.mergeSlots, "places");
  added = view<TableAdded>(bytes, header.added, "added tokens");
  prefix = view<TableFrame>(bytes, header.prefix, "tokens");
  suffix = view<TableFrame>(bytes, header.suffix, "tokens");
  pairPrefix = view<TableFrame>(bytes, header.pairPrefix, "tokens");
  pairMiddle = view<TableFrame>(bytes, header.pairMiddle, "tokens");
  pairSuffix = view<TableFrame>(bytes, header.pairSuffix, "tokens");
  normalizers = view<TableStep>(bytes, header.normalizers, "normalizers");
  preTokenizers =
      view<TableStep>(bytes, header.preTokenizers, "pre-tokenizers");
  decoders = view<TableStep>(bytes, header.decoders, "decoders");
  unicodeBlocks = view<uint16_t>(bytes, header.unicodeBlocks, "blocks");
  unicodeIndex = view<uint16_t>(bytes, header.unicodeIndex, "characters");
  unicodeRecords = view<UnicodeRecord>(bytes, header.unicodeRecords, "records");
  characters = view<uint32_t>(bytes, header.characters, "characters");
  compositions = view<UnicodePair>(bytes, header.compositions, "compositions");

  for (TableText place : {header.name, header.continuing, header.wordEnd})
    checkText(place, "text");
  for (uint32_t i = 0; i < added.size(); ++i) {
    checkText(added[i].text, "token");
    if (added[i].text.size == 0)
      fail("has an empty token {}", added[i].id);
  }
  for (const TableView<TableStep> *steps :
       {&normalizers, &preTokenizers, &decoders})
    for (uint32_t i = 0; i < steps->size(); ++i)
      for (TableText place : {(*steps)[i].first, (*steps)[i].second})
        checkText(place, "text");
  checkEntries();
  checkMerges();
  checkUnicode();
}

uint32_t Table::findEntry(std::string_view text, uint32_t hash) const {
  uint32_t mask = entrySlots.size() - 1;
  for (uint32_t place = hash & mask;; place = (place + 1) & mask) {
    uint32_t index = entrySlots[place];
    if (index == kNone || this->text(entries[index].text) == text)
      return index;
  }
}

uint32_t Table::findEntry(std::string_view text) const {
  uint32_t hash = kHashStart;
  for (char c : text)
    hash = hashByte(static_cast<uint8_t>(c), hash);
  return findEntry(text, hash);
}

uint32_t Table::findId(uint32_t id) const {
  uint32_t begin = 0, end = entries.size();
  while (begin < end) {
    uint32_t middle = begin + (end - begin) / 2;
    if (entries[middle].id < id)
      begin = middle + 1;
    else
      end = middle;
  }
  return begin < entries.size() && entries[begin].id == id ? begin : kNone;
}

uint32_t Table::findMerge(uint32_t left, uint32_t right) const {
  uint32_t mask = mergeSlots.size() - 1;
  for (uint32_t place = hashPair(left, right) & mask;;
       place = (place + 1) & mask) {
    uint32_t rank = mergeSlots[place];
    if (rank == kNone ||
        (merges[rank].left == left && merges[rank].right == right))
      return rank;
  }
}
