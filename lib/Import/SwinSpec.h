//===- SwinSpec.h - What a Swin transformer is made of ---------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Swin (Liu et al. 2021) and Swin v2 (Liu et al. 2022): stages of blocks with
// attention in windows, between which 2 x 2 neighbours are merged.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_SWINSPEC_H
#define VITC_LIB_IMPORT_SWINSPEC_H

#include "Vit/VitDialect.h"
#include "vitc/Import/Import.h"

#include <array>
#include <string>

namespace vitc::import_ {

/// How the source spells its hyperparameters, for messages.
struct SwinKeys {
  llvm::StringRef embedDim = "embed_dim";
  llvm::StringRef depths = "depths";
  llvm::StringRef numHeads = "num_heads";
  llvm::StringRef windowSize = "window_size";
  llvm::StringRef mlpRatio = "mlp_ratio";
  llvm::StringRef imageSize = "image_size";
  llvm::StringRef patchSize = "patch_size";
  llvm::StringRef numChannels = "num_channels";
  llvm::StringRef numClasses = "the number of labels";
};

/// How the source names its layers and weights; by default as transformers
/// does. Those of a block follow the block's own name and a dot.
struct SwinNames {
  std::string patchProjection = "embeddings.patch_embeddings.projection";
  std::string patchNorm = "embeddings.norm";
  std::string positions = "embeddings.position_embeddings";
  std::string stage = "encoder.layers.";
  std::string block = "blocks.";
  std::string mergeNorm = "downsample.norm";
  std::string mergeReduction = "downsample.reduction";
  std::string norm = "layernorm";
  std::string classifier = "classifier"; // without the backbone's prefix

  std::string norm1 = "layernorm_before";
  std::string attention = "attention.self";
  std::string query = "attention.self.query";
  std::string key = "attention.self.key";
  std::string value = "attention.self.value";
  std::string qkv;                  // one layer for the three, in this order
  std::string queryBias, valueBias; // of such a layer, where the key has none
  std::string biasTable = "attention.self.relative_position_bias_table";
  std::string biasMlp = "attention.self.continuous_position_bias_mlp";
  std::string logitScale = "attention.self.logit_scale";
  std::string attentionOutput = "attention.output.dense";
  std::string norm2 = "layernorm_after";
  std::string mlpInput = "intermediate.dense";
  std::string mlpActivation = "intermediate.intermediate_act_fn";
  std::string mlpOutput = "output.dense";
};

/// Larger than any window; keeps the table of its bias small.
inline constexpr int64_t kMaxWindow = 256;

/// What a window larger than the map becomes, and with which no shift is made.
enum class SwinClamp {
  ShorterSide, // a square of the map's shorter side, as transformers' Swin does
  Height,      // a square of the map's height, as transformers' Swin v2 does
  EachSide     // each side for itself, as timm does
};

enum class SwinOutput {
  HiddenStates,  // last_hidden_state and pooler_output
  Logits,        // of a classifier on the pooled tokens
  PooledFeatures // what a classifier would get
};

struct SwinStage {
  int64_t depth;
  int64_t numHeads;
  /// The window that the continuous position bias was trained with; 0: its own.
  int64_t pretrainedWindow = 0;
  /// Of this stage; 0: the one of all stages.
  int64_t window = 0;
};

struct SwinSpec {
  SwinKeys keys;
  SwinNames names;
  std::string architecture; // e.g. "SwinForImageClassification"
  std::string prefix;       // of the backbone's weights, e.g. "swin."

  /// Swin v2: cosine attention, continuous position bias, norms behind the
  /// branches.
  bool v2 = false;
  int64_t imageHeight = 224, imageWidth = 224, channels = 3;
  int64_t patchHeight = 4, patchWidth = 4;
  int64_t embedDim = 96;
  llvm::SmallVector<SwinStage, 4> stages;
  int64_t window = 7;
  SwinClamp clamp = SwinClamp::ShorterSide;
  double mlpRatio = 4.0;
  double layerNormEps = 1e-5;
  bool qkvBias = true;
  bool keyBias = true; // where query and value have one
  bool positions = false;
  /// Whether the reduction between two stages has the names of the later one.
  bool mergeNamedByNext = false;
  vit::GeluForm gelu = vit::GeluForm::Exact;
  /// Whether maps are padded to whole windows after they are shifted, as timm
  /// does, or before, as transformers does.
  bool padShifted = false;
  /// The value of the mask between regions of a shifted window.
  double maskValue = -100.0;

  SwinOutput output = SwinOutput::Logits;
  int64_t numClasses = 0;

  int64_t getDim(size_t stage) const { return embedDim << stage; }
  int64_t getWindow(size_t stage) const {
    return stages[stage].window > 0 ? stages[stage].window : window;
  }
  int64_t getHidden(size_t stage) const {
    return int64_t(mlpRatio * double(getDim(stage)));
  }
  /// Patches along height and width; those at the border may be cut off.
  std::array<int64_t, 2> getGrid() const {
    return {(imageHeight + patchHeight - 1) / patchHeight,
            (imageWidth + patchWidth - 1) / patchWidth};
  }
  /// Which grid the source's positions and windows are for.
  std::array<int64_t, 2> trainedGrid = {0, 0};
};

/// Takes the size that the user asked for, and checks that all sizes fit each
/// other; errors at `loc`.
mlir::LogicalResult resolveSwin(SwinSpec &spec, const ImportOptions &options,
                                mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_SWINSPEC_H
