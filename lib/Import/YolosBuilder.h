//===- YolosBuilder.h - Builds a YOLOS's module ----------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// YOLOS (Fang et al. 2021): a ViT whose detection tokens become boxes. They are
// the registers of the specification, before the patches; attention does not
// depend on the order.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_YOLOSBUILDER_H
#define VITC_LIB_IMPORT_YOLOSBUILDER_H

#include "ModelModule.h"
#include "VitSpec.h"
#include "WeightSource.h"

namespace vitc::import_ {

/// The classifier has one class more than `spec` counts: no object.
mlir::OwningOpRef<mlir::ModuleOp>
buildYolos(const VitSpec &spec, WeightSource &weights, const ModelInfo &info,
           const ImportOptions &options, mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_YOLOSBUILDER_H
