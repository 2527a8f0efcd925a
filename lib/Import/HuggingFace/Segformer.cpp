//===- Segformer.cpp - SegFormer of transformers --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SegformerBuilder.h"
#include "VitConfig.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {
struct SegformerArchitecture {
  StringRef name;
  SegformerOutput output;
};
} // namespace

static constexpr SegformerArchitecture kArchitectures[] = {
    {"SegformerForSemanticSegmentation", SegformerOutput::Map},
    {"SegformerForImageClassification", SegformerOutput::Classes},
    {"SegformerModel", SegformerOutput::HiddenState},
};
static constexpr size_t kMaxStages = 16;

static void readOutput(Config &config, SegformerSpec &spec) {
  SmallVector<StringRef> names = llvm::map_to_vector(
      kArchitectures, [](const SegformerArchitecture &architecture) {
        return architecture.name;
      });
  const SegformerArchitecture &architecture =
      kArchitectures[findArchitecture(config, names)];
  spec.architecture = architecture.name.str();
  spec.output = architecture.output;
}

static void readStages(Config &config, SegformerSpec &spec) {
  size_t count = config.getSize("num_encoder_blocks", 4, kMaxStages);
  auto read = [&](StringRef key, ArrayRef<int64_t> defaults, int64_t max) {
    SmallVector<int64_t, 4> sizes = config.getSizes(key, defaults, max);
    if (!config.failed() && sizes.size() != count)
      config.emitError() << key << " has " << sizes.size()
                         << " entries; num_encoder_blocks = " << count
                         << " needs as many";
    sizes.resize(count, 1);
    return sizes;
  };
  SmallVector<int64_t, 4> depths = read("depths", {2, 2, 2, 2}, kMaxLayers);
  SmallVector<int64_t, 4> reductions =
      read("sr_ratios", {8, 4, 2, 1}, kMaxPixels);
  SmallVector<int64_t, 4> channels =
      read("hidden_sizes", {32, 64, 160, 256}, kMaxWidth);
  SmallVector<int64_t, 4> patchSizes =
      read("patch_sizes", {7, 3, 3, 3}, kMaxPixels);
  SmallVector<int64_t, 4> strides = read("strides", {4, 2, 2, 2}, kMaxPixels);
  SmallVector<int64_t, 4> heads =
      read("num_attention_heads", {1, 2, 5, 8}, kMaxWidth);
  SmallVector<int64_t, 4> ratios = read("mlp_ratios", {4, 4, 4, 4}, kMaxWidth);
  for (size_t i = 0; i < count; ++i)
    spec.stages.push_back({depths[i], channels[i], heads[i], patchSizes[i],
                           strides[i], reductions[i], ratios[i]});
}

OwningOpRef<ModuleOp> import_::importSegformer(StringRef folder, Config &config,
                                               Checkpoint &checkpoint,
                                               const ImportOptions &options) {
  MLIRContext *context = config.getLoc().getContext();
  SegformerSpec spec;
  readOutput(config, spec);
  readStages(config, spec);
  spec.channels = config.getSize("num_channels", 3, kMaxChannels);
  spec.decoderWidth = config.getSize("decoder_hidden_size", 256, kMaxWidth);
  spec.lastAsTokens = !config.getBool("reshape_last_stage", true);
  spec.gelu = readGelu(config);
  spec.prefix = findPrefix(checkpoint, "segformer",
                           "encoder.patch_embeddings.0.proj.weight");
  // Some configurations have an image_size, which transformers does not read.
  FailureOr<std::pair<int64_t, int64_t>> size =
      readPictureSize(folder, {512, 512}, *context);
  if (failed(size))
    return nullptr;
  std::tie(spec.imageHeight, spec.imageWidth) = *size;
  ModelInfo info;
  if (spec.output != SegformerOutput::HiddenState) {
    info.labels = readLabels(config);
    spec.numClasses = info.labels.size();
  }
  if (config.failed() ||
      failed(resolveSegformer(spec, options, config.getLoc())))
    return nullptr;
  FailureOr<vit::PreprocessAttr> preprocess =
      importPreprocessor(folder, "segformer", spec.imageHeight, spec.imageWidth,
                         spec.channels, options, *context);
  if (failed(preprocess))
    return nullptr;
  info.preprocess = *preprocess;
  return buildSegformer(spec, checkpoint, info, options, config.getLoc());
}
