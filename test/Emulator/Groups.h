//===- Groups.h - What runs until it is waited for ------------ -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_EMULATOR_GROUPS_H
#define VITC_TEST_EMULATOR_GROUPS_H

#include <cstddef>
#include <vector>

namespace vitc::emulator {

/// What a thread has started, in groups, the oldest first; the last is not
/// committed yet.
template <typename T> class Groups {
public:
  void clear() {
    items.clear();
    ends.clear();
    firstItem = firstEnd = 0;
  }
  void add(T item) { items.push_back(std::move(item)); }
  void commit() { ends.push_back(items.size()); }

  /// Whether nothing is under way, committed or not.
  bool isEmpty() const { return firstItem == items.size(); }
  size_t getNumCommitted() const { return ends.size() - firstEnd; }

  /// Takes out the oldest committed group.
  template <typename Visit> void finishOldest(Visit visit) {
    finishUntil(ends[firstEnd], visit);
    if (++firstEnd == ends.size() && isEmpty())
      clear();
  }
  template <typename Visit> void finishAll(Visit visit) {
    finishUntil(items.size(), visit);
    clear();
  }

private:
  template <typename Visit> void finishUntil(size_t end, Visit visit) {
    for (; firstItem < end; ++firstItem)
      visit(items[firstItem]);
  }

  std::vector<T> items;
  std::vector<size_t> ends; ///< Of the committed ones, among the items.
  size_t firstItem = 0, firstEnd = 0;
};

} // namespace vitc::emulator

#endif // VITC_TEST_EMULATOR_GROUPS_H
