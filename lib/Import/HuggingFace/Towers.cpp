//===- Towers.cpp - The two encoders of CLIP and SigLIP -------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Towers.h"

#include "AttentionPooling.h"
#include "TextEncoder.h"
#include "TokenPooling.h"
#include "Tokenizer/Tokenizer.h"
#include "VitEncoder.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

//===----------------------------------------------------------------------===//
// Configuration
//===----------------------------------------------------------------------===//

void import_::readImageEncoder(Config &config, VitSpec &spec) {
  readEncoder(config, spec);
  spec.intermediateSize = config.getSize("intermediate_size", 3072, kMaxHidden);
  spec.storesRows = true;

  VitNames &names = spec.names;
  names.patchProjection = "embeddings.patch_embedding";
  names.classToken = "embeddings.class_embedding";
  names.positions = "embeddings.position_embedding.weight";
  names.block = "encoder.layers.";
  names.norm1 = "layer_norm1";
  names.attention = "self_attn";
  names.query = "self_attn.q_proj";
  names.key = "self_attn.k_proj";
  names.value = "self_attn.v_proj";
  names.attentionOutput = "self_attn.out_proj";
  names.norm2 = "layer_norm2";
  names.mlpInput = "mlp.fc1";
  names.mlpActivation = "mlp.activation_fn";
  names.mlpOutput = "mlp.fc2";
}

void import_::readTowerText(Config &config, TextSpec &spec) {
  readTextEncoder(config, spec);
  if (config.contains("hidden_act"))
    spec.gelu = readGelu(config);
  spec.normFirst = true;

  TextNames &names = spec.names;
  names.tokens = "embeddings.token_embedding";
  names.positions = "embeddings.position_embedding";
  names.types = "";
  names.embeddingNorm = "";
  names.block = "encoder.layers.";
  names.finalNorm = "final_layer_norm";
  names.query = "self_attn.q_proj";
  names.key = "self_attn.k_proj";
  names.value = "self_attn.v_proj";
  names.attention = "self_attn";
  names.attentionOutput = "self_attn.out_proj";
  names.attentionNorm = "layer_norm1";
  names.mlpInput = "mlp.fc1";
  names.mlpActivation = "mlp.activation_fn";
  names.mlpOutput = "mlp.fc2";
  names.mlpNorm = "layer_norm2";
}

/// The configuration of one tower in that of both. Old files of CLIP have it
/// twice; then transformers, too, takes that of KEY_dict.
static Config getPart(Config &config, std::string key) {
  if (config.contains(key + "_dict"))
    key += "_dict";
  return config.getObject(key);
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

namespace {

/// A projection's name and outputs; an empty name: there is none.
struct Projection {
  std::string layer;
  int64_t size = 0;
};

/// What a tower computes; what was not asked for is null.
struct TowerValues {
  Value hidden;    // [B, N, E]
  Value pooled;    // [B, E]
  Value embedding; // [B, P]
};

/// One of the classes, and both towers where it has them.
struct TowerModel {
  TowerOutput output;
  ImageTower image;
  TextTower text;
  Projection imageProjection, textProjection;
};

} // namespace

static bool isOfText(TowerOutput output) {
  return output == TowerOutput::TextStates ||
         output == TowerOutput::TextEmbeddings;
}

static Value project(LayerBuilder &layers, Value pooled,
                     const Projection &projection, StringRef because) {
  if (projection.layer.empty())
    return pooled;
  std::string reason =
      llvm::formatv("{0}, projection_dim = {1}", because, projection.size);
  return layers.linear(pooled, projection.layer, projection.size, reason,
                       /*bias=*/false);
}

static TowerValues buildImageTower(LayerBuilder &layers,
                                   const ImageTower &tower,
                                   const Projection &projection, Value image) {
  const VitSpec &spec = tower.spec;
  VitEncoder encoder(spec, layers);
  std::string because = encoder.becauseHidden();
  auto norm = [&](Value input) {
    return layers.layerNorm(input, encoder.backbone("post_layernorm"),
                            spec.layerNormEps, because);
  };
  TowerValues values;
  values.hidden = encoder.build(image);
  if (tower.attentionPooling) {
    values.hidden = norm(values.hidden);
    if (tower.pools)
      values.pooled = buildAttentionPooling(
          layers, values.hidden,
          {getSiglipPoolingNames(encoder.backbone("head")), spec.hiddenSize,
           spec.intermediateSize, spec.numHeads, spec.layerNormEps, spec.gelu},
          llvm::formatv("{0}, intermediate_size = {1}", because,
                        spec.intermediateSize)
              .str());
  } else {
    values.pooled = norm(layers.slice(values.hidden, 1, 0, 1,
                                      encoder.backbone("post_layernorm"),
                                      /*drop=*/true));
  }
  if (values.pooled)
    values.embedding = project(layers, values.pooled, projection, because);
  return values;
}

/// The hidden state of the token that stands for the text.
static Value buildPooledToken(LayerBuilder &layers, const TextTower &tower,
                              Value hidden, Value ids, const Twine &layer) {
  switch (tower.pooling) {
  case TextTower::Pooling::FirstEnd:
    return buildRowAt(layers, hidden,
                      buildPositionOf(layers, ids, tower.endToken, layer),
                      layer);
  case TextTower::Pooling::Greatest:
    return buildRowAt(layers, hidden,
                      buildPositionOfGreatest(layers, ids, layer), layer);
  case TextTower::Pooling::Last:
    return layers.slice(hidden, 1, tower.spec.length - 1, 1, layer,
                        /*drop=*/true);
  }
  llvm_unreachable("all poolings are covered");
}

static TowerValues buildTextTower(LayerBuilder &layers, const TextTower &tower,
                                  const Projection &projection, Value ids) {
  TextEncoder encoder(tower.spec, layers);
  std::string because = encoder.becauseHidden();
  TowerValues values;
  values.hidden = encoder.finalNorm(encoder.build({ids}));
  values.pooled = buildPooledToken(layers, tower, values.hidden, ids,
                                   encoder.ofModel(tower.spec.names.finalNorm));
  if (!tower.head.empty())
    values.pooled =
        layers.linear(values.pooled, tower.head, tower.headSize, because);
  values.embedding = project(layers, values.pooled, projection, because);
  return values;
}

/// What a class returns of one tower.
static SmallVector<Value> chooseOutputs(LayerBuilder &layers,
                                        const TowerValues &values,
                                        TowerOutput output, StringRef name) {
  switch (output) {
  case TowerOutput::Ranking:
    return {buildUnitRows(layers, values.embedding, name)};
  case TowerOutput::ImageEmbeddings:
  case TowerOutput::TextEmbeddings:
    return {values.embedding, values.hidden};
  default:
    if (!values.pooled)
      return {values.hidden};
    return {values.hidden, values.pooled};
  }
}

static SmallVector<StringRef, 2>
getOutputNames(TowerOutput output, StringRef embeddings, bool pools) {
  switch (output) {
  case TowerOutput::Ranking:
    return {embeddings};
  case TowerOutput::ImageEmbeddings:
  case TowerOutput::TextEmbeddings:
    return {embeddings, "last_hidden_state"};
  default:
    if (!pools)
      return {"last_hidden_state"};
    return {"last_hidden_state", "pooler_output"};
  }
}

//===----------------------------------------------------------------------===//
// Module
//===----------------------------------------------------------------------===//

static constexpr StringLiteral kImageEmbeddings = "image_embeds";
static constexpr StringLiteral kTextEmbeddings = "text_embeds";

static ModelEntry getTextEntry(const TowerModel &model,
                               const ImportOptions &options,
                               MLIRContext &context) {
  ModelEntry entry;
  entry.name = "text";
  entry.inputs = {
      getTokenInput(options, "input_ids", model.text.spec.length, context)};
  entry.outputs = getOutputNames(model.output, kTextEmbeddings, /*pools=*/true);
  entry.buildLayers = [&model](LayerBuilder &layers, ValueRange inputs) {
    return chooseOutputs(
        layers,
        buildTextTower(layers, model.text, model.textProjection, inputs[0]),
        model.output, kTextEmbeddings);
  };
  return entry;
}

/// The scale and shift of the scores, which the file has as numbers.
static vit::RankingAttr readRanking(Checkpoint &checkpoint, bool hasBias,
                                    Location loc) {
  Builder b(loc.getContext());
  double scale = std::exp(checkpoint.readNumber("logit_scale"));
  double bias = hasBias ? checkpoint.readNumber("logit_bias") : 0.0;
  return vit::RankingAttr::getChecked(
      [&] { return emitError(loc); }, loc.getContext(),
      b.getF64FloatAttr(scale), b.getF64FloatAttr(bias));
}

static OwningOpRef<ModuleOp>
buildTowers(StringRef folder, Config &config, Checkpoint &checkpoint,
            const TowerFamily &family, const TowerModel &model,
            ModelInterface &interface, const ImportOptions &options) {
  MLIRContext &context = *config.getLoc().getContext();
  bool isText = isOfText(model.output);
  ModelEntry text;
  if (isText || model.output == TowerOutput::Ranking) {
    text = getTextEntry(model, options, context);
    FailureOr<vit::TextAttr> tokenizer =
        importTokenizer(folder, config.getString("model_type", ""),
                        model.text.spec.length, TextInputs(), context);
    if (failed(tokenizer))
      return nullptr;
    interface.text = *tokenizer;
  }
  if (isText) {
    interface.inputs = text.inputs;
    interface.outputs = text.outputs;
    return buildModelModule(interface, checkpoint, config.getLoc(),
                            text.buildLayers);
  }

  const VitSpec &spec = model.image.spec;
  interface.inputs = {
      getImageInput(options, spec.channels, spec.imageHeight, spec.imageWidth)};
  interface.outputs =
      getOutputNames(model.output, kImageEmbeddings, model.image.pools);
  interface.grid =
      vit::TokenGridAttr::get(&context, spec.numTokens(), spec.gridHeight(),
                              spec.gridWidth(), spec.classToken);
  FailureOr<vit::PreprocessAttr> preprocess =
      importPreprocessor(folder, family.modelType, spec.imageHeight,
                         spec.imageWidth, spec.channels, options, context);
  if (failed(preprocess))
    return nullptr;
  interface.info.preprocess = *preprocess;
  auto buildImage = [&](LayerBuilder &layers, ValueRange inputs) {
    return chooseOutputs(
        layers,
        buildImageTower(layers, model.image, model.imageProjection, inputs[0]),
        model.output, kImageEmbeddings);
  };
  if (model.output != TowerOutput::Ranking)
    return buildModelModule(interface, checkpoint, config.getLoc(), buildImage);
  interface.ranking = readRanking(checkpoint, family.sigmoid, config.getLoc());
  if (!interface.ranking)
    return nullptr;
  return buildModelModule(interface, checkpoint, config.getLoc(), buildImage,
                          text);
}

/// Reads the towers that the output needs, each from its part of the
/// configuration of both, or from that of it alone.
static void readTowers(Config &config, const Checkpoint &checkpoint,
                       const TowerFamily &family, TowerModel &model) {
  bool isWhole = model.output == TowerOutput::Ranking ||
                 model.output == TowerOutput::Logits;
  auto readPart = [&](const char *key, auto read) {
    if (!isWhole)
      return read(config);
    Config part = getPart(config, key);
    read(part);
    if (part.failed())
      config.noteError();
  };
  if (!isOfText(model.output)) {
    model.image.spec.prefix = findPrefix(checkpoint, "vision_model",
                                         "embeddings.patch_embedding.weight");
    readPart("vision_config",
             [&](Config &own) { family.readImageTower(own, model.image); });
  }
  if (isOfText(model.output) || model.output == TowerOutput::Ranking) {
    model.text.spec.prefix = findPrefix(checkpoint, "text_model",
                                        "embeddings.token_embedding.weight");
    readPart("text_config",
             [&](Config &own) { family.readTextTower(own, model.text); });
  }
  bool projects = model.output == TowerOutput::Ranking ||
                  model.output == TowerOutput::ImageEmbeddings ||
                  model.output == TowerOutput::TextEmbeddings;
  if (!family.hasProjections || !projects)
    return;
  int64_t size = config.getSize("projection_dim", 512, kMaxWidth);
  model.imageProjection = {"visual_projection", size};
  model.textProjection = {"text_projection", size};
}

/// Embeddings of both towers need to be there and of one size.
static void verifyEmbeddings(Config &config, const TowerModel &model) {
  if (!model.image.pools)
    config.emitError() << "vision_config has vision_use_head = false; a model "
                          "of both towers needs true";
  int64_t width = model.image.spec.hiddenSize;
  if (model.imageProjection.layer.empty() && model.text.headSize != width)
    config.emitError() << "text_config has projection_size = "
                       << model.text.headSize
                       << "; vision_config needs its hidden_size = " << width;
}

OwningOpRef<ModuleOp> import_::importTowers(StringRef folder, Config &config,
                                            Checkpoint &checkpoint,
                                            const TowerFamily &family,
                                            const ImportOptions &options) {
  std::string modelType = config.getString("model_type", "");
  ArrayRef<TowerArchitecture> known =
      modelType == family.modelType ? family.architectures
      : modelType == (family.modelType + "_vision_model").str()
          ? family.imageArchitectures
          : family.textArchitectures;
  SmallVector<StringRef> names =
      llvm::map_to_vector(known, [](const TowerArchitecture &architecture) {
        return architecture.name;
      });
  TowerArchitecture architecture = known[findArchitecture(config, names)];
  TowerModel model;
  model.output = architecture.output;
  readTowers(config, checkpoint, family, model);
  bool isRanking = model.output == TowerOutput::Ranking;
  if (isRanking && !config.failed())
    verifyEmbeddings(config, model);
  VitSpec &image = model.image.spec;
  if (model.output == TowerOutput::Logits) {
    image.architecture = architecture.name.str();
    image.output = VitOutput::Logits;
    image.pooling = family.classifierPooling;
    image.names.norm = model.image.attentionPooling ? "post_layernorm" : "";
    return finishVit(folder, config, checkpoint, image, options);
  }
  bool hasImage = !isOfText(model.output), hasText = !hasImage || isRanking;
  if (config.failed() ||
      (hasImage && failed(resolveSpec(image, options, config.getLoc()))) ||
      (hasText && failed(resolveLength(model.text.spec, /*defaultLength=*/0,
                                       options, config.getLoc()))))
    return nullptr;
  ModelInterface interface;
  interface.architecture = architecture.name.str();
  interface.task = isRanking ? "ranking" : "embedding";
  interface.sigmoid = isRanking && family.sigmoid;
  return buildTowers(folder, config, checkpoint, family, model, interface,
                     options);
}
