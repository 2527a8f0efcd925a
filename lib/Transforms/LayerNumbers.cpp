//===- LayerNumbers.cpp - Which layers are asked for ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Transforms/LayerNumbers.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"

using namespace mlir;
using namespace vitc;

FailureOr<LayerNumbers> LayerNumbers::parse(StringRef text) {
  LayerNumbers numbers;
  numbers.all = text == "all";
  if (text == "all" || text == "none")
    return numbers;
  SmallVector<StringRef> parts;
  text.split(parts, ',');
  for (StringRef part : parts) {
    auto [begin, end] = part.split('-');
    uint32_t first, last;
    if (begin.getAsInteger(10, first) ||
        (part.contains('-') ? end.getAsInteger(10, last)
                            : begin.getAsInteger(10, last)) ||
        last < first)
      return failure();
    numbers.ranges.emplace_back(first, last);
  }
  return numbers;
}

bool LayerNumbers::contains(int64_t number) const {
  return all || llvm::any_of(ranges, [&](auto range) {
           return range.first <= number && number <= range.second;
         });
}

int64_t LayerNumbers::getLast() const {
  int64_t last = -1;
  for (auto [begin, end] : ranges)
    last = std::max(last, end);
  return last;
}
