//===- Dinov3.cpp - DINOv3 of transformers --------------------------------===//
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
    {"DINOv3ViTModel", VitOutput::HiddenStates},
};

static VitNames getNames(const Checkpoint &checkpoint) {
  VitNames names = getDinov2Names();
  names.patchProjection = "embeddings.patch_embeddings";
  // transformers' own name in memory, which some tools write.
  names.block = checkpoint.contains("model.layer.0.norm1.weight")
                    ? "model.layer."
                    : "layer.";
  names.norm = "norm";
  names.attention = "attention";
  names.query = "attention.q_proj";
  names.key = "attention.k_proj";
  names.value = "attention.v_proj";
  names.attentionOutput = "attention.o_proj";
  names.mlpInput = "mlp.up_proj";
  names.mlpActivation = "mlp.act_fn";
  names.mlpOutput = "mlp.down_proj";
  return names;
}

OwningOpRef<ModuleOp> import_::importDinov3(StringRef folder, Config &config,
                                            Checkpoint &checkpoint,
                                            const ImportOptions &options) {
  VitSpec spec;
  readArchitecture(config, kArchitectures, spec);
  spec.names = getNames(checkpoint);
  const llvm::json::Value *activation = config.lookup("hidden_act");
  spec.silu = activation && activation->getAsString() == "silu";
  // Defaults of DINOv3ViTConfig that differ from ViTConfig's.
  spec.hiddenSize = 384;
  spec.numHeads = 6;
  spec.layerNormEps = 1e-5;
  readEncoder(config, spec);
  spec.intermediateSize = config.getSize("intermediate_size", 1536, kMaxHidden);

  spec.qkvBias = config.getBool("query_bias", true);
  if (config.getBool("value_bias", true) != spec.qkvBias)
    config.emitError() << "query_bias = " << (spec.qkvBias ? "true" : "false")
                       << " and value_bias = "
                       << (spec.qkvBias ? "false" : "true")
                       << "; vitc needs both or none";
  spec.keyBias = config.getBool("key_bias", false);
  spec.outputBias = config.getBool("proj_bias", true);
  spec.mlpBias = config.getBool("mlp_bias", true);
  spec.gatedMlp = config.getBool("use_gated_mlp", false);
  if (spec.gatedMlp)
    spec.names.mlpGate = "mlp.gate_proj";

  spec.positions = false;
  spec.rotary = AxialRotary();
  spec.rotary->base = config.getNumber("rope_theta", 100.0);
  if (spec.rotary->base <= 1)
    config.emitError() << "rope_theta = "
                       << formatJson(*config.lookup("rope_theta"))
                       << "; it needs a number above 1";
  if (!config.failed() && spec.hiddenSize % (4 * spec.numHeads) != 0)
    config.emitError()
        << "hidden_size = " << spec.hiddenSize << " in " << spec.numHeads
        << " heads; each needs a multiple of 4, of which half is "
           "turned by the height and half by the width";
  spec.numRegisterTokens =
      config.getSize("num_register_tokens", 0, kMaxWidth, /*min=*/0);
  if (spec.numRegisterTokens > 0)
    spec.names.registerTokens = "embeddings.register_tokens";
  spec.pooler = VitPooler::Pooled;
  return finishVit(folder, config, checkpoint, spec, options);
}
