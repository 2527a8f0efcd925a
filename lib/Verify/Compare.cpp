//===- Compare.cpp - Values against their reference -----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compare.h"

#include "vitc/Target/StridedCopy.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace vitc;

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

double Comparison::getRelativeError() const {
  return largestReference == 0 ? largestError : largestError / largestReference;
}

/// |found - expected|; 0 for the same NaN or infinity.
static double getError(double found, double expected) {
  if (found == expected || (std::isnan(found) && std::isnan(expected)))
    return 0;
  double error = std::fabs(found - expected);
  return std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
}

static SmallVector<int64_t> delinearize(int64_t number,
                                        ArrayRef<int64_t> shape) {
  SmallVector<int64_t> index(shape.size());
  for (size_t dim = shape.size(); dim-- > 0;) {
    index[dim] = number % shape[dim];
    number /= shape[dim];
  }
  return index;
}

/// From a value of a float type to the next.
static double getUnitInLastPlace(FloatType type, double value) {
  if (!std::isfinite(value))
    return 0;
  const llvm::fltSemantics &semantics = type.getFloatSemantics();
  int exponent = llvm::APFloat::semanticsMinExponent(semantics);
  if (value != 0)
    exponent = std::max(exponent, std::ilogb(value));
  int digits = llvm::APFloat::semanticsPrecision(semantics);
  return std::ldexp(1.0, exponent - digits + 1);
}

Comparison vitc::compare(const HostTensor &tensor, const HostTensor &reference,
                         double tolerance) {
  int64_t count = reference.getNumElements();
  auto expectedAt = [&](int64_t i) {
    return readElement(reference.element,
                       reference.bytes.data() +
                           i * getTensorElementBytes(reference.element));
  };
  auto foundAt = [&](int64_t i) {
    return readElement(tensor.element,
                       tensor.bytes.data() +
                           i * getTensorElementBytes(tensor.element));
  };
  Comparison result;
  for (int64_t i = 0; i < count; ++i)
    if (double expected = expectedAt(i); std::isfinite(expected))
      result.largestReference =
          std::max(result.largestReference, std::fabs(expected));
  double scale = result.largestReference == 0 ? 1 : result.largestReference;
  // Rounding to 16 bits may go either way where an exact value lies halfway.
  auto type = dyn_cast<FloatType>(tensor.element);
  result.allowsUnit = type && type.getWidth() == 16 && tolerance > 0;
  for (int64_t i = 0; i < count; ++i) {
    double found = foundAt(i), expected = expectedAt(i);
    double error = getError(found, expected);
    result.largestError = std::max(result.largestError, error);
    double allowed = tolerance * scale;
    if (result.allowsUnit)
      allowed = std::max(allowed, getUnitInLastPlace(type, expected));
    if (result.agrees && error > allowed) {
      result.agrees = false;
      result.index = delinearize(i, tensor.shape);
      result.found = found;
      result.expected = expected;
    }
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Alignment
//===----------------------------------------------------------------------===//

/// Tokens [begin, begin + extents[axis]) of a tensor.
static HostTensor takeTokens(const HostTensor &tensor, unsigned axis,
                             int64_t begin, int64_t count) {
  HostTensor result{tensor.element, tensor.shape, {}};
  result.shape[axis] = count;
  int64_t bytes = getTensorElementBytes(tensor.element);
  result.bytes.resize(result.getNumElements() * bytes);
  SmallVector<int64_t> strides = getRowMajorStrides(tensor.shape);
  copyStrided(tensor.bytes.data() + begin * strides[axis] * bytes, strides,
              result.bytes.data(), getRowMajorStrides(result.shape),
              result.shape, bytes);
  return result;
}

/// [B, C, ...] as [B, ..., C].
static HostTensor moveChannelsLast(const HostTensor &tensor) {
  SmallVector<int64_t> permutation = {0};
  for (size_t dim = 2; dim < tensor.shape.size(); ++dim)
    permutation.push_back(dim);
  permutation.push_back(1);
  HostTensor result{tensor.element, {}, {}};
  for (int64_t dim : permutation)
    result.shape.push_back(tensor.shape[dim]);
  result.bytes.resize(tensor.bytes.size());
  transposeElements(tensor.bytes.data(), tensor.shape, permutation,
                    result.bytes.data(), getTensorElementBytes(tensor.element));
  return result;
}

/// Whether a shape is `extents` when dims side by side are put together.
static bool collapsesTo(ArrayRef<int64_t> shape, ArrayRef<int64_t> extents) {
  for (int64_t extent : extents) {
    int64_t size = 1;
    while (size < extent && !shape.empty()) {
      size *= shape.front();
      shape = shape.drop_front();
    }
    if (size != extent)
      return false;
  }
  return llvm::all_of(shape, [](int64_t size) { return size == 1; });
}

SmallVector<HostTensor> vitc::alignReference(const HostTensor &reference,
                                             ArrayRef<int64_t> extents) {
  SmallVector<HostTensor> aligned;
  // Rows may be collapsed or split; channels stay together.
  bool isSplit = !reference.shape.empty() &&
                 reference.shape.back() == extents.back() &&
                 collapsesTo(extents, reference.shape);
  if (isSplit || collapsesTo(reference.shape, extents))
    aligned.push_back(reference);
  if (reference.shape.size() > 2 && reference.shape[1] == extents.back())
    if (HostTensor moved = moveChannelsLast(reference);
        collapsesTo(moved.shape, extents))
      aligned.push_back(std::move(moved));
  for (HostTensor &tensor : aligned)
    tensor.shape.assign(extents.begin(), extents.end());
  return aligned;
}

SmallVector<HostTensor> vitc::alignTokens(const HostTensor &reference,
                                          ArrayRef<int64_t> extents) {
  SmallVector<int64_t> narrowed(reference.shape);
  if (narrowed.size() < 3 || narrowed.size() != extents.size())
    return {};
  unsigned axis = narrowed.size() - 2;
  int64_t dropped = narrowed[axis] - extents[axis];
  narrowed[axis] = extents[axis];
  if (dropped <= 0 || ArrayRef<int64_t>(narrowed) != extents)
    return {};
  return {takeTokens(reference, axis, 0, extents[axis]),
          takeTokens(reference, axis, dropped, extents[axis])};
}

std::optional<HostTensor>
vitc::concatLastDim(ArrayRef<const HostTensor *> parts) {
  HostTensor result{parts.front()->element, parts.front()->shape, {}};
  result.shape.back() = 0;
  for (const HostTensor *part : parts) {
    if (part->element != result.element ||
        ArrayRef(part->shape).drop_back() != ArrayRef(result.shape).drop_back())
      return std::nullopt;
    result.shape.back() += part->shape.back();
  }
  int64_t bytes = getTensorElementBytes(result.element);
  result.bytes.resize(result.getNumElements() * bytes);
  SmallVector<int64_t> strides = getRowMajorStrides(result.shape);
  char *out = result.bytes.data();
  for (const HostTensor *part : parts) {
    copyStrided(part->bytes.data(), getRowMajorStrides(part->shape), out,
                strides, part->shape, bytes);
    out += part->shape.back() * bytes;
  }
  return result;
}
