//===- ObserveValues.h - Results for what layers compute ------ -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_VERIFY_OBSERVEVALUES_H
#define VITC_LIB_VERIFY_OBSERVEVALUES_H

#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

namespace vitc {

/// A value of the model and the result of the lowered @forward that it is.
struct ObservedValue {
  std::string name, op;
  size_t result;
};

/// The symbols of constants, whose values are not in the module.
using ConstantSymbols = llvm::MapVector<vit::WeightExprAttr, std::string>;

/// Makes each value that an op with a source name computes, in a loop the last
/// time, a result of `forward`, the model's own first, and each constant an
/// external symbol.
llvm::SmallVector<ObservedValue> observeValues(mlir::func::FuncOp forward,
                                               ConstantSymbols &constants);

} // namespace vitc

#endif // VITC_LIB_VERIFY_OBSERVEVALUES_H
