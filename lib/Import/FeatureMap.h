//===- FeatureMap.h - Tokens as a map of the picture ---------- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_FEATUREMAP_H
#define VITC_LIB_IMPORT_FEATUREMAP_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace vitc::import_ {

/// What a backbone gives a detector: [B, C, H, W] of tokens [B, N, C], without
/// those in front of the H x W patches of the picture that `function` takes, of
/// a map [B, H, W, C], or of one in that form already. Null after an error at
/// `loc`, in which the value is called `name`.
mlir::Value buildFeatureMap(mlir::OpBuilder &b, mlir::Value value,
                            mlir::func::FuncOp function, llvm::StringRef name,
                            mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_FEATUREMAP_H
