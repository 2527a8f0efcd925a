//===- MovedInput.h - What a linalg.generic only moves -------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_ANALYSIS_MOVEDINPUT_H
#define VITC_ANALYSIS_MOVEDINPUT_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace vitc {

/// Element i of a result is element map(i) of `tensor`.
struct MovedInput {
  mlir::TypedValue<mlir::RankedTensorType> tensor;
  mlir::AffineMap map;
};

/// The input whose elements are all that `generic` yields; none where it
/// computes or reduces.
std::optional<MovedInput> getMovedInput(mlir::linalg::GenericOp generic);

} // namespace vitc

#endif // VITC_ANALYSIS_MOVEDINPUT_H
