//===- VitSpec.cpp - Checks of a vision transformer's sizes ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VitSpec.h"

#include "ModelLimits.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

VitNames import_::getDinov2Names() {
  VitNames names;
  names.norm1 = "norm1";
  names.attentionScale = "layer_scale1.lambda1";
  names.norm2 = "norm2";
  names.mlpInput = "mlp.fc1";
  names.mlpActivation = "mlp.activation";
  names.mlpOutput = "mlp.fc2";
  names.mlpScale = "layer_scale2.lambda1";
  return names;
}

LogicalResult import_::resolveSpec(VitSpec &spec, const ImportOptions &options,
                                   Location loc) {
  if (spec.hiddenSize % spec.numHeads != 0)
    return emitError(loc) << spec.keys.hiddenSize << " = " << spec.hiddenSize
                          << " is not a multiple of " << spec.keys.numHeads
                          << " = " << spec.numHeads;
  auto verifyPatches = [&]() -> LogicalResult {
    if (spec.mapHeight() % spec.patchHeight == 0 &&
        spec.mapWidth() % spec.patchWidth == 0)
      return success();
    return emitError(loc) << (spec.stem ? "the feature map"
                                        : spec.keys.imageSize)
                          << " = " << spec.mapHeight() << "x" << spec.mapWidth()
                          << " is not a multiple of " << spec.keys.patchSize
                          << " = " << spec.patchHeight << "x"
                          << spec.patchWidth;
  };
  if (failed(verifyPatches()))
    return failure();
  spec.positionHeight = spec.gridHeight();
  spec.positionWidth = spec.gridWidth();
  if (options.imageSize)
    std::tie(spec.imageHeight, spec.imageWidth) = *options.imageSize;
  if (failed(verifyPatches()))
    return failure();
  int64_t patches = spec.gridHeight() * spec.gridWidth();
  if (patches > kMaxTokens)
    return emitError(loc) << spec.keys.imageSize << " = " << spec.imageHeight
                          << "x" << spec.imageWidth << " gives " << patches
                          << " patches; vitc compiles at most " << kMaxTokens;
  return success();
}
