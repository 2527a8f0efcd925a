//===- DetectionHead.cpp - Boxes and classes from tokens ------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DetectionHead.h"

#include "LayerActivations.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr int64_t kNumLayers = 3;

Value import_::buildPredictionHead(LayerBuilder &layers, Value tokens,
                                   const Twine &layer, int64_t outputs,
                                   const Twine &because) {
  std::string prefix = (layer + ".layers.").str();
  int64_t width = cast<RankedTensorType>(tokens.getType()).getShape().back();
  for (int64_t i = 0; i < kNumLayers; ++i) {
    bool last = i + 1 == kNumLayers;
    tokens = layers.linear(tokens, prefix + Twine(i), last ? outputs : width,
                           because);
    if (!last)
      tokens = buildRelu(layers, tokens, prefix + Twine(i) + ".relu");
  }
  return tokens;
}

Value import_::buildBoxes(LayerBuilder &layers, Value tokens,
                          const Twine &because) {
  const char *layer = "bbox_predictor";
  Value boxes =
      buildPredictionHead(layers, tokens, layer, /*outputs=*/4, because);
  return buildSigmoid(layers, boxes, "bbox_predictor.sigmoid");
}
