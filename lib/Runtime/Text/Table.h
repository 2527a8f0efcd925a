//===- Table.h - Checked view of a tokenizer table --------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_RUNTIME_TEXT_TABLE_H
#define VITC_LIB_RUNTIME_TEXT_TABLE_H

#include "vitc/Runtime/TokenizerTable.h"

#include <cstddef>
#include <cstring>
#include <string_view>

namespace vitc::rt {

/// An array of the table; its records have no alignment.
template <typename T> class TableView {
public:
  TableView() = default;
  TableView(const uint8_t *first, uint32_t count)
      : first(first), count(count) {}

  uint32_t size() const { return count; }
  T operator[](uint32_t index) const {
    T record;
    std::memcpy(&record, first + size_t(index) * sizeof(T), sizeof(T));
    return record;
  }

private:
  const uint8_t *first = nullptr;
  uint32_t count = 0;
};

/// A table of which everything has been checked that its readers rely on: all
/// texts and arrays lie in it, and all indices are of records that there are.
struct Table {
  /// Keeps pointers into `bytes`. Throws Failure.
  Table(const uint8_t *bytes, int64_t size);

  std::string_view text(TableText place) const {
    return {strings + place.offset, place.size};
  }
  /// The entry of `text`, or kNone.
  uint32_t findEntry(std::string_view text) const;
  /// The same with the hash of the text at hand.
  uint32_t findEntry(std::string_view text, uint32_t hash) const;
  /// The entry with the number `id`, or kNone.
  uint32_t findId(uint32_t id) const;
  /// The rank of the merge of two entries, or kNone.
  uint32_t findMerge(uint32_t left, uint32_t right) const;

  bool has(ModelFlag flag) const { return header.flags & flag; }

  TableHeader header;
  TableView<TableEntry> entries;
  TableView<TableMerge> merges;
  TableView<TableAdded> added;
  TableView<TableFrame> prefix, suffix, pairPrefix, pairMiddle, pairSuffix;
  TableView<TableStep> normalizers, preTokenizers, decoders;
  TableView<uint16_t> unicodeBlocks, unicodeIndex;
  TableView<UnicodeRecord> unicodeRecords;
  TableView<uint32_t> characters;
  TableView<UnicodePair> compositions;
  uint32_t maxEntryBytes = 0; // of the longest usable entry

private:
  template <typename T>
  TableView<T> view(const uint8_t *bytes, TableArray array, const char *what);
  void checkText(TableText place, const char *what) const;
  void checkEntries();
  void checkMerges() const;
  void checkUnicode() const;

  const char *strings = nullptr;
  TableView<uint32_t> entrySlots, mergeSlots;
};

} // namespace vitc::rt

#endif // VITC_LIB_RUNTIME_TEXT_TABLE_H
