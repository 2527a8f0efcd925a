//===- Passes.h - Passes from vit to vit --------------------- -*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_TRANSFORMS_PASSES_H
#define VITC_TRANSFORMS_PASSES_H

#include "mlir/Pass/Pass.h"

namespace mlir::func {
class FuncOp;
} // namespace mlir::func

namespace vitc::vit {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "vitc/Transforms/Passes.h.inc"

} // namespace vitc::vit

#endif // VITC_TRANSFORMS_PASSES_H
