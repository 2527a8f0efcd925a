//===- Convert.cpp - Elements of f32 from and to what is stored
//------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Convert.h"

#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>

using namespace vitc;

static_assert(llvm::endianness::native == llvm::endianness::little,
              "weights are read as stored, little-endian");

/// Exact: every f16 is an f32, NaN payloads shifted along.
static float halfToFloat(uint16_t half) {
  uint32_t sign = uint32_t(half & 0x8000) << 16;
  uint32_t exponent = (half >> 10) & 0x1f;
  uint32_t mantissa = half & 0x3ff;
  if (exponent == 0) // zero or subnormal: mantissa * 2^-24
    return llvm::bit_cast<float>(
        llvm::bit_cast<uint32_t>(float(mantissa) * 0x1p-24f) | sign);
  uint32_t wide = exponent == 31 ? 255 : exponent + (127 - 15);
  return llvm::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

static float bfloatToFloat(uint16_t bfloat) {
  return llvm::bit_cast<float>(uint32_t(bfloat) << 16);
}

template <typename Stored, typename Convert>
static void convertEach(const char *data, int64_t count, float *out,
                        Convert convert) {
  for (int64_t i = 0; i < count; ++i) {
    Stored stored;
    std::memcpy(&stored, data + i * sizeof(Stored), sizeof(Stored));
    out[i] = convert(stored);
  }
}

void vitc::convertToFloat(const char *data, mlir::Type elementType,
                          int64_t count, float *out) {
  if (elementType.isF32() || elementType.isTF32())
    std::memcpy(out, data, count * sizeof(float));
  else if (elementType.isF16())
    convertEach<uint16_t>(data, count, out, halfToFloat);
  else if (elementType.isBF16())
    convertEach<uint16_t>(data, count, out, bfloatToFloat);
  else
    convertEach<double>(data, count, out, [](double d) { return float(d); });
}

/// `value` without its last `bits` bits, rounded to the nearest, ties to even.
static uint32_t shiftRounded(uint32_t value, uint32_t bits) {
  uint32_t half = 1u << (bits - 1);
  uint32_t odd = (value >> bits) & 1;
  return (value + half - 1 + odd) >> bits;
}

static uint16_t floatToHalf(float value) {
  auto bits = llvm::bit_cast<uint32_t>(value);
  uint32_t sign = (bits >> 16) & 0x8000;
  uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) // NaN, quiet
    return sign | 0x7e00 | (magnitude >> 13 & 0x3ff);
  // The exponent's bias changes from 127 to 15; a mantissa that is rounded up
  // to the next power of two carries into it, and at last into infinity.
  if (magnitude >= 0x38800000) // 2^-14, the smallest normal
    return sign | std::min(shiftRounded(magnitude - (112u << 23), 13), 0x7c00u);
  // Subnormal: the mantissa in units of 2^-24.
  uint32_t shift = 126 - (magnitude >> 23);
  if (shift > 24)
    return sign;
  return sign | shiftRounded((magnitude & 0x7fffff) | 0x800000, shift);
}

static uint16_t floatToBfloat(float value) {
  auto bits = llvm::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000) // NaN, quiet
    return bits >> 16 | 0x40;
  return shiftRounded(bits, 16);
}

static uint32_t floatToTF32(float value) {
  constexpr uint32_t kDropped = 0x1fff;
  auto bits = llvm::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000) // NaN, quiet
    return (bits | 0x400000) & ~kDropped;
  return (bits + (kDropped + 1) / 2) & ~kDropped;
}

template <typename Convert>
static void storeEach(const float *values, int64_t count, char *out,
                      Convert convert) {
  for (int64_t i = 0; i < count; ++i) {
    auto stored = convert(values[i]);
    std::memcpy(out + i * sizeof(stored), &stored, sizeof(stored));
  }
}

void vitc::convertFromFloat(const float *values, mlir::Type elementType,
                            int64_t count, char *out) {
  if (elementType.isF16())
    storeEach(values, count, out, floatToHalf);
  else if (elementType.isTF32())
    storeEach(values, count, out, floatToTF32);
  else
    storeEach(values, count, out, floatToBfloat);
}

/// The finaliser of Steele et al. 2014.
static uint64_t splitmix64(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

void vitc::generateUniform(uint64_t seed, float mean, float scale,
                           int64_t begin, int64_t count, float *out) {
  // One rounding for the product and one for the sum, on every machine.
#pragma clang fp contract(off)
  for (int64_t i = 0; i < count; ++i) {
    uint64_t bits = splitmix64(seed + uint64_t(begin + i) * 0x9E3779B97F4A7C15);
    float u = float(bits >> 40) * 0x1p-24f;
    float spread = scale * (2.0f * u - 1.0f);
    out[i] = mean + spread;
  }
}

namespace {
using Float4 = float __attribute__((vector_size(16)));
} // namespace

static Float4 load4(const float *data) {
  Float4 v;
  std::memcpy(&v, data, sizeof(v));
  return v;
}

static void store4(Float4 v, float *data) { std::memcpy(data, &v, sizeof(v)); }

static void transpose4x4(const float *in, int64_t inStride, float *out,
                         int64_t outStride) {
  Float4 a = load4(in), b = load4(in + inStride);
  Float4 c = load4(in + 2 * inStride), d = load4(in + 3 * inStride);
  Float4 ab0 = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  Float4 ab1 = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  Float4 cd0 = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  Float4 cd1 = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  store4(__builtin_shufflevector(ab0, cd0, 0, 1, 4, 5), out);
  store4(__builtin_shufflevector(ab0, cd0, 2, 3, 6, 7), out + outStride);
  store4(__builtin_shufflevector(ab1, cd1, 0, 1, 4, 5), out + 2 * outStride);
  store4(__builtin_shufflevector(ab1, cd1, 2, 3, 6, 7), out + 3 * outStride);
}

void vitc::transpose(const float *in, int64_t rows, int64_t cols,
                     int64_t stride, float *out) {
  // Blocks of one cache line each way.
  constexpr int64_t block = 16;
  for (int64_t col = 0; col < cols; col += block)
    for (int64_t row = 0; row < rows; row += block)
      for (int64_t c = col; c < std::min(cols, col + block); c += 4)
        for (int64_t r = row; r < std::min(rows, row + block); r += 4)
          transpose4x4(in + r * stride + c, stride, out + c * rows + r, rows);
}
