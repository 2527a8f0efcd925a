//===- ZooName.cpp - Names and parameters of the zoo ----------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Zoo.h"
#include "ZooSwin.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {

/// An architecture; the rest as in ViT-B/16 with 1000 classes.
struct Architecture {
  StringRef name;
  int64_t dim, depth, heads;
  bool distilled;
};

/// Reads the keys behind "?" into a model.
class ParameterParser {
public:
  ParameterParser(ZooModel &model, Location loc) : model(model), loc(loc) {}
  LogicalResult parse(StringRef key, StringRef value);
  /// What depends on several keys.
  LogicalResult finish();

private:
  LogicalResult parseInteger(StringRef key, StringRef value, int64_t max,
                             int64_t &out);
  LogicalResult parsePool(StringRef value);
  LogicalResult parseRatio(StringRef value);

  ZooModel &model;
  Location loc;
  double mlpRatio = 4.0;
  int64_t hidden = 0; // 0: by the ratio
};

} // namespace

static constexpr Architecture kArchitectures[] = {
    {"vit", 192, 12, 3, false},
    {"vit-ti", 192, 12, 3, false},
    {"vit-s", 384, 12, 6, false},
    {"vit-b", 768, 12, 12, false},
    {"vit-l", 1024, 24, 16, false},
    {"deit-ti", 192, 12, 3, false},
    {"deit-s", 384, 12, 6, false},
    {"deit-b", 768, 12, 12, false},
    {"deit-ti-distilled", 192, 12, 3, true},
    {"deit-s-distilled", 384, 12, 6, true},
    {"deit-b-distilled", 768, 12, 12, true},
    // 50 tokens, all pooled; two classes.
    {"vit-small-tutorial", 128, 6, 8, false},
};

static constexpr StringLiteral kKeys =
    "dim, depth, heads, patch, image, channels, mlp, hidden, pool, "
    "head-layers, "
    "classes, seed";

LogicalResult ParameterParser::parseInteger(StringRef key, StringRef value,
                                            int64_t max, int64_t &out) {
  int64_t number = 0;
  if (value.getAsInteger(10, number) || number < 1 || number > max)
    return emitError(loc) << key << " = '" << value
                          << "'; it needs an integer from 1 to " << max;
  out = number;
  return success();
}

LogicalResult ParameterParser::parsePool(StringRef value) {
  if (value == "cls")
    model.spec.pooling = VitPooling::ClassToken;
  else if (value == "mean")
    model.spec.pooling = VitPooling::MeanTokens;
  else if (value == "mean-patches")
    model.spec.pooling = VitPooling::MeanPatches;
  else
    return emitError(loc) << "pool = '" << value
                          << "'; it needs cls, mean or mean-patches";
  return success();
}

LogicalResult ParameterParser::parseRatio(StringRef value) {
  if (value.getAsDouble(mlpRatio) || !(mlpRatio > 0.0 && mlpRatio <= 64.0))
    return emitError(loc) << "mlp = '" << value
                          << "'; it needs a ratio above 0 and up to 64";
  return success();
}

LogicalResult ParameterParser::parse(StringRef key, StringRef value) {
  VitSpec &spec = model.spec;
  if (key == "dim")
    return parseInteger(key, value, 65536, spec.hiddenSize);
  if (key == "depth")
    return parseInteger(key, value, 1024, spec.numLayers);
  if (key == "heads")
    return parseInteger(key, value, 65536, spec.numHeads);
  if (key == "patch") {
    LogicalResult result = parseInteger(key, value, 65536, spec.patchHeight);
    spec.patchWidth = spec.patchHeight;
    return result;
  }
  if (key == "image") {
    LogicalResult result = parseInteger(key, value, 65536, spec.imageHeight);
    spec.imageWidth = spec.imageHeight;
    return result;
  }
  if (key == "channels")
    return parseInteger(key, value, 1024, spec.channels);
  if (key == "mlp")
    return parseRatio(value);
  if (key == "hidden")
    return parseInteger(key, value, 1 << 20, hidden);
  if (key == "pool")
    return parsePool(value);
  if (key == "head-layers")
    return parseInteger(key, value, 64, spec.headLayers);
  if (key == "classes")
    return parseInteger(key, value, 1 << 20, spec.numClasses);
  if (key == "seed") {
    if (value.getAsInteger(10, model.seed))
      return emitError(loc)
             << "seed = '" << value << "'; it needs an integer of 64 bits";
    return success();
  }
  return emitError(loc) << "key '" << key << "' is not one of " << kKeys;
}

LogicalResult ParameterParser::finish() {
  VitSpec &spec = model.spec;
  spec.intermediateSize =
      hidden != 0 ? hidden : int64_t(double(spec.hiddenSize) * mlpRatio);
  if (spec.intermediateSize < 1)
    return emitError(loc) << "dim = " << spec.hiddenSize << " times mlp = "
                          << llvm::formatv("{0}", mlpRatio).str()
                          << " gives a hidden size of 0; it needs 1 or more";
  if (spec.distillationToken &&
      (spec.pooling != VitPooling::ClassToken || spec.headLayers != 1))
    return emitError(loc) << "a distilled model has one linear classifier a "
                             "token; it needs pool=cls and head-layers=1";
  return success();
}

FailureOr<ZooModel> import_::parseZooName(StringRef name, Location loc) {
  StringRef base, parameters;
  std::tie(base, parameters) = name.split('?');
  const Architecture *found = llvm::find_if(
      kArchitectures, [&](const Architecture &a) { return a.name == base; });
  if (found == std::end(kArchitectures)) {
    SmallVector<StringRef> names = llvm::map_to_vector(
        kArchitectures, [](const Architecture &a) { return a.name; });
    llvm::append_range(names, getZooSwinNames());
    return emitError(loc) << "model '" << base << "' is not one of "
                          << llvm::join(names, ", ");
  }

  ZooModel model;
  VitSpec &spec = model.spec;
  spec.keys = {"dim",   "hidden",   "heads",  "image",
               "patch", "channels", "classes"};
  spec.hiddenSize = found->dim;
  spec.numLayers = found->depth;
  spec.numHeads = found->heads;
  spec.layerNormEps = 1e-6;
  spec.numClasses = 1000;
  spec.architecture = "ViTForImageClassification";
  spec.prefix = "vit.";
  if (found->distilled) {
    spec.architecture = "DeiTForImageClassificationWithTeacher";
    spec.prefix = "deit.";
    spec.distillationToken = true;
    spec.names.distillationToken = "embeddings.distillation_token";
    spec.names.classifier = "cls_classifier";
    spec.output = VitOutput::TeacherLogits;
  }
  if (base == "vit-small-tutorial") {
    spec.patchHeight = spec.patchWidth = 32;
    spec.pooling = VitPooling::MeanTokens;
    spec.numClasses = 2;
  }

  ParameterParser parser(model, loc);
  SmallVector<StringRef> items;
  if (!parameters.empty())
    parameters.split(items, ',');
  for (StringRef item : items) {
    auto [key, value] = item.split('=');
    if (failed(parser.parse(key, value)))
      return failure();
  }
  if (failed(parser.finish()))
    return failure();
  return model;
}
