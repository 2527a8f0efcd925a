//===- VitHybrid.cpp - ViT hybrids of transformers ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ResNetV2.h"
#include "VitConfig.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr VitArchitecture kArchitectures[] = {
    {"ViTHybridForImageClassification", VitOutput::Logits},
    {"ViTHybridModel", VitOutput::HiddenStates},
};

/// The defaults of BitConfig.
static constexpr int64_t kDepths[] = {3, 4, 6, 3};
static constexpr int64_t kHiddenSizes[] = {256, 512, 1024, 2048};
/// The backbone of a configuration that has none.
static constexpr StringLiteral kDefaultBackbone =
    R"({"global_padding": "same", "layer_type": "bottleneck",
        "depths": [3, 4, 9], "out_features": ["stage3"],
        "embedding_dynamic_padding": true})";

/// How many of `stages` come before the feature map: all, or those up to the
/// one that `out_features` names.
static size_t readUsedStages(Config &config, size_t stages) {
  const llvm::json::Value *value = config.lookup("out_features");
  if (!value && config.contains("out_indices"))
    config.emitError() << "out_indices = "
                       << formatJson(*config.lookup("out_indices"))
                       << "; vitc reads out_features";
  if (!value)
    return stages;
  const llvm::json::Array *list = value->getAsArray();
  std::optional<StringRef> name =
      list && list->size() == 1 ? (*list)[0].getAsString() : std::nullopt;
  size_t used = 0;
  if (name && *name == "stem")
    return 0;
  if (name && name->consume_front("stage") && !name->getAsInteger(10, used) &&
      used >= 1 && used <= stages)
    return used;
  config.emitError() << "out_features = " << formatJson(*value)
                     << "; it needs a list of one name, stem or stage1 to stage"
                     << stages;
  return stages;
}

/// What vitc imports with one value only.
static void verifyFixedValues(Config &config, size_t stages) {
  auto needString = [&](StringRef key, StringRef needed) {
    std::string found = config.getString(key, "");
    if (!StringRef(found).equals_insensitive(needed))
      config.emitError() << key << " = "
                         << (config.contains(key) ? "'" + found + "'" : "null")
                         << "; vitc imports " << needed;
  };
  needString("global_padding", "same");
  if (!config.getBool("embedding_dynamic_padding", false))
    config.emitError()
        << "embedding_dynamic_padding = false; vitc imports true";
  std::string activation = config.getString("hidden_act", "relu");
  if (activation != "relu")
    config.emitError() << "hidden_act = '" << activation
                       << "'; vitc imports relu";
  if (config.getNumber("width_factor", 1) != 1)
    config.emitError() << "width_factor = "
                       << formatJson(*config.lookup("width_factor"))
                       << "; vitc imports 1";
  // A stage that reaches it would be dilated instead of halving the map.
  int64_t stride = config.getSize("output_stride", 32, kMaxPixels);
  int64_t reached = int64_t(1) << stages;
  if (stages > 1 && stride <= reached)
    config.emitError() << "output_stride = " << stride << "; " << stages
                       << " stages need more than " << reached;
}

static ResNetV2Spec readBackbone(Config &config, const VitSpec &vit) {
  ResNetV2Spec backbone;
  backbone.prefix = vit.prefix + "embeddings.patch_embeddings.backbone.bit.";
  backbone.names = {"embedder.convolution", "embedder.norm", "embedder.pooler",
                    "encoder.stages.", ".layers."};
  std::string modelType = config.getString("model_type", "bit");
  if (modelType != "bit")
    config.emitError() << "model_type = '" << modelType
                       << "'; vitc imports bit";
  int64_t channels = config.getSize("num_channels", 3, kMaxChannels);
  if (channels != vit.channels)
    config.emitError() << "num_channels = " << channels
                       << "; the transformer has " << vit.channels;
  std::string layerType = config.getString("layer_type", "preactivation");
  if (layerType != "preactivation" && layerType != "bottleneck")
    config.emitError() << "layer_type = '" << layerType
                       << "'; vitc imports preactivation and bottleneck";
  backbone.preactivation = layerType == "preactivation";
  backbone.stemChannels = config.getSize("embedding_size", 64, kMaxWidth);
  backbone.numGroups = config.getSize("num_groups", 32, kMaxWidth);
  backbone.depths = config.getSizes("depths", kDepths, kMaxLayers);
  backbone.channels = config.getSizes("hidden_sizes", kHiddenSizes, kMaxWidth);
  // transformers, too, leaves out the widths behind the last stage.
  size_t stages = std::min(backbone.depths.size(), backbone.channels.size());
  if (stages > ResNetV2Spec::kMaxStages) {
    config.emitError() << "depths has " << stages << " stages; it needs 1 to "
                       << ResNetV2Spec::kMaxStages;
    stages = ResNetV2Spec::kMaxStages;
  }
  backbone.depths.truncate(readUsedStages(config, stages));
  backbone.channels.truncate(backbone.depths.size());
  verifyFixedValues(config, backbone.depths.size());
  return backbone;
}

/// Each group norm needs groups of whole channels.
static void verifyGroups(Config &config, const ResNetV2Spec &backbone) {
  auto verify = [&](int64_t channels, StringRef of) {
    if (channels % backbone.numGroups != 0)
      config.emitError() << of << " has a norm of " << channels
                         << " channels, not a multiple of num_groups = "
                         << backbone.numGroups;
    return channels % backbone.numGroups == 0;
  };
  bool stemNormed = !backbone.preactivation || !backbone.depths.empty();
  if (stemNormed && !verify(backbone.stemChannels, "the stem"))
    return;
  for (int64_t channels : backbone.channels)
    if (!verify(channels, "a stage") ||
        !verify(ResNetV2Spec::getInnerChannels(channels), "a block"))
      return;
}

/// The nested object that describes the backbone.
static Config readBackboneConfig(Config &config) {
  if (config.contains("backbone"))
    config.emitError() << "backbone = "
                       << formatJson(*config.lookup("backbone"))
                       << "; vitc needs a backbone_config";
  if (!config.contains("backbone_config"))
    return Config(
        *llvm::cantFail(llvm::json::parse(kDefaultBackbone)).getAsObject(),
        config.getLoc());
  return config.getObject("backbone_config");
}

OwningOpRef<ModuleOp> import_::importVitHybrid(StringRef folder, Config &config,
                                               Checkpoint &checkpoint,
                                               const ImportOptions &options) {
  VitSpec spec;
  readArchitecture(config, kArchitectures, spec);
  spec.patchHeight = spec.patchWidth = 1;
  readEncoder(config, spec);
  spec.intermediateSize = config.getSize("intermediate_size", 3072, kMaxHidden);
  spec.prefix = findPrefix(checkpoint, "vit", spec.names.classToken);
  if (spec.output == VitOutput::HiddenStates &&
      checkpoint.contains(spec.prefix + spec.names.pooler + ".weight"))
    spec.pooler = VitPooler::Dense;

  Config backboneConfig = readBackboneConfig(config);
  if (config.failed())
    return nullptr;
  ResNetV2Spec backbone = readBackbone(backboneConfig, spec);
  if (!backboneConfig.failed())
    verifyGroups(backboneConfig, backbone);
  if (backboneConfig.failed())
    return nullptr;
  spec.stem = getStem(backbone);
  return finishVit(folder, config, checkpoint, spec, options);
}
