//===- SegformerBuilder.h - Builds a SegFormer's module --------*- C++ -*--===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// SegFormer (Xie et al. 2021): stages of overlapping patches, attention to
// fewer keys, and MLPs with a depthwise convolution; a head of linear layers
// over the maps of all stages.
//
//===----------------------------------------------------------------------===//

#ifndef VITC_LIB_IMPORT_SEGFORMERBUILDER_H
#define VITC_LIB_IMPORT_SEGFORMERBUILDER_H

#include "ModelModule.h"
#include "WeightSource.h"

namespace vitc::import_ {

enum class SegformerOutput {
  HiddenState, // the last stage's map, last_hidden_state
  Classes,     // logits of a classifier on its mean
  Map          // logits for each pixel of the first stage's map
};

struct SegformerStage {
  int64_t depth, channels, numHeads;
  int64_t patchSize, stride;
  int64_t reduction; // of the keys, along both sides
  int64_t mlpRatio;

  int64_t getHidden() const { return channels * mlpRatio; }
  /// Of the map's side for one of `size` before it.
  int64_t getSize(int64_t size) const {
    return (size + 2 * (patchSize / 2) - patchSize) / stride + 1;
  }
};

struct SegformerSpec {
  std::string architecture; // e.g. "SegformerForSemanticSegmentation"
  std::string prefix;       // of the backbone's weights, e.g. "segformer."
  SegformerOutput output = SegformerOutput::Map;

  int64_t imageHeight = 512, imageWidth = 512, channels = 3;
  llvm::SmallVector<SegformerStage, 4> stages;
  int64_t decoderWidth = 256;
  /// The last map as tokens [B, N, C] when it is an output.
  bool lastAsTokens = false;
  vit::GeluForm gelu = vit::GeluForm::Exact;
  int64_t numClasses = 0;
};

/// Takes the size that the user asked for, and checks that all sizes fit each
/// other; errors at `loc`.
mlir::LogicalResult resolveSegformer(SegformerSpec &spec,
                                     const ImportOptions &options,
                                     mlir::Location loc);

mlir::OwningOpRef<mlir::ModuleOp> buildSegformer(const SegformerSpec &spec,
                                                 WeightSource &weights,
                                                 const ModelInfo &info,
                                                 const ImportOptions &options,
                                                 mlir::Location loc);

} // namespace vitc::import_

#endif // VITC_LIB_IMPORT_SEGFORMERBUILDER_H
