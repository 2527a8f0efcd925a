//===- SourceName.h - The source's name of an operation ------ -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_ANALYSIS_SOURCENAME_H
#define VITC_ANALYSIS_SOURCENAME_H

#include "mlir/IR/Location.h"

namespace vitc {

/// The name that the model file gives to what stands at `loc`, e.g.
/// "vit.encoder.layer.3.output.dense"; of fused ops the first that is no
/// prologue. Empty when unknown.
llvm::StringRef getSourceName(mlir::Location loc);

/// The names of all ops that were fused at `loc`, in the order in which they
/// compute: the last is that of the value.
llvm::SmallVector<llvm::StringRef> getSourceNames(mlir::Location loc);

/// The place of a layer at `loc` that first computes, as a prologue, what
/// stands at `prologue`.
mlir::Location fusePrologue(mlir::Location prologue, mlir::Location loc);

} // namespace vitc

#endif // VITC_ANALYSIS_SOURCENAME_H
