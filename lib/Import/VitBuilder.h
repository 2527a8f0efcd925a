//===- VitBuilder.h - Builds a vision transformer's module -----*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_VITBUILDER_H
#define VITC_LIB_IMPORT_VITBUILDER_H

#include "ModelModule.h"
#include "VitSpec.h"
#include "WeightSource.h"

namespace vitc::import_ {

/// What of #vit.model is not in the specification.
mlir::OwningOpRef<mlir::ModuleOp>
buildVit(const VitSpec &spec, WeightSource &weights, const ModelInfo &info,
         const ImportOptions &options, mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_VITBUILDER_H
