//===- Swin.cpp - Swin and Swin v2 of transformers ------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SwinBuilder.h"
#include "VitConfig.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr VitArchitecture kSwinArchitectures[] = {
    {"SwinForImageClassification", VitOutput::Logits},
    {"SwinModel", VitOutput::HiddenStates},
};
static constexpr VitArchitecture kSwinv2Architectures[] = {
    {"Swinv2ForImageClassification", VitOutput::Logits},
    {"Swinv2Model", VitOutput::HiddenStates},
};

static void readStages(Config &config, SwinSpec &spec) {
  SmallVector<int64_t> depths =
      config.getSizes("depths", {2, 2, 6, 2}, kMaxLayers);
  SmallVector<int64_t> heads =
      config.getSizes("num_heads", {3, 6, 12, 24}, kMaxWidth);
  if (depths.size() != heads.size()) {
    config.emitError() << "depths has " << depths.size()
                       << " stages but num_heads has " << heads.size()
                       << "; both need one entry a stage";
    return;
  }
  SmallVector<int64_t> pretrained(depths.size(), 0);
  if (spec.v2)
    pretrained = config.getSizes("pretrained_window_sizes", pretrained,
                                 kMaxWindow, /*min=*/0);
  for (size_t i = 0; i < depths.size(); ++i) {
    if (i >= pretrained.size()) {
      config.emitError() << "pretrained_window_sizes has " << pretrained.size()
                         << " entries but depths has " << depths.size()
                         << "; both need one entry a stage";
      return;
    }
    if (pretrained[i] == 1) {
      config.emitError() << "pretrained_window_sizes has 1; it needs 0, for "
                            "none, or 2 or more";
      return;
    }
    spec.stages.push_back({depths[i], heads[i], pretrained[i]});
  }
}

static void readSpec(Config &config, SwinSpec &spec) {
  VitArchitecture architecture = readArchitecture(
      config, spec.v2 ? ArrayRef(kSwinv2Architectures) : kSwinArchitectures);
  spec.architecture = architecture.name.str();
  spec.output = architecture.output == VitOutput::Logits
                    ? SwinOutput::Logits
                    : SwinOutput::HiddenStates;
  std::tie(spec.imageHeight, spec.imageWidth) =
      config.getSizePair("image_size", 224, kMaxPixels);
  std::tie(spec.patchHeight, spec.patchWidth) =
      config.getSizePair("patch_size", 4, kMaxPixels);
  spec.channels = config.getSize("num_channels", 3, kMaxChannels);
  spec.embedDim = config.getSize("embed_dim", 96, kMaxWidth);
  readStages(config, spec);
  spec.window = config.getSize("window_size", 7, kMaxWindow);
  spec.mlpRatio = config.getNumber("mlp_ratio", 4.0);
  spec.layerNormEps = config.getNumber("layer_norm_eps", 1e-5);
  spec.qkvBias = config.getBool("qkv_bias", true);
  spec.positions = config.getBool("use_absolute_embeddings", false);
  spec.gelu = readGelu(config);
  if (spec.v2) {
    spec.keyBias = false;
    spec.clamp = SwinClamp::Height;
    // transformers adds its mask of -100 twice.
    spec.maskValue = -200.0;
  }
}

OwningOpRef<ModuleOp> import_::importSwin(StringRef folder, Config &config,
                                          Checkpoint &checkpoint,
                                          const ImportOptions &options) {
  MLIRContext *context = config.getLoc().getContext();
  std::string modelType = config.getString("model_type", "");
  SwinSpec spec;
  spec.v2 = modelType == "swinv2";
  readSpec(config, spec);
  spec.prefix = findPrefix(checkpoint, modelType, "layernorm.weight");
  ModelInfo info;
  if (spec.output == SwinOutput::Logits) {
    info.labels = readLabels(config);
    spec.numClasses = info.labels.size();
  }
  if (config.failed() || failed(resolveSwin(spec, options, config.getLoc())))
    return nullptr;
  FailureOr<vit::PreprocessAttr> preprocess =
      importPreprocessor(folder, modelType, spec.imageHeight, spec.imageWidth,
                         spec.channels, options, *context);
  if (failed(preprocess))
    return nullptr;
  info.preprocess = *preprocess;
  return buildSwin(spec, checkpoint, info, options, config.getLoc());
}
