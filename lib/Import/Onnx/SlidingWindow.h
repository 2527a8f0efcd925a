//===- SlidingWindow.h - Windows of convolutions and pools -----*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_SLIDINGWINDOW_H
#define VITC_LIB_IMPORT_ONNX_SLIDINGWINDOW_H

#include "Node.h"

namespace vitc::onnx {

/// How a window slides over the spatial dims; one entry a dim.
struct SlidingWindow {
  llvm::SmallVector<int64_t> kernel, strides, dilations, padBegin, padEnd;
  /// How often the window fits.
  llvm::SmallVector<int64_t> outputs;

  /// Positions that the dilated window spans.
  int64_t getExtent(size_t dim) const {
    return (kernel[dim] - 1) * dilations[dim] + 1;
  }
  /// Padding behind the input that ceil_mode adds to padEnd.
  int64_t getCeilPad(size_t dim, int64_t input) const;
  /// Makes a window of one dim one of two.
  void addHeight();
};

/// More than any picture's; keeps what follows from sizes within 64 bits and
/// within memory.
constexpr int64_t kMaxWindowSize = int64_t(1) << 24;

/// An attribute with one number for each of `rank` dims, from `least` on.
mlir::FailureOr<llvm::SmallVector<int64_t>>
getPerDim(Node &node, llvm::StringRef name, size_t rank, int64_t least);

/// Reads kernel_shape, strides, dilations, pads, auto_pad and ceil_mode for an
/// input of `sizes`. A kernel that is not empty, as a filter has it, has to
/// agree with kernel_shape.
mlir::FailureOr<SlidingWindow> getSlidingWindow(Node &node,
                                                llvm::ArrayRef<int64_t> sizes,
                                                llvm::ArrayRef<int64_t> kernel);

/// What comes before auto_pad; outputs and paddings are left empty.
mlir::FailureOr<SlidingWindow> getWindowShape(Node &node, size_t rank,
                                              llvm::ArrayRef<int64_t> kernel);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_SLIDINGWINDOW_H
