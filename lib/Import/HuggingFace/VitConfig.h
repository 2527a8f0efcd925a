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

namespace vitc::import_ {

/// Limits far above any model, far below what overflows.
inline constexpr int64_t kMaxWidth = 65536;
inline constexpr int64_t kMaxHidden = int64_t(1) << 20;
inline constexpr int64_t kMaxLayers = 1024;
inline constexpr int64_t kMaxPixels = 65536; // along one side
inline constexpr int64_t kMaxChannels = 1024;

/// A class of transformers, and the output that it has.
struct VitArchitecture {
  llvm::StringRef name;
  VitOutput output;
};

/// The one of `known`, a classifier first, that "architectures" names; the
/// first without it. Notes an error that lists them.
VitArchitecture readArchitecture(Config &config,
                                 llvm::ArrayRef<VitArchitecture> known);
/// Its name and output go to `spec`.
void readArchitecture(Config &config, llvm::ArrayRef<VitArchitecture> known,
                      VitSpec &spec);

/// Sizes, epsilon, query bias and activation, with the defaults of ViTConfig;
/// not intermediate_size.
void readEncoder(Config &config, VitSpec &spec);

/// The form of GELU that `hidden_act` names; another activation is an error.
vit::GeluForm readGelu(Config &config);

/// MODEL_TYPE. before the names of the backbone's weights, which files of the
/// backbone alone lack.
std::string findPrefix(const Checkpoint &checkpoint, llvm::StringRef modelType,
                       llvm::StringRef anyWeight);

/// The rest of importing a classifier or backbone: labels, preprocessing, the
/// module.
mlir::OwningOpRef<mlir::ModuleOp>
finishVit(llvm::StringRef folder, Config &config, Checkpoint &checkpoint,
          VitSpec &spec, const ImportOptions &options);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_HUGGINGFACE_VITCONFIG_H
