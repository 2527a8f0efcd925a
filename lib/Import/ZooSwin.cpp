//===- ZooSwin.cpp - The zoo's Swin transformers --------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SwinBuilder.h"
#include "ZooFamilies.h"
#include "ZooParameters.h"
#include "ZooWeights.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

namespace {

/// An architecture of four stages; the rest as in Swin-T, or Swin v2-T with
/// windows of 8 in 256 x 256 pixels, with 1000 classes.
struct Architecture {
  StringLiteral name;
  int64_t dim;
  std::array<int64_t, 4> depths, heads;
  bool v2;
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

SmallVector<StringRef> import_::getZooSwinNames() {
  return llvm::map_to_vector(
      kArchitectures,
      [](const Architecture &each) -> StringRef { return each.name; });
}

static SwinSpec getSpec(const Architecture &architecture) {
  SwinSpec spec;
  spec.keys = {"dim",   "depths", "heads",    "window", "mlp",
               "image", "patch",  "channels", "classes"};
  spec.v2 = architecture.v2;
  spec.architecture =
      spec.v2 ? "Swinv2ForImageClassification" : "SwinForImageClassification";
  spec.prefix = spec.v2 ? "swinv2." : "swin.";
  spec.embedDim = architecture.dim;
  spec.numClasses = 1000;
  spec.clamp = SwinClamp::EachSide;
  if (spec.v2) {
    spec.keyBias = false;
    spec.window = 8;
    spec.imageHeight = spec.imageWidth = 256;
  }
  return spec;
}

OwningOpRef<ModuleOp> import_::importZooSwin(const ZooName &name,
                                             const ImportOptions &options,
                                             Location loc) {
  const Architecture &architecture =
      *llvm::find_if(kArchitectures, [&](const Architecture &each) {
        return each.name == name.base;
      });
  SwinSpec spec = getSpec(architecture);
  auto depths = llvm::to_vector(architecture.depths);
  auto heads = llvm::to_vector(architecture.heads);
  uint64_t seed = 0;
  ZooParameters parameters(loc);
  parameters.addInteger("dim", 65536, spec.embedDim);
  parameters.addList("depths", 1024, depths);
  parameters.addList("heads", 65536, heads);
  parameters.addInteger("window", 256, spec.window);
  parameters.addSquare("patch", 65536, spec.patchHeight, spec.patchWidth);
  parameters.addSquare("image", 65536, spec.imageHeight, spec.imageWidth);
  parameters.addInteger("channels", 1024, spec.channels);
  parameters.addRatio("mlp", spec.mlpRatio);
  parameters.addInteger("classes", 1 << 20, spec.numClasses);
  parameters.addSeed(seed);
  if (failed(parameters.parse(name.parameters)))
    return nullptr;
  if (depths.size() != heads.size()) {
    emitError(loc) << "depths has " << depths.size() << " stages but heads has "
                   << heads.size() << "; both need one entry a stage";
    return nullptr;
  }
  for (auto [depth, numHeads] : llvm::zip_equal(depths, heads))
    spec.stages.push_back({depth, numHeads});
  if (failed(resolveSwin(spec, options, loc)))
    return nullptr;
  ZooWeights weights(name.full, seed);
  ModelInfo info;
  info.preprocess = getZooPreprocess(*loc.getContext(), spec.imageHeight,
                                     spec.imageWidth, spec.channels);
  return buildSwin(spec, weights, info, options, loc);
}
