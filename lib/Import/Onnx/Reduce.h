//===- Reduce.h - Reductions that several ops need -------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_REDUCE_H
#define VITC_LIB_IMPORT_ONNX_REDUCE_H

#include "Node.h"

namespace vitc::onnx {

/// The largest number of the tensor's element type, or the least.
mlir::TypedAttr getExtreme(TensorBuilder &b, const Tensor &tensor,
                           bool largest);

/// The largest element over the axes, or the smallest; NaN where there is one.
mlir::Value reduceToExtreme(TensorBuilder &b, Tensor input,
                            llvm::ArrayRef<int64_t> axes, bool keepDims,
                            bool largest);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_REDUCE_H
