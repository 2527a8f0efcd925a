//===- LoopBuilder.h - Loops that carry tensors ----------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_LOOPBUILDER_H
#define VITC_LIB_IMPORT_ONNX_LOOPBUILDER_H

#include "TensorBuilder.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace vitc::onnx {

/// A loop of iterations 0 and on: scf.for or, where the first of `inits`, one
/// i1, says before each whether it is run, scf.while. Ops go into its body
/// until it is finished.
class LoopBuilder {
public:
  LoopBuilder(TensorBuilder &b, int64_t trips, mlir::ValueRange inits,
              bool isComputed = false);

  mlir::LoopLikeOpInterface getLoop() { return loop; }
  /// The iteration's number, an index.
  mlir::Value getIndex() { return index; }
  /// The same, counted from the last iteration.
  mlir::Value getReversedIndex();
  /// What the iteration before left, and at first `inits`.
  mlir::ValueRange getCarried() { return carried; }

  /// Ends the body; what does not change in it moves before the loop. Gives
  /// what the last iteration leaves.
  llvm::SmallVector<mlir::Value> finish(mlir::ValueRange next);

private:
  TensorBuilder &b;
  int64_t trips;
  llvm::SmallVector<mlir::Value> inits;
  mlir::LoopLikeOpInterface loop;
  mlir::Value index;
  llvm::SmallVector<mlir::Value> carried;
};

/// `count` positions of dim `dim` from `at`, an index, on.
mlir::Value takeAt(TensorBuilder &b, mlir::Value tensor, int64_t dim,
                   mlir::Value at, int64_t count = 1);
/// `tensor` with `row`, of size 1 along `dim`, at position `at` of that dim.
mlir::Value putAt(TensorBuilder &b, mlir::Value tensor, mlir::Value row,
                  int64_t dim, mlir::Value at);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_LOOPBUILDER_H
