//===- BatchGeneric.h - A linalg.generic over the batch --------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_BATCHGENERIC_H
#define VITC_LIB_IMPORT_BATCHGENERIC_H

#include "LayerBuilder.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace vitc::import_ {

using GenericBody = llvm::function_ref<mlir::Value(
    mlir::ImplicitLocOpBuilder &b, mlir::ValueRange args)>;

/// A linalg.generic whose result has the batch of `like` and the sizes `inner`
/// behind it. Loops behind the result's are reductions, which start with
/// `start`, 0 without one; the body gets the result so far as its last
/// argument.
mlir::Value buildBatchGeneric(LayerBuilder &layers, mlir::Value like,
                              llvm::ArrayRef<int64_t> inner, mlir::Type element,
                              mlir::ValueRange inputs,
                              llvm::ArrayRef<mlir::AffineMap> inputMaps,
                              const llvm::Twine &layer, GenericBody body,
                              mlir::TypedAttr start = {});

/// A map of `loops` loops to those of `targets`.
mlir::AffineMap readBy(LayerBuilder &layers, unsigned loops,
                       llvm::ArrayRef<unsigned> targets);

/// Loop `dim` as i64, in a body.
mlir::Value getPosition(mlir::ImplicitLocOpBuilder &b, unsigned dim);

/// Whether a number, integer or float, is another than 0, in a body.
mlir::Value isNonZero(mlir::ImplicitLocOpBuilder &b, mlir::Value number);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_BATCHGENERIC_H
