//===- Movement.h - Ops that only move elements -------------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reshapes, transposes, slices, heads, windows and shifts as index maps. An op
// that is not on the list, or whose sizes are not static enough, has none.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_VITTOKERNEL_MOVEMENT_H
#define VITC_CONVERSION_VITTOKERNEL_MOVEMENT_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/ArrayRef.h"
#include <optional>

namespace vitc {

/// Element x of an op's result is element map(x) of `source`.
struct Movement {
  mlir::Value source;
  mlir::AffineMap map;
};

/// What `op` moves, when that is all it does.
std::optional<Movement> getMovement(mlir::Operation *op);

/// For an op that moves each element of its first operand to one place, and
/// does nothing else: from an element of the operand to that of the result.
std::optional<mlir::AffineMap> getPlacement(mlir::Operation *op);

/// Element x of a slice is element x * stride + offset; dims of size 1 that the
/// slice drops are at the offset.
mlir::AffineMap getSliceMap(llvm::ArrayRef<int64_t> offsets,
                            llvm::ArrayRef<int64_t> strides,
                            const llvm::SmallBitVector &dropped,
                            mlir::MLIRContext *context);

/// Whether a slice has static offsets and static positive strides.
bool isStaticSlice(llvm::ArrayRef<int64_t> offsets,
                   llvm::ArrayRef<int64_t> strides);

} // namespace vitc

#endif // VITC_CONVERSION_VITTOKERNEL_MOVEMENT_H
