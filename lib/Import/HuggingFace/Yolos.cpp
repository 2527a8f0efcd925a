//===- Yolos.cpp - YOLOS of transformers ----------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VitConfig.h"
#include "YolosBuilder.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr VitArchitecture kArchitectures[] = {
    {"YolosForObjectDetection", VitOutput::Logits},
};

OwningOpRef<ModuleOp> import_::importYolos(StringRef folder, Config &config,
                                           Checkpoint &checkpoint,
                                           const ImportOptions &options) {
  MLIRContext *context = config.getLoc().getContext();
  VitSpec spec;
  readArchitecture(config, kArchitectures, spec);
  readEncoder(config, spec);
  // The default of YolosConfig.
  if (!config.contains("image_size"))
    std::tie(spec.imageHeight, spec.imageWidth) = std::pair(512, 864);
  spec.intermediateSize = config.getSize("intermediate_size", 3072, kMaxHidden);
  spec.prefix = "vit.";
  spec.names.registerTokens = "embeddings.detection_tokens";
  spec.numRegisterTokens =
      config.getSize("num_detection_tokens", 100, kMaxWidth);
  spec.positionedTokens = spec.numTokens();
  spec.registersBehind = true;
  spec.positionResize = PositionResize::Plain;
  if (config.getBool("use_mid_position_embeddings", true))
    spec.names.midPositions = "encoder.mid_position_embeddings";
  // Its patches leave out what is behind the last whole one.
  if (spec.imageHeight < spec.patchHeight || spec.imageWidth < spec.patchWidth)
    config.emitError() << "image_size = " << spec.imageHeight << "x"
                       << spec.imageWidth << "; patch_size needs "
                       << spec.patchHeight << "x" << spec.patchWidth
                       << " or more";
  spec.imageHeight -= spec.imageHeight % spec.patchHeight;
  spec.imageWidth -= spec.imageWidth % spec.patchWidth;

  ModelInfo info;
  info.labels = readLabels(config);
  spec.numClasses = info.labels.size();
  if (config.failed() || failed(resolveSpec(spec, options, config.getLoc())))
    return nullptr;
  FailureOr<vit::PreprocessAttr> preprocess =
      importPreprocessor(folder, "yolos", spec.imageHeight, spec.imageWidth,
                         spec.channels, options, *context);
  if (failed(preprocess))
    return nullptr;
  info.preprocess = *preprocess;
  return buildYolos(spec, checkpoint, info, options, config.getLoc());
}
