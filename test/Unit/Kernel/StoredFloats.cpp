//===- StoredFloats.cpp - Floats as memory has them -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StoredFloats.h"

#include "ShortFloat.h"
#include "llvm/ADT/STLExtras.h"
#include <cstring>

using namespace vitc::emulator;

float vitc::test::roundTo(llvm::StringRef type, float value) {
  if (type == "bf16")
    return fromBF16(toBF16(value));
  if (type == "f16")
    return fromF16(toF16(value));
  if (type == "tf32")
    return truncateToTF32(toTF32(value));
  return value;
}

bool vitc::test::isOf32Bits(llvm::StringRef type) {
  return type.ends_with("f32");
}

std::vector<char> vitc::test::getBytes(llvm::StringRef type,
                                       std::vector<float> &values) {
  std::vector<char> bytes(values.size() * (isOf32Bits(type) ? 4 : 2));
  for (auto [i, value] : llvm::enumerate(values)) {
    value = roundTo(type, value);
    if (isOf32Bits(type)) {
      std::memcpy(&bytes[4 * i], &value, 4);
      continue;
    }
    uint16_t half = type == "bf16" ? toBF16(value) : toF16(value);
    std::memcpy(&bytes[2 * i], &half, 2);
  }
  return bytes;
}

std::vector<float> vitc::test::getFloats(llvm::StringRef type,
                                         llvm::ArrayRef<char> bytes) {
  std::vector<float> values(bytes.size() / (isOf32Bits(type) ? 4 : 2));
  for (auto [i, value] : llvm::enumerate(values)) {
    if (isOf32Bits(type)) {
      std::memcpy(&value, &bytes[4 * i], 4);
      continue;
    }
    uint16_t half;
    std::memcpy(&half, &bytes[2 * i], 2);
    value = type == "bf16" ? fromBF16(half) : fromF16(half);
  }
  return values;
}
