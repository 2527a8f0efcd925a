//===- Timm.h - Folders of timm models -------------------------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A folder as timm.models.save_for_hf writes it: config.json with
// `architecture`, model.safetensors. The name gives what the weights' shapes do
// not.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_TIMM_TIMM_H
#define VITC_LIB_IMPORT_TIMM_TIMM_H

#include "HuggingFace/Checkpoint.h"
#include "HuggingFace/Config.h"
#include "vitc/Import/Import.h"

namespace vitc::import_ {

struct TimmSwin;
struct TimmVit;
struct TimmXcit;

/// Imports a folder whose config.json names a timm architecture.
mlir::OwningOpRef<mlir::ModuleOp> importTimm(Config &config,
                                             Checkpoint &checkpoint,
                                             const ImportOptions &options);

/// Imports a VisionTransformer or Beit.
mlir::OwningOpRef<mlir::ModuleOp> importTimmVit(const TimmVit &architecture,
                                                Config &config,
                                                Checkpoint &checkpoint,
                                                const ImportOptions &options);

/// Imports a SwinTransformer or SwinTransformerV2.
mlir::OwningOpRef<mlir::ModuleOp> importTimmSwin(const TimmSwin &architecture,
                                                 Config &config,
                                                 Checkpoint &checkpoint,
                                                 const ImportOptions &options);

/// Imports an Xcit.
mlir::OwningOpRef<mlir::ModuleOp> importTimmXcit(const TimmXcit &architecture,
                                                 Config &config,
                                                 Checkpoint &checkpoint,
                                                 const ImportOptions &options);

/// How many blocks `prefix` has, numbered from 0 on.
int64_t countTimmBlocks(const Checkpoint &checkpoint, llvm::StringRef prefix);

/// The shape of a weight that decides sizes; notes an error and returns ones
/// where it is not there or has another rank.
llvm::SmallVector<int64_t> readTimmShape(Config &config,
                                         const Checkpoint &checkpoint,
                                         llvm::StringRef name, size_t rank);

/// model_args. Notes an error for each argument that is neither one of `read`
/// nor decided by the weights, as those of `decided` are in this family; errors
/// of what is read are the result's.
Config readTimmArguments(Config &config,
                         llvm::ArrayRef<llvm::StringLiteral> read,
                         llvm::ArrayRef<llvm::StringLiteral> decided = {});

/// A list of numbers from 0 on, which may be empty.
llvm::SmallVector<int64_t, 4> readTimmIndices(Config &arguments,
                                              llvm::StringRef key,
                                              llvm::ArrayRef<int64_t> defaults);

/// model_args.global_pool, else global_pool, else `defaultValue`.
std::string readTimmPooling(Config &config, Config &arguments,
                            llvm::StringRef defaultValue);

/// model_args.act_layer, else `defaultValue`.
vit::GeluForm readTimmGelu(Config &arguments, vit::GeluForm defaultValue);

/// The picture's height and width: model_args.img_size, else
/// pretrained_cfg.input_size, else 224 x 224.
std::pair<int64_t, int64_t> readTimmImageSize(Config &config,
                                              Config &arguments);

/// timm's evaluation transform of pretrained_cfg for pictures of this size.
vit::PreprocessAttr readTimmPreprocess(Config &config, int64_t height,
                                       int64_t width, int64_t channels);

/// pretrained_cfg.license, or null.
mlir::StringAttr readTimmLicence(Config &config);

/// `label_names`, or LABEL_0 and on.
mlir::ArrayAttr readTimmLabels(Config &config, int64_t numClasses);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_TIMM_TIMM_H
