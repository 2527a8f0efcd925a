//===- Outputs.cpp - The tensors that a program gives ---------------------===//
//
// Part of the vitc project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Outputs.h"

#include "FeatureMap.h"
#include "Vit/VitDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "vitc/Analysis/SourceName.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace vitc;
using namespace vitc::import_;

static constexpr StringLiteral kMapSuffix = ":map";
static constexpr StringLiteral kResidualSuffix = ".residual";
static constexpr size_t kMaxSuggestions = 3;

OutputRequest OutputRequest::parse(StringRef text) {
  bool isMap = text.consume_back(kMapSuffix);
  return {text.str(), isMap};
}

std::string import_::suggestNames(StringRef name, ArrayRef<StringRef> names) {
  // Names that hold the whole of it come first.
  SmallVector<std::pair<unsigned, StringRef>> ranked;
  for (StringRef each : names)
    if (!each.empty())
      ranked.push_back(
          {each.contains(name) ? 0 : each.edit_distance(name), each});
  llvm::sort(ranked);
  ranked.erase(llvm::unique(ranked), ranked.end());
  std::string list;
  for (auto [distance, each] : ArrayRef(ranked).take_front(kMaxSuggestions))
    list.append(list.empty() ? "" : ", ").append(each);
  return list.empty() ? "" : "; the nearest are " + list;
}

/// Whether `name` is `layer` or within it.
static bool isWithin(StringRef name, StringRef layer) {
  return name.consume_front(layer) && (name.empty() || name.front() == '.');
}

/// "layers.0.blocks.1" of "layers.0.blocks.1.output.dense": the layer that a
/// residual sum at its end belongs to.
static StringRef getBlockName(StringRef name) {
  for (StringRef rest = name; !rest.empty();) {
    auto [parent, last] = rest.rsplit('.');
    if (llvm::all_of(last, llvm::isDigit))
      return rest;
    rest = last.empty() ? StringRef() : parent == rest ? StringRef() : parent;
  }
  return {};
}

static bool belongsTo(StringRef name, StringRef layer) {
  if (!name.consume_back(kResidualSuffix))
    return isWithin(name, layer);
  return isWithin(getBlockName(name), layer);
}

namespace {
/// The values of a function by name.
class NamedValues {
public:
  explicit NamedValues(func::FuncOp function);

  /// Null where there is no such name.
  Value find(StringRef name) const;
  std::string suggest(StringRef name) const;

private:
  struct Layer {
    StringRef name;
    Value value;
  };
  SmallVector<Layer> interface; // outputs and inputs
  SmallVector<Layer> layers;    // in order
};
} // namespace

NamedValues::NamedValues(func::FuncOp function) {
  auto getName = [](DictionaryAttr attributes) {
    auto name = attributes
                    ? attributes.getAs<StringAttr>(vit::VitDialect::kNameAttr)
                    : StringAttr();
    return name ? name.getValue() : StringRef();
  };
  Block &body = function.getBody().front();
  for (auto [index, value] :
       llvm::enumerate(body.getTerminator()->getOperands()))
    interface.push_back({getName(function.getResultAttrDict(index)), value});
  for (auto [index, value] : llvm::enumerate(body.getArguments()))
    interface.push_back({getName(function.getArgAttrDict(index)), value});
  for (Operation &op : body)
    if (op.getNumResults() == 1 && !isa<vit::ConstantOp>(op) &&
        isa<RankedTensorType>(op.getResult(0).getType()))
      if (StringRef name = getSourceName(op.getLoc()); !name.empty())
        layers.push_back({name, op.getResult(0)});
}

Value NamedValues::find(StringRef name) const {
  for (const Layer &layer : interface)
    if (layer.name == name)
      return layer.value;
  for (const Layer &layer : llvm::reverse(layers))
    if (layer.name == name)
      return layer.value;
  for (const Layer &layer : llvm::reverse(layers))
    if (belongsTo(layer.name, name))
      return layer.value;
  return nullptr;
}

std::string NamedValues::suggest(StringRef name) const {
  SmallVector<StringRef> names;
  for (const Layer &layer : llvm::concat<const Layer>(interface, layers))
    for (StringRef each = layer.name; !each.empty();
         each = each.contains('.') ? each.rsplit('.').first : StringRef())
      names.push_back(each);
  return suggestNames(name, names);
}

/// Gives the model the task that it still has.
static void updateTask(ModuleOp module, bool keepsTask) {
  auto model =
      module->getAttrOfType<vit::ModelAttr>(vit::VitDialect::kModelAttr);
  if (!model || keepsTask)
    return;
  StringRef task =
      model.getPreprocess() || model.getText() ? "embedding" : "tensor";
  module->setAttr(
      vit::VitDialect::kModelAttr,
      vit::ModelAttr::get(
          model.getContext(), model.getName(),
          StringAttr::get(model.getContext(), task), model.getSource(),
          model.getParameters(), model.getLicence(), model.getLabels(),
          model.getPreprocess(), model.getGrid(), model.getText(),
          /*sigmoid=*/false, vit::RankingAttr(), vit::GenerationAttr()));
}

LogicalResult import_::selectOutputs(ModuleOp module,
                                     const std::vector<std::string> &outputs,
                                     Location loc) {
  auto function = module.lookupSymbol<func::FuncOp>("forward");
  if (!function)
    return emitError(loc) << "generates tokens; outputs are chosen of a model "
                             "that is run once";
  Operation *terminator = function.getBody().front().getTerminator();
  NamedValues values(function);
  OpBuilder b(terminator);
  SmallVector<Value> results, chosen;
  SmallVector<DictionaryAttr> attributes;
  for (StringRef text : outputs) {
    OutputRequest request = OutputRequest::parse(text);
    Value value = values.find(request.name);
    if (!value)
      return emitError(loc) << "has no output or layer '" << request.name << "'"
                            << values.suggest(request.name);
    chosen.push_back(value);
    if (request.isMap) {
      value = buildFeatureMap(b, value, function, request.name, loc);
      if (!value)
        return failure();
    }
    results.push_back(value);
    attributes.push_back(b.getDictionaryAttr(b.getNamedAttr(
        vit::VitDialect::kNameAttr, b.getStringAttr(request.name))));
  }
  bool keepsTask = llvm::all_of(terminator->getOperands(), [&](Value value) {
    return llvm::is_contained(results, value);
  });
  terminator->setOperands(results);
  function.setFunctionType(b.getFunctionType(function.getArgumentTypes(),
                                             TypeRange(ValueRange(results))));
  function.setAllResultAttrs(attributes);
  for (Operation &op :
       llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();
  updateTask(module, keepsTask);
  return success();
}
