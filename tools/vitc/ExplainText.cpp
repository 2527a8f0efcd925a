//===- ExplainText.cpp - What vitc explain prints -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExplainReport.h"

#include "InspectTable.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace vitc;
using llvm::StringRef;
using Kernel = ExplainReport::Kernel;
using Cost = ExplainReport::Cost;

static constexpr auto kLeft = InspectTable::Align::Left;

//===----------------------------------------------------------------------===//
// Equal blocks
//===----------------------------------------------------------------------===//

/// Whether two kernels differ in nothing but their names and weights.
static bool isSame(const Kernel &lhs, const Kernel &rhs) {
  return lhs.function == rhs.function && lhs.launches == rhs.launches &&
         lhs.tiling == rhs.tiling && lhs.fused == rhs.fused &&
         lhs.cost == rhs.cost;
}

static bool isSame(const ExplainBlock &lhs, const ExplainBlock &rhs) {
  return !lhs.name.empty() && !rhs.name.empty() &&
         llvm::equal(
             lhs.kernels, rhs.kernels,
             [](const Kernel &a, const Kernel &b) { return isSame(a, b); });
}

/// How often the first `period` blocks follow each other.
static size_t countRepeats(llvm::ArrayRef<ExplainBlock> blocks, size_t period) {
  size_t end = period;
  while (end < blocks.size() && isSame(blocks[end], blocks[end - period]))
    ++end;
  return end / period;
}

namespace {
/// Blocks of which `count` follow each other, `period` apart.
struct Fold {
  size_t period = 1, count = 1;
};
} // namespace

/// Plain and shifted windows alternate: the longest run of one or of two
/// blocks.
static Fold findFold(llvm::ArrayRef<ExplainBlock> blocks) {
  for (size_t period : {1, 2})
    if (period < blocks.size())
      if (size_t count = countRepeats(blocks, period); count > 1)
        return {period, count};
  return {};
}

//===----------------------------------------------------------------------===//
// The table of kernels
//===----------------------------------------------------------------------===//

namespace {
class KernelTable {
public:
  explicit KernelTable(const Roofline &roofline)
      : roofline(roofline), table(getColumns(roofline)) {}

  void addTitle(std::string title) { table.addTitle(std::move(title)); }
  /// `folds`: equal blocks that follow each other are one.
  void addBlocks(llvm::ArrayRef<ExplainBlock> blocks, bool folds);
  void addTotal(std::string name, const Cost &total) {
    addRow(std::move(name), "", "", "", "", total);
  }
  void print(llvm::raw_ostream &os) const { table.print(os); }

private:
  static llvm::SmallVector<InspectTable::Column>
  getColumns(const Roofline &roofline);
  void addBlock(const ExplainBlock &block, const ExplainBlock &last,
                size_t count);
  void addRow(std::string layer, const Kernel &kernel);
  void addRow(std::string layer, std::string function, std::string tile,
              std::string reason, std::string fused,
              const std::optional<Cost> &cost);

  Roofline roofline;
  InspectTable table;
};
} // namespace

llvm::SmallVector<InspectTable::Column>
KernelTable::getColumns(const Roofline &roofline) {
  llvm::SmallVector<InspectTable::Column> columns = {
      {"layer", kLeft}, {"kernel", kLeft}, {"tile", kLeft}, {"estimate", kLeft},
      {"FLOPs"},        {"weights"},       {"read"},        {"written"},
      {"FLOPs/byte"}};
  if (roofline.isKnown())
    columns.push_back({"bound", kLeft});
  columns.push_back({"fused", kLeft});
  return columns;
}

void KernelTable::addRow(std::string layer, std::string function,
                         std::string tile, std::string reason,
                         std::string fused, const std::optional<Cost> &cost) {
  auto count = [&](int64_t Cost::*member) {
    return cost ? formatCount((*cost).*member) : "?";
  };
  std::vector<std::string> cells = {std::move(layer),    std::move(function),
                                    std::move(tile),     std::move(reason),
                                    count(&Cost::flops), count(&Cost::weights),
                                    count(&Cost::read),  count(&Cost::written)};
  cells.push_back(cost ? llvm::formatv("{0:f1}", cost->getIntensity()).str()
                       : "?");
  if (roofline.isKnown())
    cells.push_back(cost ? getBound(*cost, roofline).str() : "?");
  cells.push_back(std::move(fused));
  table.addRow(std::move(cells));
}

void KernelTable::addRow(std::string layer, const Kernel &kernel) {
  std::string function = kernel.function;
  if (!kernel.launches)
    function += " x?";
  else if (*kernel.launches != 1)
    function += llvm::formatv(" x{0}", *kernel.launches);
  addRow(std::move(layer), std::move(function), kernel.tile, kernel.reason,
         llvm::join(kernel.fused, ", "), kernel.cost);
}

void KernelTable::addBlocks(llvm::ArrayRef<ExplainBlock> blocks, bool folds) {
  while (!blocks.empty()) {
    Fold fold = folds ? findFold(blocks) : Fold();
    size_t last = fold.period * (fold.count - 1);
    for (size_t i = 0; i < fold.period; ++i)
      addBlock(blocks[i], blocks[last + i], fold.count);
    blocks = blocks.drop_front(fold.period * fold.count);
  }
}

void KernelTable::addBlock(const ExplainBlock &block, const ExplainBlock &last,
                           size_t count) {
  if (block.name.empty()) {
    for (const Kernel &kernel : block.kernels)
      addRow(kernel.getLayer().str(), kernel);
    return;
  }
  std::string title = block.name.str();
  if (count > 1)
    title = llvm::formatv("{0} ... {1} (x{2})", title, last.name, count);
  table.addTitle(std::move(title));
  for (const Kernel &kernel : block.kernels) {
    StringRef layer = kernel.getLayer();
    layer.consume_front(block.name);
    addRow(("  " + layer.ltrim("./")).str(), kernel);
  }
}

//===----------------------------------------------------------------------===//
// The page
//===----------------------------------------------------------------------===//

/// With -v: what each kernel computes, by the source's names.
static void printSources(llvm::raw_ostream &os,
                         llvm::ArrayRef<Kernel> kernels) {
  os << "\ncomputed together\n";
  for (const Kernel &kernel : kernels)
    if (kernel.sources.size() > 1)
      os << "  " << llvm::join(kernel.sources, " + ") << '\n';
}

void ExplainReport::print(llvm::raw_ostream &os, bool verbose,
                          const Roofline &roofline) const {
  os << llvm::formatv("{0,-12} {1}, {2}\n", "model", model, task);
  os << llvm::formatv("{0,-12} {1}, {2}, {3}\n", "target", isa, backend,
                      precision);
  os << llvm::formatv("{0,-12} {1} of {2} functions, for {3} image{4}\n",
                      "kernels", kernels.size(), countFunctions(), batch,
                      batch == 1 ? "" : "s");
  os << llvm::formatv("{0,-12} weights {1}B, arena ", "memory",
                      formatCount(weightBytes));
  if (arenaBase != 0 || arenaPerBatch == 0)
    os << formatCount(arenaBase) << 'B';
  if (arenaPerBatch != 0)
    os << (arenaBase != 0 ? " + " : "") << formatCount(arenaPerBatch)
       << "B an image";
  os << '\n';

  KernelTable table(roofline);
  std::vector<llvm::ArrayRef<Kernel>> entries = getEntries();
  for (llvm::ArrayRef<Kernel> entry : entries) {
    std::string name = "@" + entry.front().entry;
    if (entries.size() > 1)
      table.addTitle(name);
    table.addBlocks(cutBlocks(entry), /*folds=*/!verbose);
    table.addTotal(entries.size() > 1 ? "total of " + name : "total",
                   getTotalCost(entry));
  }
  table.print(os);

  if (verbose)
    printSources(os, kernels);
  if (!remarks.empty())
    os << "\nmissed\n";
  for (const Remark &remark : remarks)
    os << "  " << remark.layer << ": " << remark.text << '\n';
}
