//===- StepStates.h - States of a step that grow ----------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_STEPSTATES_H
#define VITC_LIB_IMPORT_ONNX_STEPSTATES_H

#include "TensorView.h"

#include <string>

namespace vitc::onnx {

/// Which dims of a state have the batch and, if it grows, the tokens; -1: none.
struct StateDims {
  int64_t batch = -1, token = -1;
};

/// A box of a state that one op of the graph puts a position behind: keys of a
/// layer, say. It is an argument [B, length, columns] of the function.
struct StatePart {
  std::string name;
  TensorBox box;
  /// The dims of the state that the columns have, outermost first.
  llvm::SmallVector<int64_t> columns;
  mlir::Value argument, updated;
  mlir::Value after; // `updated` with its columns apart
  /// What is put behind it, its dims being the state's.
  TensorView row;
};

/// An input that has something of each token before, and the output that has
/// this one's, too.
struct GrowingState {
  std::string input, output;
  mlir::Type element;
  Shape shape; // of the input
  StateDims dims;
  /// Stands for what the graph sees until its parts are known.
  mlir::Value before;
  std::vector<StatePart> parts;

  /// Without a dim of the batch, that is 1.
  Size getBatch() const { return dims.batch < 0 ? Size(1) : shape[dims.batch]; }
};

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_STEPSTATES_H
