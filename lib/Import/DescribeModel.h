//===- DescribeModel.h - Change what a model says of itself --- -*- C++ -*-===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_DESCRIBEMODEL_H
#define VITC_LIB_IMPORT_DESCRIBEMODEL_H

#include "mlir/IR/BuiltinOps.h"
#include "vitc/Import/PictureOptions.h"

namespace vitc::import_ {

/// Puts what `options` say into the module's #vit.model. Errors are at `loc`.
mlir::LogicalResult describeModel(mlir::ModuleOp module,
                                  const PictureOptions &options,
                                  mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_DESCRIBEMODEL_H
