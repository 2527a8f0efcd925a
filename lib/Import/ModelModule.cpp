//===- ModelModule.cpp - The module around a model's layers ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelModule.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr StringLiteral kInput = "pixel_values";

OwningOpRef<ModuleOp> import_::buildModelModule(const ModelInterface &interface,
                                                WeightSource &weights,
                                                Location loc,
                                                LayersFn buildLayers) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  OpBuilder weightsAt = OpBuilder::atBlockEnd(module->getBody());
  OpBuilder b(loc.getContext());
  StringAttr architecture = b.getStringAttr(interface.architecture);
  Location modelLoc = NameLoc::get(architecture);

  auto imageType = RankedTensorType::get(interface.imageShape, b.getF32Type());
  OwningOpRef<func::FuncOp> function = func::FuncOp::create(
      modelLoc, "forward", b.getFunctionType({imageType}, {}));
  function->setArgAttr(0, vit::VitDialect::kNameAttr, b.getStringAttr(kInput));
  b.setInsertionPointToEnd(function->addEntryBlock());

  BlockArgument image = function->getArgument(0);
  image.setLoc(NameLoc::get(b.getStringAttr(kInput)));
  LayerBuilder layers(weights, weightsAt, b, image);
  SmallVector<Value> results = buildLayers(layers, image);
  func::ReturnOp::create(b, modelLoc, results);
  function->setFunctionType(
      b.getFunctionType({imageType}, TypeRange(ValueRange(results))));
  for (auto [index, name] : llvm::enumerate(interface.outputs))
    function->setResultAttr(index, vit::VitDialect::kNameAttr,
                            b.getStringAttr(name));
  weightsAt.insert(function.release());

  if (failed(weights.verify()))
    return nullptr;
  (*module)->setAttr(
      vit::VitDialect::kModelAttr,
      vit::ModelAttr::get(
          b.getContext(), architecture, b.getStringAttr(interface.task),
          b.getStringAttr(weights.hash()), layers.getNumParameters(),
          interface.info.licence, interface.info.labels,
          interface.info.preprocess, interface.grid));
  if (failed(mlir::verify(*module)))
    return nullptr;
  return module;
}
