//===- Generic.h - The forms of linalg.generic used here ------ -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_VITTOLINALG_GENERIC_H
#define VITC_CONVERSION_VITTOLINALG_GENERIC_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace vitc {

/// Computes one element from the elements of the inputs; floats are widened to
/// the result's element type. In a reduction the last one is the accumulator.
using ElementBody = llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &,
                                                   mlir::ValueRange)>;

/// The type that an op computes in: the widest element type of its operands,
/// but f32 at least.
mlir::Type getAccumulationType(mlir::ValueRange operands);

/// The map (d0, ..., d<numLoops - 1>) -> (d<loops[0]>, d<loops[1]>, ...).
mlir::AffineMap getLoopMap(mlir::ImplicitLocOpBuilder &builder,
                           unsigned numLoops, llvm::ArrayRef<unsigned> loops);

/// The constant `value` of the float type `type`.
mlir::Value buildFloat(mlir::ImplicitLocOpBuilder &builder, mlir::Type type,
                       double value);

/// A tensor of `sizes` whose every element is `value`.
mlir::Value buildFilled(mlir::ImplicitLocOpBuilder &builder,
                        llvm::ArrayRef<mlir::OpFoldResult> sizes,
                        mlir::Value value);

/// Computes each element of a tensor of `sizes` and `elementType`, with one
/// loop a dim; `maps` says where each input is read.
mlir::Value buildElementwise(mlir::ImplicitLocOpBuilder &builder,
                             llvm::ArrayRef<mlir::OpFoldResult> sizes,
                             mlir::Type elementType, mlir::ValueRange inputs,
                             llvm::ArrayRef<mlir::AffineMap> maps,
                             ElementBody body);

/// Accumulates into a tensor of `sizes` that holds `init`. The last of `maps`
/// is the result's: loops that it lacks are reduced.
mlir::Value buildReduction(mlir::ImplicitLocOpBuilder &builder,
                           llvm::ArrayRef<mlir::OpFoldResult> sizes,
                           mlir::Value init, mlir::ValueRange inputs,
                           llvm::ArrayRef<mlir::AffineMap> maps,
                           ElementBody body);

/// The sum over `maps`' reduced loops of lhs * rhs, in `elementType`: every
/// matrix product.
mlir::Value buildContraction(mlir::ImplicitLocOpBuilder &builder,
                             llvm::ArrayRef<mlir::OpFoldResult> sizes,
                             mlir::Type elementType, mlir::Value lhs,
                             mlir::Value rhs,
                             llvm::ArrayRef<mlir::AffineMap> maps);

/// `tensor` with each element rounded to `elementType`.
mlir::Value buildNarrowed(mlir::ImplicitLocOpBuilder &builder,
                          mlir::Value tensor, mlir::Type elementType);

/// `tensor` with its dims in the order `permutation`.
mlir::Value buildTransposed(mlir::ImplicitLocOpBuilder &builder,
                            mlir::Value tensor,
                            llvm::ArrayRef<int64_t> permutation);

/// The sizes of `tensor`, dynamic ones as tensor.dim.
llvm::SmallVector<mlir::OpFoldResult>
getSizes(mlir::ImplicitLocOpBuilder &builder, mlir::Value tensor);

} // namespace vitc

#endif // VITC_CONVERSION_VITTOLINALG_GENERIC_H
