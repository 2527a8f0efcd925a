//===- Beit.cpp - BEiT of transformers ------------------------------------===//
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
    {"BeitForImageClassification", VitOutput::Logits},
    {"BeitModel", VitOutput::HiddenStates},
};

OwningOpRef<ModuleOp> import_::importBeit(StringRef folder, Config &config,
                                          Checkpoint &checkpoint,
                                          const ImportOptions &options) {
  VitSpec spec;
  readArchitecture(config, kArchitectures, spec);
  readEncoder(config, spec);
  spec.intermediateSize = config.getSize("intermediate_size", 3072, kMaxHidden);
  spec.qkvBias = true;
  spec.keyBias = false;
  spec.prefix = findPrefix(checkpoint, "beit", spec.names.classToken);
  spec.positions = config.getBool("use_absolute_position_embeddings", false);

  VitNames &names = spec.names;
  const std::string table =
      "relative_position_bias.relative_position_bias_table";
  if (config.getBool("use_shared_relative_position_bias", false))
    names.sharedBiasTable = "encoder." + table;
  if (config.getBool("use_relative_position_bias", false))
    names.biasTable = "attention.attention." + table;
  if (!names.biasTable.empty() && !names.sharedBiasTable.empty())
    config.emitError() << "use_relative_position_bias and "
                          "use_shared_relative_position_bias are both true; "
                          "vitc needs one of them";
  if (config.getNumber("layer_scale_init_value", 0.1) > 0) {
    names.attentionScale = "lambda_1";
    names.mlpScale = "lambda_2";
  }
  // The pooler's norm replaces the last one where patches are averaged.
  if (config.getBool("use_mean_pooling", true)) {
    spec.pooling = VitPooling::MeanPatches;
    names.norm = "";
    names.pooledNorm = "pooler.layernorm";
  }
  // BeitModel may have been made without a pooler, which then has no weights.
  if (spec.output == VitOutput::HiddenStates &&
      (names.pooledNorm.empty() ||
       checkpoint.contains(spec.prefix + names.pooledNorm + ".weight")))
    spec.pooler = VitPooler::Pooled;
  return finishVit(folder, config, checkpoint, spec, options);
}
