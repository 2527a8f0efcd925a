//===- ShortFloat.h - Floats of 16 and 19 bits ---------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TEST_EMULATOR_SHORTFLOAT_H
#define VITC_TEST_EMULATOR_SHORTFLOAT_H

#include <cstdint>
#include <cstring>

namespace vitc::emulator {

/// Rounds to nearest, ties to even; NaN is the canonical 0x7fff of PTX.
inline uint16_t toBF16(float value) {
  if (value != value)
    return 0x7fff;
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}
/// Rounds to the odd one of two neighbours, so that to round the result again
/// gives what rounding once would.
inline float toOddFloat(double value) {
  auto rounded = static_cast<float>(value);
  if (rounded == value || value != value)
    return rounded;
  uint32_t bits;
  std::memcpy(&bits, &rounded, sizeof(bits));
  if ((rounded > value) == (value > 0))
    --bits;
  bits |= 1;
  std::memcpy(&rounded, &bits, sizeof(bits));
  return rounded;
}
inline float fromBF16(uint16_t half) {
  uint32_t bits = uint32_t(half) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

inline uint16_t toF16(float value) {
  if (value != value)
    return 0x7fff;
  auto half = static_cast<_Float16>(value);
  uint16_t bits;
  std::memcpy(&bits, &half, sizeof(bits));
  return bits;
}
inline float fromF16(uint16_t half) {
  _Float16 value;
  std::memcpy(&value, &half, sizeof(value));
  return static_cast<float>(value);
}

/// What the tensor cores read of a tf32 operand: 13 bits are ignored.
inline float truncateToTF32(uint32_t bits) {
  bits &= ~uint32_t(0x1fff);
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}
/// Rounds to nearest, ties away from zero.
inline uint32_t toTF32(float value) {
  if (value != value)
    return 0x7fffffff;
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  bool isInfinite = (bits & 0x7fffffff) == 0x7f800000;
  return isInfinite ? bits : (bits + 0x1000) & ~uint32_t(0x1fff);
}

} // namespace vitc::emulator

#endif // VITC_TEST_EMULATOR_SHORTFLOAT_H
