//===- YolosBuilder.cpp - Builds a YOLOS's module -------------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "YolosBuilder.h"

#include "DetectionHead.h"
#include "VitEncoder.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static SmallVector<Value> buildOutputs(const VitSpec &spec,
                                       LayerBuilder &layers, Value image) {
  VitEncoder encoder(spec, layers);
  Value tokens = encoder.build(image);
  std::string norm = encoder.backbone(spec.names.norm);
  // Behind the class token.
  Value detections = layers.slice(tokens, 1, 1, spec.numRegisterTokens, norm);
  std::string because = encoder.becauseHidden();
  detections = layers.layerNorm(detections, norm, spec.layerNormEps, because);
  std::string becauseClasses = llvm::formatv(
      "{0}, {1} = {2}", because, spec.keys.numClasses, spec.numClasses);
  return {buildPredictionHead(layers, detections, "class_labels_classifier",
                              spec.numClasses + 1, becauseClasses),
          buildBoxes(layers, detections, because)};
}

OwningOpRef<ModuleOp> import_::buildYolos(const VitSpec &spec,
                                          WeightSource &weights,
                                          const ModelInfo &info,
                                          const ImportOptions &options,
                                          Location loc) {
  ModelInterface interface;
  interface.architecture = spec.architecture;
  interface.task = "detection";
  interface.inputs = {
      getImageInput(options, spec.channels, spec.imageHeight, spec.imageWidth)};
  interface.outputs = {"logits", "pred_boxes"};
  interface.info = info;
  interface.grid = vit::TokenGridAttr::get(loc.getContext(), spec.numTokens(),
                                           spec.gridHeight(), spec.gridWidth(),
                                           spec.classToken);
  return buildModelModule(interface, weights, loc,
                          [&](LayerBuilder &layers, ValueRange inputs) {
                            return buildOutputs(spec, layers, inputs[0]);
                          });
}
