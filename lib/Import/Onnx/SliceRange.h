//===- SliceRange.h - The positions that a slice takes ---------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_SLICERANGE_H
#define VITC_LIB_IMPORT_ONNX_SLICERANGE_H

#include <algorithm>
#include <cstdint>

namespace vitc::onnx {

/// Positions begin, begin + step, ..., `count` of them.
struct SliceRange {
  int64_t begin, step, count;
};

/// The operator's rules: a negative bound counts from the end, and bounds are
/// clamped; a start, unlike in numpy, to a position that exists.
inline SliceRange getSliceRange(int64_t start, int64_t end, int64_t step,
                                int64_t size) {
  // Where counting stops on either side.
  int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
  auto clamp = [&](int64_t bound) {
    if (bound < 0)
      bound = bound < -size ? low : bound + size;
    return std::clamp(bound, low, std::max(low, high));
  };
  if (size == 0)
    return {0, step > 0 ? 1 : -1, 0};
  int64_t begin = std::max<int64_t>(clamp(start), 0), last = clamp(end);
  int64_t distance = step > 0 ? last - begin : begin - last;
  uint64_t magnitude = step > 0 ? uint64_t(step) : 0 - uint64_t(step);
  // A step beyond the size takes one position.
  int64_t stride = std::min<uint64_t>(magnitude, size);
  int64_t count = distance <= 0 ? 0 : (distance + stride - 1) / stride;
  return {begin, step > 0 ? stride : -stride, count};
}

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_SLICERANGE_H
