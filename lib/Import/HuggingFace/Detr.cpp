//===- Detr.cpp - DETR of transformers ------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DetrBuilder.h"
#include "VitConfig.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr VitArchitecture kArchitectures[] = {
    {"DetrForObjectDetection", VitOutput::Logits},
};
static constexpr size_t kMaxStages = 8;

namespace {
/// A ResNet by its name in timm.
struct TimmResNet {
  StringRef name;
  int64_t depths[4];
  bool bottleneck;
};
} // namespace

static constexpr TimmResNet kTimmResNets[] = {
    {"resnet18", {2, 2, 2, 2}, false},
    {"resnet34", {3, 4, 6, 3}, false},
    {"resnet50", {3, 4, 6, 3}, true},
    {"resnet101", {3, 4, 23, 3}, true},
};

static void readTimmResNet(Config &config, StringRef name, ResNetSpec &spec) {
  spec.names = ResNetNames::Timm;
  const TimmResNet *resnet = llvm::find_if(
      kTimmResNets, [&](const TimmResNet &each) { return each.name == name; });
  if (resnet == std::end(kTimmResNets)) {
    config.emitError() << "backbone = '" << name << "'; vitc imports resnet18, "
                       << "resnet34, resnet50 and resnet101";
    return;
  }
  spec.depths.assign(std::begin(resnet->depths), std::end(resnet->depths));
  spec.bottleneck = resnet->bottleneck;
  if (!spec.bottleneck)
    spec.channels = {64, 128, 256, 512};
}

/// The keys of ResNetConfig.
static void readResNet(Config &config, int64_t channels, ResNetSpec &spec) {
  spec.stemChannels = config.getSize("embedding_size", 64, kMaxWidth);
  spec.depths = config.getSizes("depths", spec.depths, kMaxLayers);
  spec.channels = config.getSizes("hidden_sizes", spec.channels, kMaxWidth);
  std::string layerType = config.getString("layer_type", "bottleneck");
  spec.bottleneck = layerType == "bottleneck";
  if (!spec.bottleneck && layerType != "basic")
    config.emitError() << "layer_type = '" << layerType
                       << "'; vitc imports bottleneck and basic";
  spec.strideFirst = config.getBool("downsample_in_bottleneck", false);
  spec.halveFirst = config.getBool("downsample_in_first_stage", false);
  std::string activation = config.getString("hidden_act", "relu");
  if (activation != "relu")
    config.emitError() << "hidden_act = '" << activation
                       << "'; vitc imports relu";
  if (spec.depths.size() != spec.channels.size() ||
      spec.depths.size() > kMaxStages)
    config.emitError() << "depths has " << spec.depths.size()
                       << " stages and hidden_sizes " << spec.channels.size()
                       << "; both need the same number, up to " << kMaxStages;
  int64_t imageChannels =
      config.getSize("num_channels", channels, kMaxChannels);
  if (imageChannels != channels)
    config.emitError() << "num_channels = " << imageChannels
                       << "; the detector has " << channels;
}

static void readBackbone(Config &config, DetrSpec &spec) {
  ResNetSpec &backbone = spec.backbone;
  backbone.prefix = "model.backbone.conv_encoder.model.";
  if (config.getBool("dilation", false))
    config.emitError() << "dilation = true; vitc imports false";
  if (!config.contains("backbone_config")) {
    if (config.getBool("use_timm_backbone", true))
      readTimmResNet(config, config.getString("backbone", "resnet50"),
                     backbone);
    return;
  }
  Config nested = config.getObject("backbone_config");
  std::string modelType = nested.getString("model_type", "resnet");
  if (modelType == "resnet")
    readResNet(nested, spec.channels, backbone);
  else if (modelType == "timm_backbone")
    readTimmResNet(nested, nested.getString("backbone", "resnet50"), backbone);
  else
    nested.emitError() << "the backbone's model_type = '" << modelType
                       << "'; vitc imports resnet and timm_backbone";
  if (nested.failed())
    config.noteError();
}

OwningOpRef<ModuleOp> import_::importDetr(StringRef folder, Config &config,
                                          Checkpoint &checkpoint,
                                          const ImportOptions &options) {
  MLIRContext *context = config.getLoc().getContext();
  DetrSpec spec;
  spec.architecture = readArchitecture(config, kArchitectures).name.str();
  spec.maskName = kMaskInput;
  spec.channels = config.getSize("num_channels", 3, kMaxChannels);
  spec.width = config.getSize("d_model", 256, kMaxWidth);
  spec.numQueries = config.getSize("num_queries", 100, kMaxWidth);
  spec.encoder = {config.getSize("encoder_layers", 6, kMaxLayers),
                  config.getSize("encoder_attention_heads", 8, kMaxWidth),
                  config.getSize("encoder_ffn_dim", 2048, kMaxHidden)};
  spec.decoder = {config.getSize("decoder_layers", 6, kMaxLayers),
                  config.getSize("decoder_attention_heads", 8, kMaxWidth),
                  config.getSize("decoder_ffn_dim", 2048, kMaxHidden)};
  auto needString = [&](StringRef key, StringRef needed) {
    std::string found = config.getString(key, needed);
    if (found != needed)
      config.emitError() << key << " = '" << found << "'; vitc imports "
                         << needed;
  };
  needString("activation_function", "relu");
  needString("position_embedding_type", "sine");
  readBackbone(config, spec);
  // The configuration has no size of pictures.
  FailureOr<std::pair<int64_t, int64_t>> size =
      readPictureSize(folder, {800, 1333}, *context);
  if (failed(size))
    return nullptr;
  std::tie(spec.imageHeight, spec.imageWidth) = *size;
  ModelInfo info;
  info.labels = readLabels(config);
  spec.numClasses = info.labels.size();
  if (config.failed() || failed(resolveDetr(spec, options, config.getLoc())))
    return nullptr;
  FailureOr<vit::PreprocessAttr> preprocess =
      importPreprocessor(folder, "detr", spec.imageHeight, spec.imageWidth,
                         spec.channels, options, *context);
  if (failed(preprocess))
    return nullptr;
  info.preprocess = *preprocess;
  return buildDetr(spec, checkpoint, info, options, config.getLoc());
}
