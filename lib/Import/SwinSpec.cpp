//===- SwinSpec.cpp - Checks of a Swin transformer's sizes ----------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SwinSpec.h"

#include "ModelLimits.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr size_t kMaxStages = 16;

static LogicalResult verifyStages(const SwinSpec &spec, Location loc) {
  if (spec.stages.empty() || spec.stages.size() > kMaxStages)
    return emitError(loc) << spec.keys.depths << " has " << spec.stages.size()
                          << " stages; it needs 1 to " << kMaxStages;
  int64_t widest = spec.getDim(spec.stages.size() - 1);
  double hidden = spec.mlpRatio * double(widest);
  if (widest > kMaxHidden || !(hidden <= double(kMaxHidden)))
    return emitError(loc) << spec.keys.embedDim << " = " << spec.embedDim
                          << " in " << spec.stages.size() << " stages with "
                          << spec.keys.mlpRatio << " = "
                          << llvm::formatv("{0}", spec.mlpRatio).str()
                          << " gives more than " << kMaxHidden << " channels";
  if (spec.getHidden(0) < 1)
    return emitError(loc) << spec.keys.mlpRatio << " = "
                          << llvm::formatv("{0}", spec.mlpRatio).str() << " of "
                          << spec.keys.embedDim << " = " << spec.embedDim
                          << " gives no hidden channel; it needs 1 or more";
  for (auto [index, stage] : llvm::enumerate(spec.stages))
    if (spec.getDim(index) % stage.numHeads != 0)
      return emitError(loc)
             << "stage " << index << " has " << spec.getDim(index)
             << " channels, no multiple "
             << "of its " << spec.keys.numHeads << " = " << stage.numHeads;
  return success();
}

LogicalResult import_::resolveSwin(SwinSpec &spec, const ImportOptions &options,
                                   Location loc) {
  if (failed(verifyStages(spec, loc)))
    return failure();
  spec.trainedGrid = spec.getGrid();
  if (options.imageSize)
    std::tie(spec.imageHeight, spec.imageWidth) = *options.imageSize;
  auto [height, width] = spec.getGrid();
  if (height * width > kMaxTokens)
    return emitError(loc) << spec.keys.imageSize << " = " << spec.imageHeight
                          << "x" << spec.imageWidth << " gives "
                          << height * width
                          << " patches; vitc compiles at most " << kMaxTokens;
  return success();
}
