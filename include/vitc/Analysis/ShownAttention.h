//===- ShownAttention.h - Attention that has maps ------------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_ANALYSIS_SHOWNATTENTION_H
#define VITC_ANALYSIS_SHOWNATTENTION_H

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace vitc {

/// The attention ops whose maps tell something, in the order in which layers
/// are numbered. `generation` is the model's if `function` is its step, else
/// null: of a step they are those whose keys come from none of the arguments
/// that tell of tokens.
llvm::SmallVector<vit::AttentionOp>
getShownAttention(mlir::func::FuncOp function, vit::GenerationAttr generation);

} // namespace vitc

#endif // VITC_ANALYSIS_SHOWNATTENTION_H
