//===- DeadOps.h - What raising leaves behind -------------------*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_TRANSFORMS_DEADOPS_H
#define VITC_LIB_TRANSFORMS_DEADOPS_H

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"

#include <tuple>

namespace vitc::vit {

/// Erases the ops of `root` that nothing uses: later matches count users.
inline void eraseDeadOps(mlir::Operation *root, mlir::RewriterBase &rewriter) {
  // The result says whether there were any.
  std::ignore = mlir::runRegionDCE(rewriter, root->getRegions());
}

} // namespace vitc::vit

#endif // VITC_LIB_TRANSFORMS_DEADOPS_H
