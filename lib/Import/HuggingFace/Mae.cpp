//===- Mae.cpp - ViT-MAE of transformers ----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaeBuilder.h"
#include "VitConfig.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr VitArchitecture kArchitectures[] = {
    {"ViTMAEForPreTraining", VitOutput::Logits},
    {"ViTMAEModel", VitOutput::HiddenStates},
};

static VitSpec readDecoder(Config &config, const Checkpoint &checkpoint,
                           const VitSpec &encoder) {
  VitSpec decoder = encoder;
  decoder.keys = {"decoder_hidden_size", "decoder_intermediate_size",
                  "decoder_num_attention_heads"};
  decoder.prefix = "decoder.";
  decoder.names.norm = "decoder_norm";
  decoder.names.block =
      checkpoint.contains("decoder.decoder_encoder.layer.0.output.dense.bias")
          ? "decoder_encoder.layer."
          : "decoder_layers.";
  decoder.hiddenSize = config.getSize("decoder_hidden_size", 512, kMaxWidth);
  decoder.intermediateSize =
      config.getSize("decoder_intermediate_size", 2048, kMaxHidden);
  decoder.numLayers =
      config.getSize("decoder_num_hidden_layers", 8, kMaxLayers);
  decoder.numHeads =
      config.getSize("decoder_num_attention_heads", 16, kMaxWidth);
  return decoder;
}

/// The same, and the program hides patches at random.
static vit::PreprocessAttr addNoise(vit::PreprocessAttr of) {
  if (!of)
    return of;
  MLIRContext *context = of.getContext();
  return vit::PreprocessAttr::get(
      context, of.getResize(), of.getInside(), of.getInterpolation(),
      of.getAntialias(), of.getCrop(), of.getPad(), of.getRescale(),
      of.getMean(), of.getStd(), of.getBgr(), of.getMask(),
      StringAttr::get(context, kNoiseInput));
}

OwningOpRef<ModuleOp> import_::importMae(StringRef folder, Config &config,
                                         Checkpoint &checkpoint,
                                         const ImportOptions &options) {
  MaeSpec spec;
  VitSpec &encoder = spec.encoder;
  readArchitecture(config, kArchitectures, encoder);
  readEncoder(config, encoder);
  encoder.intermediateSize =
      config.getSize("intermediate_size", 3072, kMaxHidden);
  encoder.prefix = findPrefix(checkpoint, "vit", encoder.names.classToken);
  encoder.positionResize = PositionResize::Plain;
  double maskRatio = config.getNumber("mask_ratio", 0.75);
  spec.normalisedPixels = config.getBool("norm_pix_loss", false);
  bool decodes = encoder.output == VitOutput::Logits;
  if (decodes)
    spec.decoder = readDecoder(config, checkpoint, encoder);
  if (decodes && options.imageSize) {
    emitError(config.getLoc())
        << "--image-size=" << options.imageSize->first << "x"
        << options.imageSize->second << " was asked for; "
        << encoder.architecture << " needs image_size = " << encoder.imageHeight
        << "x" << encoder.imageWidth << ", its decoder's";
    return nullptr;
  }
  if (config.failed() ||
      failed(resolveSpec(encoder, options, config.getLoc())) ||
      (spec.decoder &&
       failed(resolveSpec(*spec.decoder, options, config.getLoc()))))
    return nullptr;
  int64_t numPatches = encoder.gridHeight() * encoder.gridWidth();
  spec.numVisible =
      int64_t(double(numPatches) * std::max(1.0 - maskRatio, 0.0));
  if (spec.numVisible < 1) {
    emitError(config.getLoc())
        << "mask_ratio = " << llvm::formatv("{0}", maskRatio).str()
        << " leaves none of " << numPatches
        << " patches to the encoder; it needs 1 or more";
    return nullptr;
  }
  ModelInfo info;
  FailureOr<vit::PreprocessAttr> preprocess = importPreprocessor(
      folder, "vit_mae", encoder.imageHeight, encoder.imageWidth,
      encoder.channels, options, *config.getLoc().getContext());
  if (failed(preprocess))
    return nullptr;
  info.preprocess = addNoise(*preprocess);
  return buildMae(spec, checkpoint, info, options, config.getLoc());
}
