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

/// Imports model_type dinov3_vit.
mlir::OwningOpRef<mlir::ModuleOp> importDinov3(llvm::StringRef folder,
                                               Config &config,
                                               Checkpoint &checkpoint,
                                               const ImportOptions &options);

/// Imports model_type bert, roberta and xlm-roberta.
mlir::OwningOpRef<mlir::ModuleOp> importBert(llvm::StringRef folder,
                                             Config &config,
                                             Checkpoint &checkpoint,
                                             const ImportOptions &options);

/// Imports model_type distilbert.
mlir::OwningOpRef<mlir::ModuleOp>
importDistilBert(llvm::StringRef folder, Config &config, Checkpoint &checkpoint,
                 const ImportOptions &options);

/// Imports model_type clip, clip_text_model and clip_vision_model.
mlir::OwningOpRef<mlir::ModuleOp> importClip(llvm::StringRef folder,
                                             Config &config,
                                             Checkpoint &checkpoint,
                                             const ImportOptions &options);

/// Imports model_type siglip, siglip_text_model and siglip_vision_model.
mlir::OwningOpRef<mlir::ModuleOp> importSiglip(llvm::StringRef folder,
                                               Config &config,
                                               Checkpoint &checkpoint,
                                               const ImportOptions &options);

/// Imports model_type vit_mae.
mlir::OwningOpRef<mlir::ModuleOp> importMae(llvm::StringRef folder,
                                            Config &config,
                                            Checkpoint &checkpoint,
                                            const ImportOptions &options);

/// Imports model_type mpnet.
mlir::OwningOpRef<mlir::ModuleOp> importMpnet(llvm::StringRef folder,
                                              Config &config,
                                              Checkpoint &checkpoint,
                                              const ImportOptions &options);

/// Imports model_type segformer.
mlir::OwningOpRef<mlir::ModuleOp> importSegformer(llvm::StringRef folder,
                                                  Config &config,
                                                  Checkpoint &checkpoint,
                                                  const ImportOptions &options);

/// Imports model_type swin and swinv2.
mlir::OwningOpRef<mlir::ModuleOp> importSwin(llvm::StringRef folder,
                                             Config &config,
                                             Checkpoint &checkpoint,
                                             const ImportOptions &options);

/// Imports model_type yolos.
mlir::OwningOpRef<mlir::ModuleOp> importYolos(llvm::StringRef folder,
                                              Config &config,
                                              Checkpoint &checkpoint,
                                              const ImportOptions &options);

/// Imports model_type detr.
mlir::OwningOpRef<mlir::ModuleOp> importDetr(llvm::StringRef folder,
                                             Config &config,
                                             Checkpoint &checkpoint,
                                             const ImportOptions &options);

/// Imports model_type swin2sr.
mlir::OwningOpRef<mlir::ModuleOp> importSwin2sr(llvm::StringRef folder,
                                                Config &config,
                                                Checkpoint &checkpoint,
                                                const ImportOptions &options);

/// Imports model_type vision-encoder-decoder.
mlir::OwningOpRef<mlir::ModuleOp>
importVisionEncoderDecoder(llvm::StringRef folder, Config &config,
                           Checkpoint &checkpoint,
                           const ImportOptions &options);

/// Imports model_type gpt2.
mlir::OwningOpRef<mlir::ModuleOp> importGpt2(llvm::StringRef folder,
                                             Config &config,
                                             Checkpoint &checkpoint,
                                             const ImportOptions &options);

/// Imports model_type marian.
mlir::OwningOpRef<mlir::ModuleOp> importMarian(llvm::StringRef folder,
                                               Config &config,
                                               Checkpoint &checkpoint,
                                               const ImportOptions &options);

/// Imports model_type t5.
mlir::OwningOpRef<mlir::ModuleOp> importT5(llvm::StringRef folder,
                                           Config &config,
                                           Checkpoint &checkpoint,
                                           const ImportOptions &options);

/// Imports model_type blip.
mlir::OwningOpRef<mlir::ModuleOp> importBlip(llvm::StringRef folder,
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

/// The height and width in pixels that the folder's preprocessor_config.json
/// gives models whose configuration has none: its height and width, or the
/// shorter and the longer edge; `standard` without the file or its `size`.
mlir::FailureOr<std::pair<int64_t, int64_t>>
readPictureSize(llvm::StringRef folder, std::pair<int64_t, int64_t> standard,
                mlir::MLIRContext &context);

/// The input that is 1 where the picture is and 0 where it was padded.
inline constexpr llvm::StringLiteral kMaskInput = "pixel_mask";

/// The class names, in order; empty and an error noted in `config` when they
/// are not numbered from 0 up.
mlir::ArrayAttr readLabels(Config &config);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_HUGGINGFACE_H
