//===- Swin.cpp - Swin and Swin v2 of timm --------------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Architectures.h"
#include "SwinBuilder.h"
#include "Timm.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static SwinNames getNames(bool v2) {
  SwinNames names;
  names.patchProjection = "patch_embed.proj";
  names.patchNorm = "patch_embed.norm";
  names.stage = "layers.";
  names.norm = "norm";
  names.classifier = "head.fc";
  names.norm1 = "norm1";
  names.attention = "attn";
  names.query = names.key = names.value = names.qkv = "attn.qkv";
  names.biasTable = "attn.relative_position_bias_table";
  names.biasMlp = "attn.cpb_mlp";
  names.logitScale = "attn.logit_scale";
  names.attentionOutput = "attn.proj";
  names.norm2 = "norm2";
  names.mlpInput = "mlp.fc1";
  names.mlpActivation = "mlp.act";
  names.mlpOutput = "mlp.fc2";
  if (v2) {
    names.queryBias = "attn.q_bias";
    names.valueBias = "attn.v_bias";
  }
  return names;
}

/// The side of the square window whose bias table has `rows` rows; 0 for none.
static int64_t getTableWindow(int64_t rows) {
  auto side = int64_t(std::llround(std::sqrt(double(rows))));
  return side % 2 == 1 && side * side == rows ? (side + 1) / 2 : 0;
}

/// Depth, heads and window of one stage.
static SwinStage readStage(Config &config, const Checkpoint &checkpoint,
                           const SwinSpec &spec, const std::string &blocks) {
  SwinStage stage;
  stage.depth = countTimmBlocks(checkpoint, blocks);
  std::string first = blocks + "0.";
  if (spec.v2) {
    stage.numHeads =
        readTimmShape(config, checkpoint, first + spec.names.logitScale, 3)[0];
    return stage;
  }
  SmallVector<int64_t> table =
      readTimmShape(config, checkpoint, first + spec.names.biasTable, 2);
  stage.numHeads = table[1];
  stage.window = getTableWindow(table[0]);
  if (stage.window == 0 || stage.window > kMaxWindow)
    config.emitError() << "tensor '" << first << spec.names.biasTable
                       << "' has shape [" << table[0] << ", " << table[1]
                       << "]; a window of M x M tokens needs (2 M - 1)^2 rows, "
                          "M from 1 to "
                       << kMaxWindow;
  return stage;
}

/// Sizes from the shapes of the weights.
static void readSizes(Config &config, const Checkpoint &checkpoint,
                      SwinSpec &spec) {
  auto shapeOf = [&](const std::string &name, size_t rank) {
    return readTimmShape(config, checkpoint, name, rank);
  };
  SmallVector<int64_t> filter =
      shapeOf(spec.names.patchProjection + ".weight", 4);
  spec.embedDim = filter[0];
  spec.channels = filter[1];
  spec.patchHeight = filter[2];
  spec.patchWidth = filter[3];

  auto blocksOf = [&](int64_t stage) {
    return spec.names.stage + std::to_string(stage) + "." + spec.names.block;
  };
  double hidden = double(
      shapeOf(blocksOf(0) + "0." + spec.names.mlpInput + ".weight", 2)[0]);
  // Rounded up, since getHidden cuts fractions off.
  spec.mlpRatio = std::nextafter(hidden / double(spec.embedDim), INFINITY);
  for (int64_t stage = 0; countTimmBlocks(checkpoint, blocksOf(stage)) > 0;
       ++stage)
    spec.stages.push_back(readStage(config, checkpoint, spec, blocksOf(stage)));
  std::string head = spec.names.classifier + ".weight";
  if (!checkpoint.contains(head)) { // num_classes = 0
    spec.output = SwinOutput::PooledFeatures;
    return;
  }
  spec.numClasses = shapeOf(head, 2)[0];
}

/// The arguments that are read; Swin's heads and windows are in its weights.
static constexpr StringLiteral kArguments[] = {
    "act_layer", "global_pool", "img_size",
    "num_heads", "window_size", "pretrained_window_sizes"};

/// Swin v2's window; Swin has one for each stage.
static int64_t readWindow(Config &arguments, const TimmSwin &architecture) {
  if (!architecture.v2)
    return 0;
  auto [height, width] =
      arguments.getSizePair("window_size", architecture.window, kMaxWindow);
  if (height != width)
    arguments.emitError() << "model_args has window_size = [" << height << ", "
                          << width << "]; vitc needs both the same";
  return height;
}

/// The windows that Swin v2 was first trained with.
static void readPretrainedWindows(const TimmSwin &architecture,
                                  Config &arguments, SwinSpec &spec) {
  const llvm::json::Value *value = arguments.lookup("pretrained_window_sizes");
  if (!value) {
    for (SwinStage &stage : spec.stages)
      stage.pretrainedWindow = architecture.pretrainedWindow;
    // The last stage's map was as large as half a window.
    if (!spec.stages.empty())
      spec.stages.back().pretrainedWindow = architecture.pretrainedWindow / 2;
    return;
  }
  const llvm::json::Array *list = value->getAsArray();
  // timm takes what it has stages for.
  bool fits = list && list->size() >= spec.stages.size();
  for (size_t i = 0; fits && i < spec.stages.size(); ++i) {
    std::optional<int64_t> window = (*list)[i].getAsInteger();
    fits = window && *window >= 0 && *window != 1 && *window <= kMaxWindow;
    spec.stages[i].pretrainedWindow = window.value_or(0);
  }
  if (!fits)
    arguments.emitError() << "model_args has pretrained_window_sizes = "
                          << formatJson(*value)
                          << "; it needs one number a stage, 0 or 2 to "
                          << kMaxWindow;
}

OwningOpRef<ModuleOp> import_::importTimmSwin(const TimmSwin &architecture,
                                              Config &config,
                                              Checkpoint &checkpoint,
                                              const ImportOptions &options) {
  SwinSpec spec;
  spec.keys = {"embed_dim",   "depths",    "num_heads",
               "window_size", "mlp_ratio", "img_size",
               "patch_size",  "in_chans",  "num_classes"};
  spec.architecture = architecture.name.str();
  spec.v2 = architecture.v2;
  spec.names = getNames(spec.v2);
  Config arguments = readTimmArguments(config, kArguments);
  spec.window = readWindow(arguments, architecture);
  spec.gelu = readTimmGelu(arguments, spec.gelu);
  spec.clamp = SwinClamp::EachSide;
  spec.mergeNamedByNext = true;
  spec.padShifted = true;
  std::tie(spec.imageHeight, spec.imageWidth) =
      readTimmImageSize(config, arguments);
  readSizes(config, checkpoint, spec);
  readPretrainedWindows(architecture, arguments, spec);
  std::string pool = readTimmPooling(config, arguments, "avg");
  if (pool != "avg")
    config.emitError() << "global_pool = '" << pool << "'; vitc imports avg";
  if (arguments.failed() || config.failed() ||
      failed(resolveSwin(spec, options, config.getLoc())))
    return nullptr;
  ModelInfo info;
  info.licence = readTimmLicence(config);
  if (spec.output == SwinOutput::Logits)
    info.labels = readTimmLabels(config, spec.numClasses);
  info.preprocess = readTimmPreprocess(config, spec.imageHeight,
                                       spec.imageWidth, spec.channels);
  if (config.failed())
    return nullptr;
  return buildSwin(spec, checkpoint, info, options, config.getLoc());
}
