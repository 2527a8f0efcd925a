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
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "vitc/Import/Import.h"

#include <functional>

namespace vitc::import_ {

/// What the source says of a model beside its layers.
struct ModelInfo {
  mlir::StringAttr licence;       // or null
  mlir::ArrayAttr labels;         // or null
  vit::PreprocessAttr preprocess; // or null
};

/// An argument of the function; dim 0 is the batch.
struct ModelInput {
  llvm::StringRef name; // the source's
  llvm::SmallVector<int64_t, 4> shape;
  mlir::Type element = {}; // null: f32
};

/// What a model shows to its users.
struct ModelInterface {
  std::string architecture; // e.g. "SwinForImageClassification"
  llvm::StringRef task;     // of #vit.model
  llvm::SmallVector<ModelInput, 2> inputs;
  llvm::SmallVector<llvm::StringRef, 2> outputs;
  ModelInfo info;
  vit::TokenGridAttr grid;        // or null
  vit::TextAttr text;             // or null
  bool sigmoid = false;           // of #vit.model
  vit::RankingAttr ranking;       // or null
  vit::GenerationAttr generation; // or null
};

/// A picture, [B, C, H, W], called pixel_values.
ModelInput getImageInput(const ImportOptions &options, int64_t channels,
                         int64_t height, int64_t width);

/// Builds the outputs from the inputs.
using LayersFn = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    LayerBuilder &layers, mlir::ValueRange inputs)>;

/// A function that programs call.
struct ModelEntry {
  llvm::StringRef name;
  llvm::SmallVector<ModelInput, 2> inputs;
  llvm::SmallVector<llvm::StringRef, 2> outputs;
  std::function<llvm::SmallVector<mlir::Value>(LayerBuilder &,
                                               mlir::ValueRange)>
      buildLayers;
};

/// Adds a function whose inputs and outputs have the source's names, and the
/// weights that it reads first, to the end of the module.
mlir::LogicalResult addEntry(mlir::ModuleOp module, WeightSource &weights,
                             mlir::Location loc, const ModelEntry &entry);
void nameResults(mlir::func::FuncOp function,
                 llvm::ArrayRef<llvm::StringRef> names);

/// Verifies weights and module, and says what its users need to know.
mlir::OwningOpRef<mlir::ModuleOp>
finishModule(mlir::OwningOpRef<mlir::ModuleOp> module,
             const ModelInterface &interface, WeightSource &weights);

/// Builds the module of `entries`, whatever functions `interface` has; errors
/// at `loc`.
mlir::OwningOpRef<mlir::ModuleOp>
buildModelModule(const ModelInterface &interface, WeightSource &weights,
                 mlir::Location loc, llvm::ArrayRef<ModelEntry> entries);

/// The same of the function `forward`, whose body `buildLayers` makes, and of
/// `others`.
mlir::OwningOpRef<mlir::ModuleOp>
buildModelModule(const ModelInterface &interface, WeightSource &weights,
                 mlir::Location loc, LayersFn buildLayers,
                 llvm::ArrayRef<ModelEntry> others = {});

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_MODELMODULE_H
