//===- Lanes.cpp - Many values of one scalar ------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lanes.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/ErrorHandling.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace vitc;

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

namespace {
/// Each gives the stored type, and converts it to a lane and back.
template <typename T> struct Float {
  using Stored = T;
  static double load(T value) { return value; }
  static T store(double value) { return T(value); }
};
struct BFloat {
  using Stored = uint16_t;
  static double load(uint16_t value) {
    return llvm::bit_cast<float>(uint32_t(value) << 16);
  }
  static uint16_t store(double value) {
    auto single = float(value);
    auto bits = llvm::bit_cast<uint32_t>(single);
    if (std::isnan(single))
      return bits >> 16 | 0x40;
    // Rounded to odd first, so that only the second rounding counts.
    if (double(single) != value) {
      bits -= std::abs(double(single)) > std::abs(value);
      bits |= 1;
    }
    return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  }
};
template <typename T> struct Integer {
  using Stored = T;
  static int64_t load(T value) { return value; }
  static T store(int64_t value) { return T(value); }
};
struct Bool {
  using Stored = uint8_t;
  static int64_t load(uint8_t value) { return -int64_t(value); }
  static uint8_t store(int64_t value) { return value & 1; }
};
} // namespace

/// Calls body(the struct above, the lanes' array) for `type`.
template <typename L, typename Body>
static void visit(Type type, L &lanes, Body body) {
  if (type.isF32())
    return body(Float<float>(), lanes.floats);
  if (type.isF64())
    return body(Float<double>(), lanes.floats);
  if (type.isF16())
    return body(Float<_Float16>(), lanes.floats);
  if (type.isBF16())
    return body(BFloat(), lanes.floats);
  if (type.isInteger(1))
    return body(Bool(), lanes.integers);
  if (type.isInteger(8))
    return body(Integer<int8_t>(), lanes.integers);
  if (type.isInteger(16))
    return body(Integer<int16_t>(), lanes.integers);
  if (type.isInteger(32))
    return body(Integer<int32_t>(), lanes.integers);
  if (type.isInteger(64) || type.isIndex())
    return body(Integer<int64_t>(), lanes.integers);
  llvm_unreachable("types are checked before");
}

void vitc::roundLanes(Type type, int64_t count, Lanes &lanes) {
  if (type.isF64() || type.isInteger(64) || type.isIndex())
    return;
  visit(type, lanes, [&](auto element, auto &values) {
    for (int64_t i = 0; i < count; ++i)
      values[i] = element.load(element.store(values[i]));
  });
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

void vitc::loadLanes(const ConstantTensor &tensor, int64_t begin, int64_t count,
                     Lanes &lanes) {
  visit(tensor.getElementType(), lanes, [&](auto element, auto &values) {
    using Stored = typename decltype(element)::Stored;
    auto *data = reinterpret_cast<const Stored *>(tensor.data()) + begin;
    values.resize(count);
    for (int64_t i = 0; i < count; ++i)
      values[i] = element.load(data[i]);
  });
}

void vitc::storeLanes(const Lanes &lanes, int64_t begin, int64_t count,
                      ConstantTensor &tensor) {
  visit(tensor.getElementType(), lanes, [&](auto element, auto &values) {
    using Stored = typename decltype(element)::Stored;
    auto *data = reinterpret_cast<Stored *>(tensor.data()) + begin;
    for (int64_t i = 0; i < count; ++i)
      data[i] = element.store(values[i]);
  });
}

void vitc::gatherLanes(const ConstantTensor &tensor, ArrayRef<int64_t> offsets,
                       Lanes &lanes) {
  visit(tensor.getElementType(), lanes, [&](auto element, auto &values) {
    using Stored = typename decltype(element)::Stored;
    auto *data = reinterpret_cast<const Stored *>(tensor.data());
    values.resize(offsets.size());
    for (size_t i = 0; i < offsets.size(); ++i)
      values[i] = element.load(data[offsets[i]]);
  });
}

void vitc::scatterLanes(const Lanes &lanes, ArrayRef<int64_t> offsets,
                        ConstantTensor &tensor) {
  visit(tensor.getElementType(), lanes, [&](auto element, auto &values) {
    using Stored = typename decltype(element)::Stored;
    auto *data = reinterpret_cast<Stored *>(tensor.data());
    for (size_t i = 0; i < offsets.size(); ++i)
      data[offsets[i]] = element.store(values[i]);
  });
}
