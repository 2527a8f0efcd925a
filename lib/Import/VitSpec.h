//===- VitSpec.h - What a vision transformer is made of --------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The isotropic vision transformers: ViT, DeiT, BEiT, DINOv2, DINOv3, MAE,
// YOLOS. Importers fill a VitSpec with sizes, with what the architecture has,
// and with the source's names of the layers; VitBuilder makes a module of it.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_VITSPEC_H
#define VITC_LIB_IMPORT_VITSPEC_H

#include "AttentionPooling.h"
#include "RotaryPositions.h"
#include "Vit/VitDialect.h"
#include "vitc/Import/Import.h"

#include <functional>
#include <optional>
#include <string>

namespace vitc::import_ {

class LayerBuilder;

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

/// How the source names its layers and weights; by default as transformers'
/// ViT does. Those in a block follow the block's own name and a dot. What is
/// empty the architecture has not.
struct VitNames {
  std::string patchProjection = "embeddings.patch_embeddings.projection";
  std::string classToken = "embeddings.cls_token";
  std::string distillationToken;
  std::string registerTokens;
  std::string positions = "embeddings.position_embeddings";
  std::string midPositions; // added behind each block but the last
  std::string preNorm;      // on the embedded tokens
  std::string block = "encoder.layer.";
  std::string sharedBiasTable; // relative position bias of all blocks
  std::string norm = "layernorm";
  std::string pooledNorm; // on the pooled token
  std::string pooler = "pooler.dense";
  std::string classifier = "classifier"; // without the backbone's prefix
  std::string distillationClassifier = "distillation_classifier";

  std::string norm1 = "layernorm_before";
  std::string attention = "attention.attention";
  std::string query = "attention.attention.query";
  std::string key = "attention.attention.key";
  std::string value = "attention.attention.value";
  std::string qkv;                  // one layer for the three, in this order
  std::string queryBias, valueBias; // of such a layer, where the key has none
  std::string queryNorm, keyNorm;   // on each head
  std::string biasTable;
  std::string attentionNorm; // on the joined heads
  std::string attentionOutput = "attention.output.dense";
  std::string attentionScale; // LayerScale
  std::string norm2 = "layernorm_after";
  std::string mlpGate; // of a gated MLP, where it is a layer of its own
  std::string mlpInput = "intermediate.dense";
  std::string mlpActivation = "intermediate.intermediate_act_fn";
  std::string mlpNorm; // behind the activation
  std::string mlpOutput = "output.dense";
  std::string mlpScale; // LayerScale
};

/// The names of transformers' DINOv2, without registers.
VitNames getDinov2Names();

enum class VitOutput {
  HiddenStates,  // last_hidden_state and, with a pooler, pooler_output
  Logits,        // of a classifier on the pooled tokens
  TeacherLogits, // mean of a classifier each on class and distillation token
  PooledFeatures // what a classifier would get
};

enum class VitPooling {
  ClassToken,
  MeanTokens,
  MeanPatches,
  ClassTokenAndMeanPatches, // side by side
  Attention                 // of a learned query
};

/// What HiddenStates has beside the tokens.
enum class VitPooler {
  None,
  Dense,  // tanh(linear(class token))
  Pooled, // the pooled tokens, normed when there is a pooledNorm
};

/// A convolutional backbone before the patch embedding.
struct VitStem {
  int64_t channels; // of its feature map
  /// The map's height or width for a picture of `pixels`.
  std::function<int64_t(int64_t pixels)> getMapSize;
  std::function<mlir::Value(LayerBuilder &layers, mlir::Value image)> build;
};

/// How a relative position bias is resized for another picture.
enum class BiasResize {
  Bilinear, // transformers
  Geometric // timm
};

/// How positions are resized for another picture, as PyTorch's interpolate
/// does.
enum class PositionResize {
  Antialiased, // bicubic, with a = -0.5
  Plain,       // bicubic, with a = -0.75
  BilinearAntialiased,
  Bilinear,
  BilinearAligned // the first and last positions stay
};

struct VitSpec {
  VitKeys keys;
  VitNames names;
  std::string architecture; // e.g. "ViTForImageClassification"
  std::string prefix;       // of the backbone's weights, e.g. "vit."

  int64_t imageHeight = 224, imageWidth = 224, channels = 3;
  int64_t patchHeight = 16, patchWidth = 16;
  /// Its feature map is cut into patches.
  std::optional<VitStem> stem;

  /// Class token and positions are stored as rows [E] and [N, E], without a
  /// leading 1.
  bool storesRows = false;
  bool patchBias = true;
  bool classToken = true;
  bool distillationToken = false;
  int64_t numRegisterTokens = 0; // behind the other tokens
  bool positions = true;
  /// How many of the tokens have a position, from the first on; none: all but
  /// registers.
  std::optional<int64_t> positionedTokens;
  /// The grid that the stored positions and biases are for; they are resized
  /// for another one of the image.
  int64_t positionHeight = 0, positionWidth = 0;
  BiasResize biasResize = BiasResize::Bilinear;
  PositionResize positionResize = PositionResize::Antialiased;
  /// The stored positions of registers are behind those of the patches.
  bool registersBehind = false;

  int64_t hiddenSize = 768, intermediateSize = 3072;
  int64_t numLayers = 12, numHeads = 12;
  double layerNormEps = 1e-12;
  bool qkvBias = true;
  bool keyBias = true;    // where the three layers have biases
  bool outputBias = true; // of the layer behind attention
  bool mlpBias = true;
  /// activation(gate) * up, both of mlpInput where there is no mlpGate.
  bool gatedMlp = false;
  bool silu = false; // instead of GELU
  vit::GeluForm gelu = vit::GeluForm::Exact;
  /// How queries and keys of patches are turned.
  std::optional<AxialRotary> rotary;

  VitOutput output = VitOutput::Logits;
  VitPooler pooler = VitPooler::None;
  VitPooling pooling = VitPooling::ClassToken;
  /// What VitPooling::Attention needs.
  std::optional<AttentionPooling> attentionPooling;
  int64_t headLayers = 1; // of the classifier, GELU between them
  int64_t numClasses = 0;

  /// Tokens before the patches.
  int64_t numTokens() const {
    return int64_t(classToken) + int64_t(distillationToken) + numRegisterTokens;
  }
  /// Those of them that have a position.
  int64_t numPositionedTokens() const {
    return positionedTokens.value_or(numTokens() - numRegisterTokens);
  }
  /// What is cut into patches.
  int64_t mapChannels() const { return stem ? stem->channels : channels; }
  int64_t mapHeight() const {
    return stem ? stem->getMapSize(imageHeight) : imageHeight;
  }
  int64_t mapWidth() const {
    return stem ? stem->getMapSize(imageWidth) : imageWidth;
  }
  int64_t gridHeight() const { return mapHeight() / patchHeight; }
  int64_t gridWidth() const { return mapWidth() / patchWidth; }
};

/// Takes the size that the user asked for, and checks that all sizes fit each
/// other; errors at `loc`.
mlir::LogicalResult resolveSpec(VitSpec &spec, const ImportOptions &options,
                                mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_VITSPEC_H
