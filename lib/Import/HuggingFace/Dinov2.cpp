//===- Dinov2.cpp - DINOv2 of transformers, with registers too ------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VitConfig.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr VitArchitecture kArchitectures[] = {
    {"Dinov2ForImageClassification", VitOutput::Logits},
    {"Dinov2Model", VitOutput::HiddenStates},
};
static constexpr VitArchitecture kRegisterArchitectures[] = {
    {"Dinov2WithRegistersForImageClassification", VitOutput::Logits},
    {"Dinov2WithRegistersModel", VitOutput::HiddenStates},
};

OwningOpRef<ModuleOp> import_::importDinov2(StringRef folder, Config &config,
                                            Checkpoint &checkpoint,
                                            const ImportOptions &options) {
  std::string modelType = config.getString("model_type", "");
  bool registers = modelType == "dinov2_with_registers";
  VitSpec spec;
  readArchitecture(
      config, registers ? ArrayRef(kRegisterArchitectures) : kArchitectures,
      spec);
  spec.names = getDinov2Names();
  spec.layerNormEps = 1e-6;
  readEncoder(config, spec);
  if (registers) {
    spec.names.registerTokens = "embeddings.register_tokens";
    spec.numRegisterTokens =
        config.getSize("num_register_tokens", 4, kMaxWidth);
  }

  spec.keys.intermediateSize = "hidden_size * mlp_ratio";
  spec.intermediateSize =
      spec.hiddenSize * config.getSize("mlp_ratio", 4, kMaxLayers);
  spec.gatedMlp = config.getBool("use_swiglu_ffn", false);
  if (spec.gatedMlp) {
    // Dinov2SwiGLUFFN: two thirds, rounded up to a multiple of 8.
    spec.intermediateSize = (spec.intermediateSize * 2 / 3 + 7) / 8 * 8;
    spec.names.mlpInput = "mlp.weights_in";
    spec.names.mlpOutput = "mlp.weights_out";
  }
  spec.pooling = VitPooling::ClassTokenAndMeanPatches;
  if (spec.output == VitOutput::HiddenStates) {
    spec.pooling = VitPooling::ClassToken;
    spec.pooler = VitPooler::Pooled;
  }
  spec.prefix = findPrefix(checkpoint, modelType, spec.names.classToken);
  return finishVit(folder, config, checkpoint, spec, options);
}
