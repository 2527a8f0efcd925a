//===- VitBuilder.h - Builds a vision transformer's module -----*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The plain ViT and DeiT: patch embedding, pre-norm encoder, final norm, and an
// output. Importers fill a VitSpec; this builds the module, with the layer and
// weight names of Hugging Face's files.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_VITBUILDER_H
#define VITC_LIB_IMPORT_VITBUILDER_H

#include "Vit/VitDialect.h"
#include "WeightSource.h"
#include "vitc/Import/Import.h"

namespace vitc::import_ {

/// How the source spells its hyperparameters, for messages.
struct VitKeys {
  llvm::StringRef hiddenSize = "hidden_size";
  llvm::StringRef intermediateSize = "intermediate_size";
  llvm::StringRef numHeads = "num_attention_heads";
  llvm::StringRef imageSize = "image_size";
  llvm::StringRef patchSize = "patch_size";
  llvm::StringRef numChannels = "num_channels";
  llvm::StringRef numClasses = "the number of labels";
};

enum class VitOutput {
  HiddenStates, // last_hidden_state and, with a pooler, pooler_output
  Logits,       // of a classifier on the pooled tokens
  TeacherLogits // mean of a classifier each on class and distillation token
};

enum class VitPooling { ClassToken, MeanTokens, MeanPatches };

struct VitSpec {
  VitKeys keys;
  std::string architecture; // e.g. "ViTForImageClassification"
  std::string prefix;       // of the backbone's weights, e.g. "vit."
  int64_t imageHeight = 224, imageWidth = 224, channels = 3;
  int64_t patchHeight = 16, patchWidth = 16;
  int64_t hiddenSize = 768, intermediateSize = 3072;
  int64_t numLayers = 12, numHeads = 12;
  double layerNormEps = 1e-12;
  bool qkvBias = true;
  bool tanhGelu = false;
  bool distillationToken = false;
  VitOutput output = VitOutput::Logits;
  bool pooler = false; // with HiddenStates: tanh(linear(class token))
  VitPooling pooling = VitPooling::ClassToken;
  int64_t headLayers = 1; // of the classifier, GELU between them
  int64_t numClasses = 0;

  int64_t numTokens() const { return distillationToken ? 2 : 1; }
  int64_t gridHeight() const { return imageHeight / patchHeight; }
  int64_t gridWidth() const { return imageWidth / patchWidth; }
};

/// What of #vit.model is not in the specification.
struct VitModelInfo {
  mlir::ArrayAttr labels;         // or null
  vit::PreprocessAttr preprocess; // or null
};

/// Checks that the sizes fit each other; errors at `loc`.
mlir::LogicalResult verifySpec(const VitSpec &spec,
                               const ImportOptions &options,
                               mlir::Location loc);

/// Builds the module of a verified specification; errors at `loc`.
mlir::OwningOpRef<mlir::ModuleOp>
buildVit(const VitSpec &spec, WeightSource &weights, const VitModelInfo &info,
         const ImportOptions &options, mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_VITBUILDER_H
