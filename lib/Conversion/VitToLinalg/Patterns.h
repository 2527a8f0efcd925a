//===- Patterns.h - Patterns of convert-vit-to-linalg -------*- C++ -*-----===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_CONVERSION_VITTOLINALG_PATTERNS_H
#define VITC_CONVERSION_VITTOLINALG_PATTERNS_H

#include <string>

namespace mlir {
class Operation;
class RewritePatternSet;
} // namespace mlir

namespace vitc {

void populateAdditiveAttentionToLinalgPatterns(
    mlir::RewritePatternSet &patterns);
void populateAttentionToLinalgPatterns(mlir::RewritePatternSet &patterns);
void populateCacheToLinalgPatterns(mlir::RewritePatternSet &patterns);
void populateConvolutionToLinalgPatterns(mlir::RewritePatternSet &patterns);
void populateLinearToLinalgPatterns(mlir::RewritePatternSet &patterns);
void populateNormToLinalgPatterns(mlir::RewritePatternSet &patterns);
void populatePatchEmbedToLinalgPatterns(mlir::RewritePatternSet &patterns);
void populatePoolingToLinalgPatterns(mlir::RewritePatternSet &patterns);
void populateRecurrentToLinalgPatterns(mlir::RewritePatternSet &patterns);
void populateWindowToLinalgPatterns(mlir::RewritePatternSet &patterns);

/// Why convert-vit-to-kernel has no kernel for this vit op; empty if it has.
std::string getReasonWithoutKernel(mlir::Operation *op);

} // namespace vitc

#endif // VITC_CONVERSION_VITTOLINALG_PATTERNS_H
