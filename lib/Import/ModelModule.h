//===- ModelModule.h - The module around a model's layers ------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_MODELMODULE_H
#define VITC_LIB_IMPORT_MODELMODULE_H

#include "LayerBuilder.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace vitc::import_ {

/// What a model of pictures shows to its users.
/// What the source says of a model beside its layers.
struct ModelInfo {
  mlir::StringAttr licence;       // or null
  mlir::ArrayAttr labels;         // or null
  vit::PreprocessAttr preprocess; // or null
};

struct ModelInterface {
  std::string architecture;                 // e.g. "SwinForImageClassification"
  llvm::StringRef task;                     // of #vit.model
  llvm::SmallVector<int64_t, 4> imageShape; // of pixel_values, [B, C, H, W]
  llvm::SmallVector<llvm::StringRef, 2> outputs;
  ModelInfo info;
  vit::TokenGridAttr grid; // or null
};

/// Builds the outputs from the image.
using LayersFn = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    LayerBuilder &layers, mlir::Value image)>;

/// Builds the module with the weights and with the function `forward`, whose
/// body `buildLayers` makes; errors at `loc`.
mlir::OwningOpRef<mlir::ModuleOp>
buildModelModule(const ModelInterface &interface, WeightSource &weights,
                 mlir::Location loc, LayersFn buildLayers);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_MODELMODULE_H
