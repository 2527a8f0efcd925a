//===- Tensor.cpp - Types and shapes of a model's tensors -----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tensor.h"

#include "Status.h"

#include <algorithm>
#include <cstring>

using namespace vitc::rt;

namespace {
struct DtypeInfo {
  const char *name;
  int64_t bytes;
};
} // namespace

/// Indexed by vitc_dtype_t.
static constexpr DtypeInfo kDtypes[] = {
    {"f32", 4}, {"f64", 8}, {"f16", 2}, {"bf16", 2}, {"i8", 1},
    {"u8", 1},  {"i16", 2}, {"u16", 2}, {"i32", 4},  {"u32", 4},
    {"i64", 8}, {"u64", 8}, {"bool", 1}};
static_assert(std::size(kDtypes) == VITC_BOOL + 1, "one row for each type");

static bool isDtype(int32_t dtype) {
  return dtype >= 0 && dtype < static_cast<int32_t>(std::size(kDtypes));
}

std::string vitc::rt::formatDtype(int32_t dtype) {
  return isDtype(dtype) ? kDtypes[dtype].name : fmt::format("type {}", dtype);
}

int64_t vitc::rt::dtypeBytes(int32_t dtype) {
  return isDtype(dtype) ? kDtypes[dtype].bytes : 0;
}

std::string vitc::rt::formatShape(const int64_t *dims, int32_t rank) {
  std::string shape = "[";
  for (int32_t i = 0; i < rank; ++i) {
    shape += i ? ", " : "";
    shape += dims[i] == -1 ? "batch" : std::to_string(dims[i]);
  }
  return shape + "]";
}

int64_t vitc::rt::countElements(const int64_t *dims, int32_t rank,
                                int64_t batch) {
  int64_t count = 1;
  for (int32_t i = 0; i < rank; ++i)
    if (__builtin_mul_overflow(count, dims[i] == -1 ? batch : dims[i], &count))
      throw Failure(VITC_INVALID_ARGUMENT,
                    "shape {} has more elements than memory can hold",
                    formatShape(dims, rank));
  return count;
}

static bool shapesAgree(const TensorDescriptor &expected,
                        const vitc_tensor_t &tensor) {
  return tensor.rank == expected.rank &&
         std::equal(expected.dims, expected.dims + expected.rank, tensor.dims,
                    [](int64_t needed, int64_t found) {
                      return needed == -1 ? found >= 1 : needed == found;
                    });
}

static void checkBatch(const char *role, const TensorDescriptor &expected,
                       const vitc_tensor_t &tensor, BatchCheck &check) {
  for (int32_t i = 0; i < expected.rank; ++i) {
    if (expected.dims[i] != -1)
      continue;
    int64_t batch = tensor.dims[i];
    if (batch > check.maxBatch)
      throw Failure(VITC_INVALID_ARGUMENT,
                    "{} '{}' has batch {}; the session was created for at most "
                    "{}",
                    role, expected.name, batch, check.maxBatch);
    if (check.batch == 0) {
      check.batch = batch;
      check.tensor = expected.name;
    } else if (check.batch != batch) {
      throw Failure(VITC_INVALID_ARGUMENT,
                    "{} '{}' has batch {}; '{}' has {}, and all must agree",
                    role, expected.name, batch, check.tensor, check.batch);
    }
  }
}

/// A C caller may leave any number in the enumeration; reading it as one would
/// be undefined.
static int32_t readDtype(const vitc_tensor_t &tensor) {
  int32_t dtype;
  static_assert(sizeof(dtype) == sizeof(tensor.dtype), "the enum is an int");
  std::memcpy(&dtype, &tensor.dtype, sizeof(dtype));
  return dtype;
}

void vitc::rt::checkTensor(const char *role, const TensorDescriptor &expected,
                           const vitc_tensor_t &tensor, BatchCheck &check) {
  if (int32_t dtype = readDtype(tensor); dtype != expected.dtype)
    throw Failure(VITC_INVALID_ARGUMENT, "{} '{}' is {}; needs {}", role,
                  expected.name, formatDtype(dtype),
                  formatDtype(expected.dtype));
  if (tensor.rank < 0 || tensor.rank > VITC_MAX_RANK)
    throw Failure(VITC_INVALID_ARGUMENT, "{} '{}' has rank {}; needs rank {}",
                  role, expected.name, tensor.rank, expected.rank);
  if (!shapesAgree(expected, tensor))
    throw Failure(VITC_INVALID_ARGUMENT, "{} '{}' has shape {}; needs {}", role,
                  expected.name, formatShape(tensor.dims, tensor.rank),
                  formatShape(expected.dims, expected.rank));
  checkBatch(role, expected, tensor, check);
  int64_t count = countElements(tensor.dims, tensor.rank, check.batch);
  if (!tensor.data && count > 0)
    throw Failure(VITC_INVALID_ARGUMENT,
                  "{} '{}' has data NULL; needs {} elements", role,
                  expected.name, count);
  int64_t alignment = dtypeBytes(expected.dtype);
  if (reinterpret_cast<uintptr_t>(tensor.data) % alignment)
    throw Failure(VITC_INVALID_ARGUMENT,
                  "{} '{}' lies at {}; needs an address that is a multiple of "
                  "{}",
                  role, expected.name, fmt::ptr(tensor.data), alignment);
}

vitc_tensor_info_t vitc::rt::makeTensorInfo(const TensorDescriptor &tensor) {
  vitc_tensor_info_t info = {};
  info.name = tensor.name;
  info.dtype = static_cast<vitc_dtype_t>(tensor.dtype);
  info.rank = tensor.rank;
  std::copy(tensor.dims, tensor.dims + tensor.rank, info.dims);
  return info;
}
