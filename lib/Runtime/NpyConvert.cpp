//===- NpyConvert.cpp - Lossless conversion of elements -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Npy.h"

#include "Status.h"
#include "Tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace vitc::rt;

static float floatFromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

static float halfToFloat(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000) << 16;
  uint32_t exponent = bits >> 10 & 0x1F, fraction = bits & 0x3FF;
  if (exponent == 0) // zero or denormal: fraction * 2^-24
    return std::copysign(std::ldexp(static_cast<float>(fraction), -24),
                         sign ? -1.0f : 1.0f);
  // The bias is 15 here and 127 there; infinities and NaNs stay what they are.
  exponent = exponent == 0x1F ? 0xFF : exponent + 127 - 15;
  return floatFromBits(sign | exponent << 23 | fraction << 13);
}

template <typename T> static T load(const uint8_t *bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

/// Calls visit(value) for each element, as an integer or a double that equals
/// it.
template <typename Visitor>
static void visitElements(const NpyArray &array, Visitor visit) {
  int64_t size = dtypeBytes(array.dtype);
  for (size_t i = 0; i < array.bytes.size(); i += size) {
    const uint8_t *bytes = array.bytes.data() + i;
    switch (array.dtype) {
    case VITC_F32:
      visit(double(load<float>(bytes)));
      break;
    case VITC_F64:
      visit(load<double>(bytes));
      break;
    case VITC_F16:
      visit(double(halfToFloat(load<uint16_t>(bytes))));
      break;
    case VITC_BF16:
      visit(double(floatFromBits(uint32_t(load<uint16_t>(bytes)) << 16)));
      break;
    case VITC_I8:
      visit(load<int8_t>(bytes));
      break;
    case VITC_U8:
    case VITC_BOOL:
      visit(load<uint8_t>(bytes));
      break;
    case VITC_I16:
      visit(load<int16_t>(bytes));
      break;
    case VITC_U16:
      visit(load<uint16_t>(bytes));
      break;
    case VITC_I32:
      visit(load<int32_t>(bytes));
      break;
    case VITC_U32:
      visit(load<uint32_t>(bytes));
      break;
    case VITC_I64:
      visit(load<int64_t>(bytes));
      break;
    case VITC_U64:
      visit(load<uint64_t>(bytes));
      break;
    }
  }
}

/// The types whose every value each of the four targets holds exactly.
static bool isLossless(vitc_dtype_t from, vitc_dtype_t to) {
  bool isByte = from == VITC_I8 || from == VITC_U8 || from == VITC_BOOL;
  bool upTo16 = isByte || from == VITC_I16 || from == VITC_U16;
  bool upTo32 = upTo16 || from == VITC_I32 || from == VITC_U32;
  bool isHalf = from == VITC_F16 || from == VITC_BF16;
  switch (to) {
  case VITC_I32:
    return upTo16;
  case VITC_I64:
    return upTo32;
  case VITC_F32:
    return upTo16 || isHalf;
  case VITC_F64:
    return upTo32 || isHalf || from == VITC_F32;
  default:
    return false;
  }
}

template <typename T> static void convertTo(NpyArray &array) {
  size_t count = array.bytes.size() / dtypeBytes(array.dtype), i = 0;
  std::vector<uint8_t> bytes(count * sizeof(T));
  visitElements(array, [&](auto value) {
    T converted = static_cast<T>(value);
    std::memcpy(bytes.data() + i++ * sizeof(T), &converted, sizeof(T));
  });
  array.bytes = std::move(bytes);
}

NpyArray vitc::rt::makeArray(const TensorDescriptor &tensor, int64_t batch) {
  NpyArray array;
  array.dtype = static_cast<vitc_dtype_t>(tensor.dtype);
  array.dims.assign(tensor.dims, tensor.dims + tensor.rank);
  std::replace(array.dims.begin(), array.dims.end(), int64_t(-1), batch);
  array.bytes.resize(countElements(tensor.dims, tensor.rank, batch) *
                     dtypeBytes(tensor.dtype));
  return array;
}

NpyArray vitc::rt::convertNpy(NpyArray array, vitc_dtype_t dtype,
                              const std::string &name) {
  if (array.dtype == dtype)
    return array;
  if (!isLossless(array.dtype, dtype))
    throw Failure(VITC_INVALID_ARGUMENT,
                  "{}: elements are {}; needs {}, or a type that converts to "
                  "it without loss",
                  name, formatDtype(array.dtype), formatDtype(dtype));
  switch (dtype) {
  case VITC_I32:
    convertTo<int32_t>(array);
    break;
  case VITC_I64:
    convertTo<int64_t>(array);
    break;
  case VITC_F32:
    convertTo<float>(array);
    break;
  default:
    convertTo<double>(array);
    break;
  }
  array.dtype = dtype;
  return array;
}

vitc_status_t vitc::rt::loadNpy(const std::string &path, vitc_dtype_t dtype,
                                NpyArray &array, vitc_error_t *error) {
  return guard(error, [&] { array = convertNpy(readNpy(path), dtype, path); });
}
