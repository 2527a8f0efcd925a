//===- Passes.h - Conversions between dialects --------------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_PASSES_H
#define VITC_CONVERSION_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir {
class RewritePatternSet;
namespace func {
class FuncOp;
} // namespace func
} // namespace mlir

namespace vitc {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "vitc/Conversion/Passes.h.inc"

/// Adds the patterns of convert-vit-to-linalg.
void populateVitToLinalgConversionPatterns(mlir::RewritePatternSet &patterns);

} // namespace vitc

#endif // VITC_CONVERSION_PASSES_H
