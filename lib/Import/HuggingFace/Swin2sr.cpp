//===- Swin2sr.cpp - Swin2SR of transformers ------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Swin2srBuilder.h"
#include "VitConfig.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr VitArchitecture kArchitectures[] = {
    {"Swin2SRForImageSuperResolution", VitOutput::HiddenStates},
};
/// Times which a picture is enlarged.
static constexpr int64_t kMaxScale = 64;

static void readStages(Config &config, SwinSpec &spec) {
  SmallVector<int64_t, 4> depths =
      config.getSizes("depths", {6, 6, 6, 6, 6, 6}, kMaxLayers);
  SmallVector<int64_t, 4> heads =
      config.getSizes("num_heads", {6, 6, 6, 6, 6, 6}, kMaxWidth);
  if (!config.failed() && depths.size() != heads.size())
    config.emitError() << "depths has " << depths.size()
                       << " stages but num_heads has " << heads.size()
                       << "; both need one entry a stage";
  for (auto [depth, numHeads] : llvm::zip(depths, heads))
    spec.stages.push_back({depth, numHeads});
}

static void readUpsampler(Config &config, Swin2srSpec &spec) {
  // For the class null is no upsampler, and an absent key this one.
  std::string name = config.getString(
      "upsampler", config.isNull("upsampler") ? "" : "pixelshuffle");
  auto upsampler =
      llvm::StringSwitch<std::optional<Swin2srUpsampler>>(name)
          .Case("pixelshuffle", Swin2srUpsampler::PixelShuffle)
          .Case("pixelshuffledirect", Swin2srUpsampler::PixelShuffleDirect)
          .Case("nearest+conv", Swin2srUpsampler::NearestConv)
          .Case("", Swin2srUpsampler::None)
          .Default(std::nullopt);
  if (!upsampler) {
    config.emitError() << "upsampler = '" << name
                       << "'; vitc imports pixelshuffle, pixelshuffledirect, "
                          "nearest+conv and none";
    return;
  }
  spec.upsampler = *upsampler;
  spec.scale = config.getSize("upscale", 2, kMaxScale);
  auto needScale = [&](bool fits, StringRef needed) {
    if (!fits)
      config.emitError() << "upscale = " << spec.scale << "; " << name
                         << " needs " << needed;
  };
  switch (spec.upsampler) {
  case Swin2srUpsampler::PixelShuffle:
    needScale(llvm::isPowerOf2_64(spec.scale) || spec.scale == 3,
              "a power of 2, or 3");
    break;
  case Swin2srUpsampler::NearestConv:
    needScale(spec.scale == 4, "4");
    break;
  case Swin2srUpsampler::PixelShuffleDirect:
    break;
  case Swin2srUpsampler::None:
    name = "a model without upsampler";
    needScale(spec.scale == 1, "1");
    if (spec.outputChannels != spec.swin.channels)
      config.emitError() << "num_channels_out = " << spec.outputChannels
                         << "; a model without upsampler needs num_channels = "
                         << spec.swin.channels;
    break;
  }
}

static void readSpec(Config &config, Swin2srSpec &spec) {
  SwinSpec &swin = spec.swin;
  swin.architecture = readArchitecture(config, kArchitectures).name.str();
  swin.prefix = "swin2sr.";
  swin.v2 = true;
  swin.keyBias = false;
  swin.clamp = SwinClamp::Height;
  // transformers adds its mask of -100 twice.
  swin.maskValue = -200.0;
  std::tie(swin.imageHeight, swin.imageWidth) =
      config.getSizePair("image_size", 64, kMaxPixels);
  std::tie(swin.patchHeight, swin.patchWidth) =
      config.getSizePair("patch_size", 1, kMaxPixels);
  if (swin.patchHeight != 1 || swin.patchWidth != 1)
    config.emitError() << "patch_size = "
                       << formatJson(*config.lookup("patch_size"))
                       << "; vitc imports 1";
  swin.channels = config.getSize("num_channels", 3, kMaxChannels);
  spec.outputChannels =
      config.getSize("num_channels_out", swin.channels, kMaxChannels);
  swin.embedDim = config.getSize("embed_dim", 180, kMaxWidth);
  readStages(config, swin);
  swin.window = config.getSize("window_size", 8, kMaxWindow);
  swin.mlpRatio = config.getNumber("mlp_ratio", 2.0);
  swin.layerNormEps = config.getNumber("layer_norm_eps", 1e-5);
  swin.qkvBias = config.getBool("qkv_bias", true);
  swin.gelu = readGelu(config);
  if (config.getBool("use_absolute_embeddings", false))
    config.emitError() << "use_absolute_embeddings = true; vitc imports false";
  spec.range = config.getNumber("img_range", 1.0);
  if (spec.range == 0)
    config.emitError() << "img_range = 0; it needs a positive number";
  std::string residual = config.getString("resi_connection", "1conv");
  spec.residual = residual == "3conv" ? Swin2srResidual::ThreeConvs
                                      : Swin2srResidual::OneConv;
  if (residual != "1conv" && residual != "3conv")
    config.emitError() << "resi_connection = '" << residual
                       << "'; vitc imports 1conv and 3conv";
  readUpsampler(config, spec);
}

OwningOpRef<ModuleOp> import_::importSwin2sr(StringRef folder, Config &config,
                                             Checkpoint &checkpoint,
                                             const ImportOptions &options) {
  Swin2srSpec spec;
  readSpec(config, spec);
  if (config.failed() || failed(resolveSwin2sr(spec, options, config.getLoc())))
    return nullptr;
  FailureOr<vit::PreprocessAttr> preprocess = importPreprocessor(
      folder, "swin2sr", spec.swin.imageHeight, spec.swin.imageWidth,
      spec.swin.channels, options, *config.getLoc().getContext());
  if (failed(preprocess))
    return nullptr;
  ModelInfo info;
  info.preprocess = *preprocess;
  return buildSwin2sr(spec, checkpoint, info, options, config.getLoc());
}
