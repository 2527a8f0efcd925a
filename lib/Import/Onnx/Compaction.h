//===- Compaction.h - The positions that are set ---------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_COMPACTION_H
#define VITC_LIB_IMPORT_ONNX_COMPACTION_H

#include "Node.h"

namespace vitc::onnx {

/// The positions of a vector that are set, in order.
struct SetPositions {
  /// As many i64 as the vector has elements; those from `count` on are any
  /// positions of it.
  mlir::Value positions;
  /// One i64.
  mlir::Value count;
};

/// Of i1 flags of rank 1, static and not empty.
SetPositions findSetPositions(TensorBuilder &b, mlir::Value flags);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_COMPACTION_H
