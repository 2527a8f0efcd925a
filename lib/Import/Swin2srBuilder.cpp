//===- Swin2srBuilder.cpp - Builds a Swin2SR's module ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Swin2srBuilder.h"

#include "BatchGeneric.h"
#include "ConvLayers.h"
#include "LayerActivations.h"
#include "SwinBlock.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// The channels of the upsampler's features.
static constexpr int64_t kFeatures = 64;
/// The mean of each channel of RGB pictures.
static constexpr double kMean[] = {0.4488, 0.4371, 0.4040};
static constexpr double kEmbeddingNormEps = 1e-5;
/// Of the leaky ReLU before the upsampler, and of the others.
static constexpr double kSlope = 0.01, kSteepSlope = 0.2;

namespace {

/// From the picture to the larger one.
class Swin2srBuilder {
public:
  Swin2srBuilder(const Swin2srSpec &spec, LayerBuilder &layers)
      : spec(spec), swin(spec.swin), layers(layers), b(layers.b),
        because(llvm::formatv("embed_dim = {0}", spec.swin.embedDim)),
        height(spec.swin.imageHeight), width(spec.swin.imageWidth) {}

  Value build(Value image);

private:
  std::string backbone(const Twine &layer) const {
    return (swin.prefix + layer).str();
  }
  /// A 3x3 convolution that keeps the map's size.
  Value convolve(Value map, const Twine &layer, int64_t channels) {
    return buildConv(layers, map, layer,
                     {channels, /*kernel=*/3, /*stride=*/1, /*pad=*/1},
                     because);
  }
  /// image * scale + shift, a number for each channel.
  Value affine(Value image, double scale, ArrayRef<double> shift,
               const Twine &layer);
  ArrayRef<double> getMean() const;
  Value embed(Value map, const std::string &layer);
  Value buildStage(Value tokens, size_t stage);
  Value features(Value map);
  Value upsample(Value map, Value image);
  Value shufflePixels(Value map);
  Value repeatPixels(Value map);

  const Swin2srSpec &spec;
  const SwinSpec &swin;
  LayerBuilder &layers;
  OpBuilder &b;
  std::string because;
  int64_t height, width;
};

} // namespace

//===----------------------------------------------------------------------===//
// Pixels
//===----------------------------------------------------------------------===//

ArrayRef<double> Swin2srBuilder::getMean() const {
  static constexpr double kNoMean[] = {0.0};
  bool rgb = swin.channels == 3 && spec.outputChannels == 3;
  return rgb ? ArrayRef<double>(kMean) : ArrayRef<double>(kNoMean);
}

Value Swin2srBuilder::affine(Value image, double scale, ArrayRef<double> shift,
                             const Twine &layer) {
  SmallVector<float> shifts(shift.begin(), shift.end());
  shifts.resize(getShape(image)[1], shifts.front());
  auto type = RankedTensorType::get(shifts.size(), b.getF32Type());
  Value table = arith::ConstantOp::create(
      b, layers.getLoc(layer),
      DenseElementsAttr::get(type, ArrayRef<float>(shifts)));
  return buildBatchGeneric(
      layers, image, getShape(image).drop_front(), b.getF32Type(),
      {image, table}, {readBy(layers, 4, {0, 1, 2, 3}), readBy(layers, 4, {1})},
      layer, [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Value factor =
            arith::ConstantOp::create(b, b.getF32FloatAttr(float(scale)));
        Value scaled = arith::MulFOp::create(b, args[0], factor);
        return arith::AddFOp::create(b, scaled, args[1]);
      });
}

//===----------------------------------------------------------------------===//
// Features
//===----------------------------------------------------------------------===//

/// LAYER.projection of each element of the map, as tokens.
Value Swin2srBuilder::embed(Value map, const std::string &layer) {
  std::string projection = layer + ".projection";
  Value filter = layers.parameter(projection + ".weight",
                                  {swin.embedDim, swin.embedDim, 1, 1}, because,
                                  WeightRole::Matrix);
  Value bias = layers.parameter(projection + ".bias", {swin.embedDim}, because,
                                WeightRole::Bias);
  return vit::PatchEmbedOp::create(b, layers.getLoc(projection), map, filter,
                                   bias, /*tokens=*/Value(),
                                   /*position=*/Value(), vit::NormAttr());
}

/// A residual Swin transformer block.
Value Swin2srBuilder::buildStage(Value tokens, size_t stage) {
  // A stage like this as the first one: none halves the map.
  SwinSpec alone = swin;
  alone.stages = {swin.stages[stage]};
  std::string name = backbone("encoder.stages." + Twine(stage) + ".");
  Value residual = tokens;
  SwinBlockBuilder blocks(alone, layers, /*stage=*/0, {height, width});
  for (int64_t block = 0; block < swin.stages[stage].depth; ++block)
    tokens = blocks.build(tokens, (name + "layers." + Twine(block) + ".").str(),
                          /*shifted=*/block % 2 == 1);
  std::string conv = name + "conv";
  Value map = buildMap(layers, tokens, height, width, conv);
  if (spec.residual == Swin2srResidual::OneConv) {
    map = convolve(map, conv, swin.embedDim);
  } else {
    int64_t channels = swin.embedDim / 4;
    map = convolve(map, conv + ".0", channels);
    map = buildLeakyRelu(layers, map, kSteepSlope, conv + ".1");
    map =
        buildConv(layers, map, conv + ".2", {channels, /*kernel=*/1}, because);
    map = buildLeakyRelu(layers, map, kSteepSlope, conv + ".3");
    map = convolve(map, conv + ".4", swin.embedDim);
  }
  return layers.add(embed(map, name + "patch_embed"), residual,
                    name + "residual");
}

Value Swin2srBuilder::features(Value map) {
  std::string norm = backbone("embeddings.patch_embeddings.layernorm");
  Value tokens = embed(map, backbone("embeddings.patch_embeddings"));
  tokens = layers.layerNorm(tokens, norm, kEmbeddingNormEps, because);
  for (size_t stage = 0; stage < swin.stages.size(); ++stage)
    tokens = buildStage(tokens, stage);
  std::string last = backbone("layernorm");
  tokens = layers.layerNorm(tokens, last, swin.layerNormEps, because);
  std::string conv = backbone("conv_after_body");
  Value body = convolve(buildMap(layers, tokens, height, width, conv), conv,
                        swin.embedDim);
  return layers.add(body, map, conv + ".residual");
}

//===----------------------------------------------------------------------===//
// Upsampling
//===----------------------------------------------------------------------===//

Value Swin2srBuilder::shufflePixels(Value map) {
  const std::string layer = "upsample.upsample.";
  if (spec.scale == 3) {
    map = convolve(map, layer + "convolution", 9 * kFeatures);
    return buildPixelShuffle(layers, map, 3, layer + "pixelshuffle");
  }
  for (unsigned i = 0; i < llvm::Log2_64(spec.scale); ++i) {
    map = convolve(map, layer + "convolution_" + Twine(i), 4 * kFeatures);
    map = buildPixelShuffle(layers, map, 2, layer + "pixelshuffle_" + Twine(i));
  }
  return map;
}

Value Swin2srBuilder::repeatPixels(Value map) {
  for (const char *layer : {"upsample.conv_up1", "upsample.conv_up2"}) {
    map = buildRepeatedPixels(layers, map, 2, layer);
    map = convolve(map, layer, kFeatures);
    map = buildLeakyRelu(layers, map, kSteepSlope, layer + Twine(".lrelu"));
  }
  map = convolve(map, "upsample.conv_hr", kFeatures);
  return buildLeakyRelu(layers, map, kSteepSlope, "upsample.lrelu");
}

Value Swin2srBuilder::upsample(Value map, Value image) {
  if (spec.upsampler == Swin2srUpsampler::PixelShuffleDirect) {
    map = convolve(map, "upsample.conv",
                   spec.scale * spec.scale * spec.outputChannels);
    return buildPixelShuffle(layers, map, spec.scale, "upsample.pixel_shuffle");
  }
  if (spec.upsampler == Swin2srUpsampler::None)
    return layers.add(convolve(map, "final_convolution", spec.outputChannels),
                      image, "final_convolution.residual");
  map = convolve(map, "upsample.conv_before_upsample", kFeatures);
  map = buildLeakyRelu(layers, map, kSlope, "upsample.activation");
  map = spec.upsampler == Swin2srUpsampler::PixelShuffle ? shufflePixels(map)
                                                         : repeatPixels(map);
  return convolve(map, "upsample.final_convolution", spec.outputChannels);
}

Value Swin2srBuilder::build(Value image) {
  SmallVector<double> shift;
  for (double mean : getMean())
    shift.push_back(-mean * spec.range);
  Value map = affine(image, spec.range, shift, backbone("normalize"));
  map = convolve(map, backbone("first_convolution"), swin.embedDim);
  Value picture = upsample(features(map), image);
  return affine(picture, 1.0 / spec.range, getMean(), "reconstruction");
}

//===----------------------------------------------------------------------===//
// The module
//===----------------------------------------------------------------------===//

LogicalResult import_::resolveSwin2sr(Swin2srSpec &spec,
                                      const ImportOptions &options,
                                      Location loc) {
  SwinSpec &swin = spec.swin;
  // Stages do not widen: each is checked as a first one.
  for (const SwinStage &stage : swin.stages) {
    SwinSpec alone = swin;
    alone.stages = {stage};
    if (failed(resolveSwin(alone, options, loc)))
      return failure();
  }
  swin.trainedGrid = swin.getGrid();
  if (options.imageSize)
    std::tie(swin.imageHeight, swin.imageWidth) = *options.imageSize;
  if (swin.imageHeight % swin.window != 0 || swin.imageWidth % swin.window != 0)
    return emitError(loc) << "pictures of " << swin.imageHeight << "x"
                          << swin.imageWidth
                          << " are not whole windows; window_size = "
                          << swin.window << " needs multiples of it";
  return success();
}

OwningOpRef<ModuleOp> import_::buildSwin2sr(const Swin2srSpec &spec,
                                            WeightSource &weights,
                                            const ModelInfo &info,
                                            const ImportOptions &options,
                                            Location loc) {
  const SwinSpec &swin = spec.swin;
  ModelInterface interface;
  interface.architecture = swin.architecture;
  interface.task = "picture";
  interface.inputs = {
      getImageInput(options, swin.channels, swin.imageHeight, swin.imageWidth)};
  interface.outputs = {"reconstruction"};
  interface.info = info;
  return buildModelModule(
      interface, weights, loc,
      [&](LayerBuilder &layers, ValueRange inputs) -> SmallVector<Value> {
        return {Swin2srBuilder(spec, layers).build(inputs[0])};
      });
}
