//===- Clip.cpp - CLIP of transformers ------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Towers.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TowerArchitecture kArchitectures[] = {
    {"CLIPModel", TowerOutput::Ranking},
    {"CLIPForImageClassification", TowerOutput::Logits},
};
static constexpr TowerArchitecture kImageArchitectures[] = {
    {"CLIPVisionModel", TowerOutput::ImageStates},
    {"CLIPVisionModelWithProjection", TowerOutput::ImageEmbeddings},
};
static constexpr TowerArchitecture kTextArchitectures[] = {
    {"CLIPTextModel", TowerOutput::TextStates},
    {"CLIPTextModelWithProjection", TowerOutput::TextEmbeddings},
};

/// What files of before transformers 4.31 say of the end token, whatever it
/// was.
static constexpr int64_t kOldEndToken = 2;

static void readImageTower(Config &config, ImageTower &tower) {
  VitSpec &spec = tower.spec;
  spec.patchHeight = spec.patchWidth = 32;
  spec.layerNormEps = 1e-5;
  spec.gelu = vit::GeluForm::Quick;
  readImageEncoder(config, spec);
  spec.patchBias = false;
  spec.names.preNorm = "pre_layrnorm"; // sic
}

static void readTextTower(Config &config, TextTower &tower) {
  TextSpec &spec = tower.spec;
  spec.vocabSize = 49408;
  spec.numPositions = 77;
  spec.hiddenSize = 512;
  spec.intermediateSize = 2048;
  spec.numLayers = 12;
  spec.numHeads = 8;
  spec.layerNormEps = 1e-5;
  spec.gelu = vit::GeluForm::Quick;
  readTowerText(config, spec);
  spec.causal = true;
  tower.endToken =
      config.getSize("eos_token_id", 49407, kMaxVocabulary, /*min=*/0);
  tower.pooling = tower.endToken == kOldEndToken ? TextTower::Pooling::Greatest
                                                 : TextTower::Pooling::FirstEnd;
}

OwningOpRef<ModuleOp> import_::importClip(StringRef folder, Config &config,
                                          Checkpoint &checkpoint,
                                          const ImportOptions &options) {
  TowerFamily family;
  family.modelType = "clip";
  family.architectures = kArchitectures;
  family.imageArchitectures = kImageArchitectures;
  family.textArchitectures = kTextArchitectures;
  family.readImageTower = readImageTower;
  family.readTextTower = readTextTower;
  family.hasProjections = true;
  family.classifierPooling = VitPooling::MeanPatches;
  family.sigmoid = false;
  return importTowers(folder, config, checkpoint, family, options);
}
