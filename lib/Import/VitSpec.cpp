//===- VitSpec.cpp - Checks of a vision transformer's sizes ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VitBuilder.h"

#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

/// More tokens than any picture gives; keeps every size far from overflow.
static constexpr int64_t kMaxTokens = int64_t(1) << 20;

LogicalResult import_::verifySpec(const VitSpec &spec,
                                  const ImportOptions &options, Location loc) {
  if (spec.hiddenSize % spec.numHeads != 0)
    return emitError(loc) << spec.keys.hiddenSize << " = " << spec.hiddenSize
                          << " is not a multiple of " << spec.keys.numHeads
                          << " = " << spec.numHeads;
  if (spec.imageHeight % spec.patchHeight != 0 ||
      spec.imageWidth % spec.patchWidth != 0)
    return emitError(loc) << spec.keys.imageSize << " = " << spec.imageHeight
                          << "x" << spec.imageWidth << " is not a multiple of "
                          << spec.keys.patchSize << " = " << spec.patchHeight
                          << "x" << spec.patchWidth;
  int64_t patches = spec.gridHeight() * spec.gridWidth();
  if (patches > kMaxTokens)
    return emitError(loc) << spec.keys.imageSize << " = " << spec.imageHeight
                          << "x" << spec.imageWidth << " gives " << patches
                          << " patches; vitc compiles at most " << kMaxTokens;
  if (options.imageSize &&
      *options.imageSize != std::pair(spec.imageHeight, spec.imageWidth))
    return emitError(loc) << "image size " << options.imageSize->first << "x"
                          << options.imageSize->second
                          << " was asked for; the position embeddings need "
                          << spec.imageHeight << "x" << spec.imageWidth;
  if (options.batch && *options.batch < 1)
    return emitError(loc) << "batch " << *options.batch
                          << " was asked for; it needs to be 1 or more";
  return success();
}
