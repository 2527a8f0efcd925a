//===- TensorView.h - Where the elements of a tensor are from ---*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_TENSORVIEW_H
#define VITC_LIB_IMPORT_ONNX_TENSORVIEW_H

#include "TensorBuilder.h"

namespace vitc::onnx {

/// Positions of a tensor, those of each dim one behind another. Of a dim whose
/// size is no number it is all.
struct TensorBox {
  llvm::SmallVector<int64_t> offsets;
  Shape sizes;

  static TensorBox all(llvm::ArrayRef<Size> shape) {
    return {llvm::SmallVector<int64_t>(shape.size(), 0), Shape(shape)};
  }
  bool operator==(const TensorBox &other) const {
    return offsets == other.offsets && sizes == other.sizes;
  }
  /// Whether all positions of `other` are in this box, or none is.
  bool contains(const TensorBox &other) const;
  bool isApartFrom(const TensorBox &other) const;
};

/// A box of `source` under another shape.
struct TensorView {
  mlir::Value source;
  TensorBox box;
  /// For each dim of the shape, which dim of `source` it is; -1: none, its size
  /// is 1.
  llvm::SmallVector<int64_t> dims;
};

/// The farthest tensor whose elements those of `box` of `tensor` are, behind
/// transposes, slices, concatenations and sizes of 1 that come and go.
TensorView traceView(const TensorBuilder &b, mlir::Value tensor,
                     const TensorBox &box);
inline TensorView traceView(const TensorBuilder &b, mlir::Value tensor) {
  return traceView(b, tensor, TensorBox::all(b.getShape(tensor)));
}

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_TENSORVIEW_H
