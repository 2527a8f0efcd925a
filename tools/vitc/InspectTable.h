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

  /// Takes a cell for each column.
  void addRow(std::vector<std::string> cells);
  bool empty() const { return rows.empty(); }
  /// Writes an empty line, the titles and the rows.
  void print(llvm::raw_ostream &os) const;

private:
  llvm::SmallVector<Column> columns;
  llvm::SmallVector<size_t> widths;
  std::vector<std::vector<std::string>> rows;
};

} // namespace vitc

#endif // VITC_TOOLS_VITC_INSPECTTABLE_H
