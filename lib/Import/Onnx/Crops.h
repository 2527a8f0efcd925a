//===- Crops.h - Slices of a known size at a computed place -----*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_CROPS_H
#define VITC_LIB_IMPORT_ONNX_CROPS_H

#include "Node.h"

namespace vitc::onnx {

/// The result of a Slice whose starts are computed at run time and whose ends
/// lie fixed numbers behind them, x[i : i + 3]; none of any other. Unlike the
/// operator, which then gives fewer positions, one that would end behind the
/// last position gives the last ones.
std::optional<mlir::Value> buildCrop(Node &node);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_CROPS_H
