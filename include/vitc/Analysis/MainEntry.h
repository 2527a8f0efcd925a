//===- MainEntry.h - The function that takes the inputs ------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_ANALYSIS_MAINENTRY_H
#define VITC_ANALYSIS_MAINENTRY_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace vitc {

/// The function that takes what the user gives: @forward or, of a model that
/// generates tokens, @encode, or @step where there is nothing to encode; null
/// for a module without any.
inline mlir::func::FuncOp getMainEntry(mlir::ModuleOp module) {
  for (llvm::StringRef name : {"forward", "encode", "step"})
    if (auto function = module.lookupSymbol<mlir::func::FuncOp>(name))
      return function;
  return {};
}

} // namespace vitc

#endif // VITC_ANALYSIS_MAINENTRY_H
