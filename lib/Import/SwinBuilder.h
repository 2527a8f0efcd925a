//===- SwinBuilder.h - Builds a Swin transformer's module ------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_SWINBUILDER_H
#define VITC_LIB_IMPORT_SWINBUILDER_H

#include "ModelModule.h"
#include "SwinSpec.h"
#include "WeightSource.h"

namespace vitc::import_ {

/// Builds the module of a resolved specification; labels and preprocessing may
/// be null. Errors at `loc`.
mlir::OwningOpRef<mlir::ModuleOp>
buildSwin(const SwinSpec &spec, WeightSource &weights, const ModelInfo &info,
          const ImportOptions &options, mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_SWINBUILDER_H
