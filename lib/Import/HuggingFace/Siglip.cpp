//===- Siglip.cpp - SigLIP of transformers --------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Texts of SigLIP have no mask: the model was trained with its padding, and its
// last token, which mostly is padding, stands for the text.
//
//===----------------------------------------------------------------------===//

#include "Towers.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr TowerArchitecture kArchitectures[] = {
    {"SiglipModel", TowerOutput::Ranking},
    {"SiglipForImageClassification", TowerOutput::Logits},
};
static constexpr TowerArchitecture kImageArchitectures[] = {
    {"SiglipVisionModel", TowerOutput::ImageStates},
};
static constexpr TowerArchitecture kTextArchitectures[] = {
    {"SiglipTextModel", TowerOutput::TextStates},
};

static void readImageTower(Config &config, ImageTower &tower) {
  VitSpec &spec = tower.spec;
  spec.layerNormEps = 1e-6;
  spec.gelu = vit::GeluForm::Tanh;
  readImageEncoder(config, spec);
  spec.classToken = false;
  tower.attentionPooling = true;
  tower.pools = config.getBool("vision_use_head", true);
}

static void readTextTower(Config &config, TextTower &tower) {
  TextSpec &spec = tower.spec;
  spec.vocabSize = 32000;
  spec.numPositions = 64;
  spec.hiddenSize = 768;
  spec.intermediateSize = 3072;
  spec.numLayers = spec.numHeads = 12;
  spec.layerNormEps = 1e-6;
  spec.gelu = vit::GeluForm::Tanh;
  readTowerText(config, spec);
  tower.pooling = TextTower::Pooling::Last;
  tower.head = spec.prefix + "head";
  tower.headSize =
      config.getSize("projection_size", spec.hiddenSize, kMaxWidth);
}

OwningOpRef<ModuleOp> import_::importSiglip(StringRef folder, Config &config,
                                            Checkpoint &checkpoint,
                                            const ImportOptions &options) {
  TowerFamily family;
  family.modelType = "siglip";
  family.architectures = kArchitectures;
  family.imageArchitectures = kImageArchitectures;
  family.textArchitectures = kTextArchitectures;
  family.readImageTower = readImageTower;
  family.readTextTower = readTextTower;
  family.hasProjections = false;
  family.classifierPooling = VitPooling::MeanTokens;
  family.sigmoid = true;
  return importTowers(folder, config, checkpoint, family, options);
}
