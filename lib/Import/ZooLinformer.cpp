//===- ZooLinformer.cpp - The zoo's Linformer -----------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Linformer.h"
#include "ZooFamilies.h"
#include "ZooParameters.h"
#include "ZooWeights.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr StringLiteral kPoolings[] = {"cls", "mean"};

SmallVector<StringRef> import_::getZooLinformerNames() {
  return {"linformer", "linformer-2048"};
}

OwningOpRef<ModuleOp> import_::importZooLinformer(const ZooName &name,
                                                  const ImportOptions &options,
                                                  Location loc) {
  LinformerSpec spec;
  if (name.base == "linformer") {
    spec.imageHeight = spec.imageWidth = 224;
    spec.dim = 192;
    spec.numHeads = 3;
    spec.projectedLength = 32;
    spec.patchHeight = spec.patchWidth = 16;
  }
  size_t pooling = 0;
  uint64_t seed = 0;
  ZooParameters parameters(loc);
  parameters.addInteger("dim", 65536, spec.dim);
  parameters.addInteger("depth", 1024, spec.depth);
  parameters.addInteger("heads", 65536, spec.numHeads);
  parameters.addInteger("k", 65536, spec.projectedLength);
  parameters.addFlag("one-kv-head", spec.oneKeyValueHead);
  parameters.addFlag("share-kv", spec.shareKeyValue);
  parameters.addSquare("patch", 1024, spec.patchHeight, spec.patchWidth);
  parameters.addSquare("image", 65536, spec.imageHeight, spec.imageWidth);
  parameters.addInteger("channels", 1024, spec.channels);
  parameters.addChoice("pool", kPoolings, pooling);
  parameters.addInteger("classes", 1 << 20, spec.numClasses);
  parameters.addSeed(seed);
  if (failed(parameters.parse(name.parameters)))
    return nullptr;
  spec.meanPooling = pooling == 1;
  if (failed(verifyLinformer(spec, options, loc)))
    return nullptr;
  ZooWeights weights(name.full, seed);
  return buildLinformer(spec, weights,
                        getZooPreprocess(*loc.getContext(), spec.imageHeight,
                                         spec.imageWidth, spec.channels),
                        options, loc);
}
