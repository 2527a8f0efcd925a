//===- Ranking.h - The position of an extreme ------------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_RANKING_H
#define VITC_LIB_IMPORT_ONNX_RANKING_H

#include "Node.h"

namespace vitc::onnx {

/// Where along the axis, whose size is static, the largest or smallest element
/// is: the first of equal ones, or with `last` the last; a NaN before any
/// number. An i64 tensor with a size of 1 for the axis.
mlir::Value buildArg(TensorBuilder &b, const Tensor &input, int64_t axis,
                     bool largest, bool last);

/// The position along `dim`, an i64, in the body of a generic.
mlir::Value getPosition(mlir::ImplicitLocOpBuilder &b, int64_t dim);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_RANKING_H
