//===- Loops.h - What ONNX's loops hand on ---------------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_ONNX_LOOPS_H
#define VITC_LIB_IMPORT_ONNX_LOOPS_H

#include "GraphImporter.h"

namespace vitc::onnx {

/// Iterations of the longest loop that is unrolled.
constexpr int64_t kMaxUnrolledTrips = 4096;

/// Along which axis, and in which direction, iterations take rows of a tensor
/// or put them together.
struct ScanAxis {
  int64_t axis = 0;
  bool isReversed = false;
};

/// A Loop or a Scan, and what an iteration leaves to the next.
struct GraphImporter::LoopState {
  const onnx_proto::GraphProto *body = nullptr;
  bool isScan = false;
  /// Of a Scan always known.
  std::optional<int64_t> trips;
  GraphValue condition;
  /// Whether iterations still count, once that is known at run time only.
  GraphValue active;
  Results carried;
  /// What each iteration gets a row of; a Scan's.
  Results rows;
  llvm::SmallVector<ScanAxis> rowAxes;
  llvm::SmallVector<Results> scans; // by output, then by iteration
  llvm::SmallVector<ScanAxis> scanAxes;
  /// What is said of the body, apart from errors, each once; of the last time
  /// that it was imported as a loop's.
  std::vector<mlir::Diagnostic> remarks;

  /// The body's inputs are, of a Loop, the iteration's number and whether it
  /// goes on, then values, then rows; its outputs, of a Loop, whether it goes
  /// on, then values, then what is put together.
  int getFirstInput() const { return isScan ? 0 : 2; }
  int getFirstOutput() const { return isScan ? 0 : 1; }
  int getFirstRow() const { return getFirstInput() + int(carried.size()); }
  int getFirstScan() const { return getFirstOutput() + int(carried.size()); }
};

/// The one bool that a value is, if it is known.
std::optional<bool> getKnownBool(const GraphValue &value);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_LOOPS_H
