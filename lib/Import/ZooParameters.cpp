//===- ZooParameters.cpp - The keys of a zoo name -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ZooParameters.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr double kMaxRatio = 64.0;

static bool parseInteger(StringRef value, int64_t max, int64_t &out) {
  return !value.getAsInteger(10, out) && out >= 1 && out <= max;
}

void ZooParameters::addInteger(StringRef key, int64_t max, int64_t &out) {
  add(key, "an integer from 1 to " + Twine(max),
      [max, &out](StringRef value) { return parseInteger(value, max, out); });
}

void ZooParameters::addSquare(StringRef key, int64_t max, int64_t &height,
                              int64_t &width) {
  add(key, "an integer from 1 to " + Twine(max),
      [max, &height, &width](StringRef value) {
        bool fits = parseInteger(value, max, height);
        width = height;
        return fits;
      });
}

void ZooParameters::addList(StringRef key, int64_t max,
                            SmallVectorImpl<int64_t> &out) {
  add(key, "integers from 1 to " + Twine(max) + ", one a stage, as in 2-2-6-2",
      [max, &out](StringRef value) {
        SmallVector<StringRef> items;
        value.split(items, '-');
        out.clear();
        for (StringRef item : items)
          if (!parseInteger(item, max, out.emplace_back()))
            return false;
        return true;
      });
}

void ZooParameters::addRatio(StringRef key, double &out) {
  add(key, "a ratio above 0 and up to 64", [&out](StringRef value) {
    return !value.getAsDouble(out) && out > 0.0 && out <= kMaxRatio;
  });
}

void ZooParameters::addFlag(StringRef key, bool &out) {
  add(key, "true or false", [&out](StringRef value) {
    out = value == "true";
    return out || value == "false";
  });
}

void ZooParameters::addChoice(StringRef key, ArrayRef<StringLiteral> choices,
                              size_t &out) {
  std::string needs =
      llvm::join(choices.drop_back(), ", ") + " or " + choices.back().str();
  add(key, needs, [choices, &out](StringRef value) {
    out = llvm::find(choices, value) - choices.begin();
    return out < choices.size();
  });
}

void ZooParameters::addSeed(uint64_t &out) {
  add("seed", "an integer of 64 bits",
      [&out](StringRef value) { return !value.getAsInteger(10, out); });
}

LogicalResult ZooParameters::parse(StringRef text) {
  SmallVector<StringRef> items;
  if (!text.empty())
    text.split(items, ',');
  for (StringRef item : items) {
    auto [key, value] = item.split('=');
    const Parameter *found =
        llvm::find_if(parameters, [key = key](const Parameter &parameter) {
          return parameter.key == key;
        });
    if (found == parameters.end())
      return emitError(loc)
             << "key '" << key << "' is not one of "
             << llvm::join(llvm::map_range(parameters,
                                           [](const Parameter &parameter) {
                                             return StringRef(parameter.key);
                                           }),
                           ", ");
    if (!found->store(value))
      return emitError(loc)
             << key << " = '" << value << "'; it needs " << found->needs;
  }
  return success();
}
