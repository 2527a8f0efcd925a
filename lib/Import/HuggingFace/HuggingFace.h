//===- HuggingFace.h - Folders of transformers models ----------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A folder as `save_pretrained` writes it: config.json, model.safetensors or
// its shards, and usually preprocessor_config.json. config.json's model_type
// picks the importer, one file each.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_HUGGINGFACE_H
#define VITC_LIB_IMPORT_HUGGINGFACE_H

#include "Checkpoint.h"
#include "Config.h"
#include "VitBuilder.h"

namespace vitc::import_ {

mlir::OwningOpRef<mlir::ModuleOp>
importHuggingFace(llvm::StringRef folder, mlir::MLIRContext &context,
                  const ImportOptions &options);

/// Imports model_type vit and deit.
mlir::OwningOpRef<mlir::ModuleOp> importVit(llvm::StringRef folder,
                                            Config &config,
                                            Checkpoint &checkpoint,
                                            const ImportOptions &options);

/// Imports model_type vit-hybrid.
mlir::OwningOpRef<mlir::ModuleOp> importVitHybrid(llvm::StringRef folder,
                                                  Config &config,
                                                  Checkpoint &checkpoint,
                                                  const ImportOptions &options);

/// Imports model_type beit.
mlir::OwningOpRef<mlir::ModuleOp> importBeit(llvm::StringRef folder,
                                             Config &config,
                                             Checkpoint &checkpoint,
                                             const ImportOptions &options);

/// Imports model_type dinov2 and dinov2_with_registers.
mlir::OwningOpRef<mlir::ModuleOp> importDinov2(llvm::StringRef folder,
                                               Config &config,
                                               Checkpoint &checkpoint,
                                               const ImportOptions &options);

/// Imports model_type swin and swinv2.
mlir::OwningOpRef<mlir::ModuleOp> importSwin(llvm::StringRef folder,
                                             Config &config,
                                             Checkpoint &checkpoint,
                                             const ImportOptions &options);

/// Reads the folder's preprocessor_config.json for a model of pictures of
/// `height` x `width`, scaled where the user asked for this size; without one,
/// warns and takes the defaults of the processor's class for `modelType`. Null
/// for a model of other channels than a picture's, grey or RGB.
mlir::FailureOr<vit::PreprocessAttr>
importPreprocessor(llvm::StringRef folder, llvm::StringRef modelType,
                   int64_t height, int64_t width, int64_t channels,
                   const ImportOptions &options, mlir::MLIRContext &context);

/// The class names, in order; empty and an error noted in `config` when they
/// are not numbered from 0 up.
llvm::SmallVector<std::string> readLabels(Config &config);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_HUGGINGFACE_H
