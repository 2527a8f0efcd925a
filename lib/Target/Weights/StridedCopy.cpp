//===- StridedCopy.cpp - Copies between strided tensors -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "vitc/Target/StridedCopy.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ErrorHandling.h"

#include <cstring>
#include <optional>

using namespace vitc;
using llvm::ArrayRef;
using llvm::SmallVector;

namespace {
struct Dim {
  int64_t size, in, out;
};
} // namespace

/// Drops dims of one element and joins neighbours that one stride covers.
static SmallVector<Dim> simplify(ArrayRef<int64_t> shape, ArrayRef<int64_t> in,
                                 ArrayRef<int64_t> out) {
  SmallVector<Dim> dims;
  for (auto [size, inStride, outStride] : llvm::zip_equal(shape, in, out)) {
    if (size == 1)
      continue;
    if (!dims.empty() && dims.back().in == inStride * size &&
        dims.back().out == outStride * size)
      dims.back() = {dims.back().size * size, inStride, outStride};
    else
      dims.push_back({size, inStride, outStride});
  }
  return dims;
}

/// Calls body(in offset, out offset) for each index of `dims`, row-major.
template <typename Body>
static void forEach(ArrayRef<Dim> dims, Body body, int64_t in = 0,
                    int64_t out = 0) {
  if (dims.empty())
    return body(in, out);
  for (int64_t i = 0; i < dims[0].size; ++i)
    forEach(dims.drop_front(), body, in + i * dims[0].in,
            out + i * dims[0].out);
}

/// `rows` is dense in the output, `columns` in the input.
template <typename T>
static void transposeMatrix(const T *in, T *out, Dim rows, Dim columns) {
  // A cache line of floats each way.
  constexpr int64_t block = 16;
  for (int64_t col = 0; col < columns.size; col += block) {
    int64_t colEnd = std::min(columns.size, col + block);
    for (int64_t row = 0; row < rows.size; row += block) {
      int64_t rowEnd = std::min(rows.size, row + block);
      for (int64_t c = col; c < colEnd; ++c)
        for (int64_t r = row; r < rowEnd; ++r)
          out[c * columns.out + r] = in[r * rows.in + c];
    }
  }
}

template <typename T>
static void copy(const T *in, T *out, SmallVector<Dim> dims) {
  if (dims.empty()) {
    *out = *in;
    return;
  }
  auto *dense = llvm::find_if(dims, [](Dim d) { return d.in == 1; });
  auto *denseOut = llvm::find_if(dims, [](Dim d) { return d.out == 1; });
  if (dense != dims.end() && denseOut != dims.end() && dense != denseOut) {
    Dim columns = *dense, rows = *denseOut;
    dims.erase(std::max(dense, denseOut));
    dims.erase(std::min(dense, denseOut));
    return forEach(dims, [&](int64_t inAt, int64_t outAt) {
      transposeMatrix(in + inAt, out + outAt, rows, columns);
    });
  }
  Dim last = dims.pop_back_val();
  forEach(dims, [&](int64_t inAt, int64_t outAt) {
    if (last.in == 1 && last.out == 1)
      std::memcpy(out + outAt, in + inAt, last.size * sizeof(T));
    else
      for (int64_t i = 0; i < last.size; ++i)
        out[outAt + i * last.out] = in[inAt + i * last.in];
  });
}

SmallVector<int64_t> vitc::getRowMajorStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (int64_t i = shape.size() - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

void vitc::copyStrided(const char *in, ArrayRef<int64_t> inStrides, char *out,
                       ArrayRef<int64_t> outStrides, ArrayRef<int64_t> shape,
                       int64_t elementBytes) {
  if (llvm::is_contained(shape, 0))
    return;
  SmallVector<Dim> dims = simplify(shape, inStrides, outStrides);
  switch (elementBytes) {
  case 1:
    return copy(in, out, std::move(dims));
  case 2:
    return copy(reinterpret_cast<const uint16_t *>(in),
                reinterpret_cast<uint16_t *>(out), std::move(dims));
  case 4:
    return copy(reinterpret_cast<const uint32_t *>(in),
                reinterpret_cast<uint32_t *>(out), std::move(dims));
  case 8:
    return copy(reinterpret_cast<const uint64_t *>(in),
                reinterpret_cast<uint64_t *>(out), std::move(dims));
  }
  llvm_unreachable("elements have 1, 2, 4 or 8 bytes");
}

void vitc::transposeElements(const char *in, ArrayRef<int64_t> shape,
                             ArrayRef<int64_t> permutation, char *out,
                             int64_t elementBytes) {
  SmallVector<int64_t> strides = getRowMajorStrides(shape);
  SmallVector<int64_t> resultShape, inStrides;
  for (int64_t dim : permutation) {
    resultShape.push_back(shape[dim]);
    inStrides.push_back(strides[dim]);
  }
  copyStrided(in, inStrides, out, getRowMajorStrides(resultShape), resultShape,
              elementBytes);
}
