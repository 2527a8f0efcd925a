//===- BatchSize.h - The batch of a function as a slice size -*- C++ -*----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_BATCHSIZE_H
#define VITC_LIB_TRANSFORMS_BATCHSIZE_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

namespace vitc::vit {

/// Whether getMixedSizes can tell the sizes of a value of `type` beside `op`:
/// no dim but 0 is dynamic, and where that is, an argument of the function has
/// it.
bool hasMixedSizes(mlir::Operation *op, mlir::RankedTensorType type);

/// Sizes of a value of `type`: static ones as attributes, a dynamic one as
/// `multiple` times the batch, tensor.dim of the first argument of the
/// surrounding function that has it. The values themselves get no new users, so
/// that what is fused later still sees who reads them.
llvm::SmallVector<mlir::OpFoldResult> getMixedSizes(mlir::OpBuilder &builder,
                                                    mlir::RankedTensorType type,
                                                    int64_t multiple = 1);

/// `multiple` times the batch of the surrounding function, computed at its
/// start.
mlir::Value getBatchTimes(mlir::OpBuilder &builder, int64_t multiple);

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_BATCHSIZE_H
