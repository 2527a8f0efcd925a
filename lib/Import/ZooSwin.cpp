//===- ZooSwin.cpp - The zoo's Swin transformers --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ZooSwin.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {

/// An architecture of four stages; the rest as in Swin-T, or Swin v2-T with
/// windows of 8 in 256 x 256 pixels, with 1000 classes.
struct Architecture {
  StringRef name;
  int64_t dim;
  std::array<int64_t, 4> depths, heads;
  bool v2;
};

/// Reads the keys behind "?" into a model.
class ParameterParser {
public:
  ParameterParser(ZooSwinModel &model, Location loc) : model(model), loc(loc) {
    for (const SwinStage &stage : model.spec.stages) {
      depths.push_back(stage.depth);
      heads.push_back(stage.numHeads);
    }
  }
  LogicalResult parse(StringRef key, StringRef value);
  /// What depends on several keys.
  LogicalResult finish();

private:
  LogicalResult parseInteger(StringRef key, StringRef value, int64_t max,
                             int64_t &out);
  /// Integers with "-" between them.
  LogicalResult parseList(StringRef key, StringRef value, int64_t max,
                          SmallVectorImpl<int64_t> &out);

  ZooSwinModel &model;
  Location loc;
  SmallVector<int64_t, 4> depths, heads;
};

} // namespace

static constexpr Architecture kArchitectures[] = {
    {"swin", 96, {2, 2, 6, 2}, {3, 6, 12, 24}, false},
    {"swin-t", 96, {2, 2, 6, 2}, {3, 6, 12, 24}, false},
    {"swin-s", 96, {2, 2, 18, 2}, {3, 6, 12, 24}, false},
    {"swin-b", 128, {2, 2, 18, 2}, {4, 8, 16, 32}, false},
    {"swinv2", 96, {2, 2, 6, 2}, {3, 6, 12, 24}, true},
    {"swinv2-t", 96, {2, 2, 6, 2}, {3, 6, 12, 24}, true},
    {"swinv2-s", 96, {2, 2, 18, 2}, {3, 6, 12, 24}, true},
    {"swinv2-b", 128, {2, 2, 18, 2}, {4, 8, 16, 32}, true},
};
static constexpr StringLiteral kKeys =
    "dim, depths, heads, window, patch, image, channels, mlp, classes, seed";

LogicalResult ParameterParser::parseInteger(StringRef key, StringRef value,
                                            int64_t max, int64_t &out) {
  if (!value.getAsInteger(10, out) && out >= 1 && out <= max)
    return success();
  return emitError(loc) << key << " = '" << value
                        << "'; it needs an integer from 1 to " << max;
}

LogicalResult ParameterParser::parseList(StringRef key, StringRef value,
                                         int64_t max,
                                         SmallVectorImpl<int64_t> &out) {
  SmallVector<StringRef> items;
  value.split(items, '-');
  out.clear();
  for (StringRef item : items) {
    int64_t number = 0;
    if (item.getAsInteger(10, number) || number < 1 || number > max)
      return emitError(loc)
             << key << " = '" << value << "'; it needs integers from 1 to "
             << max << ", one a stage, as in 2-2-6-2";
    out.push_back(number);
  }
  return success();
}

LogicalResult ParameterParser::parse(StringRef key, StringRef value) {
  SwinSpec &spec = model.spec;
  if (key == "dim")
    return parseInteger(key, value, 65536, spec.embedDim);
  if (key == "depths")
    return parseList(key, value, 1024, depths);
  if (key == "heads")
    return parseList(key, value, 65536, heads);
  if (key == "window")
    return parseInteger(key, value, 256, spec.window);
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
  if (key == "mlp") {
    if (value.getAsDouble(spec.mlpRatio) ||
        !(spec.mlpRatio > 0.0 && spec.mlpRatio <= 64.0))
      return emitError(loc) << "mlp = '" << value
                            << "'; it needs a ratio above 0 and up to 64";
    return success();
  }
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
  if (depths.size() != heads.size())
    return emitError(loc) << "depths has " << depths.size()
                          << " stages but heads has " << heads.size()
                          << "; both need one entry a stage";
  model.spec.stages.clear();
  for (auto [depth, numHeads] : llvm::zip_equal(depths, heads))
    model.spec.stages.push_back({depth, numHeads});
  return success();
}

SmallVector<StringRef> import_::getZooSwinNames() {
  return llvm::map_to_vector(
      kArchitectures, [](const Architecture &each) { return each.name; });
}

FailureOr<ZooSwinModel> import_::parseZooSwinName(StringRef name,
                                                  Location loc) {
  auto [base, parameters] = name.split('?');
  const Architecture *found =
      llvm::find_if(kArchitectures, [base = base](const Architecture &each) {
        return each.name == base;
      });
  ZooSwinModel model;
  SwinSpec &spec = model.spec;
  spec.keys = {"dim",   "depths", "heads",    "window", "mlp",
               "image", "patch",  "channels", "classes"};
  spec.v2 = found->v2;
  spec.architecture =
      spec.v2 ? "Swinv2ForImageClassification" : "SwinForImageClassification";
  spec.prefix = spec.v2 ? "swinv2." : "swin.";
  spec.embedDim = found->dim;
  for (auto [depth, numHeads] : llvm::zip_equal(found->depths, found->heads))
    spec.stages.push_back({depth, numHeads});
  spec.numClasses = 1000;
  spec.clamp = SwinClamp::EachSide;
  if (spec.v2) {
    spec.keyBias = false;
    spec.window = 8;
    spec.imageHeight = spec.imageWidth = 256;
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
