//===- InspectTable.cpp - Columns of text ---------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InspectTable.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatAdapters.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace vitc;

/// Exporters' names have no end; both of theirs tell them apart.
static constexpr size_t kMaxCell = 56;

/// A long cell without its middle.
static std::string shorten(std::string cell) {
  if (cell.size() <= kMaxCell)
    return cell;
  constexpr llvm::StringLiteral gap("...");
  size_t head = (kMaxCell - gap.size()) / 2;
  size_t tail = kMaxCell - gap.size() - head;
  return cell.substr(0, head) + gap.str() + cell.substr(cell.size() - tail);
}

InspectTable::InspectTable(llvm::ArrayRef<Column> columns) : columns(columns) {
  for (const Column &column : columns)
    widths.push_back(column.title.size());
}

void InspectTable::addRow(std::vector<std::string> cells) {
  for (size_t i = 0; i < columns.size(); ++i) {
    if (i + 1 < columns.size())
      cells[i] = shorten(std::move(cells[i]));
    widths[i] = std::max(widths[i], cells[i].size());
  }
  rows.push_back(std::move(cells));
}

void InspectTable::addTitle(std::string title) {
  rows.push_back({std::move(title)});
}

void InspectTable::print(llvm::raw_ostream &os) const {
  auto printRow = [&](auto getCell) {
    std::string line;
    for (size_t i = 0; i < columns.size(); ++i) {
      auto style = columns[i].align == Align::Left ? llvm::AlignStyle::Left
                                                   : llvm::AlignStyle::Right;
      line += i ? "  " : "";
      line +=
          llvm::formatv("{0}", llvm::fmt_align(getCell(i), style, widths[i]));
    }
    os << llvm::StringRef(line).rtrim() << '\n';
  };
  os << '\n';
  printRow([&](size_t i) { return columns[i].title; });
  for (const std::vector<std::string> &row : rows)
    printRow([&](size_t i) {
      return i < row.size() ? llvm::StringRef(row[i]) : llvm::StringRef();
    });
}

std::string vitc::formatCount(int64_t count) {
  static constexpr std::pair<double, const char *> kUnits[] = {
      {1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
  for (auto [factor, unit] : kUnits)
    if (double(count) >= factor)
      return llvm::formatv("{0:f3} {1}", double(count) / factor, unit);
  return std::to_string(count);
}
