//===- InspectTable.h - Columns of text ----------------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TOOLS_VITC_INSPECTTABLE_H
#define VITC_TOOLS_VITC_INSPECTTABLE_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <string>
#include <vector>

namespace vitc {

/// A table whose columns are as wide as what they hold: words to the left,
/// numbers to the right.
class InspectTable {
public:
  enum class Align { Left, Right };
  struct Column {
    llvm::StringRef title;
    Align align = Align::Right;
  };

  explicit InspectTable(llvm::ArrayRef<Column> columns);

  /// Takes a cell for each column. Long ones lose their middle, but for the
  /// last.
  void addRow(std::vector<std::string> cells);
  /// A line of its own, over the rows that follow.
  void addTitle(std::string title);
  bool empty() const { return rows.empty(); }
  /// Writes an empty line, the titles and the rows.
  void print(llvm::raw_ostream &os) const;

private:
  llvm::SmallVector<Column> columns;
  llvm::SmallVector<size_t> widths;
  std::vector<std::vector<std::string>> rows;
};

/// 4494000000 as "4.494 G".
std::string formatCount(int64_t count);

} // namespace vitc

#endif // VITC_TOOLS_VITC_INSPECTTABLE_H
