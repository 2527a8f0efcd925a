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
/// "vit.encoder.layer.3.output.dense"; of fused ops the first. Empty when
/// unknown.
llvm::StringRef getSourceName(mlir::Location loc);

} // namespace vitc

#endif // VITC_ANALYSIS_SOURCENAME_H
