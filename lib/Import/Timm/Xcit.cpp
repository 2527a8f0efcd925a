//===- Xcit.cpp - XCiT of timm --------------------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Architectures.h"
#include "ModelLimits.h"
#include "ModelModule.h"
#include "Timm.h"
#include "XcitBuilder.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// The arguments that are read.
static constexpr StringLiteral kArguments[] = {"act_layer", "global_pool",
                                               "img_size", "tokens_norm"};

/// Sizes from the shapes of the weights.
static void readSizes(Config &config, const Checkpoint &checkpoint,
                      XcitSpec &spec) {
  auto shapeOf = [&](StringRef name, size_t rank) {
    return readTimmShape(config, checkpoint, name, rank);
  };
  auto stemFilter = [](size_t index) {
    return ("patch_embed.proj." + Twine(2 * index) + ".0.weight").str();
  };
  // Three convolutions for patches of 8, four for patches of 16.
  SmallVector<int64_t> filter = shapeOf(stemFilter(0), 4);
  spec.channels = filter[1];
  spec.stemChannels = {filter[0]};
  constexpr size_t kMaxConvolutions = 4;
  for (size_t index = 1; index < kMaxConvolutions; ++index)
    if (checkpoint.contains(stemFilter(index)))
      spec.stemChannels.push_back(shapeOf(stemFilter(index), 4)[0]);
  spec.hiddenSize = spec.stemChannels.back();
  spec.intermediateSize = shapeOf("blocks.0.mlp.fc1.weight", 2)[0];
  spec.numHeads = shapeOf("blocks.0.attn.temperature", 3)[0];
  spec.qkvBias = checkpoint.contains("blocks.0.attn.qkv.bias");
  spec.positions = checkpoint.contains("pos_embed.token_projection.weight");
  spec.numLayers = countTimmBlocks(checkpoint, "blocks.");
  spec.numClassLayers = countTimmBlocks(checkpoint, "cls_attn_blocks.");
  if (checkpoint.contains("head.weight"))
    spec.numClasses = shapeOf("head.weight", 2)[0];
}

static LogicalResult resolveSizes(XcitSpec &spec, const ImportOptions &options,
                                  Location loc) {
  if (options.imageSize)
    std::tie(spec.imageHeight, spec.imageWidth) = *options.imageSize;
  if (spec.hiddenSize % spec.numHeads != 0)
    return emitError(loc) << "embed_dim = " << spec.hiddenSize
                          << " is not a multiple of num_heads = "
                          << spec.numHeads;
  if (spec.imageHeight < 1 || spec.imageHeight > kMaxPixels ||
      spec.imageWidth < 1 || spec.imageWidth > kMaxPixels ||
      spec.imageHeight % spec.patchSize() != 0 ||
      spec.imageWidth % spec.patchSize() != 0)
    return emitError(loc) << "img_size = " << spec.imageHeight << "x"
                          << spec.imageWidth
                          << " is not a multiple of patch_size = "
                          << spec.patchSize();
  int64_t patches = spec.gridHeight() * spec.gridWidth();
  if (patches > kMaxTokens)
    return emitError(loc) << "img_size = " << spec.imageHeight << "x"
                          << spec.imageWidth << " gives " << patches
                          << " patches; vitc compiles at most " << kMaxTokens;
  return success();
}

OwningOpRef<ModuleOp> import_::importTimmXcit(const TimmXcit &architecture,
                                              Config &config,
                                              Checkpoint &checkpoint,
                                              const ImportOptions &options) {
  XcitSpec spec;
  spec.architecture = architecture.name.str();
  Config arguments = readTimmArguments(config, kArguments);
  spec.gelu = readTimmGelu(arguments, spec.gelu);
  spec.normsTokens = arguments.getBool("tokens_norm", architecture.normsTokens);
  std::tie(spec.imageHeight, spec.imageWidth) =
      readTimmImageSize(config, arguments);
  readSizes(config, checkpoint, spec);
  std::string pool = readTimmPooling(config, arguments, "token");
  if (pool != "token" && pool != "avg")
    config.emitError() << "global_pool = '" << pool
                       << "'; vitc imports token and avg";
  spec.meanPooling = pool == "avg";
  if (arguments.failed() || config.failed() ||
      failed(resolveSizes(spec, options, config.getLoc())))
    return nullptr;

  bool classifies = spec.numClasses > 0;
  ModelInterface interface;
  interface.architecture = spec.architecture;
  interface.task = classifies ? "classification" : "embedding";
  interface.inputs = {
      getImageInput(options, spec.channels, spec.imageHeight, spec.imageWidth)};
  interface.outputs = {classifies ? "logits" : "features"};
  interface.info.licence = readTimmLicence(config);
  if (classifies)
    interface.info.labels = readTimmLabels(config, spec.numClasses);
  interface.info.preprocess = readTimmPreprocess(
      config, spec.imageHeight, spec.imageWidth, spec.channels);
  if (config.failed())
    return nullptr;
  return buildModelModule(
      interface, checkpoint, config.getLoc(),
      [&](LayerBuilder &layers, ValueRange inputs) -> SmallVector<Value> {
        return {buildXcit(spec, layers, inputs[0])};
      });
}
