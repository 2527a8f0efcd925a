//===- Recurrent.h - Steps of recurrent cells ------------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_RECURRENT_H
#define VITC_LIB_IMPORT_ONNX_RECURRENT_H

#include "Node.h"

namespace vitc::onnx {

/// An activation of the node's lists, with its parameters.
struct CellActivation {
  std::string name;
  llvm::SmallVector<double> parameters;
};

/// What a cell keeps from step to step, each [B, H].
struct CellState {
  mlir::Value hidden;
  mlir::Value cell; // null but for LSTM
};

/// A cell of one direction: G gates of H numbers.
struct Cell {
  Node &node;
  int64_t hidden;
  mlir::Value recurrent;     // [G * H, H]
  mlir::Value recurrentBias; // [G * H] where it is added by the step, or null
  mlir::Value peepholes;     // [3 * H] or null
  llvm::SmallVector<CellActivation> activations;

  /// Gates `first` and on, `count` of them, of [B, G * H] or [G * H].
  mlir::Value getGates(mlir::Value gates, int64_t first,
                       int64_t count = 1) const;
  /// state [B, H] times the transpose of gates `first` and on of `recurrent`.
  mlir::Value multiply(mlir::Value state, int64_t first, int64_t count) const;
  /// Activation `index` of a gate, which is clipped first where the node says
  /// so.
  mlir::FailureOr<mlir::Value> activate(mlir::Value gate, unsigned index) const;
};

/// The state behind a step; `projected` is the input times the weights plus
/// the biases, [B, G * H].
using CellStep = mlir::FailureOr<CellState> (*)(const Cell &cell,
                                                mlir::Value projected,
                                                const CellState &state);

mlir::FailureOr<CellState> stepRnn(const Cell &cell, mlir::Value projected,
                                   const CellState &state);
mlir::FailureOr<CellState> stepGru(const Cell &cell, mlir::Value projected,
                                   const CellState &state);
mlir::FailureOr<CellState> stepLstm(const Cell &cell, mlir::Value projected,
                                    const CellState &state);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_RECURRENT_H
