//===- ModelModule.cpp - The module around a model's layers ---------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModelModule.h"

#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

ModelInput import_::getImageInput(const ImportOptions &options,
                                  int64_t channels, int64_t height,
                                  int64_t width) {
  return {
      "pixel_values",
      {options.batch.value_or(ShapedType::kDynamic), channels, height, width}};
}

LogicalResult import_::addEntry(ModuleOp module, WeightSource &weights,
                                Location loc, const ModelEntry &entry) {
  OpBuilder weightsAt = OpBuilder::atBlockEnd(module.getBody());
  OpBuilder b(loc.getContext());
  SmallVector<Type> inputTypes;
  for (const ModelInput &input : entry.inputs)
    inputTypes.push_back(RankedTensorType::get(
        input.shape, input.element ? input.element : b.getF32Type()));
  OwningOpRef<func::FuncOp> function =
      func::FuncOp::create(loc, entry.name, b.getFunctionType(inputTypes, {}));
  b.setInsertionPointToEnd(function->addEntryBlock());
  for (auto [index, input] : llvm::enumerate(entry.inputs)) {
    StringAttr inputName = b.getStringAttr(input.name);
    function->setArgAttr(index, vit::VitDialect::kNameAttr, inputName);
    function->getArgument(index).setLoc(NameLoc::get(inputName));
  }

  ValueRange arguments = function->getArguments();
  LayerBuilder layers(weights, weightsAt, b, arguments.front());
  SmallVector<Value> results = entry.buildLayers(layers, arguments);
  if (results.empty())
    return failure();
  func::ReturnOp::create(b, loc, results);
  function->setFunctionType(
      b.getFunctionType(inputTypes, TypeRange(ValueRange(results))));
  nameResults(*function, entry.outputs);
  weightsAt.insert(function.release());
  return success();
}

void import_::nameResults(func::FuncOp function, ArrayRef<StringRef> names) {
  Builder b(function.getContext());
  for (auto [index, name] : llvm::enumerate(names))
    function.setResultAttr(index, vit::VitDialect::kNameAttr,
                           b.getStringAttr(name));
}

OwningOpRef<ModuleOp> import_::finishModule(OwningOpRef<ModuleOp> module,
                                            const ModelInterface &interface,
                                            WeightSource &weights) {
  if (failed(weights.verify()))
    return nullptr;
  int64_t numParameters = 0;
  module->walk([&](vit::WeightOp weight) {
    numParameters += weight.getType().getNumElements();
  });
  Builder b(module->getContext());
  (*module)->setAttr(
      vit::VitDialect::kModelAttr,
      vit::ModelAttr::get(
          b.getContext(), b.getStringAttr(interface.architecture),
          b.getStringAttr(interface.task), b.getStringAttr(weights.hash()),
          numParameters, interface.info.licence, interface.info.labels,
          interface.info.preprocess, interface.grid, interface.text,
          interface.sigmoid, interface.ranking, interface.generation));
  if (failed(mlir::verify(*module)))
    return nullptr;
  return module;
}

OwningOpRef<ModuleOp> import_::buildModelModule(const ModelInterface &interface,
                                                WeightSource &weights,
                                                Location loc,
                                                ArrayRef<ModelEntry> entries) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  Location modelLoc =
      NameLoc::get(StringAttr::get(loc.getContext(), interface.architecture));
  for (const ModelEntry &entry : entries)
    if (failed(addEntry(*module, weights, modelLoc, entry)))
      return nullptr;
  return finishModule(std::move(module), interface, weights);
}

OwningOpRef<ModuleOp> import_::buildModelModule(const ModelInterface &interface,
                                                WeightSource &weights,
                                                Location loc,
                                                LayersFn buildLayers,
                                                ArrayRef<ModelEntry> others) {
  SmallVector<ModelEntry, 2> entries = {
      {"forward", interface.inputs, interface.outputs, buildLayers}};
  llvm::append_range(entries, others);
  return buildModelModule(interface, weights, loc, entries);
}
