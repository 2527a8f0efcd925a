//===- VitConfig.h - What configurations of ViTs share ---------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_HUGGINGFACE_VITCONFIG_H
#define VITC_LIB_IMPORT_HUGGINGFACE_VITCONFIG_H

#include "HuggingFace.h"
#include "ModelLimits.h"

namespace vitc::import_ {

/// A class of transformers, and the output that it has.
struct VitArchitecture {
  llvm::StringRef name;
  VitOutput output;
};

/// Which one of `known` "architectures" names; the first without it. Notes an
/// error that lists them.
size_t findArchitecture(Config &config, llvm::ArrayRef<llvm::StringRef> known);
/// That one itself.
VitArchitecture readArchitecture(Config &config,
                                 llvm::ArrayRef<VitArchitecture> known);
/// Its name and output go to `spec`.
void readArchitecture(Config &config, llvm::ArrayRef<VitArchitecture> known,
                      VitSpec &spec);

/// Sizes, epsilon, query bias and activation, not intermediate_size. What
/// `spec` has, at first the defaults of ViTConfig, is what absent keys mean.
void readEncoder(Config &config, VitSpec &spec);

/// The form of GELU that transformers calls `name`, or none.
std::optional<vit::GeluForm> findGelu(llvm::StringRef name);

/// The form of GELU that `key` names; another activation is an error.
vit::GeluForm readGelu(Config &config, llvm::StringRef key = "hidden_act",
                       llvm::StringRef defaultName = "gelu");

/// What is before the names of the backbone's weights: MODEL_TYPE., "encoder."
/// in the file of an encoder-decoder, nothing in one of the backbone alone.
std::string findPrefix(const Checkpoint &checkpoint, llvm::StringRef modelType,
                       llvm::StringRef anyWeight);

/// The rest of importing a classifier or backbone: labels, preprocessing, the
/// module.
mlir::OwningOpRef<mlir::ModuleOp>
finishVit(llvm::StringRef folder, Config &config, Checkpoint &checkpoint,
          VitSpec &spec, const ImportOptions &options);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_HUGGINGFACE_VITCONFIG_H
