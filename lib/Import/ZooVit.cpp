//===- ZooVit.cpp - The zoo's isotropic vision transformers ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ResNetV2.h"
#include "VitBuilder.h"
#include "ZooFamilies.h"
#include "ZooParameters.h"
#include "ZooWeights.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {

/// What a name says beside its sizes.
enum class Kind { Plain, Distilled, Tutorial, Beit, Dinov2, Registers, Hybrid };

/// An architecture; the rest as in ViT-B/16 with 1000 classes.
struct Architecture {
  StringLiteral name;
  int64_t dim, depth, heads;
  Kind kind;
  /// Of a hybrid: blocks of each stage of its ResNet, zeros behind the last.
  std::array<int64_t, 4> stages = {};
};

/// The values of all keys that are not in the specification.
struct Choices {
  SmallVector<int64_t> stages;
  double mlpRatio = 4.0;
  int64_t hidden = 0; // 0: by the ratio
  size_t pooling;     // a VitPooling
  uint64_t seed = 0;
};

} // namespace

static constexpr Architecture kArchitectures[] = {
    {"vit", 192, 12, 3, Kind::Plain},
    {"vit-ti", 192, 12, 3, Kind::Plain},
    {"vit-s", 384, 12, 6, Kind::Plain},
    {"vit-b", 768, 12, 12, Kind::Plain},
    {"vit-l", 1024, 24, 16, Kind::Plain},
    {"deit-ti", 192, 12, 3, Kind::Plain},
    {"deit-s", 384, 12, 6, Kind::Plain},
    {"deit-b", 768, 12, 12, Kind::Plain},
    {"deit-ti-distilled", 192, 12, 3, Kind::Distilled},
    {"deit-s-distilled", 384, 12, 6, Kind::Distilled},
    {"deit-b-distilled", 768, 12, 12, Kind::Distilled},
    // 50 tokens, all pooled; two classes.
    {"vit-small-tutorial", 128, 6, 8, Kind::Tutorial},
    {"beit", 192, 12, 3, Kind::Beit},
    {"beit-b", 768, 12, 12, Kind::Beit},
    {"beit-l", 1024, 24, 16, Kind::Beit},
    // Patches of 14 x 14.
    {"dinov2", 192, 12, 3, Kind::Dinov2},
    {"dinov2-s", 384, 12, 6, Kind::Dinov2},
    {"dinov2-b", 768, 12, 12, Kind::Dinov2},
    {"dinov2-l", 1024, 24, 16, Kind::Dinov2},
    {"dinov2-reg", 192, 12, 3, Kind::Registers},
    {"dinov2-s-reg", 384, 12, 6, Kind::Registers},
    {"dinov2-b-reg", 768, 12, 12, Kind::Registers},
    {"dinov2-l-reg", 1024, 24, 16, Kind::Registers},
    // Dosovitskiy et al. 2021 and Steiner et al. 2021: R26 + ViT-S/32, R50 +
    // ViT-B/16, in names of the first size; patches of one element.
    {"hybrid", 192, 12, 3, Kind::Hybrid, {2, 2, 2, 2}},
    {"hybrid-r26-s", 384, 12, 6, Kind::Hybrid, {2, 2, 2, 2}},
    {"hybrid-r50-b", 768, 12, 12, Kind::Hybrid, {3, 4, 9}},
};

/// In the order of VitPooling.
static constexpr StringLiteral kPoolings[] = {"cls", "mean", "mean-patches"};

SmallVector<StringRef> import_::getZooVitNames() {
  return llvm::map_to_vector(
      kArchitectures,
      [](const Architecture &each) -> StringRef { return each.name; });
}

//===----------------------------------------------------------------------===//
// Architectures
//===----------------------------------------------------------------------===//

static void setDistilled(VitSpec &spec) {
  spec.architecture = "DeiTForImageClassificationWithTeacher";
  spec.prefix = "deit.";
  spec.distillationToken = true;
  spec.names.distillationToken = "embeddings.distillation_token";
  spec.names.classifier = "cls_classifier";
  spec.output = VitOutput::TeacherLogits;
}

static void setBeit(VitSpec &spec) {
  spec.architecture = "BeitForImageClassification";
  spec.prefix = "beit.";
  spec.positions = false;
  spec.keyBias = false;
  spec.pooling = VitPooling::MeanPatches;
  spec.names.norm = "";
  spec.names.pooledNorm = "pooler.layernorm";
  spec.names.biasTable = "attention.attention.relative_position_bias."
                         "relative_position_bias_table";
  spec.names.attentionScale = "lambda_1";
  spec.names.mlpScale = "lambda_2";
}

static void setDinov2(VitSpec &spec, bool registers) {
  spec.architecture = registers ? "Dinov2WithRegistersForImageClassification"
                                : "Dinov2ForImageClassification";
  spec.prefix = registers ? "dinov2_with_registers." : "dinov2.";
  spec.patchHeight = spec.patchWidth = 14;
  spec.pooling = VitPooling::ClassTokenAndMeanPatches;
  spec.names = getDinov2Names();
  if (registers) {
    spec.names.registerTokens = "embeddings.register_tokens";
    spec.numRegisterTokens = 4;
  }
}

static VitSpec getSpec(const Architecture &architecture) {
  VitSpec spec;
  spec.keys = {"dim",   "hidden",   "heads",  "image",
               "patch", "channels", "classes"};
  spec.hiddenSize = architecture.dim;
  spec.numLayers = architecture.depth;
  spec.numHeads = architecture.heads;
  spec.layerNormEps = 1e-6;
  spec.numClasses = 1000;
  spec.architecture = "ViTForImageClassification";
  spec.prefix = "vit.";
  switch (architecture.kind) {
  case Kind::Plain:
    break;
  case Kind::Distilled:
    setDistilled(spec);
    break;
  case Kind::Tutorial:
    spec.patchHeight = spec.patchWidth = 32;
    spec.pooling = VitPooling::MeanTokens;
    spec.numClasses = 2;
    break;
  case Kind::Beit:
    setBeit(spec);
    break;
  case Kind::Dinov2:
  case Kind::Registers:
    setDinov2(spec, architecture.kind == Kind::Registers);
    break;
  case Kind::Hybrid:
    spec.patchHeight = spec.patchWidth = 1;
    break;
  }
  return spec;
}

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

static LogicalResult parseParameters(Kind kind, StringRef text, VitSpec &spec,
                                     Choices &choices, Location loc) {
  ZooParameters parameters(loc);
  parameters.addInteger("dim", 65536, spec.hiddenSize);
  parameters.addInteger("depth", 1024, spec.numLayers);
  parameters.addInteger("heads", 65536, spec.numHeads);
  parameters.addSquare("patch", 65536, spec.patchHeight, spec.patchWidth);
  parameters.addSquare("image", 65536, spec.imageHeight, spec.imageWidth);
  parameters.addInteger("channels", 1024, spec.channels);
  parameters.addRatio("mlp", choices.mlpRatio);
  parameters.addInteger("hidden", 1 << 20, choices.hidden);
  if (kind == Kind::Hybrid)
    parameters.addList("stages", 64, choices.stages);
  if (kind == Kind::Registers)
    parameters.addInteger("registers", 1024, spec.numRegisterTokens);
  // BEiT's and DINOv2's heads are as they are.
  if (kind != Kind::Beit && kind != Kind::Dinov2 && kind != Kind::Registers) {
    parameters.addChoice("pool", kPoolings, choices.pooling);
    parameters.addInteger("head-layers", 64, spec.headLayers);
  }
  parameters.addInteger("classes", 1 << 20, spec.numClasses);
  parameters.addSeed(choices.seed);
  return parameters.parse(text);
}

/// What depends on several keys.
static LogicalResult finish(Kind kind, const Choices &choices, VitSpec &spec,
                            Location loc) {
  spec.intermediateSize =
      choices.hidden != 0 ? choices.hidden
                          : int64_t(double(spec.hiddenSize) * choices.mlpRatio);
  if (spec.intermediateSize < 1)
    return emitError(loc) << "dim = " << spec.hiddenSize << " times mlp = "
                          << llvm::formatv("{0}", choices.mlpRatio).str()
                          << " gives a hidden size of 0; it needs 1 or more";
  if (kind == Kind::Distilled &&
      (spec.pooling != VitPooling::ClassToken || spec.headLayers != 1))
    return emitError(loc) << "a distilled model has one linear classifier a "
                             "token; it needs pool=cls and head-layers=1";
  if (kind != Kind::Hybrid)
    return success();
  ResNetV2Spec backbone;
  backbone.prefix = spec.prefix + "embeddings.backbone.";
  backbone.depths.assign(choices.stages.begin(), choices.stages.end());
  if (backbone.depths.size() > ResNetV2Spec::kMaxStages)
    return emitError(loc) << "stages has " << backbone.depths.size()
                          << " stages; it needs 1 to "
                          << ResNetV2Spec::kMaxStages;
  spec.stem = getStem(backbone);
  return success();
}

OwningOpRef<ModuleOp> import_::importZooVit(const ZooName &name,
                                            const ImportOptions &options,
                                            Location loc) {
  const Architecture &architecture =
      *llvm::find_if(kArchitectures, [&](const Architecture &each) {
        return each.name == name.base;
      });
  Kind kind = architecture.kind;
  VitSpec spec = getSpec(architecture);
  Choices choices;
  for (int64_t depth : architecture.stages)
    if (depth > 0)
      choices.stages.push_back(depth);
  choices.pooling = size_t(spec.pooling);
  if (failed(parseParameters(kind, name.parameters, spec, choices, loc)))
    return nullptr;
  spec.pooling = VitPooling(choices.pooling);
  if (failed(finish(kind, choices, spec, loc)) ||
      failed(resolveSpec(spec, options, loc)))
    return nullptr;
  ModelInfo info;
  info.preprocess = getZooPreprocess(*loc.getContext(), spec.imageHeight,
                                     spec.imageWidth, spec.channels);
  ZooWeights weights(name.full, choices.seed);
  return buildVit(spec, weights, info, options, loc);
}
