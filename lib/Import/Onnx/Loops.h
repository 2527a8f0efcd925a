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

/// What an iteration leaves to the next.
struct GraphImporter::LoopState {
  int64_t numCarried, numScans;
  std::optional<int64_t> trips;
  GraphValue condition;
  /// Whether iterations still count, once that is known at run time only.
  GraphValue active;
  Results carried;
  llvm::SmallVector<Results> scans; // by output, then by iteration
};

/// The one bool that a value is, if it is known.
std::optional<bool> getKnownBool(const GraphValue &value);

} // namespace vitc::onnx

#endif // VITC_LIB_IMPORT_ONNX_LOOPS_H
